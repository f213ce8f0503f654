"""Opening the module: quick, without heavy imports, and clean on leaving."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "SemiSegExtension" / "SemiSegLib"
OURS_AND_SLICERS = {"SemiSegLogic", "SemiSegLib", "slicer", "qt", "ctk", "vtk", "numpy"}


def test_no_file_imports_anything_but_the_standard_library_slicer_and_ours_at_file_scope() -> None:
    for path in [ROOT / "SemiSegExtension" / "SemiSeg.py", *LIBRARY.rglob("*.py")]:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [str(node.module)]
            for name in {name.split(".")[0] for name in names}:
                assert name in sys.stdlib_module_names | OURS_AND_SLICERS, f"{path.name} imports {name}"


def test_the_controller_side_needs_neither_slicer_nor_qt() -> None:
    screen = {"panel", "scene", "words.py", "selftest.py"}
    for path in LIBRARY.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
        top = path.relative_to(LIBRARY).parts[0]
        assert top in screen or names.isdisjoint({"slicer", "qt", "ctk", "vtk"}), path.name


def test_opening_the_module_loads_few_modules_and_nothing_heavy(slicer: Any, tmp_path: Path) -> None:
    """Counted, not timed: ``python -m Testing.benchmarks.waiting.opening`` tells the seconds."""
    from Testing.benchmarks.waiting.opening import opened

    told = opened(tmp_path)
    assert told.heavy == []
    assert 30 < told.ours < 90, "modules of SemiSegLib and SemiSegLogic"
    assert told.others < 80, "modules of the standard library that Slicer had not loaded"


def test_starting_slicer_loads_only_the_modules_file(slicer: Any, tmp_path: Path) -> None:
    """Every module of every extension is imported when Slicer starts; the panel is not among them."""
    from Testing.benchmarks.waiting.opening import started

    told = started(tmp_path)
    assert told.ours == 0
    assert told.heavy == []
    assert told.others <= 2


def test_the_modules_own_self_test_passes_as_slicer_runs_it(slicer: Any) -> None:
    """``slicer.util.selfTest`` and 'Reload and Test' make the test class and call runTest."""
    from Testing.support.slicer_harness.app import load_module

    module, _instance = load_module(ROOT / "SemiSegExtension" / "SemiSeg.py")
    module.SemiSegTest().runTest()
    assert slicer.harness.asked == [], "a self-test asks nothing"


def test_a_self_test_that_finds_a_moved_voxel_fails(slicer: Any, monkeypatch: Any) -> None:
    from SemiSegLib import selftest

    real = selftest.Screen.labels
    monkeypatch.setattr(selftest.Screen, "labels", lambda self: real(self)[::-1])
    with pytest.raises(AssertionError, match="voxels moved"):
        selftest.run()


def test_the_module_says_what_it_is(slicer: Any) -> None:
    from Testing.support.slicer_harness.app import load_module

    _module, instance = load_module(ROOT / "SemiSegExtension" / "SemiSeg.py")
    about = instance.parent
    assert about.title == "SemiSeg"
    assert "href" in about.helpText
    assert "CC BY-SA 4.0" in about.acknowledgementText
    assert about.contributors
    assert (ROOT / "SemiSegExtension" / "Resources" / "Icons" / "SemiSeg.png").is_file()


def test_every_method_has_its_words_without_the_settings_being_loaded_for_them(slicer: Any) -> None:
    from SemiSegLib.training.methods import method_words
    from SemiSegLogic.settings import CHOICES

    assert method_words().keys() == CHOICES.keys()
    assert next(iter(method_words())) == "recommended"
