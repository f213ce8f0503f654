"""Arrays in MRML and back: voxel for voxel on every kind of grid, whatever the person does to the segments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex, slice_mask

SHAPE, PLACE = (9, 14, 17), (-30.0, 25.0, 100.0)


def turned(x: float, y: float, z: float) -> np.ndarray:
    """A rotation matrix from three angles in degrees."""
    made = np.eye(3)
    for axis, angle in enumerate(np.radians([x, y, z])):
        a, b = [other for other in range(3) if other != axis]
        one = np.eye(3)
        one[[a, a, b, b], [a, b, a, b]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        made = one @ made
    return made


OBLIQUE = turned(12, -7, 33)
GRIDS = {
    "plain": Grid(SHAPE),
    "oblique and anisotropic": Grid(SHAPE, (2.5, 0.9, 0.8), PLACE, tuple(OBLIQUE.ravel())),
    "flipped": Grid(SHAPE, (2.5, 0.9, 0.8), PLACE, tuple((OBLIQUE @ np.diag([1, 1, -1])).ravel())),
    "sub-millimetre, all axes flipped": Grid(SHAPE, (0.05, 0.02, 0.01), PLACE, tuple((-OBLIQUE).ravel())),
    "sagittal": Grid(SHAPE, (3.0, 1.0, 2.0), PLACE, tuple(np.eye(3)[:, [2, 0, 1]].ravel())),
    "one slice": Grid((1, 14, 17), (5.0, 0.9, 0.8), PLACE, tuple(OBLIQUE.ravel())),
}
each_grid = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())


def structures() -> list[Any]:
    from SemiSegLib.ports import Shown

    return [Shown(3, "organ", (1.0, 0.0, 0.0)), Shown(7, "lesion", (0.0, 1.0, 0.0)), Shown(9, "none", (0.0, 0.0, 1.0))]


def labels_on(grid: Grid, seed: int = 0) -> Any:
    values = np.random.default_rng(seed).choice(np.array([0, 0, 3, 7], np.uint8), grid.shape)
    values[:, :2] = 0  # the segments then fill a part of the grid only
    return values


def put(slicer: Any, grid: Grid, labels: Any) -> tuple[Any, Any]:
    from SemiSegLib.scene import segments, volumes

    image = np.random.default_rng(1).integers(-1000, 1000, grid.shape).astype(np.int16)
    volume = volumes.volume_from(image, grid, "image", (-100, 400))
    node = segments.segmentation_for(volume, "labels")
    segments.write(node, labels, grid, structures())
    return volume, node


@each_grid
def test_a_volume_comes_back_with_the_same_voxels_at_the_same_place(slicer: Any, grid: Grid) -> None:
    from SemiSegLib.scene import volumes

    image = np.random.default_rng(1).integers(-1000, 1000, grid.shape).astype(np.int16)
    array, back = volumes.array_of(volumes.volume_from(image, grid, "image", (0, 1)))
    assert np.array_equal(array, image)
    assert back.agrees(grid, 1e-6)


@each_grid
def test_labels_come_back_voxel_for_voxel(slicer: Any, grid: Grid) -> None:
    from SemiSegLib.scene import segments

    labels = labels_on(grid)
    _, node = put(slicer, grid, labels)
    found, lost = segments.read(node, grid)
    assert np.array_equal(found, labels)
    assert lost == {}


@each_grid
def test_replacing_slices_changes_these_and_no_other_voxel(slicer: Any, grid: Grid) -> None:
    from SemiSegLib.scene import segments

    labels, other = labels_on(grid), labels_on(grid, seed=5)
    _, node = put(slicer, grid, labels)
    places = [SliceIndex(axis, grid.shape[axis] - 1) for axis in range(3)]
    segments.write_slices(node, other, grid, places)
    mask = slice_mask(grid.shape, places)
    assert np.array_equal(segments.read(node, grid)[0], np.where(mask, other, labels))


@each_grid
def test_a_jump_shows_the_slice_that_was_meant(slicer: Any, grid: Grid) -> None:
    from SemiSegLib.scene import views

    volume, _ = put(slicer, grid, labels_on(grid))
    views.show(volume)
    for axis in range(3) if grid.shape[0] > 1 else (0,):
        for index in range(grid.shape[axis]):
            view = views.jump(grid, SliceIndex(axis, index))
            assert view is not None
            assert views.slice_in(view, grid) == SliceIndex(axis, index)


@pytest.mark.parametrize(("degrees", "whole"), [(0.0, True), (0.1, True), (0.5, False), (2.0, False), (20.0, False)])
def test_a_view_that_leaves_a_slice_within_the_volume_shows_none(slicer: Any, degrees: float, whole: bool) -> None:
    """Two degrees are twelve slices from one side of a scan to the other: nobody draws on one of them."""
    from SemiSegLib.scene import views

    grid = Grid((100, 512, 512), (1.0, 0.7, 0.7), PLACE, tuple(turned(degrees, 0, 0).ravel()))
    view = axial_view(grid, 50)
    assert views.slice_in(view, grid) == (SliceIndex(0, 50) if whole else None)
    assert views.axis_of(view, grid) == (0 if whole else None)


def test_the_slices_of_a_sheared_volume_are_shown_whole(slicer: Any) -> None:
    """As a scanner with a tilted gantry makes them: each lies a little beside the one before."""
    from SemiSegLib.scene import views

    lean = np.array([[1, 0, 0], [0, 1, np.sin(0.3)], [0, 0, np.cos(0.3)]])
    grid = Grid(SHAPE, (2.5, 0.9, 0.8), PLACE, tuple(lean.ravel()))
    for index in range(SHAPE[0]):
        assert views.slice_in(axial_view(grid, index), grid) == SliceIndex(0, index)


def axial_view(grid: Grid, index: int) -> Any:
    """The red view along the patient's own axis, whatever the axes of the volume, through the middle of a slice."""
    from SemiSegLib.scene import views

    view = views.slice_nodes()[0]
    view.SetOrientation("Axial")
    middle = grid.to_patient(np.array([[index, (grid.shape[1] - 1) / 2, (grid.shape[2] - 1) / 2]]))[0]
    view.JumpSliceByOffsetting(*(middle * [-1, -1, 1]))
    return view


def test_renamed_reordered_hidden_segments_keep_their_values(slicer: Any) -> None:
    from SemiSegLib.scene import segments

    grid = GRIDS["oblique and anisotropic"]
    labels = labels_on(grid)
    _, node = put(slicer, grid, labels)
    segmentation = node.GetSegmentation()
    segmentation.GetSegment("SemiSeg_7").SetName("organ")
    segmentation.GetSegment("SemiSeg_3").SetName("lesion")
    segmentation.SetSegmentIndex("SemiSeg_7", 0)
    node.GetDisplayNode().SetSegmentVisibility("SemiSeg_3", False)
    assert np.array_equal(segments.read(node, grid)[0], labels)
    segmentation.RemoveSegment("SemiSeg_7")
    assert np.array_equal(segments.read(node, grid)[0], np.where(labels == 7, 0, labels))


def test_where_segments_overlap_the_larger_value_wins_and_the_overlap_is_counted(slicer: Any) -> None:
    import vtk

    from SemiSegLib.scene import segments

    grid = GRIDS["plain"]
    volume, node = put(slicer, grid, np.zeros(grid.shape, np.uint8))
    mask = np.zeros(grid.shape, np.uint8)
    mask[4, 4:8, 4:8] = 1
    for name in ("SemiSeg_7", "SemiSeg_3"):
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask, node, name, volume)
    found, lost = segments.read(node, grid)
    assert lost == {3: 16}
    assert np.array_equal(found, mask * 7)
    segments.write_slices(node, np.zeros_like(mask), grid, [SliceIndex(0, 2)])
    assert segments.read(node, grid)[1] == {3: 16}, "overlaps elsewhere stay"
    assert isinstance(vtk.vtkVersion().GetVTKMajorVersion(), int)


def test_what_a_model_did_is_one_undo_step(slicer: Any) -> None:
    from SemiSegLib.scene import segments

    grid = GRIDS["oblique and anisotropic"]
    labels = labels_on(grid)
    volume, node = put(slicer, grid, np.zeros(grid.shape, np.uint8))
    editor = slicer.vtkSlicerSegmentEditorLogic()
    editor.SetMRMLScene(slicer.mrmlScene)
    editor.SetSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.SetSegmentationNode(node)
    editor.SetSourceVolumeNode(volume)
    editor.SaveStateForUndo()
    segments.write(node, labels, grid, structures())
    editor.Undo()
    assert not segments.read(node, grid)[0].any()
    editor.Redo()
    assert np.array_equal(segments.read(node, grid)[0], labels)


def test_a_segment_drawn_on_another_lattice_is_resampled_not_shifted(slicer: Any) -> None:
    from SemiSegLib.ports import Shown
    from SemiSegLib.scene import segments

    grid = Grid((6, 10, 12))
    fine = Grid((12, 20, 24), (0.5, 0.5, 0.5), (-0.25, -0.25, -0.25))
    coarse = np.zeros(grid.shape, np.uint8)
    coarse[2:4, 3:7, 4:9] = 7
    _, node = put(slicer, grid, np.zeros(grid.shape, np.uint8))
    segments.write(node, coarse.repeat(2, 0).repeat(2, 1).repeat(2, 2), fine, [Shown(7, "lesion", (0.0, 1.0, 0.0))])
    assert np.array_equal(segments.read(node, grid)[0], coarse)


@pytest.mark.parametrize("turn", [0.0, 20.0])
def test_of_a_segment_on_another_lattice_only_its_box_is_looked_at(
    slicer: Any, monkeypatch: pytest.MonkeyPatch, turn: float
) -> None:
    """Ten structures of a large scan took half a minute, after every stroke, while all of it was looked at."""
    from SemiSegLib.scene import segments

    grid = Grid((60, 80, 100))
    other = Grid((60, 80, 100), (1.0, 1.0, 1.0), (0.3, 0.3, 0.3), tuple(turned(0, 0, turn).ravel()))
    labels = np.zeros(grid.shape, np.uint8)
    labels[20:28, 20:30, 60:68], labels[50:58, 60:70, 20:26] = 3, 7
    _, node = put(slicer, grid, np.zeros(grid.shape, np.uint8))
    segments.write(node, labels, other, structures())
    seen, plain = [], segments.oriented
    monkeypatch.setattr(segments, "oriented", lambda array, *rest: seen.append(array.size) or plain(array, *rest))
    found, _ = segments.read(node, grid)
    assert 0 < max(seen) < 0.02 * labels.size
    voxels = np.argwhere(np.ones(grid.shape, bool))
    steps = np.array(other.direction).reshape(3, 3) * np.array(other.spacing[::-1])
    near = np.rint(np.linalg.solve(steps, (grid.to_patient(voxels) - other.origin).T).T[:, ::-1]).astype(int)
    inside = ((near >= 0) & (near < other.shape)).all(1)
    expected = np.zeros(len(voxels), np.uint8)
    expected[inside] = labels[tuple(near[inside].T)]
    assert np.array_equal(found.ravel(), expected)


def test_a_segment_that_lies_beside_the_volume_is_nothing_in_it(slicer: Any) -> None:
    from SemiSegLib.scene import segments

    grid = GRIDS["oblique and anisotropic"]
    aside = Grid((3, 3, 3), (1.3, 1.3, 1.3), (500.0, 500.0, 500.0))
    _, node = put(slicer, grid, np.zeros(grid.shape, np.uint8))
    segments.write(node, np.full(aside.shape, 7, np.uint8), aside, structures())
    found, lost = segments.read(node, grid)
    assert not found.any()
    assert lost == {}


def test_the_study_and_our_nodes_are_found_again_after_the_scene_was_saved_and_loaded(
    slicer: Any, tmp_path: Any
) -> None:
    from SemiSegLib.scene import nodes

    grid = GRIDS["flipped"]
    volume, node = put(slicer, grid, labels_on(grid))
    nodes.own(volume, "image", "case-1")
    nodes.own(node, "labels", "case-1")
    nodes.Parameters().set("study", "/data/my study")
    for part in (volume, node):
        part.AddDefaultStorageNode()
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "scene.mrb"))
    slicer.mrmlScene.Clear()
    assert nodes.own_nodes() == []
    import zipfile

    zipfile.ZipFile(tmp_path / "scene.mrb").extractall(tmp_path)
    slicer.mrmlScene.SetURL(str(next(tmp_path.glob("*/*.mrml"))))
    slicer.mrmlScene.Import()
    assert nodes.Parameters().get("study") == "/data/my study"
    _, found = sorted(nodes.own_nodes(), key=lambda node: node.GetAttribute(nodes.ROLE) == "labels")
    assert found.GetAttribute(nodes.CASE) == "case-1"
    assert found.GetSegmentation().GetNumberOfSegments() == 3


def test_the_overlay_is_seen_only_where_the_model_is_unsure(slicer: Any) -> None:
    from SemiSegLib.drawing import Boxed, Drawing
    from SemiSegLib.ports import OpenCase, Shown
    from SemiSegLib.scene import Screen
    from Testing.support.slicer_harness.render import SliceView, can_render

    if not can_render():
        pytest.skip("no OpenGL for offscreen rendering (libegl1, libegl-mesa0, libgl1-mesa-dri)")
    grid = Grid((10, 60, 60))
    labels, doubt = np.zeros(grid.shape, np.uint8), np.zeros(grid.shape, np.uint8)
    labels[5, 35:50, 35:50], doubt[5, 10:30, 10:30] = 1, 220
    screen = Screen()
    image = np.full(grid.shape, 180, np.int16)
    case = OpenCase("a", "a", "none", grid, (0.0, 255.0), image, Drawing.of(labels), Boxed.of(labels))
    screen.show_image(case)
    screen.show_labels(case, [Shown(1, "x", (1.0, 0.0, 0.0))])
    view = SliceView(slicer.harness, "Red", (240, 240))
    view.fit()
    plain = view.picture()
    screen.proposals.show_uncertainty(doubt)
    overlaid = view.picture()
    changed = (plain != overlaid).any(-1)
    assert changed[60:100, 60:100].all() != changed[140:200, 140:200].any()
    screen.proposals.show_uncertainty(None)
    assert np.array_equal(view.picture(), plain)
    screen.clear_case()


def test_the_overlay_has_its_colours_also_when_a_scene_file_brought_the_table_without_them(slicer: Any) -> None:
    """Slicer 5.10 writes no file of a hidden table: it comes back with as many colours, all of them clear black."""
    from SemiSegLib.scene import volumes

    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", "SemiSeg uncertainty")
    table.SetTypeToUser()
    table.SetNumberOfColors(256)
    grid = Grid((4, 6, 8), (3.0, 1.0, 1.0), (0.0, 0.0, 0.0))
    node = volumes.overlay_from(np.full(grid.shape, 255, np.uint8), grid, "doubt")
    shown = node.GetDisplayNode().GetColorNode()
    colour = [0.0] * 4
    assert shown is table
    assert shown.GetColor(255, colour)
    assert colour == pytest.approx([1.0, 0.95, 0.4, 1.0], abs=0.01)


def test_what_is_shown_in_3d_stays_shown_when_a_suggestion_is_taken(slicer: Any) -> None:
    from SemiSegLib.scene import segments

    grid = GRIDS["oblique and anisotropic"]
    labels = labels_on(grid)
    _, node = put(slicer, grid, labels)
    name = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    segments.write(node, labels, grid, segments.shown(node))
    assert not node.GetSegmentation().ContainsRepresentation(name), "surfaces are made only for who wants them"
    node.CreateClosedSurfaceRepresentation()
    before = node.GetClosedSurfaceInternalRepresentation("SemiSeg_3").GetNumberOfPoints()
    smaller = labels.copy()
    smaller[0] = 0
    segments.write_slices(node, smaller, grid, [SliceIndex(0, 0)])
    assert node.GetClosedSurfaceInternalRepresentation("SemiSeg_3").GetNumberOfPoints() < before
    segments.write(node, labels, grid, segments.shown(node))
    assert node.GetClosedSurfaceInternalRepresentation("SemiSeg_3").GetNumberOfPoints() == before


def test_what_the_save_dialog_gave_our_nodes_goes_with_them(slicer: Any) -> None:
    """It makes storage nodes as soon as it is opened."""
    from SemiSegLib.scene import nodes

    before = slicer.mrmlScene.GetNumberOfNodes()
    ours = put(slicer, GRIDS["plain"], labels_on(GRIDS["plain"]))
    for node in ours:
        node.AddDefaultStorageNode()
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLStorageNode") == 2
    nodes.remove(*ours)
    assert slicer.mrmlScene.GetNumberOfNodes() == before
