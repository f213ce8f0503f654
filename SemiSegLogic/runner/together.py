"""Both sides of a contest as one model, where the held-out slices do not say which is better.

The few slices that a study can hold out hardly ever decide a contest: its sides differ by less than such slices can
show. To throw one of them away then is to throw away half of the training. The mean of both ended better than the
baseline in every training that this was chosen on: Testing/benchmarks/results/simulated_endings.md.
"""

from __future__ import annotations

from dataclasses import replace

from ..engine.training.trainer import Budget
from ..methods import ENSEMBLE
from ..settings import Ensemble
from .gate import Comparison
from .legs import Leg
from .model import Model


def together(one: Model, other: Model) -> Model:
    """The model that predicts with the mean of both, from the views that both do; nothing of it is measured yet."""
    settings = Ensemble([{"method": model.method, "settings": model.settings} for model in (one, other)])
    weights = {f"members.{number}.{name}": value for number, model in enumerate((one, other))
               for name, value in model.weights.items()}
    seen = None if one.seen is None or other.seen is None else tuple(sorted({*one.seen, *other.seen}))
    return Model(
        ENSEMBLE, settings.to_dict(), other.task, other.plan, one.values, weights, seen=seen,
        mirror=one.mirror if one.mirror == other.mirror else None, zooms=one.zooms if one.zooms == other.zooms else (),
    )


def widening(leg: Leg, kept: Model) -> Leg:
    """The leg over all slices, of whichever method was kept. A step of an ensemble is one of each member, and counts
    for as many.
    """
    own = replace(leg, name=kept.method, settings=kept.settings)
    if kept.method != ENSEMBLE or not leg.budget.steps:
        return own
    members = len(Ensemble.from_dict(kept.settings).members)
    return replace(own, budget=Budget(0, max(leg.budget.steps // members, 1)))


def verdict(found: Comparison, taken: bool) -> str:
    """The judgement on both together, in words for the person."""
    kept = "both are kept, and predict together" if taken else "the model before is kept"
    return f"Both together: {found.words()} against the model before; {kept}."
