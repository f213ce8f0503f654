"""Predicting from several views of an image, and averaging what they say.

G. Wang et al.: Aleatoric uncertainty estimation with test-time augmentation, Neurocomputing 2019. The views are those
that training has shown the network: mirrored left to right (where sides may be swapped), a little smaller, a little
larger. It costs as many passes as there are views and no training.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ViewAveraged(nn.Module):
    """``network`` (B,1,D,H,W) -> logits, averaged as probabilities over views.

    ``mirror`` the axis (0 D, 1 H, 2 W) that runs from right to left, None: never mirrored. ``zooms`` factors of size
    beside 1; a ``planar`` network sees slices one by one, which are scaled in their plane only.
    """

    def __init__(self, network: nn.Module, mirror: int | None, zooms: Sequence[float] = (), planar: bool = False):
        super().__init__()
        self.network, self.mirror, self.zooms, self.planar = network, mirror, tuple(zooms), planar

    def forward(self, image: Tensor) -> Tensor:
        """(B,1,D,H,W) -> log of the mean probability (B,K,D,H,W) float32."""
        views = [(1.0, False)] + [(zoom, False) for zoom in self.zooms]
        if self.mirror is not None:
            views += [(zoom, True) for zoom, _ in views]
        total = self._view(image, *views[0])
        for view in views[1:]:
            total += self._view(image, *view)
        return (total / len(views)).clamp_min(1e-8).log()

    def _view(self, image: Tensor, zoom: float, mirrored: bool) -> Tensor:
        """Probabilities (B,K,D,H,W) float32 on the voxels of ``image``."""
        axis = 2 + (self.mirror or 0)
        seen = image.flip(axis) if mirrored else image
        seen = seen if zoom == 1 else _resized(seen, self._sides(image, zoom))
        probabilities = torch.softmax(self.network(seen).float(), 1)
        probabilities = probabilities if zoom == 1 else _resized(probabilities, list(image.shape[2:]))
        return probabilities.flip(axis) if mirrored else probabilities

    def _sides(self, image: Tensor, zoom: float) -> list[int]:
        depth, *plane = image.shape[2:]
        return [depth if self.planar else max(1, round(depth * zoom)), *(max(1, round(n * zoom)) for n in plane)]


def _resized(values: Tensor, sides: list[int]) -> Tensor:
    return F.interpolate(values, size=sides, mode="trilinear", align_corners=False)
