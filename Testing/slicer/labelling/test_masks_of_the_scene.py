"""What somebody drew in Slicer before, a segmentation or a label map, becomes annotation as its file would."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.support.clinician import ball, draw, open_first, settle


@pytest.fixture
def theirs(slicer: Any, study: Any) -> Any:
    """Puts the ball of the first case into the scene under names of another program."""
    from SemiSegLib.ports import Shown
    from SemiSegLib.scene import segments, volumes

    def put(name: str = "theirs", outer: str = "Ball", inner: str = "core", grid: Any = None, array: Any = None) -> Any:
        grid = grid or study.cases[0].grid
        array = ball(grid.shape).astype(np.uint8) if array is None else array
        image = volumes.volume_from(np.zeros(grid.shape, np.int16), grid, "theirs too", (0, 1))
        node = segments.segmentation_for(image, name)
        segments.write(node, array, grid, [Shown(1, outer, (1.0, 0.0, 0.0)), Shown(2, inner, (0.0, 1.0, 0.0))])
        for segment in node.GetSegmentation().GetSegmentIDs():
            node.GetSegmentation().GetSegment(segment).RemoveTag(segments.VALUE)
        return node

    return put


@pytest.fixture
def label_map(slicer: Any, study: Any) -> Any:
    """The same as a label map."""
    from SemiSegLib.scene.geometry import ijk_to_ras, to_vtk
    from SemiSegLib.scene.volumes import image_data

    def put(name: str = "drawn in 2015", crop: int = 0) -> Any:
        grid = study.cases[0].grid
        array = ball(grid.shape)[:, :, : grid.shape[2] - crop]
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", name)
        node.SetIJKToRASMatrix(to_vtk(ijk_to_ras(grid)))
        node.SetAndObserveImageData(image_data(np.ascontiguousarray(array)))
        return node

    return put


def import_node(panel: Any, node: Any) -> None:
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    panel.label.masks.on_import()
    settle(panel)


def put_values(node: Any, case: Any, kind: Any, core: float) -> None:
    """The ball, of voxels of this ``kind``, with another value for its core."""
    from SemiSegLib.scene.volumes import image_data

    array = ball(case.grid.shape).astype(kind)
    array[array == 2] = core
    node.SetAndObserveImageData(image_data(array))


def placed(grid: Grid, shape: tuple[int, int, int], **changes: Any) -> Grid:
    return Grid(shape, changes.get("spacing", grid.spacing), changes.get("origin", grid.origin),
                changes.get("direction", grid.direction))  # fmt: skip


@pytest.mark.parametrize("kind", ["segmentation", "label map"])
def test_it_comes_in_voxel_for_voxel_on_the_slices_where_something_is_drawn(
    panel: Any, study: Any, theirs: Any, label_map: Any, kind: str
) -> None:
    case = open_first(panel, study)
    truth = ball(case.grid.shape)
    import_node(panel, theirs() if kind == "segmentation" else label_map())
    assert panel.controller.notice[1] == "good", panel.controller.notice
    assert case.places == [SliceIndex(0, k) for k in np.flatnonzero(truth.any(axis=(1, 2)))]
    assert np.array_equal(case.labels(), truth)
    assert np.array_equal(panel.screen.labels(), truth)
    assert study.structures.names == {"ball": 1, "core": 2}
    panel.label.editor.widget.real.editor.Undo()
    assert not panel.screen.labels().any()


def test_the_button_offers_what_is_in_the_scene_beside_a_file_and_nothing_of_ours(
    panel: Any, study: Any, slicer: Any, theirs: Any, label_map: Any, tmp_path: Any
) -> None:
    open_first(panel, study)
    for node in (theirs("Jan"), theirs("Jan", grid=study.cases[1].grid), label_map()):
        assert node is not None
    panel.label.on_mask()
    said = [action.text() for action in panel.label.masks._menu.real.actions()]
    assert said[0] == "A file …"
    assert said[1:3] == [f"In the scene: Jan (segments: 2), {n} of 2" for n in (1, 2)]
    assert said[3:] == ["In the scene: drawn in 2015 (36 x 32 x 12)"]
    panel.label.masks._menu.real.actions()[1].trigger()
    settle(panel)
    assert "<b>Jan" in panel.label.masks.title.text
    assert panel.label.masks.answer().table == {"Ball": "ball", "core": "core"}
    slicer.harness.answers["files"] = []
    panel.label.masks._menu.real.actions()[0].trigger()


def test_a_large_label_map_is_copied_a_piece_at_a_beat(
    panel: Any, study: Any, label_map: Any, monkeypatch: Any
) -> None:
    """At once, and as bytes, it held the screen up; it may go while it is copied."""
    import slicer

    from SemiSegLib.scene import pieces

    case, truth = open_first(panel, study), ball((12, 32, 36))
    copied = sizes_copied(monkeypatch)
    monkeypatch.setattr(pieces, "PIECE_BYTES", truth.nbytes // 4)
    node = label_map()
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    panel.label.masks.on_import()
    slicer.mrmlScene.RemoveNode(node)
    settle(panel)
    assert copied == [truth.nbytes // 4] * 8
    assert np.array_equal(case.labels(), truth), panel.controller.notice


def sizes_copied(monkeypatch: Any) -> list[int]:
    """The bytes of each piece that is copied from now on."""
    from SemiSegLib.scene import pieces

    copied, copy_on = [], pieces.ImageCopy.copy_on

    def counted(self: Any, most: int) -> int:
        copied.append(copy_on(self, most))
        return copied[-1]

    monkeypatch.setattr(pieces.ImageCopy, "copy_on", counted)
    return copied


def test_a_large_segmentation_is_copied_a_piece_at_a_beat(
    panel: Any, study: Any, theirs: Any, monkeypatch: Any
) -> None:
    """As a label map is; of what is taken away meanwhile Slicer clears no voxels that are still to be copied."""
    import slicer

    from SemiSegLib.scene import pieces

    case, copied, node = open_first(panel, study), sizes_copied(monkeypatch), theirs()
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    size = sum(copied)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 500)
    copied.clear()
    panel.label.masks.on_import()
    slicer.mrmlScene.RemoveNode(node)
    del node
    settle(panel)
    assert max(copied) <= 500
    assert sum(copied) == size
    assert np.array_equal(case.labels(), ball(case.grid.shape)), panel.controller.notice


@pytest.mark.parametrize("layers", [1, 2])
def test_a_segmentation_that_changes_while_it_is_copied_is_not_mixed(
    panel: Any, study: Any, theirs: Any, monkeypatch: Any, layers: int
) -> None:
    """Nor is it where only what was copied already changes: its segments would be of two moments."""
    from SemiSegLib.scene import pieces, segments

    case, node = open_first(panel, study), theirs()
    segmentation = node.GetSegmentation()
    if layers == 2:
        segmentation.SeparateSegmentLabelmap(segmentation.GetNthSegmentID(1))
    assert segmentation.GetNumberOfLayers() == layers
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    layer = segmentation.GetLayerDataObject(0, segments.BINARY)
    monkeypatch.setattr(pieces, "PIECE_BYTES", layer.GetNumberOfPoints() if layers == 2 else 1000)
    panel.label.masks.on_import()
    more = np.ones(case.grid.shape, np.uint8)
    segments.paste(layer, (0, 0, 0), more, case.grid, [SliceIndex(0, 0)])
    settle(panel)
    assert "were changed while they were being copied" in panel.controller.notice[0]
    assert not case.places


def test_a_label_map_that_changes_while_it_is_copied_is_not_mixed(
    panel: Any, study: Any, label_map: Any, monkeypatch: Any
) -> None:
    from SemiSegLib.scene import pieces

    case, node = open_first(panel, study), label_map()
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 1000)
    panel.label.masks.on_import()
    node.GetImageData().GetPointData().GetScalars().Modified()
    settle(panel)
    assert "were changed while they were being copied" in panel.controller.notice[0]
    assert not case.places


def test_an_unknown_name_is_asked_about(panel: Any, study: Any, theirs: Any) -> None:
    from SemiSegLib.labelling.importing import NEW

    open_first(panel, study)
    panel.label.masks.look_at_node(theirs(outer="Capsule").GetID())
    settle(panel)
    assert panel.label.masks.answer().table == {"Capsule": NEW, "core": "core"}


def test_what_is_drawn_on_it_until_import_is_pressed_comes_too(panel: Any, study: Any, theirs: Any) -> None:
    from SemiSegLib.scene import segments

    case, node = open_first(panel, study), theirs()
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    more = np.zeros(case.grid.shape, np.uint8)
    more[0] = 1
    layer = node.GetSegmentation().GetLayerDataObject(0, segments.BINARY)
    segments.paste(layer, (0, 0, 0), more, case.grid, [SliceIndex(0, 0)])
    panel.label.masks.on_import()
    settle(panel)
    assert case.labels()[0].all()


def test_a_cropped_one_means_background_around_it_and_a_cropped_label_map_says_nothing_there(
    panel: Any, study: Any, theirs: Any, label_map: Any
) -> None:
    case = open_first(panel, study)
    grid, truth = case.grid, ball(case.grid.shape).astype(np.uint8)
    inside = np.array([2, 5, 7])
    start = grid.to_patient(inside[None])[0]
    small = placed(grid, (10, 22, 24), origin=tuple(start.tolist()))
    import_node(panel, theirs(grid=small, array=truth[2:12, 5:27, 7:31]))
    assert np.array_equal(case.labels(), truth), panel.controller.notice
    before = case.version
    import_node(panel, label_map(crop=6))
    assert "covers only in part" in panel.controller.notice[0]
    assert case.version == before


def test_one_that_was_drawn_on_a_turned_and_flipped_copy_comes_to_the_same_voxels(
    panel: Any, study: Any, theirs: Any
) -> None:
    case = open_first(panel, study)
    grid, truth = case.grid, ball(case.grid.shape).astype(np.uint8)
    corner = grid.to_patient(np.array([[grid.shape[0] - 1, 0, grid.shape[2] - 1]]))[0]
    columns = np.array(grid.direction).reshape(3, 3)
    turned = np.stack([-columns[:, 2], columns[:, 1], -columns[:, 0]], axis=1)  # i, j, k of the copy
    other = Grid((grid.shape[2], grid.shape[1], grid.shape[0]), (grid.spacing[2], grid.spacing[1], grid.spacing[0]),
                 tuple(corner.tolist()), tuple(turned.ravel().tolist()))  # fmt: skip
    import_node(panel, theirs(grid=other, array=np.ascontiguousarray(truth[::-1, :, ::-1].transpose(2, 1, 0))))
    assert np.array_equal(case.labels(), truth), panel.controller.notice


@pytest.mark.parametrize(("change", "words"), [
    ("between", "does not fit the image"), ("outside", "labelled voxels lie outside"),
])
def test_what_does_not_lie_on_the_voxels_of_the_image_is_refused_by_its_name(
    panel: Any, study: Any, theirs: Any, change: str, words: str
) -> None:
    case = open_first(panel, study)
    grid = case.grid
    way = {"between": (0.0, 0.5, 0.0), "outside": (20.0, 0.0, 0.0)}[change]
    moved = placed(grid, grid.shape, origin=tuple(a + b for a, b in zip(grid.origin, way, strict=True)))
    import_node(panel, theirs("Jan 2019", grid=moved))
    assert panel.controller.notice[1] == "error"
    assert words in panel.controller.notice[0]
    assert "Import Jan 2019: Jan 2019 " in panel.controller.notice[0], panel.controller.notice
    assert case.places == []


def test_under_a_transform_it_is_refused_with_the_remedy(panel: Any, study: Any, slicer: Any, theirs: Any) -> None:
    case, node = open_first(panel, study), theirs()
    there = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "to the atlas")
    node.SetAndObserveTransformNodeID(there.GetID())
    import_node(panel, node)
    assert "lies under the transform 'to the atlas'" in panel.controller.notice[0]
    assert panel.label.masks.box.real.isHidden()
    assert case.places == []


def test_slices_that_were_done_before_are_told_and_their_version_is_kept(panel: Any, study: Any, theirs: Any) -> None:
    case = open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    before, version = case.labels(), case.version
    other = np.zeros(case.grid.shape, np.uint8)
    other[6, 4:8, 4:8] = 1
    import_node(panel, theirs(array=other))
    assert "Done before (the earlier version is kept): 7" in panel.controller.notice[0]
    assert np.array_equal(case.labels(), other)
    kept = next(item for item in case.versions() if item.name == version)
    assert np.array_equal(case.history.read(kept, case.grid), before)


def test_segments_that_overlap_are_refused_as_those_of_a_file_are(
    panel: Any, study: Any, slicer: Any, theirs: Any
) -> None:
    case, node = open_first(panel, study), theirs()
    mask = (ball(case.grid.shape) > 0).astype(np.uint8)
    image = slicer.mrmlScene.GetFirstNodeByName("theirs too")
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, "SemiSeg_2", image)
    import_node(panel, node)
    assert "overlap on" in panel.controller.notice[0]
    assert case.places == []


def test_segments_in_layers_of_their_own_come_in_each_at_its_place(
    panel: Any, study: Any, slicer: Any, theirs: Any
) -> None:
    """Slicer makes a layer of its own for a segment that overlaps others, and crops each to what is drawn in it."""
    case = open_first(panel, study)
    truth, image = ball(case.grid.shape).astype(np.uint8), slicer.mrmlScene.GetFirstNodeByName
    node = theirs(array=np.zeros_like(truth))
    layered = node.GetSegmentation()
    for value, name in ((1, "SemiSeg_1"), (2, "SemiSeg_2")):
        segment = layered.GetSegment(name)
        layered.SeparateSegmentLabelmap(name)
        drawn = (truth == value).astype(np.uint8)
        slicer.util.updateSegmentBinaryLabelmapFromArray(drawn, node, name, image("theirs too"))
        assert segment.GetLabelValue() == 1
    assert layered.GetNumberOfLayers() == 2
    import_node(panel, node)
    assert panel.controller.notice[1] == "good", panel.controller.notice
    assert np.array_equal(case.labels(), truth)


def test_segments_on_different_grids_are_refused_with_the_remedy(panel: Any, study: Any, theirs: Any) -> None:
    from SemiSegLib.scene import labelmaps, segments

    case, node = open_first(panel, study), theirs("Jan")
    layered, grid = node.GetSegmentation(), case.grid
    layered.SeparateSegmentLabelmap("SemiSeg_2")
    coarse = placed(grid, (4, 4, 4), spacing=tuple(2 * side for side in grid.spacing))
    layered.GetSegment("SemiSeg_2").AddRepresentation(
        segments.BINARY, labelmaps.oriented(np.ones((4, 4, 4), np.uint8), coarse))
    import_node(panel, node)
    assert "Segments of 'Jan' lie on different voxel grids" in panel.controller.notice[0]
    assert case.places == []


def test_what_slicer_changes_after_import_was_pressed_is_not_in_it(panel: Any, study: Any, label_map: Any) -> None:
    from vtk.util.numpy_support import vtk_to_numpy

    case, node = open_first(panel, study), label_map()
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    panel.label.masks.on_import()
    vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())[:] = 2
    settle(panel)
    assert np.array_equal(case.labels(), ball(case.grid.shape))


@pytest.mark.parametrize(("kind", "value"), [(np.int16, 300), (np.int16, -1), (np.int32, 2), (np.float64, 2)])
def test_values_of_a_label_map_are_told_as_they_are_whatever_it_is_made_of(
    panel: Any, study: Any, label_map: Any, kind: Any, value: int
) -> None:
    """Where they fit, bytes of it are copied."""
    case, node = open_first(panel, study), label_map()
    put_values(node, case, kind, value)
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    assert sorted(panel.label.masks.answer().table) == sorted(["1", str(value)])
    for name, choice in panel.label.masks._choices.items():
        choice.currentIndex = int(name != "1")
    panel.label.masks.on_import()
    settle(panel)
    assert np.array_equal(case.labels(), ball(case.grid.shape)), panel.controller.notice


def test_a_label_map_resampled_with_interpolation_is_refused(panel: Any, study: Any, label_map: Any) -> None:
    case, node = open_first(panel, study), label_map()
    put_values(node, case, np.float32, 1.5)
    import_node(panel, node)
    assert "contains 1.5, which is no label value" in panel.controller.notice[0]
    assert case.places == []


def test_an_empty_one_says_so(panel: Any, study: Any, theirs: Any) -> None:
    case = open_first(panel, study)
    import_node(panel, theirs("Jan", array=np.zeros(case.grid.shape, np.uint8)))
    assert "Nothing is drawn in Jan" in panel.controller.notice[0]
    assert case.places == []


def test_nothing_is_left_in_the_scene(panel: Any, study: Any, slicer: Any, theirs: Any) -> None:
    open_first(panel, study)
    node = theirs()
    before = slicer.mrmlScene.GetNumberOfNodes()
    import_node(panel, node)
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert node.GetStorageNode() is None
