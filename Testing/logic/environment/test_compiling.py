"""What was installed is compiled, all of it, and what cannot be is no reason to fail."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from SemiSegLogic.environment import Requirements, compiling, prepare
from Testing.support.wheels import WANTED, make_wheel, works

MODULES = {f"part{number}": f"VALUE = {number}\n" for number in range(5)}


@pytest.mark.parametrize("processors", [1, 3])
def test_every_module_is_compiled_by_the_end_of_a_set_up(
    processors: int, shelf: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    make_wheel(shelf, "tree", "3.0", needs=["leaf"], modules={**MODULES, "old": "print 'of Python 2'\n"})
    monkeypatch.setattr(compiling.os, "cpu_count", lambda: processors)
    environment = prepare(tmp_path / "env", WANTED, base)
    assert works(environment)
    found = {path.stem: _is_compiled(path) for path in environment.root.rglob("tree/*.py")}
    assert found == {"__init__": True, **dict.fromkeys(MODULES, True), "old": False}
    said = capfd.readouterr()
    assert f"compiling the packages on {processors} processors" in said.out
    assert "SyntaxError" not in said.out + said.err


def test_a_second_set_up_compiles_what_is_new(shelf: Path, base: Path, tmp_path: Path) -> None:
    environment = prepare(tmp_path / "env", WANTED, base)
    make_wheel(shelf, "twig", modules=MODULES)
    prepare(tmp_path / "env", Requirements(("tree", "twig"), "digest2"), base)
    assert all(_is_compiled(path) for path in environment.root.rglob("twig/*.py"))
    assert len(list(environment.root.rglob("twig/*.py"))) == 1 + len(MODULES)


def _is_compiled(path: Path) -> bool:
    return Path(importlib.util.cache_from_source(str(path))).is_file()
