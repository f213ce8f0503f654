"""The stretches of a training and their budgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..engine.trainer import Budget, Progress
from ..settings import Training

BASELINE = "supervised"
SHOWN = 0.95  # the bar's share for training; the rest is the last suggesting


@dataclass(frozen=True)
class Leg:
    """One stretch of the course: a method and its budget."""

    name: str
    settings: dict[str, Any]
    budget: Budget


def legs_of(training: Training, method: str, settings: dict[str, Any]) -> list[Leg]:
    """The two legs; only the first when it takes the whole budget."""
    if training.steps:
        first_steps = min(training.first_mask_steps or max(training.steps // 4, 1), training.steps)
        first, rest = Budget(0, first_steps), Budget(0, training.steps - first_steps)
    else:
        seconds = min(training.first_mask_seconds, training.seconds)
        first, rest = Budget(seconds), Budget(training.seconds - seconds)
    baseline = settings if method == BASELINE else {}
    legs = [Leg(BASELINE, baseline, first), Leg(method, settings, rest)]
    return legs if rest.steps or rest.seconds > 0 else legs[:1]


def outlook(legs: list[Leg], current: int, share: float, progress: Progress) -> dict[str, float]:
    """Numbers for the status when ``share`` of leg ``current`` is done; fractions count the legs by their budgets."""
    sizes = [leg.budget.steps or leg.budget.seconds for leg in legs]
    total = max(sum(sizes), 1e-9)  # no time at all is one step
    done = min((sum(sizes[:current]) + share * sizes[current]) / total, 1.0)
    pace = progress.step / max(progress.elapsed, 1e-6)
    left = (1 - done) * total / (max(pace, 1e-6) if legs[0].budget.steps else 1)  # the first step may be undone
    return {"fraction": done * SHOWN, "seconds_left": left, "steps_per_second": pace}
