"""The learning curve: looks on the way cost a person little more than the time that was given to training."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from SemiSegLogic.engine.quality import Measured, SliceScore
from SemiSegLogic.engine.training.trainer import Budget, Progress
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.course import opening
from SemiSegLogic.runner.course.curve import DENSE, EVALUATE_EVERY, FREE_S, MOST_SHARE, Curve
from SemiSegLogic.runner.course.legs import Leg
from SemiSegLogic.settings.recommended import Recommendation, Recommended
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.rounds import run_here

SCORES = (SliceScore("c001", SliceIndex(0, 3), (3,), (4,), (4,)),)
STEPS = 200


class _Leg:
    """A leg of ``budget`` in which a look at the held-out slices takes ``look_s`` seconds of a clock of its own."""

    def __init__(self, budget: Budget, look_s: float, scores: tuple[SliceScore, ...] = SCORES) -> None:
        self.now, self.looks, self.points = 0.0, list[float](), list[dict[str, Any]]()
        self.look_s, self.scores = look_s, scores
        self.trainer: Any = SimpleNamespace(
            clock=lambda: self.now, budget=budget, progress=Progress(), method=SimpleNamespace(predictor=lambda: None))
        reporter: Any = SimpleNamespace(curve=lambda point, seconds, step: self.points.append(point))
        jury: Any = SimpleNamespace(glance=self._glance, measure=lambda network: Measured(self._glance(network)),
                                    dice=lambda scores: [score.dice for score in scores])
        standing: Any = SimpleNamespace(seconds=0.0)
        self.curve = Curve(reporter, jury, standing)

    def _glance(self, network: object) -> tuple[SliceScore, ...]:
        self.now += self.look_s
        self.looks.append(self.trainer.progress.elapsed)
        return self.scores

    def train(self, seconds: float) -> float:
        """Through the whole leg; how long it took besides training."""
        self.curve.begin_leg()
        for step in range(1, STEPS + 1):
            self.now += seconds / STEPS
            self.trainer.progress.step, self.trainer.progress.elapsed = step, seconds * step / STEPS
            self.curve.evaluate(self.trainer, step / STEPS)
        return self.now - seconds


def test_a_quick_look_is_taken_at_every_fifth_of_the_leg_but_its_end_where_all_is_measured() -> None:
    leg = _train(_Leg(Budget(5.0), look_s=0.05), 5.0)
    assert leg.looks == pytest.approx([1.0, 2.0, 3.0, 4.0], abs=0.1)
    assert [point["held_out_dice"] for point in leg.points] == [0.75] * 4


@pytest.mark.parametrize("seconds", [5.0, 60.0, 600.0])
@pytest.mark.parametrize("look_s", [0.5, 3.0, 20.0, 100.0])
def test_slow_looks_take_a_fifth_of_the_training_at_most_beyond_the_first(seconds: float, look_s: float) -> None:
    leg = _Leg(Budget(seconds), look_s)
    assert leg.train(seconds) <= look_s + max(FREE_S, MOST_SHARE * seconds)
    assert 1 <= len(leg.looks) <= round(1 / EVALUATE_EVERY)


def test_a_long_training_goes_on_looking_however_slow_it_is() -> None:
    assert len(_train(_Leg(Budget(3600.0), look_s=100.0), 3600.0).looks) == 4


def test_with_a_number_of_steps_the_curve_has_the_same_points_however_slow_the_computer() -> None:
    steps = [_train(_Leg(Budget(0.0, STEPS), look_s), 5.0).looks for look_s in (0.0, 100.0)]
    assert len(steps[0]) == 4
    assert steps[0] == steps[1]


def test_losses_are_told_often_at_first_and_more_rarely_the_longer_a_run_goes_on() -> None:
    leg = _Leg(Budget(3600.0), look_s=0.0)
    leg.trainer.last_losses = lambda: {"labelled": 0.5}
    told = dict[int, int]()
    for step in range(1, 320_001):
        leg.trainer.progress.step = step
        leg.curve.losses(leg.trainer)
        if step in (2_000, DENSE, 20_000, 320_000):
            told[step] = len(leg.points)
    assert told == {2_000: 100, DENSE: 500, 20_000: 750, 320_000: 1750}


def test_what_is_held_out_is_measured_at_the_end_of_a_leg_in_any_case() -> None:
    leg = _train(_Leg(Budget(5.0), look_s=100.0), 5.0)
    before = len(leg.points)
    assert leg.curve.score(leg.trainer).scores == SCORES
    assert len(leg.points) == before + 1


def test_without_held_out_slices_there_is_no_point() -> None:
    assert _train(_Leg(Budget(5.0), 0.0, scores=()), 5.0).points == []


def _train(leg: _Leg, seconds: float) -> _Leg:
    leg.train(seconds)
    return leg


def test_points_of_a_model_that_only_measures_say_so_and_the_next_leg_does_not() -> None:
    leg = _Leg(Budget(0.0, STEPS), look_s=0.0)
    for only_measures, marks in ((True, [True]), (False, [None])):
        leg.points.clear()
        leg.curve.begin_leg(only_measures)
        leg.curve.score(leg.trainer)
        assert [point.get("apart") for point in leg.points] == marks


def test_the_legs_of_a_course_that_only_measure_are_told_apart(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_a_fold(*_: Any) -> tuple[list[Leg], Any]:
        legs = [Leg("supervised", {}, Budget(0, 3)), Leg("supervised", {}, Budget(0, 2), "fold", 0)]
        return legs, Recommendation(None, "supervised", False, (), ())

    monkeypatch.setattr(opening, "recommended_legs", with_a_fold)
    this = Round.begin(blobs.study, tiny(5, 3), "recommended", Recommended(), jobs=jobs)
    assert run_here(this).state == "done"
    marks = [(point["leg"], point.get("apart", False)) for point in this.job.curves()]
    assert set(marks) == {("first suggestion", False), ("a second measurement", True)}
