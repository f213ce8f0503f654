"""Learning-rate curves, ramps, and the Muon optimiser for convolutions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer


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
    """exp(-5 (1 - t)^2) with t = progress / share, 1 afterwards (Laine and Aila 2017)."""
    if share <= 0 or progress >= share:
        return 1.0
    return math.exp(-5 * (1 - progress / share) ** 2)


class Muon(Optimizer):
    """Momentum orthogonalised by Newton-Schulz iteration (Jordan et al. 2024), for weights of two or more axes.

    A convolution kernel (out, in, d, h, w) is treated as the matrix (out, in*d*h*w). Vectors (biases, norms) and heads
    belong into AdamW: see :func:`muon_with_adamw`.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One update of every parameter that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group)

    def _update(self, weight: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        assert weight.grad is not None
        state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
        direction = torch.lerp(weight.grad, state["momentum"], group["momentum"])
        matrix = orthogonalise(direction.reshape(len(weight), -1))
        scale = max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(matrix.reshape(weight.shape), alpha=-group["lr"] * scale)


def orthogonalise(matrix: Tensor, steps: int = 5) -> Tensor:
    """U V^T of ``matrix`` = U S V^T, approximately, by a quintic Newton-Schulz iteration.

    Every step multiplies from the left by a polynomial in X X^T, so the steps run on that small square matrix and the
    long one is touched twice only, instead of three times in every step.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    gram = x @ x.T
    unit = torch.eye(len(gram), device=gram.device, dtype=gram.dtype)
    product = unit
    for _ in range(steps):
        factor = a * unit + b * gram + c * gram @ gram
        product = factor @ product
        gram = factor @ gram @ factor
    x = product @ x
    return x.T if tall else x


def muon_with_adamw(network: nn.Module, rate: float, weight_decay: float) -> list[Optimizer]:
    """Muon for the inner kernels, AdamW at ``rate`` for vectors, the stem and the head."""
    inner: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    last = [p for p in network.parameters() if p.dim() > 1][-1]
    first = next(p for p in network.parameters() if p.dim() > 1)
    for p in network.parameters():
        (inner if p.dim() > 1 and p is not first and p is not last else rest).append(p)
    return [
        Muon(inner, lr=rate * 20 / 3, weight_decay=weight_decay),
        torch.optim.AdamW(rest, lr=rate, weight_decay=weight_decay, foreach=True),
    ]


def build_optimisers(kind: str, network: nn.Module, rate: float, weight_decay: float) -> list[Optimizer]:
    """``muon``: see :func:`muon_with_adamw`. ``sgd``: with momentum 0.9, the recipe of the literature. ``adamw``:
    alone, for what requires a gradient.
    """
    if kind == "adamw":
        learning = [p for p in network.parameters() if p.requires_grad]
        return [torch.optim.AdamW(learning, lr=rate, weight_decay=weight_decay, foreach=True)]
    if kind == "sgd":
        return [torch.optim.SGD(network.parameters(), lr=rate, momentum=0.9, weight_decay=weight_decay, foreach=True)]
    return muon_with_adamw(network, rate, weight_decay)


def rate_factor(kind: str, progress: float, index: int) -> float:
    """``one_cycle``, ``poly``, ``constant``, or ``steps``: a tenth after every 2500 steps, as published on LA."""
    if kind == "steps":
        return 0.1 ** (index // 2500)
    if kind == "constant":
        return 1.0
    return poly(progress) if kind == "poly" else one_cycle(progress)
