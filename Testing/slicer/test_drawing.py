"""What is drawn, plane by plane, beside the same on whole arrays, slowly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex, copy_slices

SHAPE = (5, 6, 7)
FAR = (slice(1, 4), slice(2, 5), slice(1, 6))


@pytest.fixture
def rng() -> Any:
    return np.random.default_rng(0)


def labels_of(rng: Any, share: float = 0.3) -> Any:
    return (rng.random(SHAPE) < share).astype(np.uint8) * rng.integers(1, 4, SHAPE, np.uint8)


def some_slices(rng: Any) -> list[SliceIndex]:
    every = [SliceIndex(axis, n) for axis in range(3) for n in range(SHAPE[axis])]
    return [every[n] for n in rng.choice(len(every), rng.integers(1, 5), replace=False)]


def other_moment(rng: Any, labels: Any) -> Any:
    """The same with a few voxels changed, or a slice."""
    after = labels.copy()
    if rng.random() < 0.5:
        after.flat[rng.choice(after.size, 3)] = rng.integers(0, 4, 3)
    else:
        copy_slices(labels_of(rng), after, some_slices(rng)[:1])
    return after


def test_it_is_what_it_was_made_of(rng: Any) -> None:
    from SemiSegLib.drawing import Drawing

    labels = labels_of(rng)
    drawing = Drawing.of(labels)
    assert (drawing.shape, drawing.values) == (SHAPE, {0, 1, 2, 3})
    assert np.array_equal(drawing.whole(), labels)
    for axis in range(3):
        for n in range(SHAPE[axis]):
            assert np.array_equal(drawing.on(SliceIndex(axis, n)), np.take(labels, n, axis))
    places = [SliceIndex(0, 2), SliceIndex(2, 3)]
    wanted = np.zeros_like(labels)
    copy_slices(labels, wanted, places)
    assert np.array_equal(drawing.only(places), wanted)


def test_slices_of_another_moment_are_taken_and_all_other_planes_are_the_same_objects(rng: Any) -> None:
    from SemiSegLib.drawing import Drawing

    for _turn in range(50):
        before = labels_of(rng)
        after, places = other_moment(rng, before), some_slices(rng)
        wanted, mine = before.copy(), Drawing.of(before)
        copy_slices(after, wanted, places)
        found = mine.with_slices(mine.now(after, range(4)), places)
        assert np.array_equal(found.whole(), wanted)
        assert np.array_equal(mine.whole(), before), "nobody changes a plane"
        kept = [k for k in range(SHAPE[0]) if found.planes[k] is mine.planes[k]]
        assert set(kept) >= {k for k in range(SHAPE[0]) if np.array_equal(before[k], after[k])}


def test_what_changed_is_found_in_a_box_and_around_it_and_nothing_else_is_copied(rng: Any) -> None:
    from SemiSegLib.drawing import Drawing

    for turn in range(200):
        before = np.zeros(SHAPE, np.uint8)
        before[FAR] = labels_of(rng)[FAR]
        if turn % 2:
            before.flat[rng.integers(before.size)] = 1  # perhaps beside the box
        now = np.zeros(SHAPE, np.uint8)
        now[FAR] = other_moment(rng, before)[FAR]
        drawing = Drawing.of(before)
        found = drawing.changed(FAR, now[FAR])
        assert sorted(found) == [k for k in range(SHAPE[0]) if not np.array_equal(before[k], now[k])]
        assert np.array_equal(drawing.with_planes(found, range(4)).whole(), now)
        now[FAR] = 9
        assert 9 not in drawing.with_planes(found, range(4)).whole(), "a copy"


@pytest.mark.parametrize("axis", range(3))
def test_the_slices_that_changed_are_those_of_the_whole_arrays(rng: Any, axis: int) -> None:
    from SemiSegLib.drawing import Drawing
    from SemiSegLib.labelling.annotations import changed_slices

    def plainly(before: Any, after: Any) -> set[SliceIndex]:
        differs = before != after
        found = [np.flatnonzero(differs.any(axis=tuple(o for o in range(3) if o != a))) for a in range(3)]
        best = min(range(3), key=lambda a: (len(found[a]), a != axis))
        return {SliceIndex(best, int(index)) for index in found[best]}

    for _turn in range(100):
        before = labels_of(rng)
        after = other_moment(rng, before)
        assert changed_slices(Drawing.of(before), Drawing.of(after), axis) == plainly(before, after)


@pytest.mark.parametrize("axis", range(3))
def test_what_is_on_none_of_some_slices_is_found_as_on_the_whole_array(rng: Any, axis: int) -> None:
    from SemiSegLib.drawing import Drawing
    from SemiSegLib.labelling.casework import _left_out

    for _turn in range(100):
        labels, places = labels_of(rng, 0.03), some_slices(rng)
        rest = labels.copy()
        copy_slices(np.zeros_like(rest), rest, places)
        along = np.flatnonzero(rest.any(axis=tuple(other for other in range(3) if other != axis)))
        drawing = Drawing.of(labels)
        assert _left_out(drawing, places, axis) == {SliceIndex(axis, int(n)) for n in along}
        assert np.array_equal(drawing.whole(), labels)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5])
def test_what_slicer_gets_is_cropped_and_its_own(rng: Any, share: float) -> None:
    from SemiSegLib.drawing import Boxed

    labels = labels_of(rng, share)
    before, boxed = labels.copy(), Boxed.of(labels)
    whole = np.zeros(SHAPE, np.uint8)
    whole[boxed.box] = boxed.voxels
    assert np.array_equal(whole, labels)
    for axis in range(3):
        sides = boxed.voxels.any(axis=tuple(other for other in range(3) if other != axis))
        assert not share or (sides[0] and sides[-1])
    boxed.voxels[...] = 3
    assert np.array_equal(labels, before)
