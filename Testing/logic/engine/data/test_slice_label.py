"""Kept slices against an array of every voxel: what is sampled, cut out, counted and held out is the same."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from SemiSegLogic.engine.data.framing import Chance, View, augmentation
from SemiSegLogic.engine.data.resampling import sample_label
from SemiSegLogic.engine.data.slice_label import SliceLabel
from SemiSegLogic.geometry import IGNORE, SliceIndex
from Testing.support.plain.dense_label import dense, kept, sample_dense

SHAPE = (11, 14, 9)
JUDGED = {
    "one slice": [(0, 4)],
    "neighbours and others": [(1, 3), (1, 4), (1, 5), (1, 12), (1, 0)],
    "three axes that cross": [(0, 2), (0, 3), (1, 7), (1, 13), (2, 0), (2, 5)],
    "two axes": [(2, 4), (1, 6), (1, 7)],
    "everything": [(0, n) for n in range(SHAPE[0])],
    "everything, along the second axis": [(1, n) for n in range(SHAPE[1])],
    "more than everything": [(axis, n) for axis in range(3) for n in range(SHAPE[axis] - 1)],
    "nothing": [],
}
HELD_OUT = {
    "none": lambda places: [],
    "one of each axis": lambda places: list({axis: (axis, n) for axis, n in places}.values()),
    "every second": lambda places: places[::2], "all": lambda places: places,
}
CASES = list(product(JUDGED, HELD_OUT))
Slices = tuple[SliceIndex, ...]


def _drawn(seed: int = 0) -> NDArray[np.uint8]:
    """Three structures, and holes that nobody judged."""
    return np.random.default_rng(seed).choice(np.array([0, 1, 2, 3, IGNORE], np.uint8), SHAPE)


def _places(judged: str, held_out: str) -> tuple[Slices, Slices]:
    pairs = JUDGED[judged]
    chosen = HELD_OUT[held_out](pairs)
    return tuple(SliceIndex(*pair) for pair in pairs), tuple(SliceIndex(*pair) for pair in chosen)


def _views(count: int) -> list[View]:
    """Turned freely, within each plane, within none; zoomed in and out, mirrored, well inside and over every border."""
    torch.manual_seed(1)
    rng, views = np.random.default_rng(1), []
    for _ in range(count):
        for axes in ((0, 1, 2), (1, 2), (0, 2), (0, 1), ()):
            turn = augmentation(axes, 3, int(rng.integers(3)), Chance()) if axes else np.eye(3)
            centre = rng.uniform(-2, np.array(SHAPE) + 1)
            views.append(View(turn * rng.uniform(0.4, 2.5, 3), centre if rng.random() < 0.6 else np.round(centre)))
    return views


@pytest.mark.parametrize(("judged", "held_out"), CASES)
@pytest.mark.parametrize("patch", [(5, 6, 4), (1, 7, 8), (16, 16, 16)])
def test_the_same_voxels_are_sampled_as_from_an_array_of_all(
    judged: str, held_out: str, patch: tuple[int, int, int]
) -> None:
    places, aside = _places(judged, held_out)
    array, label = dense(_drawn(), places, aside), kept(_drawn(), places, aside)
    training = [place for place in places if place not in aside]
    fast, slow = (torch.empty(patch, dtype=torch.int64) for _ in range(2))
    for view in _views(12):
        sample_label(label, view, patch, fast)
        for slices in (training, None):
            sample_dense(array, view, patch, slices, slow)
            assert torch.equal(fast, slow)


@pytest.mark.parametrize(("judged", "held_out"), CASES)
def test_boxes_and_counts_are_those_of_the_array_of_all(judged: str, held_out: str) -> None:
    places, aside = _places(judged, held_out)
    array, label = dense(_drawn(), places, aside), kept(_drawn(), places, aside)
    assert torch.equal(label.all_voxels(), array)
    for corner in ((0, 0, 0), (2, 3, 1), (3, 6, 4)):
        shape = (3, 5, 4)
        d, h, w = (slice(start, start + side) for start, side in zip(corner, shape, strict=True))
        assert torch.equal(label.box(corner, shape), array[d, h, w])
    assert label.counts()[:IGNORE].tolist() == np.bincount(array.numpy().ravel(), minlength=256)[:IGNORE].tolist()


@pytest.mark.parametrize(("judged", "held_out"), CASES)
def test_every_plane_is_a_view_of_what_was_drawn_whatever_is_held_out(judged: str, held_out: str) -> None:
    places, aside = _places(judged, held_out)
    label = kept(_drawn(), places, aside)
    for place in places:
        assert torch.equal(label.plane(place), torch.from_numpy(_drawn()).select(place.axis, place.index))
        assert label.plane(place).untyped_storage().data_ptr() in {
            stack.planes.untyped_storage().data_ptr() for stack in label.stacks
        }


@pytest.mark.parametrize("judged", JUDGED)
def test_no_more_is_kept_than_the_slices_and_never_more_than_the_volume(judged: str) -> None:
    places, _ = _places(judged, "none")
    label = kept(_drawn(), places)
    size = int(np.prod(SHAPE))
    slices = sum(size // SHAPE[place.axis] for place in places)
    assert sum(stack.planes.untyped_storage().nbytes() for stack in label.stacks) == min(slices, size)


def test_holding_out_copies_nothing_and_leaves_the_label_as_it_was() -> None:
    label = kept(_drawn(), _places("three axes that cross", "none")[0])
    before = label.all_voxels()
    less = label.without([SliceIndex(0, 2)])
    assert [stack.planes.data_ptr() for stack in less.stacks] == [stack.planes.data_ptr() for stack in label.stacks]
    assert torch.equal(label.all_voxels(), before)
    assert not torch.equal(less.all_voxels(), before)


def test_a_voxel_is_judged_only_where_somebody_judged_it() -> None:
    place = SliceIndex(1, 3)
    assert kept(_drawn(), [place]).is_judged()
    assert not kept(np.full(SHAPE, IGNORE, np.uint8), [place]).is_judged()
    assert not kept(_drawn(), []).is_judged()


def test_a_plane_that_nobody_drew_is_asked_for_in_vain() -> None:
    with pytest.raises(KeyError):
        kept(_drawn(), [SliceIndex(1, 3)]).plane(SliceIndex(1, 4))


def test_three_slices_of_a_large_volume_take_no_more_than_three_slices() -> None:
    shape = (3000, 3000, 3000)  # an array of all voxels would be 27 GB
    label = SliceLabel.of({0: ([7, 8, 2999], np.ones((3, 3000, 3000), np.uint8))}, shape, torch.device("cpu"))
    out = torch.empty(4, 4, 4, dtype=torch.int64)
    sample_label(label, View(np.eye(3), np.array([2998.5, 5.5, 5.5])), (4, 4, 4), out)
    assert (out != IGNORE).sum() == 16
    assert bool((out[2] == 1).all())
    assert label.counts()[1] == 3 * 3000 * 3000
