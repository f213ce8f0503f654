"""Which model is kept: the rule alone."""

from __future__ import annotations

import pytest

from SemiSegLogic.engine.plan import Plan
from SemiSegLogic.methods.base import Task
from SemiSegLogic.runner.gate import is_better
from SemiSegLogic.runner.model import Model


def model(held_out: float | None) -> Model:
    """A model of which only the score matters."""
    task = Task(1, 2, 3, (16, 16, 16), "fast", (0.9, 0.1))
    return Model("supervised", {}, task, Plan(3, 0, (1.0, 1.0, 1.0), (16, 16, 16)), (1,), {}, held_out)


@pytest.mark.parametrize(("score", "before", "better"), [
    (0.80, 0.80, True), (0.8001, 0.80, True), (0.7999, 0.80, False), (0.795, 0.80, False), (0.10, None, True),
])
def test_not_the_slightest_loss_is_accepted(score: float, before: float | None, better: bool) -> None:
    assert is_better(score, model(before), finished=True) is better


def test_the_first_model_is_kept_whatever_it_scores_and_half_a_leg_without_proof_is_not() -> None:
    assert is_better(0.0, None, finished=False)
    assert is_better(None, model(0.8), finished=True)
    assert not is_better(None, model(0.8), finished=False)
