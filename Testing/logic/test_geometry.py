"""Grids and turns: where voxels lie in the patient, exactly."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from SemiSegLogic import geometry
from SemiSegLogic.geometry import (
    IGNORE,
    Grid,
    Orientation,
    SliceIndex,
    copy_slices,
    covered_axis,
    gap_between,
    slice_mask,
    sparse_label,
)

SHAPE = (3, 4, 5)
SIGNED_AXES = [np.eye(3)[:, list(order)] * signs
               for order in itertools.permutations(range(3)) for signs in itertools.product((1.0, -1.0), repeat=3)]


def tilted(columns: np.ndarray, degrees: float) -> np.ndarray:
    """The axes turned a little about an odd direction (Rodrigues)."""
    x, y, z = np.array([1.0, 2.0, -0.5]) / np.linalg.norm([1.0, 2.0, -0.5])
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(degrees)
    return (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross) @ columns


def grid(columns: np.ndarray) -> Grid:
    return Grid(SHAPE, (3.0, 0.7, 0.5), (10.0, -20.0, 30.0), tuple(columns.ravel().tolist()))


ALL = [pytest.param(grid(tilted(columns, angle)), id=f"{number}-{angle}deg")
       for number, columns in enumerate(SIGNED_AXES) for angle in (0, 20)]


@pytest.mark.parametrize("own", ALL)
def test_a_turn_and_its_inverse_give_the_same_array(own: Grid) -> None:
    array = np.arange(60).reshape(SHAPE)
    turn = own.orientation()
    assert np.array_equal(turn.invert(turn.apply(array)), array)


@pytest.mark.parametrize("own", ALL)
def test_canonical_axes_run_to_superior_posterior_and_left(own: Grid) -> None:
    voxels = np.stack(np.meshgrid(*map(np.arange, SHAPE), indexing="ij"), -1)
    turn = own.orientation()
    places = [own.to_patient(turn.apply(voxels[..., axis]).reshape(-1, 1) * np.eye(3)[axis][None])
              for axis in range(3)]
    patient = (sum(places) - 2 * np.array(own.origin)).reshape(*turn.apply(voxels[..., 0]).shape, 3)
    for axis, direction in enumerate((2, 1, 0)):  # z, y, x of LPS
        assert (np.diff(patient[..., direction], axis=axis) > 0).all()


@pytest.mark.parametrize("own", ALL)
def test_a_slice_keeps_its_voxels_when_it_is_turned(own: Grid) -> None:
    array, turn = np.arange(60).reshape(SHAPE), own.orientation()
    for axis in range(3):
        for index in range(SHAPE[axis]):
            place = turn.slice_to_canonical(SliceIndex(axis, index), SHAPE)
            there = np.take(turn.apply(array), place.index, axis=place.axis)
            assert sorted(there.ravel()) == sorted(np.take(array, index, axis=axis).ravel())
            assert turn.slice_to_array(place, SHAPE) == SliceIndex(axis, index)


def test_triples_follow_the_axes() -> None:
    turn = Orientation((2, 0, 1), (True, False, True))
    assert turn.apply(np.zeros(SHAPE)).shape == turn.triple(SHAPE)


def test_a_voxel_lies_where_itk_says_it_lies() -> None:
    import SimpleITK as sitk

    own = grid(tilted(SIGNED_AXES[13], 20))
    image = sitk.Image(*SHAPE[::-1], sitk.sitkUInt8)
    image.SetSpacing(own.spacing[::-1])
    image.SetOrigin(own.origin)
    image.SetDirection(own.direction)
    for k, j, i in ((0, 0, 0), (2, 1, 4), (1, 3, 0)):
        expected = image.TransformIndexToPhysicalPoint((i, j, k))
        assert np.allclose(own.to_patient(np.array([[k, j, i]]))[0], expected, atol=1e-12)


@pytest.mark.parametrize(("change", "agrees"), [
    ({}, True),
    ({"origin": (10.0001, -20.0, 30.0)}, True),
    ({"origin": (10.1, -20.0, 30.0)}, False),
    ({"spacing": (3.0, 0.7, 0.51)}, False),
    ({"direction": (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)}, False),
    ({"shape": (3, 4, 6)}, False),
])
def test_grids_agree_when_every_voxel_lies_at_the_same_place(change: dict, agrees: bool) -> None:
    own = {"shape": SHAPE, "spacing": (3.0, 0.7, 0.5), "origin": (10.0, -20.0, 30.0)}
    assert Grid(**own).agrees(Grid(**{**own, **change})) is agrees


def test_a_sparse_label_holds_ignore_wherever_nobody_judged() -> None:
    label = np.ones(SHAPE, np.uint8)
    sparse = sparse_label(label, [SliceIndex(0, 1), SliceIndex(2, 4)])
    assert (sparse[1] == 1).all()
    assert (sparse[:, :, 4] == 1).all()
    assert np.count_nonzero(sparse == IGNORE) == 60 - 20 - 12 + 4


@pytest.mark.parametrize("place", [SliceIndex(0, 3), SliceIndex(0, -1), SliceIndex(3, 0)])
def test_a_slice_outside_the_volume_is_refused(place: SliceIndex) -> None:
    with pytest.raises(IndexError, match="lies outside"):
        slice_mask(SHAPE, [place])


def test_slices_close_in_millimetres_are_too_alike_but_few_slices_are_not_all_closed() -> None:
    assert gap_between(1.0, 100) == 4
    assert gap_between(2.5, 100) == 2
    assert gap_between(9.0, 100) == 1
    assert gap_between(0.1, 64) == 8
    assert gap_between(1.0, 5) == 1


def test_an_axis_is_covered_when_every_slice_along_it_is_named() -> None:
    shape, every = (2, 3, 4), [SliceIndex(1, index) for index in range(3)]
    assert covered_axis(shape, [*every, SliceIndex(0, 1)]) == 1
    assert covered_axis(shape, [SliceIndex(1, 0), SliceIndex(1, 2), SliceIndex(1, 3), SliceIndex(1, -1)]) is None
    assert covered_axis(shape, []) is None


def test_all_slices_of_a_volume_are_copied_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An accepted case has every slice along all axes, and was copied three times, across the rows too."""
    source, target = np.arange(24).reshape(2, 3, 4), np.zeros((2, 3, 4), int)
    monkeypatch.setattr(geometry, "plane", None)
    copy_slices(source, target, (SliceIndex(axis, index) for axis in range(3) for index in range((2, 3, 4)[axis])))
    assert np.array_equal(source, target)
