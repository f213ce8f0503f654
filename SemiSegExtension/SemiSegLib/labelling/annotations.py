"""Which slices did the person draw on? Found by comparing the segmentation with what it was before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex

from ..drawing import Drawing
from ..words import _

AXIS_WORDS = {"z": _("axial"), "y": _("coronal"), "x": _("sagittal")}


def changed_slices(before: Drawing, after: Drawing, axis: int) -> set[SliceIndex]:
    """The slices that differ between two moments, along the axis on which the fewest differ.

    A stroke on one slice changes one slice of its own axis and many of the others'. ``axis`` wins a tie.
    """
    differs = {k: before.planes[k] != after.planes[k] for k in after.differing(before)}
    found = [slices_along(along, differs) for along in range(3)]
    return min(found, key=lambda slices: (len(slices), all(place.axis != axis for place in slices)))


def slices_along(axis: int, planes: Mapping[int, NDArray[Any]]) -> set[SliceIndex]:
    """The slices along ``axis`` on which something is not 0; ``planes`` (j, i) by their k, of which every other is 0.
    """
    if axis == 0:
        return {SliceIndex(0, k) for k, one in planes.items() if one.any()}
    lines = [one.any(axis=2 - axis) for one in planes.values()]
    return {SliceIndex(axis, int(n)) for n in np.flatnonzero(np.any(lines, axis=0))} if lines else set()


def drawn_on(labels: Drawing, slices: set[SliceIndex]) -> set[SliceIndex]:
    """Those of ``slices`` on which anything is drawn."""
    return {place for place in slices if labels.on(place).any()}


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
