"""Mirroring at a line through the image, and images whose structure is one half beside its mirror image.

Maps are (n,H,W), images (n,C,H,W). An axis is (n,4) float32: x, y of a point on it and cos, sin of its normal, in pixel
widths (y counts ``pixel_height`` per row). "Left" is the side on which u, the distance along the normal, is negative.
Every draw comes from torch's default generator.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def distance(axis: Tensor, height: int, width: int, pixel_height: float = 1.0) -> Tensor:
    """u (n,H,W): signed distance of every pixel from its image's axis, in pixel widths."""
    x = torch.arange(width, device=axis.device, dtype=torch.float32)
    y = torch.arange(height, device=axis.device, dtype=torch.float32) * pixel_height
    across, down = x - axis[:, 0, None], y - axis[:, 1, None]
    return across[:, None, :] * axis[:, 2, None, None] + down[:, :, None] * axis[:, 3, None, None]


class Mirror:
    """The reflection R at ``axis``, for maps of ``height`` x ``width`` pixels; nearest neighbour.

    ``left`` (n,H,W) bool the pixels with u < 0; ``valid`` (n,H,W) bool those whose mirror image lies in the image.
    """

    def __init__(self, axis: Tensor, height: int, width: int, pixel_height: float = 1.0):
        u = distance(axis, height, width, pixel_height)
        rows = torch.arange(height, device=axis.device)[None, :, None]
        columns = torch.arange(width, device=axis.device)[None, None, :]
        x = (columns - 2 * u * axis[:, 2, None, None]).round().long()
        y = (rows - 2 * u * axis[:, 3, None, None] / pixel_height).round().long()
        self.left = u < 0
        self.valid = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        self.source = (y.clamp(0, height - 1) * width + x.clamp(0, width - 1)).flatten(1)

    def __call__(self, maps: Tensor) -> Tensor:
        """R(maps) of (n,H,W) or (n,C,H,W): 0 where the mirror image lies outside. Gradients pass."""
        planes = maps.unsqueeze(1) if maps.dim() == 3 else maps
        index = self.source.unsqueeze(1).expand(-1, planes.shape[1], -1)
        turned = planes.flatten(2).gather(2, index).view_as(planes) * self.valid.unsqueeze(1)
        return turned.squeeze(1) if maps.dim() == 3 else turned

    def symmetrised(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """The left half beside its mirror image, and the right half beside its own, (n,H,W) each.

        left + R(left) with the half itself in front, so that no pixel of the axis counts twice.
        """
        mirrored = self(maps)
        return torch.where(self.left, maps, mirrored), torch.where(self.left, mirrored, maps)

    def asymmetry(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Squared difference of left half and mirrored right half (n,H,W), and where it counts (n,H,W) float.

        [u < 0] (Q - R(Q)), so that a pixel on the axis, which is its own mirror image, differs from nothing.
        """
        return ((maps - self(maps)) * self.left) ** 2, self.valid.float()


def mirrored_images(image: Tensor, mask: Tensor, mirror: Mirror) -> tuple[Tensor, Tensor]:
    """Two images (n,C,H,W) whose structure is its left half twice, and its right half twice.

    ``mask`` (n,H,W) bool the structure. Each of the four halves is :func:`shaken` by itself. The half lies in front of
    its mirror image, that in front of the background; what neither covers of the structure turns as dark as the
    darkest pixel.
    """
    if not len(image):
        return image, image
    axes = (1, 2, 3)
    low = image.amin(axes, keepdim=True)
    span = (image.amax(axes, keepdim=True) - low).clamp_min(1e-6)
    unit = (image - low) / span
    background, pair = unit * ~mask.unsqueeze(1), []
    for side in (mask & mirror.left, mask & ~mirror.left):
        half, other = shaken(unit, side), shaken(unit, side)
        across = mirror(side.float()).bool().unsqueeze(1)
        with_mirror = torch.where(across, mirror(other), background)
        pair.append(torch.where(side.unsqueeze(1), half, with_mirror) * span + low)
    return pair[0], pair[1]


def shaken(image: Tensor, side: Tensor, chance: float = 0.2) -> Tensor:
    """``image`` (n,C,H,W) in [0,1] within ``side`` (n,H,W), 0 elsewhere: with ``chance`` each noise (0.05), gamma
    (1.2 to 1.8), a shift (up to 0.1) and blur (0.5 to 1.5 pixels), stretched to [0,1] after each that was drawn.
    """
    region = side.unsqueeze(1).float()
    half = image * region
    for change in (_noise, _gamma, _shift, _blur):
        changed = _stretched(change(half) * region)
        half = torch.where(_draw(half, 0, 1) < chance, changed, half)
    return half * region


def _draw(image: Tensor, low: float, high: float) -> Tensor:
    return torch.empty(len(image), 1, 1, 1, device=image.device).uniform_(low, high)


def _noise(half: Tensor) -> Tensor:
    return half + 0.05 * torch.randn_like(half)


def _gamma(half: Tensor) -> Tensor:
    return half.clamp_min(0) ** _draw(half, 1.2, 1.8)


def _shift(half: Tensor) -> Tensor:
    return half + _draw(half, -0.1, 0.1)


def _blur(half: Tensor) -> Tensor:
    """Gaussian, a width of its own per image."""
    n, channels, height, width = half.shape
    steps = torch.arange(-4, 5, device=half.device, dtype=half.dtype)
    weights = torch.exp(-0.5 * (steps / _draw(half, 0.5, 1.5).view(n, 1)) ** 2)
    weights = (weights / weights.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    flat = half.reshape(1, n * channels, height, width)
    flat = F.conv2d(flat, weights[:, None, :, None], padding=(4, 0), groups=n * channels)
    return F.conv2d(flat, weights[:, None, None, :], padding=(0, 4), groups=n * channels).view_as(half)


def _stretched(half: Tensor) -> Tensor:
    low, high = half.amin((1, 2, 3), keepdim=True), half.amax((1, 2, 3), keepdim=True)
    return (half - low) / (high - low).clamp_min(1e-6)
