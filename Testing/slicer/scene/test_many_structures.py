"""Scans with dozens of structures: no step looks at the whole volume once for every one of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.support.clinician import paint, settle

GRID = Grid((12, 40, 44), (2.0, 1.0, 1.0), (-10.0, 5.0, 20.0))
VALUES = (1, 7, 30, 100, 254)


def structures(values: tuple[int, ...] = VALUES) -> list[Any]:
    from SemiSegLib.ports import Shown

    return [Shown(value, f"structure {value}", (1.0, value / 255, 0.0)) for value in values]


def labels_on(grid: Grid, values: tuple[int, ...] = VALUES, seed: int = 0) -> Any:
    return np.random.default_rng(seed).choice(np.array([0, *values], np.uint8), grid.shape)


def put(grid: Grid, labels: Any, values: tuple[int, ...] = VALUES) -> Any:
    from SemiSegLib.scene import segments, volumes

    volume = volumes.volume_from(np.zeros(grid.shape, np.int16), grid, "image", (0, 1))
    node = segments.segmentation_for(volume, "labels")
    segments.write(node, labels, grid, structures(values))
    return node


def layer_of(node: Any) -> Any:
    return node.GetSegmentation().GetLayerDataObject(0)


def editor_of(slicer: Any, node: Any) -> Any:
    editor = slicer.vtkSlicerSegmentEditorLogic()
    editor.SetMRMLScene(slicer.mrmlScene)
    editor.SetSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.SetSegmentationNode(node)
    return editor


def test_of_a_node_that_goes_slicer_has_no_voxels_to_clear_segment_by_segment(slicer: Any) -> None:
    from SemiSegLib.scene import nodes

    node = put(GRID, labels_on(GRID))
    layer = layer_of(node)
    assert not layer.IsEmpty()
    nodes.remove(node)
    assert layer.IsEmpty()


def test_what_a_person_copied_from_our_node_stays_when_it_goes(slicer: Any) -> None:
    from SemiSegLib.scene import nodes, segments

    labels = labels_on(GRID)
    node = put(GRID, labels)
    copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    copy.Copy(node)
    nodes.remove(node)
    assert np.array_equal(segments.read(copy, GRID)[0], labels)


def test_one_more_structure_clears_no_other_one_by_one_and_can_be_undone(slicer: Any) -> None:
    from SemiSegLib.scene import segments

    labels = labels_on(GRID)
    node = put(GRID, labels)
    editor, before, left = editor_of(slicer, node), layer_of(node), []
    editor.SaveStateForUndo()
    segmentation = node.GetSegmentation()
    segmentation.AddObserver(slicer.vtkSegmentation.SegmentRemoved, lambda *_event: left.append(not before.IsEmpty()))
    segments.write(node, labels, GRID, structures((*VALUES, 31)))
    assert left == [False] * len(VALUES)
    assert np.array_equal(segments.read(node, GRID)[0], labels)
    editor.Undo()
    assert np.array_equal(segments.read(node, GRID)[0], labels)
    assert segmentation.GetNumberOfSegments() == len(VALUES)


@pytest.mark.parametrize("quits", [False, True])
def test_when_the_scene_closes_or_slicer_quits_no_voxels_are_left_to_clear(panel: Any, study: Any, quits: bool) -> None:
    import slicer

    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    painted = np.add.outer(np.arange(32), np.arange(36)) < 30
    paint(panel, 1, SliceIndex(0, 5), painted)
    layer = layer_of(panel.screen.segmentation)
    if quits:
        panel.close(scene_closes=True)
    else:
        slicer.mrmlScene.Clear()
    assert layer.IsEmpty()
    if not quits:
        panel.cases.on_case(0)
        settle(panel)
        assert np.array_equal(panel.screen.labels()[5] == 1, painted), "what was drawn is in the study"


def test_a_slice_within_what_is_drawn_is_replaced_in_place_and_undone(slicer: Any) -> None:
    from SemiSegLib.scene import segments

    labels, other, third = (labels_on(GRID, seed=seed) for seed in range(3))
    node = put(GRID, labels)
    editor, voxels = editor_of(slicer, node), layer_of(node).GetPointData().GetScalars()
    expected = [labels]
    for source, place in ((other, SliceIndex(0, 3)), (third, SliceIndex(2, 40))):
        editor.SaveStateForUndo()
        segments.write_slices(node, source, GRID, [place])
        expected.append(expected[-1].copy())
        expected[-1].swapaxes(0, place.axis)[place.index] = source.swapaxes(0, place.axis)[place.index]
        assert np.array_equal(segments.read(node, GRID)[0], expected[-1])
    assert layer_of(node).GetPointData().GetScalars() is voxels
    for before in reversed(expected[:-1]):
        editor.Undo()
        assert np.array_equal(segments.read(node, GRID)[0], before)


def test_a_value_that_is_no_structure_is_found_among_many(slicer: Any) -> None:
    """The segment is the person's own, and has not become a structure yet."""
    from SemiSegLib.scene import segments

    labels = labels_on(GRID)
    node = put(GRID, labels)
    node.GetSegmentation().GetSegment("SemiSeg_30").RemoveTag(segments.VALUE)
    assert np.array_equal(segments.read(node, GRID)[0], np.where(labels == 30, 0, labels))


@pytest.mark.parametrize(("value", "known"), [(0, True), (7, True), (2, False), (255, False)])
def test_a_single_voxel_of_another_value_is_noticed(slicer: Any, value: int, known: bool) -> None:
    from SemiSegLib.scene.labelmaps import holds_only

    labels = labels_on(GRID)
    assert holds_only(labels, VALUES)
    labels[4, 6, 7] = value
    assert holds_only(labels[:, ::2, 1:], VALUES) == known
    assert holds_only(labels[:, 1::2, 1:], VALUES)


def test_reading_a_hundred_structures_takes_hardly_longer_than_reading_two(slicer: Any) -> None:
    from SemiSegLib.scene import segments

    grid = Grid((60, 256, 256))

    def seconds(read: Callable[[], object]) -> float:
        begun = time.process_time()
        read()
        return time.process_time() - begun

    few, many = (put(grid, labels_on(grid, values), values) for values in ((1, 2), tuple(range(1, 101))))
    times = [min(seconds(lambda node=node: segments.read(node, grid)) for _ in range(5)) for node in (few, many)]
    assert times[1] < 4 * times[0]
