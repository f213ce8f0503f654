"""Intensity perturbations, batched on the device. Images are (B,C,D,H,W) float32 with mean 0 and deviation about 1.

Every draw comes from torch's default generator, so that a saved generator state replays a run.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def weak(image: Tensor) -> Tensor:
    """Brightness, contrast, gamma and a little noise: what differs from scanner to scanner."""
    image = (image * uniform(image, 0.75, 1.3)).add_(uniform(image, -0.25, 0.25))
    image = gamma(image, uniform(image, 0.75, 1.35))
    return torch.randn_like(image).mul_(uniform(image, 0.0, 0.12)).add_(image)


def strong(image: Tensor) -> Tensor:
    """:func:`weak` drawn wider, with blur or loss of resolution in every other image."""
    image = gamma(image, uniform(image, 0.6, 1.6))
    image = image * uniform(image, 0.6, 1.5) + uniform(image, -0.5, 0.5)
    softened = torch.where(coin(image, 0.5), blur(image), coarse(image))
    image = torch.where(coin(image, 0.5), softened, image)
    return image + torch.randn_like(image) * uniform(image, 0.0, 0.25)


def gamma(image: Tensor, exponent: Tensor) -> Tensor:
    """x -> range * ((x - min) / range)^exponent + min, per image."""
    each = [-1, *[1] * (image.dim() - 1)]
    low, high = (value.view(each) for value in image.flatten(1).aminmax(dim=1))
    span = (high - low).clamp_min(1e-6)
    # in place from here on, and the power by its logarithm: half the time on a CPU
    return (image - low).div_(span).clamp_min_(1e-6).log_().mul_(exponent).exp_().mul_(span).add_(low)


def blur(image: Tensor) -> Tensor:
    """A 3-voxel average along every axis that is at least 3 voxels long."""
    size = [3 if n >= 3 else 1 for n in image.shape[2:]]
    return F.avg_pool3d(image, size, 1, [n // 2 for n in size], count_include_pad=False)


def coarse(image: Tensor) -> Tensor:
    """Half the resolution in height and width, interpolated back."""
    depth, height, width = image.shape[2:]
    small = F.interpolate(image, size=(depth, max(height // 2, 1), max(width // 2, 1)), mode="nearest")
    return F.interpolate(small, size=(depth, height, width), mode="trilinear", align_corners=False)


def uniform(image: Tensor, low: float, high: float) -> Tensor:
    """One number per image, shaped to multiply it."""
    return torch.empty(len(image), *[1] * (image.dim() - 1), device=image.device).uniform_(low, high)


def coin(image: Tensor, chance: float) -> Tensor:
    """One yes or no per image, shaped to select it."""
    return uniform(image, 0, 1) < chance
