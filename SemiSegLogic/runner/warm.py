"""Starting from the model of an earlier round, whose structures may have been added to, renamed or removed since.

A structure keeps its label value for life, so a rename changes nothing. The last layer has a row per structure: rows of
structures that are still there go to their new places, rows of new ones stay fresh. Of an ensemble each member goes on
from its own weights; a method with one network goes on from the first member's.

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

from ..engine.nets.ensemble import MeanOf, networks_in
from ..engine.training.checkpoint import warm_start
from ..methods import make
from ..methods.base import Method, Task
from .legs import BASELINE
from .model import Model

NO_START = ("The earlier model has another network than these images and this time ask for: this one begins from "
            "nothing.")


def fits(model: Model, task: Task) -> bool:
    """Whether the first mask for ``task`` can go on from ``model``: the same network, but for its structures."""
    alike = replace(task, classes=model.task.classes, prior=model.task.prior)
    return _shapes(_fresh(BASELINE, {}, alike)) == _shapes(networks_in(model.beginning().network)[0])


def start_from(method: Method, model: Model, values: tuple[int, ...]) -> int:
    """Start every network of ``method``, whose classes 1..K-1 are the structures ``values``, from what ``model`` has to
    go on from; returns how many networks did.
    """
    networks = networks_in(model.beginning().network)
    if values != model.values:
        own = (0, *model.values)
        known = [(row, own.index(value)) for row, value in enumerate((0, *values)) if value in own]
        fresh = networks_in(method.predictor().state_dict())
        networks = [_rearranged(network, fresh[min(number, len(fresh) - 1)], heads, known)
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
    """``network`` with rows for the structures there are now: ``known`` ones from theirs, the others ``fresh``."""
    weights = dict(network)
    for name, axis in heads.items():
        if name in fresh:
            rows = fresh[name].detach().cpu().clone()
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
        return make(method, settings, task).predictor().state_dict()


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}
