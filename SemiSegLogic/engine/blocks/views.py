"""Geometric views of a patch for methods that compare two of them. Images (B,C,D,H,W); only the plane (H, W) moves, so
that slices stay slices. Every draw comes from torch's default generator.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .perturb import coin, uniform


def flipped(image: Tensor, chance: float = 0.5) -> Tensor:
    """Each of height and width mirrored with probability ``chance``, drawn for every image."""
    for axis in (3, 4):
        image = torch.where(coin(image, chance), image.flip(axis), image)
    return image


def turned(image: Tensor, degrees: float = 45.0, shift: float = 0.1) -> Tensor:
    """Rotated by up to ``degrees`` and moved by up to ``shift`` of the side, in the plane; the border is repeated."""
    count, channels, depth, height, width = image.shape
    angle = uniform(image, -degrees, degrees).flatten() * math.pi / 180
    across, down = uniform(image, -2 * shift, 2 * shift).flatten(), uniform(image, -2 * shift, 2 * shift).flatten()
    cosine, sine, aspect = angle.cos(), angle.sin(), height / width
    rows = [torch.stack([cosine, -sine * aspect, across], 1), torch.stack([sine / aspect, cosine, down], 1)]
    flat = image.reshape(count, channels * depth, height, width)
    grid = F.affine_grid(torch.stack(rows, 1).to(flat.dtype), list(flat.shape), align_corners=False)
    return F.grid_sample(flat, grid, padding_mode="border", align_corners=False).reshape(image.shape)


def cut_out(image: Tensor, chance: float = 0.5, least: float = 0.02, most: float = 0.4) -> tuple[Tensor, Tensor]:
    """A box of one grey over ``least`` to ``most`` of the plane, through all slices, in images drawn with ``chance``.

    Returns the image and the hole (B,D,H,W) bool: what was there can no longer be seen, so it should not be asked for.
    """
    height, width = image.shape[3:]
    area, stretch = uniform(image, least, most), uniform(image, -0.6, 0.6).exp()
    inside = _between(image, height, (area.sqrt() * stretch).clamp_max(1)).unsqueeze(-1)
    inside = inside & _between(image, width, (area.sqrt() / stretch).clamp_max(1)).unsqueeze(-2)
    hole = (inside & coin(image, chance).flatten()[:, None, None])[:, None].expand(-1, image.shape[2], -1, -1)
    low, high = image.amin((1, 2, 3, 4), keepdim=True), image.amax((1, 2, 3, 4), keepdim=True)
    return torch.where(hole[:, None], low + (high - low) * uniform(image, 0, 1), image), hole


def _between(image: Tensor, side: int, share: Tensor) -> Tensor:
    """(B, side) bool: a stretch of ``share`` of the side at a random place."""
    start = uniform(image, 0, 1) * (1 - share)
    place = (torch.arange(side, device=image.device) + 0.5) / side
    return (place >= start.flatten()[:, None]) & (place < (start + share).flatten()[:, None])
