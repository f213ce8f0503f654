"""Bringing a mask onto its image's grid, exactly or not at all: turned, flipped or cropped, never resampled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...geometry import IGNORE, Grid
from ..errors import LabelError

TOLERANCE = 0.1
"""Voxels. Headers in single precision are off by less; half a voxel would be the wrong voxel."""


def fit(array: NDArray[np.uint8], own: Grid, target: Grid, outside: int, source: str) -> NDArray[np.uint8]:
    """``array`` on grid ``own`` as it lies on ``target`` (k, j, i); voxels it does not cover are ``outside``.

    Works when both grids are the same lattice: axes may be permuted and flipped, the mask smaller or larger.
    Raises LabelError when voxels of the mask fall between those of the image or labels lie beyond its border.
    """
    if own.agrees(target, TOLERANCE):
        return array
    turn, offset = _lattice_map(own, target, source)
    turned = _turned(array, turn)
    start = [int(offset[axis]) - (0 if turn[axis].sum() > 0 else turned.shape[2 - axis] - 1) for axis in (2, 1, 0)]
    return _pasted(turned, start, target, outside, source)


def _lattice_map(own: Grid, target: Grid, source: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The signed permutation and offset that take ``ijk`` of ``own`` to ``ijk`` of ``target``."""
    inverse = np.linalg.inv(_steps(target))
    exact = inverse @ _steps(own)
    for axis in range(3):
        if own.shape[2 - axis] == 1:  # one slice: its thickness says nothing about where voxels lie
            exact[:, axis] /= np.abs(exact[:, axis]).max()
    shift = inverse @ (np.array(own.origin) - np.array(target.origin))
    turn, offset = np.rint(exact).astype(int), np.rint(shift).astype(int)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in reversed(own.shape)])).reshape(3, -1)
    error = np.abs((exact - turn) @ corners + (shift - offset)[:, None]).max()
    is_turn = (np.abs(turn).sum(0) == 1).all() and (np.abs(turn).sum(1) == 1).all()
    if not is_turn or not error <= TOLERANCE:  # NaN too
        raise LabelError(f"{source} does not fit the image: {_difference(own, target)}. Resample it onto the image in "
                         "Slicer (module Resample Scalar/Vector/DWI Volume, nearest neighbour) and import that.")
    return turn, offset


def _steps(grid: Grid) -> NDArray[np.float64]:
    """Columns: the way in LPS mm from a voxel to the next along i, j, k."""
    return np.array(grid.direction).reshape(3, 3) * np.array(grid.spacing[::-1])


def _turned(array: NDArray[np.uint8], turn: NDArray[np.int64]) -> NDArray[np.uint8]:
    sources = [2 - int(np.flatnonzero(turn[axis])[0]) for axis in (2, 1, 0)]  # array axis for target k, j, i
    steps = tuple(slice(None, None, int(turn[axis].sum())) for axis in (2, 1, 0))
    return np.transpose(array, sources)[steps]


def _pasted(part: NDArray[np.uint8], start: list[int], target: Grid, outside: int, source: str) -> NDArray[np.uint8]:
    whole = np.full(target.shape, outside, np.uint8)
    low = [max(0, first) for first in start]
    high = [max(0, min(size, first + n)) for size, first, n in zip(target.shape, start, part.shape, strict=True)]
    into = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    taken = part[tuple(slice(s.start - first, max(0, s.stop - first)) for s, first in zip(into, start, strict=True))]
    lost = _labelled(part) - _labelled(taken)
    if lost:
        raise LabelError(f"{source} does not fit the image: some labelled voxels lie outside the image ({lost}). Check "
                         "that it is the mask of this image, or crop it to the image.")
    whole[into] = taken
    return whole


def _labelled(array: NDArray[np.uint8]) -> int:
    return int(np.count_nonzero((array != 0) & (array != IGNORE)))


def _difference(own: Grid, target: Grid) -> str:
    """What differs, in words and numbers."""
    for what, a, b in (("voxels", own.shape, target.shape), ("mm spacing", own.spacing, target.spacing)):
        if not np.allclose(a, b, rtol=1e-3):
            return f"it has {_times(a)} {what} (k, j, i), the image {_times(b)}"
    centre = (np.array(own.shape)[None] - 1) / 2
    away = float(np.linalg.norm(own.to_patient(centre) - target.to_patient(centre)))
    return f"same size and spacing, but its centre lies {away:.2f} mm away, or it is rotated"


def _times(numbers: tuple[float, ...]) -> str:
    return " x ".join(f"{number:g}" for number in numbers)
