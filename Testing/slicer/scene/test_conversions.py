"""Slicer makes voxels anew: from surfaces, on another lattice, by hardening a transform. What was drawn stays as it was
drawn, the person is told, and gets it back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import ball, draw, open_first, paint, settle, suggestion_for

VOXELS, SURFACES = "Binary labelmap", "Closed surface"


def surfaces_only(panel: Any, slicer: Any) -> None:
    """Module Segmentations: make surfaces, make them the source."""
    panel.screen.segmentation.CreateClosedSurfaceRepresentation()
    panel.screen.segmentation.GetSegmentation().SetSourceRepresentationName(SURFACES)


def voxels_removed(panel: Any, slicer: Any) -> None:
    """By a script: the module does not take the source away."""
    panel.screen.segmentation.CreateClosedSurfaceRepresentation()
    panel.screen.segmentation.GetSegmentation().RemoveRepresentation(VOXELS)


def to_surfaces_and_back(panel: Any, slicer: Any) -> None:
    surfaces_only(panel, slicer)
    panel.screen.segmentation.CreateBinaryLabelmapRepresentation()
    panel.screen.segmentation.GetSegmentation().SetSourceRepresentationName(VOXELS)


def other_geometry(panel: Any, slicer: Any) -> None:
    """Specify geometry, twice as fine: every labelmap is resampled to it."""
    import vtk

    segmentation = panel.screen.segmentation.GetSegmentation()
    layer = segmentation.GetLayerDataObject(0, VOXELS)
    fine, matrix = slicer.vtkOrientedImageData(), vtk.vtkMatrix4x4()
    layer.GetImageToWorldMatrix(matrix)
    for row in range(3):
        for column in range(3):
            matrix.SetElement(row, column, matrix.GetElement(row, column) * 0.6)
    fine.SetGeometryFromImageToWorldMatrix(matrix)
    fine.SetExtent(0, 70, 0, 70, 0, 30)
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(layer, fine, layer)
    segmentation.InvokeEvent(slicer.vtkSegmentation.RepresentationModified)


def bent(slicer: Any) -> Any:
    """What a deformable registration gives."""
    import vtk

    spline, here, there = vtk.vtkThinPlateSplineTransform(), vtk.vtkPoints(), vtk.vtkPoints()
    spline.SetBasisToR()
    ways = ((0, 0, 0), (3, 2, 0)), ((40, 0, 0), (0, 0, 0)), ((0, 40, 0), (0, -3, 0)), ((0, 0, 30), (0, 0, 4))
    for start, way in ways:
        here.InsertNextPoint(*start)
        there.InsertNextPoint(*(a + b for a, b in zip(start, way, strict=True)))
    spline.SetSourceLandmarks(here)
    spline.SetTargetLandmarks(there)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTransformNode")
    node.SetAndObserveTransformToParent(spline)
    return node


def straight(slicer: Any) -> Any:
    """Whole voxels to the side."""
    import vtk

    way = vtk.vtkTransform()
    way.Translate(2.0, 3.0, 0.0)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetMatrixTransformToParent(way.GetMatrix())
    return node


def labels_bent(panel: Any, slicer: Any) -> None:
    harden(bent(slicer), panel.screen.segmentation)


def both_bent(panel: Any, slicer: Any) -> None:
    harden(bent(slicer), panel.screen.segmentation, panel.screen.volume)


def labels_shifted(panel: Any, slicer: Any) -> None:
    """The image stays where it is."""
    harden(straight(slicer), panel.screen.segmentation)


def harden(transform: Any, *nodes: Any) -> None:
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    for node in nodes:
        node.HardenTransform()


def stroke(panel: Any) -> None:
    """Somebody draws on, say in the module Segment Editor."""
    segmentation = panel.screen.segmentation.GetSegmentation()
    segmentation.InvokeEvent(slicer_event())


def slicer_event() -> Any:
    import slicer

    return slicer.vtkSegmentation.RepresentationModified


def save(panel: Any) -> None:
    panel.controller.labelling.save_now()
    settle(panel)
    panel._look_at = 0.0
    panel.tick()


each_way = pytest.mark.parametrize("convert", [
    surfaces_only, voxels_removed, to_surfaces_and_back, other_geometry, labels_bent, both_bent, labels_shifted,
])


@pytest.fixture
def drawn(panel: Any, study: Any) -> Any:
    """The first case with slices 6 and 7 done, 5 drawn."""
    case = open_first(panel, study)
    for index in (6, 7):
        draw(panel, index)
        panel.label.on_done()
        settle(panel)
    draw(panel, 5)
    save(panel)
    return case


@each_way
def test_what_slicer_made_of_a_drawing_is_not_saved_and_the_drawing_comes_back(
    panel: Any, drawn: Any, slicer: Any, convert: Callable[[Any, Any], None]
) -> None:
    labels, shown, version = drawn.labels(), panel.screen.labels(), drawn.version
    convert(panel, slicer)
    save(panel)
    stroke(panel)
    save(panel)
    panel.label.on_done()
    panel.label.on_empty()
    save(panel)
    assert drawn.version == version
    assert np.array_equal(drawn.labels(), labels)
    assert panel.screen.current_slice() is None, "nothing can be judged"
    assert panel.label.editor.widget.segmentationNode() is None, "nor drawn"
    assert panel.label.straighten.text == "Bring back what I drew"
    panel.label.on_straighten()
    save(panel)
    save(panel)
    assert np.array_equal(panel.screen.labels(), shown)
    assert np.array_equal(drawn.labels(), labels)
    assert panel.controller.open_case.touched == {SliceIndex(0, 5)}
    assert panel.screen.current_slice() is not None
    assert panel.label.editor.widget.segmentationNode() is panel.screen.segmentation
    truth = draw(panel, 8)
    panel.label.on_done()
    settle(panel)
    assert np.array_equal(drawn.labels()[6:9], [*labels[6:8], truth])


def test_the_person_is_told_and_what_was_drawn_on_it_is_kept_as_a_version(
    panel: Any, drawn: Any, slicer: Any
) -> None:
    labels = drawn.labels()
    to_surfaces_and_back(panel, slicer)
    paint(panel, 1, SliceIndex(0, 2), ball(drawn.grid.shape)[6] == 1)
    save(panel)
    assert panel.controller.notice[1] == "warning"
    assert "Nothing of it was saved" in panel.controller.notice[0]
    panel.label.on_straighten()
    save(panel)
    assert np.array_equal(drawn.labels(), labels)
    assert not panel.screen.labels()[2].any()
    newest = drawn.versions()[0]
    assert newest.note == "as Slicer converted it"
    kept = drawn.history.read(newest, drawn.grid)
    assert np.array_equal(kept[2] == 1, ball(drawn.grid.shape)[6] == 1)


@each_way
def test_another_case_and_back_brings_the_drawing_back_too(
    panel: Any, drawn: Any, slicer: Any, convert: Callable[[Any, Any], None]
) -> None:
    labels, shown = drawn.labels(), panel.screen.labels()
    convert(panel, slicer)
    stroke(panel)
    for row in (1, 0):
        panel.cases.on_case(row)
        settle(panel)
    assert np.array_equal(panel.screen.labels(), shown)
    assert np.array_equal(drawn.labels(), labels)
    assert panel.controller.open_case.touched == {SliceIndex(0, 5)}


def test_accepting_a_case_that_was_converted_takes_what_was_drawn(panel: Any, drawn: Any, slicer: Any) -> None:
    labels = drawn.labels()
    suggestion_for(drawn)
    panel.controller.results.reload_suggestion()
    settle(panel)
    surfaces_only(panel, slicer)
    panel.controller.results.accept_case()
    settle(panel)
    save(panel)
    assert np.array_equal(drawn.labels()[6:8], labels[6:8])
    assert np.array_equal(panel.screen.labels(), drawn.labels())
    assert panel.screen.segmentation.GetSegmentation().GetSourceRepresentationName() == VOXELS


@pytest.mark.parametrize("transform", [bent, straight])
def test_a_transform_that_is_taken_away_again_changes_nothing(
    panel: Any, drawn: Any, slicer: Any, transform: Callable[[Any], Any]
) -> None:
    labels, shown, there = drawn.labels(), panel.screen.labels(), transform(slicer)
    parts = (panel.screen.volume, panel.screen.segmentation)
    for node in parts:
        node.SetAndObserveTransformNodeID(there.GetID())
    assert panel.screen.current_slice() is None
    for node in parts:
        node.SetAndObserveTransformNodeID(None)
    save(panel)
    assert not panel.screen.converted
    assert panel.screen.current_slice() is not None
    assert np.array_equal(drawn.labels(), labels)
    assert np.array_equal(panel.screen.labels(), shown)


def test_an_image_that_a_transform_was_hardened_on_comes_back_before_slices_are_judged(
    panel: Any, drawn: Any, slicer: Any
) -> None:
    """Where its grid stays the same, its voxels do not."""
    from SemiSegLib.scene.volumes import array_of, image_data

    image, node = drawn.image(), panel.screen.volume
    node.SetAndObserveTransformNodeID(bent(slicer).GetID())
    node.SetAndObserveImageData(image_data(image[:, ::-1]))
    node.SetAndObserveTransformNodeID(None)
    assert panel.screen.current_slice() is None
    panel.label.on_straighten()
    settle(panel)
    assert np.array_equal(array_of(panel.screen.volume)[0], image)
    assert panel.screen.current_slice() is not None


def test_showing_in_3d_is_no_conversion(panel: Any, drawn: Any, slicer: Any) -> None:
    panel.screen.segmentation.CreateClosedSurfaceRepresentation()
    truth = draw(panel, 8)
    panel.label.on_done()
    settle(panel)
    panel.screen.segmentation.RemoveClosedSurfaceRepresentation()
    save(panel)
    assert not panel.screen.converted
    assert np.array_equal(drawn.labels()[8], truth)


def test_a_segment_copied_from_another_lattice_can_be_used(panel: Any, drawn: Any, slicer: Any) -> None:
    """Its voxels never lay on ours: they are brought over once, as ever."""
    from SemiSegLib.ports import Shown
    from SemiSegLib.scene import segments
    from SemiSegLogic.geometry import Grid

    grid = drawn.grid
    fine = Grid((24, 64, 72), (1.0, 0.5, 0.5), (grid.origin[0] - 0.25, grid.origin[1] - 0.25, grid.origin[2] - 0.5))
    theirs = segments.segmentation_for(panel.screen.volume, "theirs")
    label = np.zeros(fine.shape, np.uint8)
    label[4:8, 4:20, 4:20] = 1
    segments.write(theirs, label, fine, [Shown(1, "cyst", (0.0, 1.0, 0.0), "cyst")])
    theirs.GetSegmentation().GetSegment("cyst").RemoveTag(segments.VALUE)
    ours = panel.screen.segmentation.GetSegmentation()
    ours.CopySegmentFromSegmentation(theirs.GetSegmentation(), "cyst")
    for _ in range(2):
        save(panel)
        stroke(panel)
    assert not panel.screen.converted
    assert np.count_nonzero(panel.screen.labels() == 3) == 2 * 8 * 8
