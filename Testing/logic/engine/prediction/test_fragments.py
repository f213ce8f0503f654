"""Pieces of a structure: told apart as a flood would, the small ones left out, and never what a person drew."""

from __future__ import annotations

import tracemalloc
from collections import deque
from collections.abc import Collection
from itertools import count, product

import numpy as np
import pytest
from scipy import ndimage

from SemiSegLogic.engine.data.volumes import Volume
from SemiSegLogic.engine.prediction import fragments as module
from SemiSegLogic.engine.prediction.fragments import FRAGMENT, Pieces, leave_out
from SemiSegLogic.geometry import SliceIndex
from Testing.support.engine import volume_of

SHAPE = (9, 12, 15)


def fragments(inside: np.ndarray) -> np.ndarray:
    """All fragments of a mask, as one."""
    label, found = inside.astype(np.uint8), np.zeros(inside.shape, np.uint8)
    pieces = Pieces.of(label, 1)
    for where, away in pieces.parts(pieces.small, label, 1):
        found[where] += away
    assert found.max(initial=0) <= 1, "no voxel is told twice"
    return found.astype(bool)


def _flooded(inside: np.ndarray) -> list[set[tuple[int, ...]]]:
    """The pieces voxel by voxel; neighbours touch by face, edge or corner."""
    left, pieces = {tuple(place) for place in np.argwhere(inside).tolist()}, []
    while left:
        piece, waiting = set(), deque([left.pop()])
        while waiting:
            place = waiting.popleft()
            piece.add(place)
            for step in product((-1, 0, 1), repeat=3):
                near = tuple(a + b for a, b in zip(place, step, strict=True))
                if near in left:
                    left.remove(near)
                    waiting.append(near)
        pieces.append(piece)
    return pieces


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("share", [0.02, 0.08, 0.5])
def test_fragments_are_those_that_a_flood_finds(seed: int, share: float) -> None:
    inside = np.random.default_rng(seed).random(SHAPE) < share
    pieces = _flooded(inside)
    largest = max(map(len, pieces))
    expected = np.zeros(SHAPE, bool)
    for piece in pieces:
        if len(piece) < FRAGMENT * largest:
            expected[tuple(np.array(list(piece)).T)] = True
    assert np.array_equal(fragments(inside), expected)


def _organ(*bits: tuple[slice, ...]) -> np.ndarray:
    """An organ of 4 x 4 x 4 voxels, and other bits."""
    label = np.zeros(SHAPE, np.uint8)
    for part in ((slice(2, 6),) * 3, *bits):
        label[part] = 1
    return label


BIT = (slice(8, 9), slice(10, 12), slice(13, 15))
TWIN = (slice(2, 6), slice(2, 6), slice(9, 12))


def test_a_bit_goes_and_a_twin_stays() -> None:
    label = _organ(BIT, TWIN)
    leave_out(label, np.zeros_like(label), [1])
    assert np.array_equal(label, _organ(TWIN))


def test_nothing_goes_from_an_empty_mask_or_a_single_image_in_one_piece() -> None:
    leave_out(nothing := np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8), [1, 2])
    assert not nothing.any()
    leave_out(_organ(BIT), np.zeros(SHAPE, np.uint8), [])
    flat = np.zeros((1, 8, 8), bool)
    flat[0, 2:5, 2:5] = flat[0, 5, 5] = True  # by the corner
    assert not fragments(flat).any()
    flat[0, 7, 7] = True
    assert np.argwhere(fragments(flat)).tolist() == [[0, 7, 7]]


def _drawn(label: np.ndarray, *places: SliceIndex) -> Volume:
    return volume_of(np.zeros(SHAPE), label, places, values=(1, 2))


@pytest.mark.parametrize("place", [SliceIndex(0, 8), SliceIndex(1, 10), SliceIndex(2, 13)])
def test_a_bit_that_a_person_drew_on_any_slice_stays_whole(place: SliceIndex) -> None:
    label = _organ(BIT)
    leave_out(label, np.zeros_like(label), [1], _drawn(_organ(BIT), place).judged)
    assert np.array_equal(label, _organ(BIT))


def test_a_bit_goes_where_a_person_drew_something_else() -> None:
    label, other = _organ(BIT), 2 * _organ(BIT)
    leave_out(label, np.zeros_like(label), [1], _drawn(other, SliceIndex(0, 8)).judged)
    assert np.array_equal(label, _organ())


def test_what_was_second_comes_first_and_no_hole_is_left() -> None:
    label, second = 2 * _organ(), _organ()
    label[3, 3, 3] = 1  # inside the other structure
    label[7:9, 8:10, 8:10] = 1  # the organ of structure 1
    second[3, 3, 3], second[7:9, 8:10, 8:10] = 2, 0
    leave_out(label, second, [1, 2])
    assert (label[3, 3, 3], second[3, 3, 3]) == (2, 1)
    assert np.count_nonzero(label == 1) == 8


def test_a_bit_of_which_both_guesses_are_fragments_becomes_background() -> None:
    label = _organ(BIT)
    label[:2, 8:12, 4:9] = 2
    second = np.full(SHAPE, 2, np.uint8)
    leave_out(label, second, [1, 2])
    assert not label[BIT].any()
    assert np.count_nonzero(label == 2) == 40


@pytest.mark.parametrize("most", [1, 7, 64, 400])
def test_of_a_large_volume_blocks_are_looked_at_and_no_voxel_that_is_not_inside(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bit lies more than a block away; whatever the block, the organ stays and nothing is added."""
    monkeypatch.setattr(module, "MOST_BLOCKS", most)
    label = np.zeros((31, 33, 35), np.uint8)
    label[3:14, 2:15, 4:16] = label[28:30, 30:32, 32:34] = 1
    before = label.copy()
    found = fragments(label == 1)
    assert not found[:20].any()
    assert not (found & (before == 0)).any()
    if most == 400:
        assert np.count_nonzero(found) == 8


def test_what_was_drawn_is_found_again_among_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BLOCKS", 100)
    label = _organ(BIT)
    assert fragments(label == 1).any()
    for place in (SliceIndex(0, 8), SliceIndex(1, 10), SliceIndex(2, 14)):
        found = label.copy()
        leave_out(found, np.zeros_like(label), [1], _drawn(_organ(BIT), place).judged)
        assert np.array_equal(found, label)


def _all_at_once(label: np.ndarray, second: np.ndarray, classes: Collection[int]) -> None:
    """What :func:`leave_out` does, written without regard to time and memory: all of its box for every class."""
    for fallback in (second, np.zeros_like(second)):
        boxes = ndimage.find_objects(label, max(classes))
        for number in (one for one in classes if boxes[one - 1] is not None):
            inside = label[boxes[number - 1]] == number
            side = next(n for n in count(1) if inside.size <= module.MOST_BLOCKS * n**3)
            corners = np.indices(inside.shape) // side
            blocks = np.zeros(corners.reshape(3, -1).max(1) + 1, bool)
            blocks[tuple(corners[:, inside])] = True
            names = ndimage.label(blocks, np.ones((3, 3, 3)))[0][tuple(corners)] * inside
            sizes = np.bincount(names[inside])
            away = inside & (sizes < FRAGMENT * sizes.max())[names]
            label[boxes[number - 1]][away] = fallback[boxes[number - 1]][away]
            second[boxes[number - 1]][away] = number


@pytest.mark.parametrize("seed", range(12))
def test_many_classes_give_what_whole_volumes_one_after_the_other_give(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng, most = np.random.default_rng(seed), 9
    label, second = (rng.integers(0, most + 1, (10, 13, 11), np.uint8) for _ in range(2))
    label[rng.random(label.shape) < 0.7] = 0
    for axis in range(3):
        label, second = label.repeat(3, axis), second.repeat(3, axis)
    side = 1 + seed % 3
    monkeypatch.setattr(module, "MOST_BLOCKS", -(-label.size // side**3))
    for number in range(1, most + 1):  # single voxels beside the pieces of 27
        label.flat[rng.choice(label.size, 40)] = number
    expected = label.copy(), second.copy()
    classes = [1, 2, 4, 5, 7, 9]
    before = label.copy()
    _all_at_once(*expected, classes)
    leave_out(label, second, classes)
    assert not np.array_equal(label, before)
    assert np.array_equal(label, expected[0])
    assert np.array_equal(second, expected[1])


def test_of_a_large_volume_no_second_one_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be a hundred structures, each with bits anywhere."""
    monkeypatch.setattr(module, "MOST_BLOCKS", 4096)
    label = np.zeros((96, 128, 128), np.uint8)
    label[20:40, 20:60, 20:60] = 1
    label[0, 0, 0] = label[-1, -1, -1] = 1
    second = np.zeros_like(label)
    tracemalloc.start()
    leave_out(label, second, [1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.count_nonzero(label) == 20 * 40 * 40
    assert peak < 1.2 * label.size
