"""Losses on partly judged labels. Everything is float32 inside, whatever the autocast around it.

Shapes: logits (B,K,D,H,W); label (B,D,H,W) int64 in {0..K-1, IGNORE}; weight (B,D,H,W) float32, 0 where nothing counts.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...geometry import IGNORE


def judged(label: Tensor) -> Tensor:
    """(B,D,H,W) float32: 1 where somebody judged the voxel, 0 on IGNORE."""
    return (label != IGNORE).float()


def one_hot(label: Tensor, classes: int) -> Tensor:
    """(B,D,H,W) -> (B,K,D,H,W) float32; IGNORE voxels are 0 in every class."""
    channels = torch.arange(classes, device=label.device).view(1, classes, *[1] * (label.dim() - 1))
    return (label.unsqueeze(1) == channels).float()


def weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    """Mean of ``values`` where ``weight`` counts; 0 (with a gradient of 0) where nothing does."""
    return (values * weight).sum() / weight.sum().clamp_min(1e-6)


def partial_cross_entropy(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
    """Mean of -log softmax(logits)[label] over judged voxels (Cicek et al. 2016, weight 0 on unlabelled voxels)."""
    counts = judged(label) if weight is None else judged(label) * weight
    target = label.masked_fill(label == IGNORE, 0)
    return weighted_mean(F.cross_entropy(logits.float(), target, reduction="none"), counts)


def soft_dice(
    logits: Tensor, label: Tensor, weight: Tensor | None = None, *, background: bool = False, smooth: float = 1.0
) -> Tensor:
    """1 - mean over classes of (2 sum w p g + s) / (sum w p + sum w g + s), sums over the batch's judged voxels.

    Summing over the whole batch keeps the loss defined when a patch holds a single annotated slice without the
    structure. ``background`` also averages class 0.
    """
    counts = judged(label) if weight is None else judged(label) * weight
    return _dice_of(torch.softmax(logits.float(), 1), label, counts, background, smooth)


def cross_entropy_and_dice(logits: Tensor, label: Tensor, weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """:func:`partial_cross_entropy` and :func:`soft_dice` (without background) from one log-softmax."""
    log_share = torch.log_softmax(logits.float(), 1)
    counts = judged(label) if weight is None else judged(label) * weight
    target = label.masked_fill(label == IGNORE, 0)
    entropy = weighted_mean(F.nll_loss(log_share, target, reduction="none"), counts)
    return entropy, _dice_of(log_share.exp(), label, counts, False, 1.0)


def _dice_of(share: Tensor, label: Tensor, counts: Tensor, background: bool, smooth: float) -> Tensor:
    counts = counts.unsqueeze(1)
    truth = one_hot(label, share.shape[1]) * counts
    axes = [0, *range(2, share.dim())]
    overlap = (share * truth).sum(axes)  # counts once: a soft weight must not be squared
    dice = (2 * overlap + smooth) / ((share * counts).sum(axes) + truth.sum(axes) + smooth)
    return 1 - (dice if background else dice[1:]).mean()


def complete(label: Tensor, pseudo: Tensor, unlabelled_weight: float = 1.0) -> tuple[Tensor, Tensor]:
    """The person's label where there is one, the pseudo-label elsewhere (design rule 5 for sparse slices).

    Returns ``label`` (B,D,H,W) without IGNORE where ``pseudo`` has a value, and ``weight`` (B,D,H,W): 1 on judged
    voxels, ``unlabelled_weight`` on pseudo-labelled ones, 0 where both are IGNORE.
    """
    known = label != IGNORE
    merged = torch.where(known, label, pseudo)
    weight = torch.where(known, 1.0, unlabelled_weight) * (merged != IGNORE)
    return merged, weight.float()


def focal(logits: Tensor, label: Tensor, power: float = 2.0) -> Tensor:
    """Mean of -(1 - p)^power log p over judged voxels, p = softmax(logits)[label] (Lin et al. 2017)."""
    target = label.masked_fill(label == IGNORE, 0).unsqueeze(1)
    log_share = torch.log_softmax(logits.float(), 1).gather(1, target).squeeze(1)
    return weighted_mean(-((1 - log_share.exp()) ** power) * log_share, judged(label))
