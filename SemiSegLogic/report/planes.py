"""Slices as a radiologist looks at them, in millimetres: superior up, anterior up or left, the patient's left at right.

Canonical arrays here have axes (superior, posterior, left), see :class:`SemiSegLogic.geometry.Orientation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid, SliceIndex
from ..grey_range import range_of

VIEWS = ("axial", "coronal", "sagittal")
"""Name of the slices along each canonical axis."""


@dataclass(frozen=True)
class CaseView:
    """One case for the contact sheet; every array (k, j, i) on ``grid``.

    ``image`` any numbers. ``label`` what people drew, on ``slices`` only. ``suggestion`` and ``expert`` structure
    values, 0 elsewhere. ``uncertainty`` in [0, 1], or uint8 in [0, 255]. ``caption`` stands under the suggestion.
    """

    name: str
    image: NDArray[np.generic]
    grid: Grid
    label: NDArray[np.integer] | None = None
    slices: tuple[SliceIndex, ...] = ()
    suggestion: NDArray[np.integer] | None = None
    expert: NDArray[np.integer] | None = None
    uncertainty: NDArray[np.generic] | None = None
    caption: str = ""


@dataclass(frozen=True)
class Plane:
    """A slice ready to be shown: ``pixels`` with row 0 at the bottom, ``size`` (height, width) of a pixel in mm."""

    pixels: NDArray[np.generic]
    size: tuple[float, float]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """(left, right, bottom, top) in mm from the slice's lower left corner."""
        rows, columns = self.pixels.shape
        return 0.0, columns * self.size[1], 0.0, rows * self.size[0]


def plane(array: NDArray[np.generic], grid: Grid, place: SliceIndex) -> Plane:
    """Slice ``place`` (in canonical axes) of ``array`` (k, j, i)."""
    turn = grid.orientation()
    across = [axis for axis in range(3) if axis != place.axis]
    spacing = turn.triple(grid.spacing)
    pixels = np.take(turn.apply(array), place.index, axis=place.axis)
    if place.axis == 0:  # axial: anterior belongs at the top, and row 0 is the bottom
        pixels = pixels[::-1]
    return Plane(pixels, (spacing[across[0]], spacing[across[1]]))


def window(image: NDArray[np.generic]) -> tuple[float, float]:
    """(black, white) of ``image`` (k, j, i): without its darkest and brightest percent, nor a value that lies far from
    all others, such as a scanner's padding.
    """
    low, high = range_of(np.asarray(image, float).ravel(), (1, 99.5))
    return low, max(high, low + 1e-9)


def common_view(cases: Sequence[CaseView], values: Sequence[int]) -> int:
    """The canonical axis whose best slices show most of all structures, over all ``cases``."""
    totals = [sum(_richness(_target(case), case.grid, values, axis).max() for case in cases) for axis in range(3)]
    return int(np.argmax(totals))


def best_slice(case: CaseView, values: Sequence[int], axis: int) -> SliceIndex:
    """The slice along canonical ``axis`` that shows most of all structures of the expert, else of the suggestion."""
    return SliceIndex(axis, int(np.argmax(_richness(_target(case), case.grid, values, axis))))


def middle(labels: Plane, half: float) -> tuple[float, float]:
    """(x, y) mm of the middle of what is not 0 in ``labels`` (of the slice when all is 0), moved so that a square
    reaching ``half`` mm each way stays inside the slice, where it is large enough.
    """
    places = np.nonzero(labels.pixels)
    ends = [(int(n.min()), int(n.max()) + 1) if len(n) else (0, labels.pixels.shape[a]) for a, n in enumerate(places)]
    y, x = (
        _kept_inside(sum(ends[axis]) / 2 * labels.size[axis], half, labels.pixels.shape[axis] * labels.size[axis])
        for axis in (0, 1)
    )
    return x, y


def reach(labels: Plane) -> float:
    """The larger of width and height, in mm, of what is not 0 in ``labels``."""
    rows, columns = np.nonzero(labels.pixels)
    if not len(rows):
        return 0.0
    return float(max((np.ptp(rows) + 1) * labels.size[0], (np.ptp(columns) + 1) * labels.size[1]))


def _target(case: CaseView) -> NDArray[np.integer]:
    for candidate in (case.expert, case.suggestion, case.label):
        if candidate is not None:
            return candidate
    return np.zeros(case.grid.shape, np.uint8)


def _richness(
    label: NDArray[np.integer], grid: Grid, values: Sequence[int], axis: int
) -> NDArray[np.float64]:
    """Per slice: the sum over structures of the root of the area in mm2, which favours slices that show them all."""
    turn = grid.orientation()
    canonical, spacing = turn.apply(label), turn.triple(grid.spacing)
    others = tuple(a for a in range(3) if a != axis)
    pixel = spacing[others[0]] * spacing[others[1]]
    return np.asarray(sum(np.sqrt((canonical == value).sum(axis=others) * pixel) for value in values))


def _kept_inside(at: float, half: float, width: float) -> float:
    return width / 2 if width <= 2 * half else min(max(at, half), width - half)
