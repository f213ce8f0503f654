"""A plan: what networks see of a volume, and at which spacing.

Sizes are in voxels of the engine's axis order: canonical (superior, posterior, left) with the depth axis first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...geometry import Grid, Orientation, Shape, Triple
from ...seeing import depth_first, moved_first

NATIVE = 1.2  # spacings this close (as a ratio) are taken as they are: resampling would cost more than it gives
STRIDE = 8  # total stride of the fast network: patch sides are multiples of it


@dataclass(frozen=True)
class Plan:
    """``dims`` 2 or 3. ``depth_axis`` canonical axis (0, 1, 2) that becomes D. ``spacing`` (d, h, w) mm of the patches.
    ``patch`` (D, H, W) voxels. ``network`` a key of NETWORKS. ``mirror`` whether left and right may be swapped.
    ``frame`` mm: every picture is taken to be as large as a square of that side (see frames.py); None: as it is.
    """

    dims: int
    depth_axis: int
    spacing: Triple
    patch: Shape
    network: str = "fast"
    mirror: bool = True
    frame: float | None = None

    def orientation(self, grid: Grid) -> Orientation:
        """The exact turn from a case's ``(k, j, i)`` array to the engine's order."""
        return depth_first(grid, self.depth_axis)

    def axes_in(self, other: Plan) -> tuple[int, int, int]:
        """Of each axis (D, H, W) of a volume here which it is at an ``other`` plan; slices seen one by one are the same
        wherever they lie.
        """
        if self.dims == 2:
            return 0, 1, 2
        theirs = moved_first(other.depth_axis)
        d, h, w = (theirs.index(axis) for axis in moved_first(self.depth_axis))
        return d, h, w

    def shape(self, grid: Grid) -> Shape:
        """(D, H, W) voxels of a case in the engine's order."""
        return self.orientation(grid).triple(grid.shape)

    def kept_shape(self, grid: Grid) -> Shape:
        """(d, h, w) voxels of its image as it is kept, see :meth:`thin`."""
        return thinned_shape(self.shape(grid), self.thin(grid))

    def taken_spacing(self, grid: Grid) -> Triple:
        """(d, h, w) mm of a case's voxels, as they are taken here: its own, unless there is a common ``frame``."""
        d, h, w = self.orientation(grid).triple(grid.spacing)
        times = 1.0 if self.frame is None else self.frame / frame_side(grid, self.depth_axis)
        return d, h * times, w * times

    def scale(self, spacing: Triple) -> Triple:
        """Voxels of a volume with ``spacing`` (d, h, w) mm, as it is taken here, per voxel of a patch; 1 where they are
        close enough, and along depth where slices are seen one by one.
        """
        ratios = [wanted / own for wanted, own in zip(self.spacing, spacing, strict=True)]
        d, h, w = (1.0 if 1 / NATIVE <= ratio <= NATIVE else ratio for ratio in ratios)
        return (1.0 if self.dims == 2 else d), h, w

    def thin(self, grid: Grid) -> Shape:
        """How many voxels (d, h, w) of a case on ``grid`` are kept as one, their mean: as many as fit into a voxel of a
        patch. A CT of 512x512x1000 seen at three times its spacing takes 20 MB instead of 520, and its noise is
        averaged instead of being picked from every third voxel.
        """
        scale = self.scale(self.taken_spacing(grid))
        d, h, w = (max(1, int(step + 1e-6)) for step in scale)
        return d, h, w

    def smaller(self) -> Plan | None:
        """The next plan to try when memory ran out: the longest side halved; None when that is too small to learn."""
        longest = int(np.argmax(self.patch))
        half = multiple(self.patch[longest] / 2)
        if half < 16 or half == self.patch[longest]:
            return None
        sides = list(self.patch)
        sides[longest] = half
        return replace(self, patch=shape_of(sides))


def frame_side(grid: Grid, depth_axis: int = 0) -> float:
    """mm: the side of a square as large as a slice across ``depth_axis``; of a volume of one slice, that slice."""
    turn = depth_first(grid, depth_axis)
    return math.sqrt(math.prod(turn.triple(grid.spacing)[1:]) * math.prod(turn.triple(grid.shape)[1:]))


def thinned_shape(shape: Shape, thin: Shape) -> Shape:
    """(d, h, w) voxels of an image of ``shape`` (D, H, W) of which every ``thin`` (d, h, w) are kept as one."""
    d, h, w = (-(-side // step) for side, step in zip(shape, thin, strict=True))
    return d, h, w


def multiple(side: float) -> int:
    """``side`` in voxels, rounded up to the network's stride."""
    return max(STRIDE, round(np.ceil(side / STRIDE)) * STRIDE)


def shape_of(values: Iterable[Any]) -> Shape:
    """Three whole numbers."""
    d, h, w = (int(value) for value in values)
    return d, h, w


def triple_of(values: Iterable[Any]) -> Triple:
    """Three numbers."""
    d, h, w = (float(value) for value in values)
    return d, h, w
