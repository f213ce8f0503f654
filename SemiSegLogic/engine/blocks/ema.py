"""Exponential moving averages of a network: the mean teacher's only mechanism."""

from __future__ import annotations

import copy
from typing import TypeVar

import torch
from torch import nn

Net = TypeVar("Net", bound=nn.Module)


def copy_of(network: Net) -> Net:
    """A detached copy that no optimiser sees, in evaluation mode. It runs as written, also when ``network`` has been
    compiled: what compiling left in it would run ``network``'s weights.
    """
    twin = copy.deepcopy(network).requires_grad_(False).eval()
    for part in twin.modules():
        part.__dict__.pop("forward", None)
    return twin


@torch.no_grad()
def ema_update(teacher: nn.Module, student: nn.Module, decay: float) -> None:
    """teacher <- decay * teacher + (1 - decay) * student for parameters and floating buffers; integer buffers (the
    batch counters of BatchNorm) are copied.
    """
    floating, sources = [], []
    for mine, theirs in zip(_state(teacher), _state(student), strict=True):
        if mine.is_floating_point():
            floating.append(mine)
            sources.append(theirs)
        else:
            mine.copy_(theirs)
    if isinstance(decay, torch.Tensor):  # a recorded step; see stepping.LiveStep
        torch._foreach_mul_(floating, decay)
        torch._foreach_add_(floating, torch._foreach_mul(sources, 1 - decay))
    else:
        torch._foreach_lerp_(floating, sources, 1 - decay)


def _state(module: nn.Module) -> list[torch.Tensor]:
    return [*(p.data for p in module.parameters()), *module.buffers()]


def warm_decay(decay: float, step: int) -> float:
    """min(decay, 1 - 1/(step + 1)): early averages forget the random start (Tarvainen and Valpola 2017). Of a step that
    is a tensor on the device the decay is one, too.
    """
    if isinstance(step, torch.Tensor):
        return (1 - 1 / (step + 1)).clamp(max=decay)
    return min(decay, 1 - 1 / (step + 1))
