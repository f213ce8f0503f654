"""How a run sees its volumes: whole, or slice by slice where slices are thick or few; and along which axis.

Slices that are seen one by one are learned from along that axis alone: one that was drawn across them is a line in
each. The plan of a training goes by this page, and so does the check before it. No torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from .geometry import Grid, Orientation, SliceIndex

Judged = tuple[Grid, Sequence[SliceIndex]]
"""A case as it is judged: its grid and the judged slices, in ``(k, j, i)``."""
THICK = 1.8
"""Times the usual spacing from which on slices are thick: they are what a person looks at, whatever was drawn."""
VERY_THICK = 6
"""Times the finest spacing from which on neighbours hardly resemble each other."""
FEWEST = 5
"""Slices that make a volume."""


@dataclass(frozen=True)
class Seeing:
    """``dims`` 3: volumes are seen whole; 2: slice by slice. ``depth_axis`` canonical axis (0, 1, 2) across which
    slices lie.
    """

    dims: int
    depth_axis: int

    @classmethod
    def of(cls, cases: Sequence[Judged]) -> Self:
        """That of a run with ``cases``, of which there is at least one."""
        axis = _depth_axis(cases)
        turned = [(grid, depth_first(grid, axis)) for grid, _ in cases]
        depth = float(np.median([turn.triple(grid.shape)[0] for grid, turn in turned]))
        thick, *fine = np.median([turn.triple(grid.spacing) for grid, turn in turned], axis=0).tolist()
        return cls(2 if depth < FEWEST or thick > VERY_THICK * min(fine) else 3, axis)

    def axis(self, grid: Grid) -> int:
        """The axis (k, j, i) of a case along which its slices are seen."""
        return depth_first(grid, self.depth_axis).sources[0]

    def teaches(self, grid: Grid, place: SliceIndex) -> bool:
        """Whether anything is learned from a judged slice of a case."""
        return self.dims == 3 or place.axis == self.axis(grid)


def depth_first(grid: Grid, depth_axis: int) -> Orientation:
    """Canonical orientation of ``grid`` with canonical axis ``depth_axis`` moved first; a volume of one slice is always
    seen with that slice's plane as height and width.
    """
    canonical = grid.orientation()
    if grid.shape.count(1) == 1:
        depth_axis = canonical.sources.index(grid.shape.index(1))
    a, b, c = moved_first(depth_axis)
    sources, flips = canonical.sources, canonical.flips
    return Orientation((sources[a], sources[b], sources[c]), (flips[a], flips[b], flips[c]))


def moved_first(depth_axis: int) -> tuple[int, int, int]:
    """The canonical axes, ``depth_axis`` moved first."""
    height, width = (axis for axis in range(3) if axis != depth_axis)
    return depth_axis, height, width


def _depth_axis(cases: Sequence[Judged]) -> int:
    """The axis of thick slices if there is one, else the axis along which most slices were drawn."""
    spacings = np.median([grid.orientation().triple(grid.spacing) for grid, _ in cases], axis=0)
    if spacings.max() > THICK * np.median(spacings):
        return int(np.argmax(spacings))
    drawn = Counter(grid.orientation().sources.index(place.axis) for grid, places in cases for place in places)
    return drawn.most_common(1)[0][0] if drawn else 0
