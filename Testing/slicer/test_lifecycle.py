"""The module's life in the application: made, shown, left, reloaded, closed; with and without a main window."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import ball, open_first, paint, settle

FILE = Path(__file__).resolve().parents[2] / "SemiSegExtension" / "SemiSeg.py"
PLACE_INDEX = 6


@pytest.fixture
def module(slicer: Any) -> Iterator[Any]:
    from Testing.support.slicer_harness.app import load_module

    loaded, _instance = load_module(FILE)
    yield loaded
    for slots in slicer.app.slots.values():
        slots.clear()


def shown(module: Any, **how: Any) -> Any:
    from Testing.support.slicer_harness.app import open_panel

    return open_panel(module, **how)


@contextmanager
def modules_put_back() -> Iterator[None]:
    """A reload makes every module of ours anew; other tests go on with those they know."""
    ours = {name: module for name, module in sys.modules.items() if name.startswith("SemiSeg")}
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.startswith("SemiSeg")]:
            del sys.modules[name]
        sys.modules.update(ours)


def names_of_nodes(slicer: Any) -> set[str]:
    """Display nodes left out: ``slicer.util.updateSegmentBinaryLabelmapFromArray`` leaves one of its own behind."""
    scene = slicer.mrmlScene
    every = (scene.GetNthNode(n) for n in range(scene.GetNumberOfNodes()))
    return {node.GetID() for node in every if not node.IsA("vtkMRMLDisplayNode")}


def test_after_a_reload_the_study_and_the_case_are_there_and_can_be_drawn_on(
    module: Any, study: Any, slicer: Any
) -> None:
    widget = shown(module)
    open_first(widget.panel, study)
    truth = ball(study.cases[0].grid.shape)[PLACE_INDEX] == 1
    paint(widget.panel, 1, SliceIndex(0, PLACE_INDEX), truth)
    old = widget.panel
    with modules_put_back():
        widget.onReload()
        new = slicer.modules.SemiSegWidget.panel
        assert new is not None
        assert new is not old
        settle(new)
        settle(new)
        assert new.controller.open_case.id == study.cases[0].id
        assert np.array_equal(new.screen.labels()[PLACE_INDEX] == 1, truth)
        assert new.label.editor.widget.segmentationNode() is new.screen.segmentation
        assert new.label.editor.widget.real.shortcuts
        assert not old.label.editor.widget.real.shortcuts
        new.label.editor.widget.setActiveEffectByName("Paint")
        assert new.label.editor.widget.real.active == "Paint"
        assert not old.label.editor.widget.real.active, "the hidden editor of before would draw, too"
        slicer.modules.SemiSegWidget.cleanup()


def test_a_panel_that_was_closed_hears_nothing_more_of_the_scene(module: Any, study: Any, slicer: Any) -> None:
    """After a reload its widgets are still there, or worse: gone while somebody draws."""
    widget = shown(module)
    open_first(widget.panel, study)
    old = widget.panel
    segmentation, heard = old.screen.segmentation, []
    widget.cleanup()
    old._scrolled = False
    old.controller.listen(heard.append)
    segmentation.GetSegmentation().GetSegment("SemiSeg_1").SetName("renamed")
    scroll = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    scroll.SetSliceOffset(scroll.GetSliceOffset() + 2)
    slicer.mrmlScene.Clear()
    assert heard == []
    assert not old._scrolled


def test_a_widget_that_is_made_and_never_shown_goes_quietly(module: Any, slicer: Any, monkeypatch: Any) -> None:
    """Slicer's generic tests make every module's widget without a main window, hence without any view."""
    from SemiSegLib.scene import views

    monkeypatch.setattr(views, "slice_nodes", list)
    widget = shown(module, enter=False)
    widget.panel.tick()
    widget.cleanup()
    widget.cleanup()
    assert widget.panel is None


def test_a_widget_that_a_script_makes_without_an_area_keeps_its_panel(module: Any, study: Any, slicer: Any) -> None:
    """Slicer's class makes a window of its own then, and sets it up before the widget's own part of making is done."""
    widget = module.SemiSegWidget()
    assert widget.panel is not None
    widget.enter()
    open_first(widget.panel, study)
    widget.cleanup()
    assert widget.panel is None
    widget.parent.close()


@pytest.mark.parametrize("how", ["quits", "closes the scene"])
def test_a_second_widget_in_one_slicer_takes_nothing_of_the_first_one_with_it(
    module: Any, study: Any, slicer: Any, how: str
) -> None:
    """As slicer.util.getNewModuleGui makes one. When it went, it emptied the segmentation of the first, too, which took
    that for the person's wish: what was drawn and not marked as done was lost.
    """
    second = shown(module, enter=False)
    first = shown(module)
    open_first(first.panel, study)
    truth = ball(study.cases[0].grid.shape)[PLACE_INDEX] == 1
    paint(first.panel, 1, SliceIndex(0, PLACE_INDEX), truth)
    if how == "quits":
        second.cleanup()
        first.cleanup()
    else:
        slicer.mrmlScene.Clear()
        first.cleanup()
        second.cleanup()
    third = shown(module)
    settle(third.panel)
    open_first(third.panel, study)
    assert np.array_equal(third.panel.screen.labels()[PLACE_INDEX] == 1, truth)
    third.cleanup()


def test_a_slicer_that_is_too_old_is_told_so_in_the_panel(module: Any, slicer: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "OLDEST_PYTHON", (99, 0))
    widget = shown(module)
    (label,) = [item for item in widget.parent.real.children() if hasattr(item, "text")]
    assert "5.10" in label.text()
    widget.exit()
    widget.cleanup()
    assert widget.panel is None


def test_when_slicer_quits_everything_is_let_go_of_once(module: Any, study: Any, slicer: Any) -> None:
    """Quitting unloads the modules, which is when a panel goes; only then others hear that the application quits."""
    widget = shown(module)
    open_first(widget.panel, study)
    paint(widget.panel, 1, SliceIndex(0, PLACE_INDEX), ball(study.cases[0].grid.shape)[PLACE_INDEX] == 1)
    panel, closed = widget.panel, []
    close = panel.close
    panel.close = lambda *way: (closed.append(1), close(*way))
    widget.exit()
    slicer.app.quit()
    assert closed == [1]
    assert widget.panel is None
    assert slicer.app.slots["aboutToQuit()"] == []
    assert list(study.cases[0].folder.glob("draft*.npz")), "what was drawn last is kept"
    widget.exit()


def test_the_self_test_passes_in_a_session_at_work_and_changes_nothing_of_it(
    module: Any, study: Any, slicer: Any
) -> None:
    """'Reload and Test' is pressed while a case is open and the scene holds nodes of the person's own."""
    import qt

    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    widget = shown(module)
    open_first(widget.panel, study)
    before = names_of_nodes(slicer)
    slicer.selfTests["SemiSeg"](msec=100)
    assert names_of_nodes(slicer) == before
    assert widget.panel.screen.volume.GetAttribute("SemiSeg.Case") == study.cases[0].id, "it is still ours"
    assert slicer.harness.asked == [], "a self-test asks nothing"
    assert qt.QSettings().value("SemiSeg/study") == str(study.folder)
    parameters = slicer.mrmlScene.GetSingletonNode("SemiSeg", "vtkMRMLScriptedModuleNode")
    assert parameters.GetParameter("study") == str(study.folder)
    assert parameters.GetParameter("case") == study.cases[0].id
    widget.panel._look_at = 0.0
    widget.panel.tick()
    assert widget.panel.label.editor.widget.segmentationNode() is widget.panel.screen.segmentation
    widget.cleanup()


def test_the_self_test_passes_beside_a_panel_at_work_whose_case_is_on_screen_again_afterwards(
    module: Any, study: Any, slicer: Any
) -> None:
    """That panel takes its editor back whenever the self-test lets Slicer work."""
    import qt

    widget = shown(module)
    open_first(widget.panel, study)
    beat = qt.QTimer()
    beat.connect("timeout()", widget.panel.label.keep_hold)
    beat.start()
    slicer.selfTests["SemiSeg"](msec=100)
    beat.stop()
    red = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceCompositeNodeRed")
    assert red.GetBackgroundVolumeID() == widget.panel.screen.volume.GetID()
    assert widget.panel.screen.current_slice() is not None
    widget.cleanup()


def test_the_self_test_is_found_and_passes_as_ctest_runs_it(module: Any) -> None:
    """``slicer.testing.runUnitTest`` loads every test case that the module's file names."""
    suite = unittest.TestLoader().loadTestsFromName("SemiSeg")
    found = unittest.TestResult()
    assert "SemiSegTest" in str(suite)
    suite.run(found)
    assert found.testsRun == 2, "ours, and the empty one that we inherit from"
    assert found.wasSuccessful(), found.errors + found.failures


def test_the_self_test_notices_an_editor_without_the_effects_that_we_show(module: Any, monkeypatch: Any) -> None:
    from SemiSegLib import selftest

    monkeypatch.setattr(selftest, "EFFECTS", ["Paint", "Airbrush"])
    with pytest.raises(AssertionError, match="Airbrush"):
        module.SemiSegTest().runTest()


def test_the_module_sets_only_what_a_scripted_module_has(module: Any) -> None:
    from Testing.support.slicer_harness.scripted import ModuleObject

    about = ModuleObject(str(FILE))
    module.SemiSeg(about)
    assert about.categories == ["Segmentation"]
    assert "Segmentations" in about.dependencies, "the panel shows its Segment Editor"
    with pytest.raises(AttributeError):
        about.homepage = "x"


def test_cases_that_are_opened_again_and_again_leave_no_nodes_behind(panel: Any, study: Any, slicer: Any) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    counts = []
    for _ in range(3):
        for number in range(3):
            panel.cases.on_case(number)
            settle(panel)
            paint(panel, 1, SliceIndex(0, 5), ball(panel.controller.open_case.grid.shape)[5] > 0)
            panel.label.on_done()
            settle(panel)
        counts.append(slicer.mrmlScene.GetNumberOfNodes())
    assert counts[0] == counts[1] == counts[2]
