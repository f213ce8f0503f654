"""From the voxels of one grid to those of another, between two neighbours along every axis. Tensors only.

A grid here has the extent of the other and another number of voxels: what a network sees is coarser than the case.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import Shape, SliceIndex

SLAB_VALUES = 1_000_000  # values that are brought to other voxels at a time


def middles(count: int, side: int, step: float) -> NDArray[np.float64]:
    """(count,) where the middles of voxels ``step`` times as long lie among ``side`` voxels, the border repeated."""
    return np.asarray(((np.arange(count) + 0.5) * step - 0.5).clip(0, side - 1))


def along(values: Tensor, axis: int, place: NDArray[np.float64]) -> Tensor:
    """float32 ``values`` (any axes) at ``place`` (n,) along one of them, between their two neighbours."""
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, values.shape[axis] - 1)
    below, above = (
        values.index_select(axis, torch.from_numpy(index).to(values.device)).float() for index in (low, high)
    )
    share = torch.from_numpy(place - low).to(below)
    return below.lerp_(above, share.view([-1 if a == axis else 1 for a in range(values.dim())]))


def resized(image: Tensor, places: list[NDArray[np.float64]]) -> Tensor:
    """float16 ``image`` (d,h,w) at ``places`` along each axis, a few rows at a time."""
    step = max(1, SLAB_VALUES // (image.shape[1] * image.shape[2]))
    parts = []
    for start in range(0, len(places[0]), step):
        part = along(image, 0, places[0][start : start + step])
        parts.append(along(along(part, 1, places[1]), 2, places[2]).to(torch.float16))
    return torch.cat(parts)


class Cut:
    """The plane at ``place`` of a volume of ``shape`` (D,H,W) voxels, gathered from probabilities (K,d,h,w) of ``size``
    voxels that come in parts along d. They are kept as ``dtype`` until then.
    """

    def __init__(self, place: SliceIndex, shape: Shape, size: Shape, dtype: torch.dtype = torch.float32) -> None:
        self.axis, self.dtype, self._sides = place.axis, dtype, [n for a, n in enumerate(shape) if a != place.axis]
        side = size[place.axis]
        self._at = middles(shape[place.axis], side, side / shape[place.axis])[[place.index]]
        low = int(self._at[0])
        self._near = range(low, min(low + 2, side))
        self.rows = self._near if place.axis == 0 else range(size[0])
        self._pieces: list[Tensor] = []

    def take(self, start: int, part: Tensor) -> None:
        """What is needed of ``part`` (K,n,h,w), the rows from ``start`` on."""
        first, stop = self._near.start, self._near.stop
        if self.axis == 0:
            first, stop = max(first - start, 0), min(stop - start, part.shape[1])
        if first < stop:  # copied: a view would hold all of the part
            self._pieces.append(part.narrow(self.axis + 1, first, stop - first).to(self.dtype, copy=True))

    def plane(self) -> Tensor:
        """(K,a,b) float32 on the volume's own voxels, once all :attr:`rows` have been taken."""
        near = torch.cat(self._pieces, 1)
        found = along(near, self.axis + 1, self._at - self._near.start).squeeze(self.axis + 1)
        if list(found.shape[1:]) == self._sides:
            return found
        return F.interpolate(found[None], size=self._sides, mode="bilinear", align_corners=False)[0]
