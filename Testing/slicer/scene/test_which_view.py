"""Which slice a person means: of the view that they draw or scroll in, whatever other views do meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import ball, draw, open_first, paint, settle


def view(slicer: Any, name: str) -> Any:
    return slicer.mrmlScene.GetNodeByID(f"vtkMRMLSliceNode{name}")


def point_at(slicer: Any, name: str) -> None:
    """Move the mouse into a view, or out of all of them ("")."""
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if name:
        crosshair.SetCursorPositionXYZ([10.0, 10.0, 0.0], view(slicer, name))
    else:
        crosshair.SetCursorPositionInvalid()


def scroll(slicer: Any, name: str, step: float = 1.0) -> None:
    node = view(slicer, name)
    node.SetSliceOffset(node.GetSliceOffset() + step)


@pytest.fixture
def opened(panel: Any, study: Any, slicer: Any) -> Any:
    """A case on screen, the red view at slice 5 along k, nobody pointing anywhere."""
    open_first(panel, study)
    point_at(slicer, "")
    panel.screen.jump(SliceIndex(0, 5))
    assert panel.screen.current_slice() == SliceIndex(0, 5)
    yield panel
    point_at(slicer, "")
    slicer.harness.core.lay_out("Red", "Yellow", "Green")


def test_a_window_that_is_resized_does_not_change_the_slice_that_is_meant(opened: Any, slicer: Any) -> None:
    """Every view node is modified then, the last one being another than the person's."""
    for name in ("Red", "Green", "Yellow"):
        view(slicer, name).SetDimensions(317, 211, 1)
        view(slicer, name).SetFieldOfView(50.0, 40.0, 1.0)
    assert opened.screen.current_slice() == SliceIndex(0, 5)


def test_a_view_that_is_scrolled_becomes_the_one_that_is_meant(opened: Any, slicer: Any) -> None:
    scroll(slicer, "Yellow", 3.0)
    assert opened.screen.current_slice().axis == 2


def test_views_that_follow_the_mouse_do_not_become_the_one_that_is_meant(opened: Any, slicer: Any) -> None:
    """With Shift pressed the crosshair takes all the other views along."""
    point_at(slicer, "Red")
    scroll(slicer, "Green", 2.0)
    scroll(slicer, "Yellow", 2.0)
    assert opened.screen.current_slice() == SliceIndex(0, 5)


def test_the_mouse_that_crosses_another_view_on_its_way_to_the_panel_changes_nothing(opened: Any, slicer: Any) -> None:
    for name in ("Red", "Green", "Yellow", ""):
        point_at(slicer, name)
    assert opened.screen.current_slice() == SliceIndex(0, 5)


def test_the_view_that_is_drawn_in_is_the_one_that_is_meant(opened: Any, slicer: Any) -> None:
    shape = opened.controller.open_case.grid.shape
    coronal = SliceIndex(1, shape[1] // 2)
    opened.screen.jump(coronal)
    opened.screen.jump(SliceIndex(0, 5))
    point_at(slicer, "Green")
    paint(opened, 1, coronal, ball(shape)[:, coronal.index] > 0)
    point_at(slicer, "")
    assert opened.screen.current_slice() == coronal


def test_a_slice_that_comes_into_view_is_told_once(opened: Any, slicer: Any) -> None:
    told = []
    opened.screen.scrolled = lambda: told.append(opened.screen.current_slice())
    view(slicer, "Red").SetDimensions(300, 200, 1)
    assert told == []
    scroll(slicer, "Red", 2.0)
    assert told == [SliceIndex(0, 6)]


def test_a_view_that_the_layout_does_not_show_is_not_the_one_that_is_meant(opened: Any, slicer: Any) -> None:
    """Somebody made the yellow view fill the window: Slice done must not judge a slice of the red one behind it."""
    opened._scrolled = False
    slicer.harness.core.lay_out("Yellow")
    assert opened._scrolled, "the panel says which slice is meant now"
    assert opened.screen.current_slice().axis == 2
    slicer.harness.core.lay_out("Red", "Yellow", "Green")
    assert opened.screen.current_slice() == SliceIndex(0, 5)


def test_a_slice_that_no_view_on_screen_can_show_is_told_and_not_meant(opened: Any, slicer: Any) -> None:
    slicer.harness.core.lay_out("Yellow")
    seen = opened.screen.current_slice()
    opened.label.on_link("0:7")
    assert "No view on screen shows axial slices" in opened.controller.notice[0]
    assert opened.screen.current_slice() == seen
    slicer.harness.core.lay_out("Red", "Yellow", "Green")
    opened.label.on_link("0:7")
    assert opened.screen.current_slice() == SliceIndex(0, 7)


def test_a_view_that_a_layout_makes_later_counts_when_it_is_scrolled(opened: Any, slicer: Any) -> None:
    core = slicer.harness.core
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(core.application)
    logic.SetMRMLScene(slicer.mrmlScene)
    node = logic.AddSliceNode("Compare1")
    node.SetOrientation("Sagittal")
    node.SetMappedInLayout(True)
    opened.tick()
    opened.label.refresh()
    node.SetSliceOffset(node.GetSliceOffset() + 3.0)
    assert opened.screen._attention._view is node
    assert opened.screen.current_slice().axis == 2
    slicer.mrmlScene.RemoveNode(node)


@pytest.mark.parametrize("how", ["transform", "centre"])
def test_on_an_image_that_was_moved_no_slice_is_judged_until_it_is_put_back(
    panel: Any, study: Any, slicer: Any, how: str
) -> None:
    """The module Volumes centres it with a button, the module Data puts it under a transform with a drag: what is seen
    on a slice is then on another one of the study.
    """
    import vtk

    case = open_first(panel, study)
    draw(panel, 6)
    volume = panel.screen.volume
    if how == "centre":
        slicer.modules.volumes.logic().CenterVolume(volume)
    else:
        moved = vtk.vtkMatrix4x4()
        moved.SetElement(2, 3, 8.0)
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        node.SetMatrixTransformToParent(moved)
        volume.SetAndObserveTransformNodeID(node.GetID())
    panel.tick()
    assert not panel.label.done.enabled
    assert not panel.label.straighten.real.isHidden()
    panel.label.on_done()
    settle(panel)
    assert case.annotated == []
    panel.label.on_straighten()
    panel.tick()
    assert panel.label.done.enabled
    assert volume.GetParentTransformNode() is None
    panel.screen.jump(SliceIndex(0, 6))
    panel.label.on_done()
    settle(panel)
    assert [item.place for item in case.annotated] == [SliceIndex(0, 6)]
