"""Which model is kept: the rule alone."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from SemiSegLogic.engine.quality import SliceScore
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.runner.contest.gate import Comparison, compare, takes_over, verdict


def scores(*dice: float, case: str = "c001") -> list[SliceScore]:
    """Slices 0, 1, ... of a case with these Dice, to a thousandth."""
    return [SliceScore(case, SliceIndex(0, n), (round(d * 1000),), (1000,), (1000,)) for n, d in enumerate(dice)]


def test_the_difference_is_paired_slice_by_slice() -> None:
    found = compare(scores(0.5, 0.7, 0.9), scores(0.4, 0.6, 0.8))
    assert found.difference == pytest.approx(0.1)
    assert found.error == pytest.approx(0.05 * math.sqrt(2 / 4 / 3))  # no spread at all is not quite believed
    wide = compare(scores(0.5, 0.9), scores(0.4, 0.6))
    assert (wide.difference, wide.error) == (pytest.approx(0.2), pytest.approx(math.sqrt((0.02 + 0.005) / 3 / 2)))


def test_only_slices_that_both_were_measured_on_count() -> None:
    found = compare(scores(0.9, 0.9, 0.9), scores(0.5) + scores(0.1, 0.1, case="c002"))
    assert (found.slices, found.difference) == (1, pytest.approx(0.4))


def test_a_slice_that_was_drawn_anew_between_the_two_measurements_does_not_count() -> None:
    """The person corrects while it trains; the model before was measured against what was drawn then."""
    redrawn = replace(scores(0.9, 0.9)[1], overlap=(500,), truth=(2000,))
    found = compare([*scores(0.9), redrawn], scores(0.8, 0.8))
    assert (found.slices, found.difference) == (1, pytest.approx(0.1))


def test_an_empty_slice_that_stays_empty_says_nothing() -> None:
    empty = [SliceScore("c001", SliceIndex(0, 0), (0,), (0,), (0,))]
    assert compare(empty, empty).slices == 0


def test_a_structure_seen_where_there_is_none_counts_as_wrong() -> None:
    clean, dirty = (SliceScore("c001", SliceIndex(0, 0), (900, 0), (1000, n), (1000, 0)) for n in (0, 7))
    assert compare([dirty], [clean]).difference == pytest.approx(-0.45)


@pytest.mark.parametrize(("role", "difference", "slices", "stopped", "taken"), [
    ("longer", +0.05, 4, False, True), ("longer", -0.005, 4, False, True), ("longer", -0.05, 4, False, False),
    ("longer", -0.05, 4, True, False), ("longer", 0.0, 0, False, True), ("longer", 0.0, 0, True, False),
    ("candidate", +0.05, 4, False, True), ("candidate", +0.005, 4, False, False), ("candidate", -0.05, 4, False, False),
    ("candidate", +0.3, 2, False, False), ("candidate", 0.0, 0, False, False),
])
def test_longer_training_stays_unless_shown_worse_a_candidate_wins_only_when_shown_better(
    role: str, difference: float, slices: int, stopped: bool, taken: bool
) -> None:
    assert takes_over(role, Comparison(difference, 0.01, slices), stopped) is taken


def test_the_verdict_says_how_many_slices_and_how_sure() -> None:
    words = verdict("mean_teacher", "candidate", 0.8, Comparison(-0.004, 0.011, 6), False)
    assert "-0.004 ± 0.011 Dice, slice by slice, on 6 slices kept aside from both" in words
    assert "the earlier ones are kept" in words


def test_without_a_slice_held_out_the_verdict_says_so_and_what_became_of_half_a_leg() -> None:
    none = Comparison(0.0, math.inf, 0)
    whole, half = (verdict("mean_teacher", "longer", None, none, taken) for taken in (True, False))
    assert whole == "mean_teacher: no slice was kept aside, so its quality is not known."
    assert half == f"{whole} It was stopped before its end, so the earlier suggestions are kept."


def test_one_slice_is_one_slice() -> None:
    assert Comparison(0.1, 0.05, 1).words().endswith("on 1 slice kept aside from both")
