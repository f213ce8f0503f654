"""What planning needs to know of a case, and all that it may depend on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...geometry import IGNORE, Grid, Planes, Shape, SliceIndex


@dataclass(frozen=True)
class CaseFacts:
    """Its ``grid``; its judged ``slices`` (in ``(k, j, i)``); the ``extent`` in voxels of the box around the drawn
    structures along (k, j, i), or None when nothing is drawn; and ``sides``, by the value of each structure the mm of a
    square as large as the largest area drawn of it in one slice.
    """

    grid: Grid
    slices: tuple[SliceIndex, ...] = ()
    extent: Shape | None = None
    sides: Mapping[int, float] = field(default_factory=dict)

    @classmethod
    def of(cls, grid: Grid, planes: Planes) -> CaseFacts:
        """The facts of a case with ``planes`` of structure values judged."""
        drawn = {place: shown for place, plane in planes.items() if len(shown := _drawn(plane))}
        if not drawn:
            return cls(grid, tuple(planes))
        corners = [
            np.insert(np.stack([shown.min(0), shown.max(0)]), place.axis, place.index, axis=1)
            for place, shown in drawn.items()
        ]
        k, j, i = (np.max(corners, (0, 1)) - np.min(corners, (0, 1)) + 1).tolist()
        return cls(grid, tuple(planes), (k, j, i), _sides(grid, planes))


def _drawn(plane: NDArray[np.uint8]) -> NDArray[np.intp]:
    return np.argwhere((plane > 0) & (plane < IGNORE))


def _sides(grid: Grid, planes: Planes) -> dict[int, float]:
    """Structure value -> mm."""
    largest: dict[int, float] = {}
    for place, plane in planes.items():
        a, b = (spacing for axis, spacing in enumerate(grid.spacing) if axis != place.axis)
        for value, count in enumerate(np.bincount(plane.ravel(), minlength=IGNORE)[:IGNORE].tolist()):
            if value and count:
                largest[value] = max(largest.get(value, 0.0), math.sqrt(count * a * b))
    return largest
