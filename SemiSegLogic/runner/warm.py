"""Starting from the model of an earlier round, whose structures may have been added to, renamed or removed since.

A structure keeps its label value for life, so a rename changes nothing. The last layer has a row per structure: rows of
structures that are still there go to their new places, rows of new ones stay fresh.

Weights are taken over as they are, and learning begins at the usual rate. A network that goes on from what it learned
on fewer data can end below one from nothing; shrinking its weights towards a fresh start is the known remedy (J. Ash,
R. Adams: On Warm-Starting Neural Network Training, NeurIPS 2020). For rounds of up to 700 steps neither the loss nor a
gain by the remedy was found: Testing/benchmarks/results/warm_start.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ..engine.checkpoint import warm_start
from ..methods import make
from ..methods.base import Method, Task
from .legs import BASELINE
from .model import Model

NO_START = ("The earlier model has another network than these images and this time ask for: this one begins from "
            "nothing.")


def fits(model: Model, task: Task) -> bool:
    """Whether the first mask for ``task`` can go on from ``model``: the same network, but for its structures."""
    alike = replace(task, classes=model.task.classes, prior=model.task.prior)
    with torch.random.fork_rng(devices=[]):
        wanted = make(BASELINE, {}, alike).predictor().state_dict()
    return _shapes(wanted) == _shapes(model.beginning().network)


def start_from(method: Method, model: Model, values: tuple[int, ...]) -> int:
    """Start every network of ``method``, whose classes 1..K-1 are the structures ``values``, from what ``model`` has to
    go on from; returns how many networks did.
    """
    weights = dict(model.beginning().network)
    if values == model.values:
        return warm_start(method, weights)
    own, fresh = (0, *model.values), method.predictor().state_dict()
    known = [(row, own.index(value)) for row, value in enumerate((0, *values)) if value in own]
    for name, axis in _by_class(model).items():
        if name in fresh:
            rows, old = fresh[name].detach().cpu().clone(), weights[name]
            for row, source in known:
                rows.select(axis, row).copy_(old.select(axis, source))
            weights[name] = rows
    return warm_start(method, weights)


def _by_class(model: Model) -> dict[str, int]:
    """The parameters with a slice per class, and along which axis: those that a class more makes longer by one."""
    wider = replace(model.task, classes=model.task.classes + 1, prior=(*model.task.prior, 1e-3))
    with torch.random.fork_rng(devices=[]):
        more, less = (make(model.method, model.settings, task).predictor().state_dict() for task in (wider, model.task))
    grown = {name: [b - a for a, b in zip(less[name].shape, more[name].shape, strict=True)] for name in less}
    return {name: steps.index(1) for name, steps in grown.items() if any(steps)}


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in state.items()}
