"""From held-out slices to an interval, and the words for it."""

from __future__ import annotations

import pytest

from SemiSegLogic.engine.quality import SliceScore, estimate
from SemiSegLogic.geometry import SliceIndex


def scores(*dice: float, cases: int = 1) -> list[SliceScore]:
    """Slices dealt out to ``cases``, each of 1000 drawn and 1000 predicted voxels."""
    return [
        SliceScore(f"c{n % cases:03d}", SliceIndex(0, n), (round(1000 * d),), (1000,), (1000,))
        for n, d in enumerate(dice)
    ]


def width(*dice: float, cases: int) -> float:
    found = estimate(scores(*dice, cases=cases))
    assert found is not None
    return found.high - found.low


def test_what_was_measured_is_the_dice_of_all_slices_together() -> None:
    small = SliceScore("c001", SliceIndex(0, 9), (0,), (10,), (10,))
    found = estimate([*scores(0.8), small])
    assert found is not None
    assert found.measured == pytest.approx(2 * 800 / 2020)
    assert (found.slices, found.cases) == (2, 2)


def test_a_structure_that_no_slice_shows_does_not_count() -> None:
    found = estimate([SliceScore("c001", SliceIndex(0, 0), (900, 0), (1000, 50), (1000, 0))])
    assert found is not None
    assert found.measured == pytest.approx(0.9)


def test_the_interval_holds_the_estimate_and_stays_between_0_and_1() -> None:
    for dice in ((0.0,), (1.0,), (0.5, 1.0, 0.2), (0.8,) * 9):
        found = estimate(scores(*dice, cases=len(dice)))
        assert found is not None
        assert 0 < found.low < found.dice < found.high < 1


def test_more_cases_more_slices_and_more_agreement_make_it_narrower() -> None:
    assert width(*[0.8] * 6, cases=6) < width(*[0.8] * 6, cases=2) < width(*[0.8] * 6, cases=1)
    assert width(*[0.8] * 12, cases=2) < width(0.8, 0.8, cases=2)
    assert width(*[0.8] * 6, cases=6) < width(0.5, 0.9, 0.6, 0.95, 0.4, 0.9, cases=6)


def test_it_is_the_same_again() -> None:
    assert estimate(scores(0.5, 0.9, 0.7, cases=3)) == estimate(scores(0.5, 0.9, 0.7, cases=3))


def test_nothing_held_out_or_nothing_drawn_there_tells_nothing() -> None:
    assert estimate([]) is None
    assert estimate([SliceScore("c001", SliceIndex(0, 0), (0,), (30,), (0,))]) is None


def test_the_number_never_comes_without_its_meaning() -> None:
    found = estimate(scores(0.8, 0.8, 0.8, cases=2))
    assert found is not None
    words = found.words()
    for part in (f"{found.dice:.2f}", f"{found.low:.2f}", f"{found.high:.2f}", "3 slices of 2 cases", "9 of 10 studies",
                 "training had not seen"):
        assert part in words
    alone = estimate(scores(0.8))
    assert alone is not None
    assert "1 slice of 1 case." in alone.words()
