"""How much memory is free, as each system tells it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from SemiSegLogic.engine.hardware import available
from SemiSegLogic.engine.hardware.available import available_memory

OF_A_MAC = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              100000.
Pages active:                            400000.
Pages inactive:                          300000.
Pages speculative:                        20000.
Pages throttled:                              0.
Pages wired down:                        120000.
Pages purgeable:                           1000.
"Translation faults":                 123456789.
"""


def test_on_linux_the_file_cache_counts_as_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "meminfo"
    file.write_text("MemTotal:  16000000 kB\nMemFree:  200000 kB\nMemAvailable:  9000000 kB\n")
    monkeypatch.setattr(available.sys, "platform", "linux")
    monkeypatch.setattr(available, "MEMINFO", file)
    assert available_memory() == 9_000_000 * 1024
    monkeypatch.setattr(available, "MEMINFO", tmp_path / "none")
    assert available_memory() is None


def test_on_a_mac_what_is_given_back_at_once_counts_as_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available.sys, "platform", "darwin")
    monkeypatch.setattr(available.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=OF_A_MAC))
    assert available_memory() == 421_000 * 16384


@pytest.mark.parametrize("said", ["", "Pages free: 3.", "page size of 16384 bytes"])
def test_a_mac_that_says_something_else_does_not_tell(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(available.sys, "platform", "darwin")
    monkeypatch.setattr(available.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=said))
    assert available_memory() is None


def test_a_mac_without_its_tool_does_not_tell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(available.sys, "platform", "darwin")
    monkeypatch.setattr(available, "VM_STAT", str(tmp_path / "none"))
    assert available_memory() is None


def test_this_computer_tells_without_torch() -> None:
    program = ("import sys; from SemiSegLogic.engine.hardware.available import available_memory;"
               "print(available_memory() or 0, 'torch' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).resolve().parents[4])
    free, torch = done.stdout.split()
    assert torch == "False"
    assert sys.platform not in ("linux", "win32", "darwin") or (64 << 20) < int(free) < (1 << 50)
