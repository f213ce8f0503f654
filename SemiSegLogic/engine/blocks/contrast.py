"""Supervised contrastive learning on meta-labels, plain and self-paced; nothing here knows a network.

Shapes: ``z`` (M, F) rows of unit length, ``label`` (M,) int64, both over all views; matrices are (M, M). Similarities
and losses are float32 or wider, whatever the autocast around them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

FAR = -1e9
"""Stands for minus infinity where a similarity must not count: exp(FAR) is 0, and 0 times it has a gradient."""


def positives(label: Tensor) -> Tensor:
    """(M,) -> (M, M) bool: the pairs i != j of one meta-label."""
    return (label.unsqueeze(1) == label.unsqueeze(0)) & ~_self_pairs(label)


def pair_losses(z: Tensor, temperature: float) -> Tensor:
    """l_ij = -log exp(z_i.z_j / t) / sum over a != i of exp(z_i.z_a / t), as (M, M); 0 on the diagonal.

    The largest similarity is subtracted first, so that no exponent overflows.
    """
    with torch.autocast(z.device.type, enabled=False):
        z = z if z.dtype == torch.float64 else z.float()
        similarity = z @ z.T / temperature
    similarity = similarity.masked_fill(_self_pairs(z), FAR)
    return (torch.logsumexp(similarity, 1, keepdim=True) - similarity).masked_fill(_self_pairs(z), 0.0)


def paced_weights(pair_loss: Tensor, age: float, kind: str) -> Tensor:
    """The minimisers w in [0, 1] of w l + R(w), without gradient.

    ``hard``, R = -age w: 1 where l <= age. ``linear``, R = age (w^2 / 2 - w): max(0, 1 - l / age).
    """
    loss = pair_loss.detach()
    return (loss <= age).to(loss.dtype) if kind == "hard" else (1 - loss / age).clamp(0, 1)


def paced_contrast(
    z: Tensor, label: Tensor, temperature: float, age: float = math.inf, kind: str = "linear", restore: bool = False
) -> Tensor:
    """Mean over i of the mean over its positives j of w_ij l_ij. An infinite ``age`` is the plain loss of Khosla et
    al. 2020. ``restore`` divides by the mean weight of the positives, which gives the gradient its scale back.

    A row without a positive adds 0, and no row at all gives 0 with a gradient of 0.
    """
    pair_loss, pairs = pair_losses(z, temperature), positives(label).to(z.device)
    weight = paced_weights(pair_loss, age, kind) * pairs
    rows = (weight * pair_loss).sum(1) / pairs.sum(1).clamp_min(1)
    loss = rows.sum() / max(len(rows), 1)
    if not restore:
        return loss
    mean_weight = weight.sum() / pairs.sum().clamp_min(1)
    return loss / torch.where(mean_weight > 0, mean_weight, 1.0)


def age(progress: float, first: float, last: float, power: float = 0.5) -> float:
    """first + (last - first) progress^power: the older, the harder the pairs that count."""
    return first + (last - first) * progress**power


def awake(first: float, views: int, share: float = 0.75) -> float:
    """The least age at which learning starts: at least ``share`` of log(views - 1), the loss of every pair while the
    features are still alike. Below it every weight, and so every gradient, is 0.
    """
    return max(first, share * math.log(max(views - 1, 1)))


def partition(position: Tensor, parts: int) -> Tensor:
    """Which of ``parts`` equal stretches of the volume a position in [0, 1] lies in: floor(position parts), int64."""
    return (position * parts).floor().long().clamp(0, parts - 1)


def one_per_cell(volume: Tensor, part: Tensor, most: int) -> Tensor:
    """Indices of a batch that keeps one sample of every (volume, part) and ``most`` samples, in the order of the draw.

    Of more cells those of the volumes seen in the most parts stay, volume by volume as drawn: whole volumes share both
    labels with others of the batch.
    """
    same = (volume.unsqueeze(1) == volume) & (part.unsqueeze(1) == part)
    first = (~same.tril(-1).any(1)).nonzero().squeeze(1)
    alike = volume[first].unsqueeze(1) == volume[first]
    drawn_before = (alike.cumsum(1) == 0).sum(1)
    order = torch.argsort(alike.sum(1) * len(first) - drawn_before, descending=True, stable=True)
    return first[order[:most]].sort().values


def distinct(label: Tensor) -> int:
    """How many values a meta-label has in the batch; below 2 it has no negatives and would let features collapse."""
    return int(torch.unique(label).numel())


def _self_pairs(rows: Tensor) -> Tensor:
    return torch.eye(len(rows), dtype=torch.bool, device=rows.device)
