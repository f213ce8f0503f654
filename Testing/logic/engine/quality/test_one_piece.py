"""Whether drawn slices speak for the small pieces of a prediction."""

from __future__ import annotations

import numpy as np
import pytest

from SemiSegLogic.engine.data.volumes import Volume
from SemiSegLogic.engine.prediction.fragments import leave_out
from SemiSegLogic.engine.quality.one_piece import Evidence, evidence_of, undecided
from SemiSegLogic.geometry import SliceIndex
from Testing.support.engine import volume_of

SHAPE = (10, 30, 30)
ORGAN = (slice(1, 9), slice(2, 14), slice(2, 14))
SPOTS = [(slice(1, 4), slice(20, 24), slice(20, 24)), (slice(5, 8), slice(20, 24), slice(4, 8))]


def _label(*parts: tuple[slice, ...]) -> np.ndarray:
    label = np.zeros(SHAPE, np.uint8)
    for part in parts:
        label[part] = 1
    return label


def _seen(truth: np.ndarray, found: np.ndarray, *places: SliceIndex) -> Evidence:
    volume: Volume = volume_of(np.zeros(SHAPE), truth, places)
    whole = found.copy()
    leave_out(whole, np.zeros_like(whole), [1])
    return evidence_of(volume, found, whole, 1)


PLACES = (SliceIndex(0, 2), SliceIndex(0, 6), SliceIndex(1, 22), SliceIndex(2, 5))


def test_of_an_organ_nothing_drawn_would_go_whatever_else_was_found() -> None:
    seen = _seen(_label(ORGAN), _label(ORGAN, *SPOTS), *PLACES)
    assert seen == Evidence(found=3, gone=0, drawn=144 + 144 + 8 * 12, voxels_gone=0)  # none on the third slice
    assert seen.shows_one_piece


def test_of_spots_beside_an_organ_those_drawn_would_go() -> None:
    truth = _label(ORGAN, *SPOTS)
    seen = _seen(truth, truth, *PLACES)
    #  organ and spot, organ and spot, both spots, organ and spot
    assert (seen.found, seen.gone, seen.voxels_gone) == (8, 5, 16 + 16 + 24 + 12)
    assert not seen.shows_one_piece


def test_a_piece_that_was_not_found_says_nothing() -> None:
    seen = _seen(_label(ORGAN, *SPOTS), _label(ORGAN), *PLACES)
    assert (seen.found, seen.gone) == (3, 0)


@pytest.mark.parametrize(
    ("seen", "shows"),
    [
        (Evidence(2, 0, 500, 0), False), (Evidence(3, 0, 500, 0), True), (Evidence(9, 1, 500, 4), False),
        (Evidence(10, 1, 500, 5), True), (Evidence(10, 1, 500, 6), False), (Evidence(), False),
    ],
)  # fmt: skip
def test_next_to_nothing_of_what_was_drawn_may_go(seen: Evidence, shows: bool) -> None:
    assert seen.shows_one_piece is shows


def test_evidence_adds_up_and_is_enough_when_it_is_of_every_structure() -> None:
    total = Evidence(2, 1, 10, 3) + Evidence(4, 0, 20, 1)
    assert total == Evidence(6, 1, 30, 4)
    assert undecided([total, total]) == set()
    assert undecided([total, Evidence(5, 0, 30, 0)]) == {2}


def test_of_a_volume_that_is_drawn_throughout_some_slices_are_looked_at() -> None:
    truth = np.ones((100, 4, 4), np.uint8)
    volume = volume_of(np.zeros(truth.shape), truth, tuple(SliceIndex(0, n) for n in range(100)))
    seen = evidence_of(volume, truth, truth, 1)
    assert seen == Evidence(25, 0, 25 * 16, 0)  # every fourth, for 32 are the most
