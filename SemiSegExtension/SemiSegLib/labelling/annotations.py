"""Which slices did the person draw on? Found by comparing the segmentation with what it was before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex

from ..words import _

AXIS_WORDS = {"z": _("axial"), "y": _("coronal"), "x": _("sagittal")}


def changed_slices(before: NDArray[np.uint8], after: NDArray[np.uint8], axis: int) -> set[SliceIndex]:
    """The slices that differ between two label arrays (k, j, i), along the axis on which the fewest differ.

    A stroke on one slice changes one slice of its own axis and many of the others'. ``axis`` wins a tie.
    """
    differs = before != after
    if not differs.any():
        return set()
    found = [np.flatnonzero(differs.any(axis=tuple(o for o in range(3) if o != a))) for a in range(3)]
    best = min(range(3), key=lambda a: (len(found[a]), a != axis))
    return {SliceIndex(best, int(index)) for index in found[best]}


def drawn_on(labels: NDArray[np.uint8], slices: set[SliceIndex]) -> set[SliceIndex]:
    """Those of ``slices`` on which anything is drawn."""
    return {place for place in slices if np.take(labels, place.index, axis=place.axis).any()}


def working_axis(grid: Grid) -> int:
    """The axis along which slices are best drawn: the one with the thickest slices; k among equals."""
    if 1 in grid.shape:
        return grid.shape.index(1)
    thickest = max(grid.spacing)
    return next(axis for axis in range(3) if grid.spacing[axis] >= thickest * 0.99)


def axis_word(grid: Grid, axis: int) -> str:
    """``axial``, ``coronal`` or ``sagittal`` in Slicer's language: how a reader calls slices along this axis."""
    column = np.array(grid.direction).reshape(3, 3)[:, 2 - axis]
    return AXIS_WORDS["xyz"[int(np.argmax(np.abs(column)))]]


def slice_numbers(slices: set[SliceIndex], limit: int = 12) -> str:
    """``4, 12, 20``: slice numbers as a person counts them (from 1)."""
    numbers = [str(place.index + 1) for place in sorted(slices)]
    shown = ", ".join(numbers[:limit])
    if len(numbers) <= limit:
        return shown
    return _("{numbers} and {n} more").format(numbers=shown, n=len(numbers) - limit)
