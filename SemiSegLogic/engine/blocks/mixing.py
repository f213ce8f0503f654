"""Mixing two images by copy and paste, and the loss on what comes out.

Y. Bai, D. Chen, Q. Li, W. Shen, Y. Wang: Bidirectional Copy-Paste for Semi-Supervised Medical Image Segmentation,
CVPR 2023. Images are (B,C,D,H,W), labels (B,D,H,W) int64 in {0..K-1, IGNORE}, masks (1 or B,D,H,W) bool: True keeps
the frame, False shows the piece. Every draw comes from torch's default generator. Losses are float32.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .losses import complete, judged, one_hot, partial_cross_entropy, weighted_mean


def box_mask(image: Tensor, share: float = 2 / 3) -> Tensor:
    """(1,D,H,W) bool: False in one box of ``share`` of every side at a random place, True around it.

    A box has at least one voxel along each axis, so that slices (D = 1) are cut in their plane.
    """
    mask = torch.ones(1, *image.shape[2:], dtype=torch.bool, device=image.device)
    cuts = []
    for side in image.shape[2:]:
        length = max(int(side * share), 1)
        start = int(torch.randint(side - length + 1, ()))
        cuts.append(slice(start, start + length))
    mask[0, cuts[0], cuts[1], cuts[2]] = False
    return mask


def mosaic(image: Tensor, tiles: int = 4, masked: float = 0.5) -> Tensor:
    """(B,D,H,W) bool: ``tiles`` along every axis, of which each image has its own random share ``masked`` False.

    A tile is a ``tiles``-th of a side, rounded up and at least one voxel; the last ones may be cut.
    """
    size = image.shape[2:]
    steps = [-(-side // tiles) for side in size]
    grid = [-(-side // step) for side, step in zip(size, steps, strict=True)]
    count = grid[0] * grid[1] * grid[2]
    rank = torch.rand(len(image), count, device=image.device).argsort(1).argsort(1)
    mask = (rank >= int(masked * count)).view(len(image), *grid)
    for axis, step in enumerate(steps, 1):
        mask = mask.repeat_interleave(step, axis)
    return mask[:, : size[0], : size[1], : size[2]]


def halves(rows: Tensor) -> tuple[Tensor, Tensor]:
    """First and second half of a batch; an odd last row is left out."""
    half = len(rows) // 2
    return rows[:half], rows[half : 2 * half]


def paste(frame: Tensor, piece: Tensor | int, mask: Tensor) -> Tensor:
    """``frame`` where ``mask`` is True, ``piece`` elsewhere; images or labels. A number pastes itself (IGNORE)."""
    mask = mask.unsqueeze(1) if frame.dim() == mask.dim() + 1 else mask
    return torch.where(mask, frame, piece)


def copy_paste_loss(network: nn.Module, image: Tensor, label: Tensor, mask: Tensor) -> Tensor:
    """L(f(a M + b (1-M)), y_a M + y_b (1-M)) over judged voxels, with a, b the halves of a labelled batch: the first
    phase of copy and paste, which knows no pseudo-label. ``network`` (B,C,D,H,W) -> logits (B,K,D,H,W).
    """
    (a, b), (y_a, y_b) = halves(image), halves(label)
    pasted = paste(y_a, y_b, mask)
    return region_loss(network(paste(a, b, mask)), pasted, judged(pasted))


def mixed_loss(logits: Tensor, label: Tensor, pseudo: Tensor, unlabelled_weight: float) -> Tensor:
    """The two-weight loss of a mixed image: L_R(label) over the judged region + w L_R(pseudo) over the rest.

    ``label`` is IGNORE where the image came from unlabelled data or the slice was not annotated; ``pseudo`` stands in
    there. Each region is averaged over its own size, so w is the weight of the regions, not of their voxels.
    """
    known = judged(label)
    target, weight = complete(label, pseudo, unlabelled_weight)
    guessed = (weight > 0).float() * (1 - known)
    return region_loss(logits, target, known) + unlabelled_weight * region_loss(logits, target, guessed)


def region_loss(logits: Tensor, target: Tensor, region: Tensor) -> Tensor:
    """L_R = (Dice_R + CE_R) / 2 over ``region`` (B,D,H,W) in [0,1]; 0 with zero gradient when it is empty."""
    dice = region_dice(torch.softmax(logits.float(), 1), target, region)
    return 0.5 * (dice + partial_cross_entropy(logits, target, region))


def region_dice(
    share: Tensor,
    target: Tensor,
    region: Tensor,
    *,
    smooth: float = 1e-5,
    squared: bool = False,
    per_image: bool = True,
    background: bool = True,
) -> Tensor:
    """Mean of 1 - (2 sum R p t + s) / (sum R p + sum R t + s) over images and over the classes their target holds.

    ``share`` (B,K,D,H,W) probabilities. ``squared`` takes p^2 in the denominator; ``per_image=False`` sums over the
    batch as well; ``background=False`` leaves class 0 out. So is any class that the region's target lacks: with so
    small an s its term is the constant 1, which teaches nothing.
    """
    counts = (region * judged(target)).unsqueeze(1)
    truth = one_hot(target, share.shape[1]) * counts
    axes = [*range(2, share.dim())] if per_image else [0, *range(2, share.dim())]
    overlap = (share * truth).sum(axes)
    mass = ((share**2 if squared else share) * counts).sum(axes) + truth.sum(axes)
    present = (truth.sum(axes) > 0).float()
    if not background:
        present[..., 0] = 0
    return weighted_mean(1 - (2 * overlap + smooth) / (mass + smooth), present)
