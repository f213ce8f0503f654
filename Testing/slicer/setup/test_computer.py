"""What the check of the computer says of the graphics card, with a PyTorch that is pretended."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from SemiSegLib.setup import computer
from SemiSegLogic.environment.builds import Card

TORCH = """
from types import SimpleNamespace
__version__ = "2.9.0+cu130"
cuda = SimpleNamespace(is_available=lambda: True, get_device_properties=lambda _: SimpleNamespace(
    name="GTX 1080", total_memory=8_000_000_000))

def ones(size, device):
    assert device == "cuda"
    {computes}
"""
FAILS = "raise RuntimeError('CUDA error: no kernel image is available for execution on the device\\nCompile with')"
WORKS = "return SimpleNamespace(sum=lambda: SimpleNamespace(item=lambda: 1.0))"


def _told(folder: Path, computes: str) -> list[tuple[str, str]]:
    """Levels and texts of what a Python says of its card."""
    (folder / "torch.py").write_text(TORCH.format(computes=computes))
    interpreter = SimpleNamespace(python=[sys.executable], environment=lambda: {"PYTHONPATH": str(folder)})
    return [(finding.level, finding.text) for finding in computer._graphics(computer._ask_torch(interpreter))]


def test_a_card_is_named_that_pytorch_computes_on(tmp_path: Path) -> None:
    assert _told(tmp_path, WORKS) == [("good", "Training will use the graphics card GTX 1080 (8 GB).")]


def test_a_card_that_pytorch_sees_and_cannot_compute_on_is_not_called_good(tmp_path: Path) -> None:
    """A training would fail on it: a build of PyTorch has no kernels for cards that are older or newer."""
    ((level, text),) = _told(tmp_path, FAILS)
    assert level == "stop"
    assert "cannot compute on the graphics card GTX 1080 (CUDA error: no kernel image" in text
    assert "Repair" in text
    assert "Compile with" not in text


def test_a_pytorch_that_loads_slowly_is_no_reason_to_repair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Said was that the environment does not start, with the whole of our program in between, and to press Repair."""
    (tmp_path / "torch.py").write_text("import time; time.sleep(30)")
    monkeypatch.setattr(computer, "PATIENCE_S", 0.5)
    interpreter = SimpleNamespace(python=[sys.executable], environment=lambda: {"PYTHONPATH": str(tmp_path)},
                                  look=lambda: SimpleNamespace(kind="ready"), folder=tmp_path)
    (finding,) = computer._environment(interpreter)
    assert finding.level == "warning"
    assert "wait some minutes" in finding.text
    assert "import" not in finding.text
    assert "Repair" not in finding.text


def test_a_card_that_pytorch_does_not_see_asks_for_its_build(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(computer, "find_cards", lambda: [Card("RTX 4090", 580, (8, 9))])
    (finding,) = computer._graphics({"card": "", "why": ""})
    assert finding.level == "warning"
    assert "(cu130)" in finding.text
