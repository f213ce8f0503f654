"""A segmentation of surfaces, as of radiotherapy or of a model, becomes annotation: voxels whose centres lie inside."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.support.clinician import open_first, settle
from Testing.support.plain.polyhedron import winding

TILTED = Grid((12, 32, 36), (2.0, 1.0, 1.0), (-10.0, 5.0, 20.0), (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, -1.0))


def lump(centre: tuple[float, float, float], radii: tuple[float, float, float], turn: float = 20.0) -> Any:
    """A closed surface (RAS mm) like an organ: an ellipsoid, turned."""
    sphere, move, moved = vtk.vtkSphereSource(), vtk.vtkTransform(), vtk.vtkTransformPolyDataFilter()
    sphere.SetRadius(1.0)
    sphere.SetThetaResolution(24)
    sphere.SetPhiResolution(18)
    move.Translate(*centre)
    move.RotateWXYZ(turn, 1, 2, 3)
    move.Scale(*radii)
    moved.SetInputConnection(sphere.GetOutputPort())
    moved.SetTransform(move)
    moved.Update()
    return moved.GetOutput()


def middle(grid: Grid, at: tuple[float, float, float] = (0.47, 0.52, 0.49)) -> tuple[float, float, float]:
    """RAS mm of a place in a grid, given as parts of its sides (k, j, i)."""
    x, y, z = grid.to_patient(np.array([at]) * (np.array(grid.shape)[None] - 1))[0].tolist()
    return -x, -y, z


def truth(surface: Any, grid: Grid) -> NDArray[np.bool_]:
    """Slow: which voxels' centres lie inside."""
    lps = grid.to_patient(np.argwhere(np.ones(grid.shape, bool)))
    corners = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    faces = [[surface.GetCell(n).GetPointId(m) for m in range(3)] for n in range(surface.GetNumberOfCells())]
    around = np.abs(winding(lps * (-1, -1, 1), corners[np.array(faces)])).reshape(grid.shape)
    assert (np.abs(around - np.round(around)) < 1e-3).all(), "no voxel's centre lies on the surface"
    return around > 0.5


def of_surfaces(slicer: Any, surfaces: dict[str, Any], name: str = "plan") -> Any:
    """The user's segmentation, which consists of these."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.GetSegmentation().SetSourceRepresentationName("Closed surface")
    for called, surface in surfaces.items():
        segment = slicer.vtkSegment()
        segment.SetName(called)
        segment.AddRepresentation("Closed surface", surface)
        node.GetSegmentation().AddSegment(segment)
    return node


def import_node(panel: Any, node: Any) -> None:
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    panel.label.masks.on_import()
    settle(panel)


def test_voxels_whose_centres_lie_inside_come_in_on_the_slices_that_it_meets(
    panel: Any, study: Any, slicer: Any
) -> None:
    case = open_first(panel, study)
    ball, core = lump(middle(case.grid), (12.3, 9.1, 7.7)), lump(middle(case.grid, (0.5, 0.1, 0.9)), (3.2, 2.9, 4.4))
    node = of_surfaces(slicer, {"BALL": ball, "core": core})
    before = [node.GetSegmentation().GetSegment(one).GetMTime() for one in node.GetSegmentation().GetSegmentIDs()]
    nodes = slicer.mrmlScene.GetNumberOfNodes()
    import_node(panel, node)
    assert panel.controller.notice[1] == "good", panel.controller.notice
    expected = np.where(truth(core, case.grid), 2, truth(ball, case.grid)).astype(np.uint8)
    assert set(np.unique(expected)) == {0, 1, 2}
    assert np.array_equal(case.labels(), expected)
    assert case.places == [SliceIndex(0, k) for k in np.flatnonzero(expected.any(axis=(1, 2)))]
    assert node.GetSegmentation().GetSourceRepresentationName() == "Closed surface", "theirs stays as it is"
    assert not node.GetSegmentation().ContainsRepresentation("Binary labelmap")
    assert before == [node.GetSegmentation().GetSegment(o).GetMTime() for o in node.GetSegmentation().GetSegmentIDs()]
    assert slicer.mrmlScene.GetNumberOfNodes() == nodes


@pytest.mark.parametrize("grid", [TILTED, Grid((9, 20, 18), (3.0, 1.5, 1.5), (4.0, -7.0, 2.0))])
def test_any_surface_on_any_grid_is_as_a_plain_slow_count_has_it(slicer: Any, grid: Grid) -> None:
    """Separate triangles, too, as a file of them has; two pieces; a hole inside."""
    from SemiSegLib.scene.cutting import Mesh

    outer, inner = lump(middle(grid), (9.3, 7.1, 5.7)), lump(middle(grid), (4.1, 3.2, 2.6))
    apart, every = vtk.vtkPolyDataNormals(), vtk.vtkAppendPolyData()
    for surface in (outer, inner, lump(middle(grid, (0.15, 0.2, 0.1)), (2.2, 2.9, 3.4))):
        every.AddInputData(surface)
    every.Update()
    apart.SetInputConnection(every.GetOutputPort())
    apart.SetFeatureAngle(0.0)  # a corner of each triangle's own
    apart.Update()
    assert apart.GetOutput().GetNumberOfPoints() > every.GetOutput().GetNumberOfPoints()
    expected = np.logical_xor(truth(outer, grid), truth(inner, grid))
    expected |= truth(lump(middle(grid, (0.15, 0.2, 0.1)), (2.2, 2.9, 3.4)), grid)
    assert truth(inner, grid).any()
    for surface in (every.GetOutput(), apart.GetOutput()):
        mesh, found = Mesh(surface, grid), np.zeros(grid.shape, bool)
        assert mesh.box is not None
        found[mesh.box] = mesh.inside()
        assert np.array_equal(found, expected)


def test_many_slices_at_once_or_few_make_no_difference(slicer: Any, monkeypatch: Any) -> None:
    from SemiSegLib.scene import cutting

    surface = lump(middle(TILTED), (12.3, 9.1, 7.7))
    at_once = cutting.Mesh(surface, TILTED).inside()
    monkeypatch.setattr(cutting, "SLAB", 1)
    assert np.array_equal(cutting.Mesh(surface, TILTED).inside(), at_once)


def test_what_comes_is_what_slicer_makes_of_it_and_where_slicer_made_it_that_is_read(
    panel: Any, study: Any, slicer: Any, monkeypatch: Any
) -> None:
    from SemiSegLib.scene import surfaces

    case, once = open_first(panel, study), list[Any]()
    node = of_surfaces(slicer, {"ball": lump(middle(case.grid), (12.3, 9.1, 7.7))})
    monkeypatch.setattr(surfaces.SurfaceMask, "read", lambda mask, read=surfaces.SurfaceMask.read: (
        once.append(mask) or read(mask)))  # fmt: skip
    import_node(panel, node)
    ours = case.labels()
    assert ours.any(), panel.controller.notice
    node.SetReferenceImageGeometryParameterFromVolumeNode(panel.screen.volume)
    assert node.CreateBinaryLabelmapRepresentation()
    import_node(panel, node)
    assert panel.controller.notice[1] == "good", panel.controller.notice
    assert len(once) == 1, "the voxels were read"
    assert np.array_equal(case.labels(), ours)


def test_voxels_that_slicer_made_on_another_lattice_are_not_taken_but_the_surfaces(
    panel: Any, study: Any, slicer: Any
) -> None:
    from SemiSegLib.scene import labelmaps, segments

    case = open_first(panel, study)
    surface = lump(middle(case.grid), (12.3, 9.1, 7.7))
    node = of_surfaces(slicer, {"ball": surface})
    coarse = Grid((4, 4, 4), (5.0, 5.0, 5.0), case.grid.origin)
    segment = node.GetSegmentation().GetSegment(node.GetSegmentation().GetNthSegmentID(0))
    segment.AddRepresentation(segments.BINARY, labelmaps.oriented(np.ones((4, 4, 4), np.uint8), coarse))
    import_node(panel, node)
    assert np.array_equal(case.labels(), truth(surface, case.grid)), panel.controller.notice


def test_surfaces_that_overlap_are_refused_unless_one_is_left_out(panel: Any, study: Any, slicer: Any) -> None:
    case = open_first(panel, study)
    target, margin = lump(middle(case.grid), (6.3, 5.1, 5.7)), lump(middle(case.grid), (12.3, 9.1, 7.7))
    node = of_surfaces(slicer, {"ball": margin, "core": target})
    import_node(panel, node)
    assert "overlap on" in panel.controller.notice[0]
    assert case.places == []
    panel.label.masks.look_at_node(node.GetID())
    settle(panel)
    panel.label.masks._choices["core"].currentIndex = panel.label.masks._words.index("")
    panel.label.masks.on_import()
    settle(panel)
    assert np.array_equal(case.labels(), truth(margin, case.grid)), panel.controller.notice


def test_what_lies_outside_the_image_is_refused_and_far_outside_by_its_name(
    panel: Any, study: Any, slicer: Any
) -> None:
    case = open_first(panel, study)
    beyond = middle(case.grid, (0.5, 0.5, 1.0))
    import_node(panel, of_surfaces(slicer, {"ball": lump(beyond, (9.0, 6.0, 5.0))}))
    assert "some labelled voxels lie outside the image" in panel.controller.notice[0]
    import_node(panel, of_surfaces(slicer, {"ball": lump((5000.0, 0.0, 0.0), (9.0, 6.0, 5.0))}))
    assert "'ball' of plan lies far outside the image" in panel.controller.notice[0]
    assert case.places == []


def test_a_segment_without_a_surface_is_empty_and_nothing_at_all_is_told(panel: Any, study: Any, slicer: Any) -> None:
    case = open_first(panel, study)
    surface = lump(middle(case.grid), (12.3, 9.1, 7.7))
    import_node(panel, of_surfaces(slicer, {"core": vtk.vtkPolyData(), "ball": surface}))
    assert np.array_equal(case.labels(), truth(surface, case.grid)), panel.controller.notice
    import_node(panel, of_surfaces(slicer, {"core": vtk.vtkPolyData()}, "nobody"))
    assert "Nothing is drawn in nobody" in panel.controller.notice[0]


def test_a_surface_that_changes_while_it_is_copied_is_not_mixed(panel: Any, study: Any, slicer: Any) -> None:
    case = open_first(panel, study)
    surfaces = {"ball": lump(middle(case.grid), (12.3, 9.1, 7.7)), "core": lump(middle(case.grid), (2.0, 2.0, 2.0))}
    mask = panel.screen.scene_mask(of_surfaces(slicer, surfaces).GetID(), case.grid)
    assert not mask.copy_on()
    surfaces["ball"].Modified()
    with pytest.raises(ValueError, match="'plan' was changed while it was being copied"):
        mask.copy_on()


@pytest.mark.parametrize("without", [1, 2])
def test_contours_without_surfaces_are_refused_with_what_to_press(
    panel: Any, study: Any, slicer: Any, without: int
) -> None:
    """Also where only one segment has none: it would be background."""
    case = open_first(panel, study)
    contours = {"ball": lump(middle(case.grid), (12.3, 9.1, 7.7)), "core": lump(middle(case.grid), (2.0, 2.0, 2.0))}
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "plan")
    node.GetSegmentation().SetSourceRepresentationName("Planar contour")
    for number, (name, contour) in enumerate(contours.items()):
        segment = slicer.vtkSegment()
        segment.SetName(name)
        segment.AddRepresentation("Planar contour", contour)
        node.GetSegmentation().AddSegment(segment)
        if number >= without:
            segment.AddRepresentation("Closed surface", contour)
    import_node(panel, node)
    assert "press 'Create' beside 'Closed surface'" in panel.controller.notice[0]
    assert "SlicerRT" in panel.controller.notice[0]
    assert case.places == []


def test_slicer_goes_on_while_a_large_surface_is_cut(panel: Any, slicer: Any) -> None:
    """Of one with a hundred thousand triangles the main thread waits a small part of the time."""
    from threading import Thread

    from SemiSegLib.scene.cutting import Mesh

    sphere = vtk.vtkSphereSource()
    sphere.SetRadius(60.0)
    sphere.SetThetaResolution(250)
    sphere.SetPhiResolution(200)
    sphere.Update()
    grid, found = Grid((200, 200, 200), (0.7, 0.7, 0.7), (-70.1, -70.03, -70.04)), list[Any]()
    thread = Thread(target=lambda: found.append(Mesh(sphere.GetOutput(), grid).inside()))
    start = last = time.perf_counter()
    gaps = []
    thread.start()
    while thread.is_alive():
        time.sleep(0.001)
        gaps.append(time.perf_counter() - last)
        last += gaps[-1]
    assert found
    assert max(gaps) < max(0.2, (last - start) / 4), (max(gaps), last - start)
