"""Volumes of the scene become cases, whatever Slicer calls them and however it holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from Testing.support.clinician import noise, settle


@pytest.fixture
def loaded(slicer: Any) -> Any:
    """Puts a volume ``array`` (k, j, i, or with the values of each voxel) into the scene, as Slicer's readers do."""
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    def load(array: Any, name: str) -> Any:
        vector = array.ndim == 4
        kind = "vtkMRMLVectorVolumeNode" if vector else "vtkMRMLScalarVolumeNode"
        node, image = slicer.mrmlScene.AddNewNodeByClass(kind, name), vtk.vtkImageData()
        image.SetDimensions(*array.shape[2::-1])
        image.GetPointData().SetScalars(numpy_to_vtk(array.reshape(-1, array.shape[-1] if vector else 1), deep=True))
        node.SetAndObserveImageData(image)
        node.SetSpacing(0.5, 0.25, 3.0)
        return node

    return load


def add(panel: Any, node: Any) -> None:
    panel.cases.add_volume(node.GetID())
    settle(panel)


def test_volumes_of_one_name_all_come_as_the_moments_of_a_sequence_have_it(
    panel: Any, study: Any, slicer: Any, loaded: Any
) -> None:
    """Slicer shows a sequence in one node, whose voxels change; and it calls two series alike."""
    from vtk.util.numpy_support import vtk_to_numpy

    panel.controller.open_study(study.folder)
    settle(panel)
    moments = [noise((5, 6, 7), seed) for seed in range(2)]
    shown = loaded(moments[0], "cine")
    add(panel, shown)
    vtk_to_numpy(shown.GetImageData().GetPointData().GetScalars())[:] = moments[1].reshape(-1)
    add(panel, shown)
    add(panel, loaded(moments[0] + 1, "CINE "))
    for name, voxels in (("cine", moments[0]), ("cine-2", moments[1]), ("CINE-3", moments[0] + 1)):
        assert np.array_equal(study.case(name).image(), voxels), panel.controller.notice
        assert study.case(name).grid.spacing == (3.0, 0.25, 0.5)


def test_a_grey_picture_in_colours_comes_as_from_its_file_and_a_coloured_one_is_told_with_the_remedy(
    panel: Any, study: Any, loaded: Any
) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    grey = noise((1, 20, 30), 1).astype(np.uint8)
    picture = np.repeat(grey[..., None], 3, axis=-1)
    add(panel, loaded(picture, "ultrasound"))
    assert np.array_equal(study.case("ultrasound").image(), grey), panel.controller.notice
    picture[0, 0, 0, 1] += 1
    add(panel, loaded(picture, "Doppler"))
    assert panel.controller.notice[0].startswith("The volume 'Doppler' has 3 values per voxel")
    assert "Vector to Scalar Volume" in panel.controller.notice[0]


def test_a_volume_without_voxels_is_told_and_the_person_can_go_on(panel: Any, study: Any, slicer: Any) -> None:
    """Diffusion tensors are no scalars, and some readers leave an empty image."""
    import vtk

    panel.controller.open_study(study.folder)
    settle(panel)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    node.SetAndObserveImageData(vtk.vtkImageData())
    add(panel, node)
    assert panel.controller.notice == ("The volume 'empty' holds no grey-value image; load a scalar volume.", "warning")


@pytest.fixture
def in_small_pieces(slicer: Any, monkeypatch: Any) -> None:
    """A volume of 5 x 6 x 7 takes seven beats."""
    from SemiSegLib.scene import pieces

    monkeypatch.setattr(pieces, "PIECE_BYTES", 61)


def test_a_large_volume_is_copied_a_piece_at_a_beat(panel: Any, study: Any, loaded: Any, monkeypatch: Any) -> None:
    """Half a gigabyte at once held the screen up; the voxels are the same."""
    import threading

    from SemiSegLib.scene import pieces

    panel.controller.open_study(study.folder)
    settle(panel)
    voxels, copied, copy_on = noise((5, 6, 7), 3), [], pieces.ImageCopy.copy_on

    def counted(self: Any, most: int) -> int:
        size = copy_on(self, most)
        copied.append((size // 2, threading.current_thread() is threading.main_thread()))
        return size

    monkeypatch.setattr(pieces.ImageCopy, "copy_on", counted)
    monkeypatch.setattr(pieces, "PIECE_BYTES", 60)
    add(panel, loaded(voxels, "large"))
    assert copied == [(30, True)] * 7
    assert np.array_equal(study.case("large").image(), voxels)


@pytest.mark.usefixtures("in_small_pieces")
@pytest.mark.parametrize("what", ["shows others", "removed", "closed", "moved and renamed"])
def test_what_becomes_of_the_node_while_it_is_copied_changes_nothing(
    panel: Any, study: Any, slicer: Any, loaded: Any, what: str
) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    first, second = noise((5, 6, 7), 3), noise((5, 6, 7), 4)
    node = loaded(first, "large")
    panel.cases.add_volume(node.GetID())
    if what == "shows others":
        node.SetAndObserveImageData(loaded(second, "other").GetImageData())
    elif what == "removed":
        slicer.mrmlScene.RemoveNode(node)
    elif what == "closed":
        slicer.mrmlScene.Clear()
    else:
        node.SetSpacing(9.0, 9.0, 9.0)
        node.SetName("another")
    del node
    settle(panel)
    assert np.array_equal(study.case("large").image(), first), panel.controller.notice
    assert study.case("large").grid.spacing == (3.0, 0.25, 0.5)


@pytest.mark.usefixtures("in_small_pieces")
@pytest.mark.parametrize("how", ["in place", "in place, told of the image", "another size"])
def test_voxels_that_change_while_they_are_copied_are_not_mixed(
    panel: Any, study: Any, loaded: Any, how: str
) -> None:
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    panel.controller.open_study(study.folder)
    settle(panel)
    cases, node = [case.id for case in study.cases], loaded(noise((5, 6, 7), 3), "large")
    panel.cases.add_volume(node.GetID())
    scalars = node.GetImageData().GetPointData().GetScalars()
    if how == "in place":
        vtk_to_numpy(scalars)[:] += 1
        scalars.Modified()
    elif how == "in place, told of the image":
        vtk_to_numpy(scalars)[:] += 1
        node.GetImageData().Modified()
    else:
        scalars.DeepCopy(numpy_to_vtk(np.zeros(50, np.int16), deep=True))
    settle(panel)
    assert panel.controller.notice[0].startswith("The voxels of 'large' were changed while they were being copied")
    assert [case.id for case in study.cases] == cases
    other = loaded(noise((5, 6, 7), 4), "large")
    add(panel, other)
    assert "large" in {row.id for row in panel.controller.rows}, "the list is read again after the last"


@pytest.mark.usefixtures("in_small_pieces")
def test_a_volume_goes_into_the_study_that_was_open_when_it_was_added(
    panel: Any, study: Any, loaded: Any, tmp_path: Any
) -> None:
    from SemiSegLogic.study import Study

    panel.controller.open_study(study.folder)
    settle(panel)
    voxels, other = noise((5, 6, 7), 3), Study.create(tmp_path / "other", structures=["liver"])
    panel.cases.add_volume(loaded(voxels, "large").GetID())
    panel.controller.open_study(other.folder)
    settle(panel)
    assert not other.cases
    assert np.array_equal(study.case("large").image(), voxels)


def test_what_is_wrong_with_a_volume_is_told_by_its_name(panel: Any, study: Any, loaded: Any) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    hole = noise((5, 6, 7), 1).astype(np.float32)
    hole[0, 0, 0] = np.nan
    add(panel, loaded(hole, "T1 map"))
    assert panel.controller.notice[0].startswith("The volume 'T1 map' contains NaN or infinity (1 of 210 voxels).")
