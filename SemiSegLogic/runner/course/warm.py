"""Starting from the model of an earlier round: since then structures may have been added, renamed or removed, and the
volumes may be seen along another axis.

A structure keeps its label value for life, so a rename changes nothing. The last layer has a row per structure: rows of
structures that are still there go to their new places, rows of new ones stay fresh. Of an ensemble each member goes on
from its own weights; a method with one network goes on from the first member's. Where volumes are turned otherwise
by now, since more slices were drawn along another axis, so are the kernels: Testing/benchmarks/results/across.md.

Weights are taken over as they are, and learning begins at the usual rate. A network that goes on from what it learned
on fewer data can end below one from nothing; shrinking its weights towards a fresh start is the known remedy (J. Ash,
R. Adams: On Warm-Starting Neural Network Training, NeurIPS 2020). For rounds of up to 700 steps neither the loss nor a
gain by the remedy was found: Testing/benchmarks/results/warm_start.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ...engine.nets.ensemble import MeanOf, networks_in
from ...engine.nets.turning import turned
from ...engine.planning.plan import Plan
from ...engine.training.checkpoint import snapshot, warm_start
from ...methods import make_to_predict
from ...methods.base import Method, Task
from ..model import Model
from .legs import BASELINE

NO_START = ("The earlier model has a different network from the one that these images and this training time need: "
            "this training starts from scratch.")


def fits(model: Model, task: Task, plan: Plan) -> bool:
    """Whether the first mask for ``task`` at ``plan`` can go on from ``model``: the same network, but for its
    structures.
    """
    alike = replace(task, classes=model.task.classes, prior=model.task.prior)
    first = turned(networks_in(model.beginning().network)[0], plan.axes_in(model.plan))
    return _shapes(_fresh(BASELINE, {}, alike)) == _shapes(first)


def start_from(method: Method, model: Model, values: tuple[int, ...], plan: Plan, whole: bool = False) -> int:
    """Start every network of ``method``, whose classes 1..K-1 are the structures ``values``, seen at ``plan``, from
    what ``model`` has to go on from, or from the ``whole`` of what it has learned, where nothing will be measured;
    returns how many networks did.
    """
    known = snapshot(model.build(torch.device("cpu")).predictor()) if whole else model.beginning().network
    networks = [turned(network, plan.axes_in(model.plan)) for network in networks_in(known)]
    if values != model.values:
        own = (0, *model.values)
        rows = [(row, own.index(value)) for row, value in enumerate((0, *values)) if value in own]
        fresh = networks_in(method.predictor().state_dict())
        networks = [_rearranged(network, fresh[min(number, len(fresh) - 1)], heads, rows)
                    for number, (network, heads) in enumerate(zip(networks, _by_class(model), strict=True))]
    return take_over(method, networks)


def take_over(method: Method, networks: Sequence[Mapping[str, Tensor]]) -> int:
    """Start every network of ``method`` from the first of ``networks``, and the members of an ensemble from one each
    where there are as many; returns how many networks did.
    """
    taken, predictor = warm_start(method, networks[0]), method.predictor()
    if isinstance(predictor, MeanOf) and len(predictor.members) == len(networks):
        for member, weights in zip(predictor.members, networks, strict=True):
            warm_start(member, weights)
    return taken


def _rearranged(
    network: Mapping[str, Tensor], fresh: Mapping[str, Tensor], heads: Mapping[str, int],
    known: Sequence[tuple[int, int]],
) -> dict[str, Tensor]:
    """``network`` with rows for the structures there are now: ``known`` ones from theirs, the others ``fresh``, and all
    of them where rows have another shape by now.
    """
    weights = dict(network)
    for name, axis in heads.items():
        if name in fresh:
            rows = fresh[name].detach().cpu().clone()
            if rows.select(axis, 0).shape == network[name].select(axis, 0).shape:
                for row, source in known:
                    rows.select(axis, row).copy_(network[name].select(axis, source))
            weights[name] = rows
    return weights


def _by_class(model: Model) -> list[dict[str, int]]:
    """Of each network of ``model`` the parameters with a slice per class, and along which axis: those that a class more
    makes longer by one.
    """
    wider = replace(model.task, classes=model.task.classes + 1, prior=(*model.task.prior, 1e-3))
    pairs = zip(*(networks_in(_fresh(model.method, model.settings, task)) for task in (wider, model.task)), strict=True)
    return [_longer_by_one(more, less) for more, less in pairs]


def _longer_by_one(more: Mapping[str, Tensor], less: Mapping[str, Tensor]) -> dict[str, int]:
    grown = {name: [b - a for a, b in zip(less[name].shape, more[name].shape, strict=True)] for name in less}
    return {name: steps.index(1) for name, steps in grown.items() if any(steps)}


def _fresh(method: str, settings: dict[str, Any], task: Task) -> Mapping[str, Tensor]:
    """The predictor's state of a fresh ``method`` for ``task``. Draws no chance."""
    with torch.random.fork_rng(devices=[]):
        return make_to_predict(method, settings, task).predictor().state_dict()


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}
