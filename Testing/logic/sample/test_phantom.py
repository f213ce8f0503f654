"""Phantoms: repeatable, on every kind of grid, and hard enough to be worth segmenting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SemiSegLogic.sample import list_cases, make_phantom, write_phantoms


def test_the_same_numbers_give_the_same_voxels_and_others_do_not() -> None:
    first, again, other = make_phantom(0, 1), make_phantom(0, 1), make_phantom(0, 5)
    assert np.array_equal(first.image, again.image)
    assert np.array_equal(first.label, again.label)
    assert first.grid == again.grid
    assert first.grid.shape != other.grid.shape or not np.array_equal(first.label, other.label)


@pytest.mark.parametrize("index", range(1, 9))
def test_two_structures_of_some_size_touch_each_other(index: int) -> None:
    label = make_phantom(0, index).label
    head, tail = label == 1, label == 2
    assert head.sum() > 400
    assert tail.sum() > 200
    contacts = sum(
        int((np.take(head, range(n - 1), axis) & np.take(tail, range(1, n), axis)).sum())
        + int((np.take(tail, range(n - 1), axis) & np.take(head, range(1, n), axis)).sum())
        for axis, n in enumerate(label.shape)
    )
    assert contacts > 10
    assert (label == 0).mean() > 0.8


def test_grids_are_straight_anisotropic_oblique_and_flipped_in_turn() -> None:
    straight, stretched, oblique, flipped = (make_phantom(0, index).grid for index in (4, 5, 6, 7))
    assert straight.spacing == (1, 1, 1)
    assert np.abs(straight.direction).max() == 1
    assert len(set(stretched.spacing)) == 3
    assert 0.5 < max(map(abs, oblique.direction[:3])) < 0.999
    assert flipped.orientation().sources != (0, 1, 2)
    for grid in (straight, stretched, oblique, flipped):
        turn = np.array(grid.direction).reshape(3, 3)
        assert np.allclose(turn @ turn.T, np.eye(3))
        assert all(24 <= n <= 60 for n in grid.shape)


def test_brightness_alone_does_not_find_the_structures() -> None:
    """The best threshold overlaps the structures by no more than a Dice of 0.8, for distractors are as bright."""
    for index in range(1, 5):
        phantom = make_phantom(0, index)
        true = phantom.label > 0
        best = max(
            2 * (true & (phantom.image > level)).sum() / (true.sum() + (phantom.image > level).sum())
            for level in np.percentile(phantom.image, range(50, 100, 2))
        )
        assert best < 0.8


def test_intensity_scales_differ_as_in_the_real_set() -> None:
    tops = [float(make_phantom(0, index).image.max()) for index in range(1, 9)]
    assert max(tops) / min(tops) > 100
    assert min(tops) > 0


def test_files_keep_the_grid_and_the_labels(tmp_path: Path) -> None:
    folder = write_phantoms(tmp_path, 4)
    cases, notes = list_cases(folder)
    assert notes == []
    assert [case.image.name for case in cases] == [
        "phantom_001.nrrd", "phantom_002.nii.gz", "phantom_003.nrrd", "phantom_004.nii.gz",
    ]
    for index, case in enumerate(cases, 1):
        phantom, image = make_phantom(0, index), sitk.ReadImage(str(case.image))
        assert np.array_equal(sitk.GetArrayFromImage(image), phantom.image)
        assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(case.reference))), phantom.label)
        assert np.allclose(image.GetDirection(), phantom.grid.direction, atol=1e-6)
        assert np.allclose(image.GetSpacing(), phantom.grid.spacing[::-1], atol=1e-6)
        assert np.allclose(image.GetOrigin(), phantom.grid.origin, atol=1e-4)


def test_phantoms_are_written_once(tmp_path: Path) -> None:
    folder = write_phantoms(tmp_path, 1)
    (folder / "mark").touch()
    assert (write_phantoms(tmp_path, 1) / "mark").exists()
    assert [entry.name for entry in tmp_path.iterdir()] == [folder.name]
