"""A person registers an image, drags the case under the transform and hardens it: image and labels lie elsewhere then.
What was drawn is drawn on the same voxels of the image all the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import draw, open_first, settle, suggestion_for


@pytest.fixture(params=[(0.0, (5.0, 3.0, 2.0)), (20.0, (0.5, 3.0, 0.0))], ids=["by whole voxels", "turned"])
def transform(request: Any, slicer: Any) -> Any:
    import vtk

    degrees, way = request.param
    turn = vtk.vtkTransform()
    turn.Translate(*way)
    turn.RotateZ(degrees)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(turn.GetMatrix())
    return node


@pytest.mark.parametrize("first", ["image", "labels"])
def test_what_is_drawn_stays_on_its_voxels_where_image_and_labels_are_moved_for_good(
    panel: Any, study: Any, transform: Any, first: str
) -> None:
    """One after the other, and everything is saved in between, as the timer does it."""
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    judged = draw(panel, 6)
    panel.label.on_done()
    drawn = draw(panel, 5)
    save(panel)
    stage = panel.screen._stage
    parts = [stage.node(role) for role in ("image", "labels", "suggestion")]
    for node in parts:
        node.SetAndObserveTransformNodeID(transform.GetID())
    for node in parts if first == "image" else parts[1:] + parts[:1]:
        node.HardenTransform()
        save(panel)
    assert panel.screen.current_slice() is None, "nothing is judged while it is elsewhere"

    def as_it_was() -> None:
        assert np.array_equal(case.labels()[6], judged)
        assert np.count_nonzero(case.labels()) == np.count_nonzero(judged)
        assert panel.controller.open_case.touched == {SliceIndex(0, 5)}
        assert np.array_equal(panel.screen.labels()[5:7], [drawn, judged])
        assert len(case.versions()) == 1

    as_it_was()
    panel.label.on_straighten()
    save(panel)
    as_it_was()
    assert panel.screen.current_slice() is not None
    shown = panel.screen._stage.node("suggestion")
    assert np.array_equal(segments_on(shown, case.grid), case.suggestion())
    assert np.array_equal(segments_on(panel.screen.segmentation, case.grid), panel.screen.labels())


def segments_on(node: Any, grid: Any) -> Any:
    from SemiSegLib.scene import segments

    return segments.read(node, grid)[0]


def save(panel: Any) -> None:
    panel.controller.labelling.edited()
    panel.controller.labelling.save_now()
    settle(panel)


def cropped(panel: Any, slicer: Any) -> None:
    """As the module Crop Volume leaves it where its output is its input."""
    import vtk

    node, small = panel.screen.volume, vtk.vtkExtractVOI()
    small.SetInputData(node.GetImageData())
    small.SetVOI(4, 30, 4, 28, 2, 9)
    small.Update()
    image = vtk.vtkImageData()
    image.DeepCopy(small.GetOutput())
    image.SetExtent(0, 26, 0, 24, 0, 7)
    node.SetAndObserveImageData(image)
    node.SetOrigin(*(start + step for start, step in zip(node.GetOrigin(), (-4.0, -4.0, 4.0), strict=True)))


def emptied(panel: Any, slicer: Any) -> None:
    """As a module leaves it that failed."""
    panel.screen.volume.SetAndObserveImageData(None)


@pytest.mark.parametrize("change", [cropped, emptied])
def test_an_image_that_was_made_anew_in_its_node_comes_back_with_what_was_drawn(
    panel: Any, study: Any, slicer: Any, change: Any
) -> None:
    from SemiSegLib.scene.volumes import array_of

    case = open_first(panel, study)
    judged = draw(panel, 6)
    panel.label.on_done()
    drawn = draw(panel, 5)
    save(panel)
    change(panel, slicer)
    save(panel)
    panel.tick()
    assert not panel.label.done.enabled
    panel.label.on_straighten()
    settle(panel)
    panel.tick()
    assert panel.label.done.enabled
    assert np.array_equal(array_of(panel.screen.volume)[0], case.image())
    assert np.array_equal(panel.screen.labels()[5:7], [drawn, judged])
    assert np.array_equal(case.labels()[6], judged)
    assert panel.controller.open_case.touched == {SliceIndex(0, 5)}
    assert len(case.versions()) == 1
