"""The stretches of a training and their budgets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...engine.training.trainer import Budget, Progress
from ...settings import Training
from ...settings.recommended import BASELINE, Facts, Recommendation, Recommended, folds_within, recommend

SHOWN = 0.95  # the bar's share for training; the rest is the last suggesting
FOLDS_SHARE = 0.25  # of the time, at most, for models that only measure
WHOLE_SHARE = 0.2  # of the time, for what the slices held out can still teach
CARRIED = 0.5
"""The share of a leg that also learns from what few slices say of their neighbours: of a single one what a model that
the leg goes on from confirms. Testing/benchmarks/results/carrying.md.
"""


@dataclass(frozen=True)
class Leg:
    """One stretch of the course: a method and its budget.

    ``role``: "first" mask; "longer": goes on from it, and stays unless held-out slices say it is worse; "candidate":
    starts from the first mask too, and wins only where they say it is better; "whole": once all is judged, what was
    kept learns from the slices that were held out too; "fold": starts from nothing, and only measures. ``part`` of the
    judged slices it must not see, None: it sees all. ``beside``: another runner trains it at the same time. ``carried``
    share of it that also learns from what few slices say of their neighbours.
    """

    name: str
    settings: dict[str, Any]
    budget: Budget
    role: str = "first"
    part: int | None = 0
    beside: bool = False
    carried: float = 0.0

    def seed(self, training: int) -> int:
        """Where chance begins in this leg of a run with the seed ``training``: the same whichever leg came before, and
        whichever runner trains it.
        """
        words = f"{training} {self.role} {self.part or 0}"
        return int.from_bytes(hashlib.sha256(words.encode()).digest()[:6])

    def called(self) -> str:
        """For people and for the curve."""
        named = {"first": "first suggestion", "candidate": f"{self.name}, the candidate",
                 "fold": "a second measurement", "whole": "all slices"}
        return named.get(self.role, self.name)


def legs_of(training: Training, method: str, settings: dict[str, Any], judged: bool = False) -> list[Leg]:
    """The legs of a method that was asked for, ``judged`` on held-out slices or not; only the first when it takes the
    whole budget.
    """
    total, first = _amounts(training)
    whole = _whole(training, total - first) if judged else 0
    baseline = settings if method == BASELINE else {}
    return _some([
        Leg(BASELINE, baseline, _budget(training, first)),
        Leg(method, settings, _budget(training, total - first - whole), "longer"),
        Leg(method, settings, _budget(training, whole), "whole", None),
    ])


def recommended_legs(
    training: Training, settings: dict[str, Any], facts: Facts, parts: int, measurable: bool = True
) -> tuple[list[Leg], Recommendation]:
    """The legs of the recommended method: the rules' choice, given that slices can be held out in ``parts`` ways (0:
    not at all). Not ``measurable``: the model to go on from has seen every slice, so folds alone can measure.
    """
    total, first = _amounts(training)
    judged = parts > 0 and measurable
    folds = min(folds_within(total * FOLDS_SHARE, facts), parts - judged)
    each = total * FOLDS_SHARE / folds if folds else 0
    whole = _whole(training, total - first) if judged else 0
    rest = total - first - whole - folds * each
    found = recommend(facts, Recommended.from_dict(settings), rest)
    contest, own = (found.candidate, 0) if judged else (None, None)
    longer = max(rest, 0) / 2 if contest else max(rest, 0)
    legs = [Leg(BASELINE, {}, _budget(training, min(first, total - folds * each)), "first", own),
            Leg(found.longer, {}, _budget(training, longer), "longer", own)]
    if contest:
        legs.append(Leg(contest, {}, _budget(training, longer), "candidate", own))
    legs.append(Leg(BASELINE, {}, _budget(training, whole), "whole", None))
    legs += [Leg(BASELINE, {}, _budget(training, each), "fold", number + judged) for number in range(folds)]
    return _some(legs), found


def carrying(legs: Sequence[Leg]) -> list[Leg]:
    """``legs`` of which each learns at first from what few slices say of their neighbours too."""
    return [replace(leg, carried=CARRIED) for leg in legs]


def contested(legs: Sequence[Leg]) -> Leg | None:
    """The candidate among ``legs``, if there is a contest."""
    return next((leg for leg in legs if leg.role == "candidate"), None)


def side_by_side(legs: Sequence[Leg]) -> list[Leg]:
    """``legs`` whose contest takes place at the same time on two computers or cards: both sides get all the time that
    they would have shared. Legs without a contest stay as they are.
    """
    if contested(legs) is None:
        return list(legs)
    shared = [leg for leg in legs if leg.role in ("longer", "candidate")]
    both = Budget(sum(leg.budget.seconds for leg in shared), sum(leg.budget.steps for leg in shared))
    return [replace(leg, budget=both, beside=leg.role == "candidate") if leg in shared else leg for leg in legs]


def outlook(legs: list[Leg], current: int, share: float, progress: Progress) -> dict[str, float]:
    """Numbers for the status when ``share`` of leg ``current`` is done; fractions count the legs by their budgets."""
    sizes = [0 if leg.beside else _size(leg) for leg in legs]
    total = max(sum(sizes), 1e-9)  # no time at all is one step
    done = min((sum(sizes[:current]) + share * sizes[current]) / total, 1.0)
    pace = progress.step / max(progress.elapsed, 1e-6)
    left = seconds_left(legs, current, share, pace)
    return {"fraction": done * SHOWN, "seconds_left": left, "steps_per_second": pace}


def seconds_left(legs: list[Leg], current: int, share: float, pace: float) -> float:
    """Of training, when ``share`` of leg ``current`` is done; ``pace`` in steps per second."""
    sizes = [0 if leg.beside else _size(leg) for leg in legs[current:]]
    left = max(sum(sizes) - share * sizes[0], 0.0) if sizes else 0.0
    return left / (max(pace, 1e-6) if legs[0].budget.steps else 1)  # the first step may be undone


def _amounts(training: Training) -> tuple[float, float]:
    """Seconds or steps: of all legs, and of the first mask."""
    if training.steps:
        return training.steps, min(training.first_mask_steps or max(training.steps // 4, 1), training.steps)
    return training.seconds, min(training.first_mask_seconds, training.seconds)


def _whole(training: Training, rest: float) -> float:
    """Seconds or whole steps for learning from all slices, at most half of the ``rest`` behind the first mask."""
    amount = min(WHOLE_SHARE * _amounts(training)[0], rest / 2)
    return int(amount) if training.steps else amount


def _some(legs: list[Leg]) -> list[Leg]:
    """The first, and all that have any time."""
    return [leg for number, leg in enumerate(legs) if number == 0 or _size(leg) > 0]


def _budget(training: Training, amount: float) -> Budget:
    return Budget(0, round(amount)) if training.steps else Budget(amount)


def _size(leg: Leg) -> float:
    return leg.budget.steps or leg.budget.seconds
