"""The stretches of a training: how time and steps are shared out, what the bar counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from SemiSegLogic.engine.training.trainer import Budget, Progress
from SemiSegLogic.runner.course.legs import (
    Leg,
    carrying,
    legs_of,
    outlook,
    recommended_legs,
    seconds_left,
    side_by_side,
)
from SemiSegLogic.settings import Training
from SemiSegLogic.settings.recommended import Facts


def budgets(training: Training, method: str = "mean_teacher") -> list[tuple[str, float, int]]:
    return [(leg.name, leg.budget.seconds, leg.budget.steps) for leg in legs_of(training, method, {})]


def test_the_budget_is_split_into_a_first_mask_and_the_rest() -> None:
    assert budgets(Training(seconds=100, first_mask_seconds=20)) == [("supervised", 20, 0), ("mean_teacher", 80, 0)]
    assert budgets(Training(seconds=10, first_mask_seconds=25)) == [("supervised", 10, 0)]
    assert budgets(Training(steps=8)) == [("supervised", 0, 2), ("mean_teacher", 0, 6)]
    assert budgets(Training(steps=1)) == [("supervised", 0, 1)]
    assert budgets(Training(seconds=0)) == [("supervised", 0, 0)]


@pytest.mark.parametrize("training", [Training(seconds=0), Training(steps=9), Training(seconds=0.3)], ids=str)
def test_the_outlook_is_a_number_whatever_has_happened(training: Training) -> None:
    legs = legs_of(training, "mean_teacher", {})
    for step, elapsed, share in ((0, 0.0, 0.0), (0, 3.0, 0.1), (9, 3.0, 1.0)):
        told = outlook(legs, len(legs) - 1, share, Progress(step, elapsed))
        assert 0 <= told["fraction"] <= 1
        assert told["seconds_left"] >= 0


def test_what_is_left_is_what_the_legs_to_come_and_the_rest_of_this_one_need() -> None:
    timed = legs_of(Training(seconds=100, first_mask_seconds=20), "mean_teacher", {})
    assert [seconds_left(timed, leg, share, 9.0) for leg, share in ((0, 0.0), (0, 0.5), (1, 0.25), (2, 0.0))] == [
        100, 90, 60, 0]
    counted = legs_of(Training(steps=8), "mean_teacher", {})
    assert seconds_left(counted, 1, 0.5, 2.0) == pytest.approx(1.5)


def legs_of_a_contest() -> list[Leg]:
    facts = Facts(3, drawn=4, unlabelled=20, held_out=6, ellipses=False, voxels=2_000_000, seconds=200.0, steps=0)
    return recommended_legs(Training(seconds=200, first_mask_seconds=25), {}, facts, 1)[0]


def test_side_by_side_both_get_all_the_time_that_they_would_have_shared() -> None:
    before = {leg.role: leg.budget.seconds for leg in legs_of_a_contest()}
    after = {leg.role: leg.budget.seconds for leg in side_by_side(legs_of_a_contest())}
    assert before == {"first": 25, "longer": 67.5, "candidate": 67.5, "whole": 40}
    assert after == {"first": 25, "longer": 135, "candidate": 135, "whole": 40}
    assert [leg.role for leg in side_by_side(legs_of_a_contest()) if leg.beside] == ["candidate"]


def test_without_a_contest_nothing_is_side_by_side() -> None:
    legs = [leg for leg in legs_of_a_contest() if leg.role != "candidate"]
    assert side_by_side(legs) == legs


def test_the_bar_does_not_count_what_another_runner_trains() -> None:
    legs = side_by_side(legs_of_a_contest())
    told = outlook(legs, 1, 1.0, Progress(10, 5.0))
    assert told["fraction"] == pytest.approx(0.95 * 160 / 200)
    assert told["seconds_left"] == pytest.approx(40)


def test_every_leg_has_a_seed_of_its_own_whatever_the_other_legs_are() -> None:
    roles = [("first", 0), ("longer", 0), ("candidate", 0), ("whole", None), ("fold", 1), ("fold", 2)]
    legs = [Leg("supervised", {}, Budget(1.0), role, part) for role, part in roles]
    seeds = [leg.seed(0) for leg in legs]
    assert len(set(seeds)) == len(legs)
    assert [replace(leg, budget=Budget(9.0), beside=True).seed(0) for leg in legs] == seeds
    assert legs[0].seed(1) != seeds[0]


def test_half_of_each_leg_learns_from_carried_slices() -> None:
    legs = [*legs_of_a_contest(), Leg("supervised", {}, Budget(9.0), "fold", 1)]
    assert all(leg.carried == 0 for leg in legs)
    found = carrying(legs)
    assert {leg.carried for leg in found} == {0.5}
    assert [replace(leg, carried=0.0) for leg in found] == legs
