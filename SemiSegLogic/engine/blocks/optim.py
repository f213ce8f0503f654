"""Learning-rate curves, ramps, and the optimisers by name."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ...methods.base import Optimiser
from .optimisers import SGD, AdamW, Muon


def one_cycle(progress: float, warm: float = 0.15, last: float = 0.02) -> float:
    """Linear rise during ``warm`` of the run, then a cosine fall to ``last`` (Smith and Topin 2019)."""
    if progress < warm:
        return max(progress / warm, 0.04)
    fall = (progress - warm) / (1 - warm)
    return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * fall))


def poly(progress: float, power: float = 0.9) -> float:
    """(1 - progress)^power, the usual decay of segmentation recipes."""
    return (1 - progress) ** power


def sigmoid_ramp(progress: float, share: float) -> float:
    """exp(-5 (1 - t)^2) with t = progress / share, 1 afterwards (Laine and Aila 2017). Of a progress that is a tensor
    on the device the ramp is one, too.
    """
    if share <= 0:
        return 1.0
    if isinstance(progress, Tensor):  # a recorded step; see stepping.LiveStep
        return torch.exp(-5 * (1 - (progress / share).clamp(max=1)) ** 2)
    if progress >= share:
        return 1.0
    return math.exp(-5 * (1 - progress / share) ** 2)


def muon_with_adamw(network: nn.Module, rate: float, weight_decay: float) -> list[Optimiser]:
    """Muon for the inner kernels, AdamW at ``rate`` for vectors, the stem and the head."""
    inner: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    last = [p for p in network.parameters() if p.dim() > 1][-1]
    first = next(p for p in network.parameters() if p.dim() > 1)
    for p in network.parameters():
        (inner if p.dim() > 1 and p is not first and p is not last else rest).append(p)
    return [
        Muon(inner, lr=rate * 20 / 3, weight_decay=weight_decay),
        AdamW(rest, lr=rate, weight_decay=weight_decay),
    ]


def build_optimisers(kind: str, network: nn.Module, rate: float, weight_decay: float) -> list[Optimiser]:
    """``muon``: see :func:`muon_with_adamw`. ``sgd``: with momentum 0.9, the recipe of the literature. ``adamw``:
    alone, for what requires a gradient.
    """
    if kind == "adamw":
        learning = [p for p in network.parameters() if p.requires_grad]
        return [AdamW(learning, lr=rate, weight_decay=weight_decay)]
    if kind == "sgd":
        return [SGD(network.parameters(), lr=rate, momentum=0.9, weight_decay=weight_decay)]
    return muon_with_adamw(network, rate, weight_decay)


def rate_factor(kind: str, progress: float, index: int) -> float:
    """``one_cycle``, ``poly``, ``constant``, or ``steps``: a tenth after every 2500 steps, as published on LA."""
    if kind == "steps":
        return 0.1 ** (index // 2500)
    if kind == "constant":
        return 1.0
    return poly(progress) if kind == "poly" else one_cycle(progress)
