"""Grey values as the networks see them: normalised per volume, in the engine's axis order, thinned where the plan is
coarser. Made slab by slab, so that a volume of any size needs little more memory than its result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry import Orientation, Shape
from ...grey_range import range_of

VERSION = 2  # of everything here: another number, and what earlier versions left in the cache is made anew
SLAB_VOXELS = 4_000_000
EXTREMES = (0.5, 99.5)  # percentiles


@dataclass(frozen=True)
class Greys:
    """x -> (clip(x, low, high) - middle) / scale."""

    low: float
    high: float
    middle: float
    scale: float

    @classmethod
    def of(cls, image: NDArray[np.generic]) -> Greys:
        """Of ``image`` (k, j, i): zero mean and unit deviation after clipping to the 0.5 and 99.5 percentiles, which
        bright outliers cannot move, nor a value far from all others that many voxels share (see :func:`range_of`).

        Percentiles and moments come from about a million voxels. An image that is constant but for less than that
        share of it is scaled to its range instead, and a constant image becomes all zeros.
        """
        sample = image.ravel()[:: _stride(image)].astype(np.float64)
        low, high = range_of(sample, EXTREMES)
        inside = np.clip(sample, low, high)
        middle, scale = inside.mean(), inside.std()
        if scale <= 1e-12 * abs(middle):
            low, high = float(image.min()), float(image.max())
            middle, scale = low, (high - low) or 1.0
        return cls(float(low), float(high), float(middle), float(scale))

    def apply(self, image: NDArray[np.generic]) -> NDArray[np.float32]:
        """The normalised values, of the same shape, in double precision until the last moment."""
        clipped = np.clip(image, self.low, self.high).astype(np.float64, copy=False)
        clipped -= self.middle
        clipped /= self.scale
        return clipped.astype(np.float32)


def slabs(image: NDArray[np.generic], turn: Orientation, thin: Shape = (1, 1, 1)) -> Iterator[NDArray[np.float16]]:
    """``image`` (k, j, i) normalised, in engine order, the mean of every ``thin`` (d, h, w) voxels, as consecutive
    parts along D. Where a side is no multiple, the last voxel stands for those that are missing.
    """
    greys, turned = Greys.of(image), turn.apply(image)
    depth = thin[0] * max(1, SLAB_VOXELS // (thin[0] * turned[0].size))
    for start in range(0, len(turned), depth):
        slab = greys.apply(np.ascontiguousarray(turned[start : start + depth]))
        yield np.ascontiguousarray(_means(slab, thin)).astype(np.float16)


def _means(slab: NDArray[np.float32], thin: Shape) -> NDArray[np.float32]:
    if thin == (1, 1, 1):
        return slab
    missing = [(0, -side % step) for side, step in zip(slab.shape, thin, strict=True)]
    whole = np.pad(slab, missing, mode="edge") if any(after for _, after in missing) else slab
    for axis, step in enumerate(thin):
        parts = [whole[(slice(None),) * axis + (slice(first, None, step),)] for first in range(step)]
        whole = sum(parts[1:], parts[0]) / np.float32(step) if step > 1 else whole
    return whole


def _stride(image: NDArray[np.generic]) -> int:
    """A step through the voxels that takes about a million of them and comes by every column of the image."""
    step = max(1, image.size // 1_000_000)
    while math.gcd(step, image.shape[-1]) > 1:
        step += 1
    return step
