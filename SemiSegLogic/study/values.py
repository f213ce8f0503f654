"""Which values occur in an array of labels, quickly: a large volume is mostly background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPECK = 5
"""Voxels of a structure in a whole study: so few were a slip of the hand, or are too little to learn from."""
PIECE = 2**20
"""Voxels that are counted at a time."""


def values_of(array: NDArray[np.generic]) -> list[int | float]:
    """The values of a label array (any axes) in order. For bytes without a sort."""
    if array.dtype != np.uint8:
        return list(np.unique(array).tolist())
    return [int(value) for value in np.flatnonzero(counts_of(array.view(np.uint8)))]


def counts_of(array: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(256,) how many voxels have each value, without a look at each voxel of the background: eight of those are one
    empty word.

    A piece at a time: counting keeps Python's lock, and on another thread Slicer waits for it.
    """
    flat = np.ascontiguousarray(array).reshape(-1)
    counts = np.zeros(256, np.int64)
    for start in range(0, flat.size, PIECE):
        piece = flat[start : start + PIECE]
        whole = piece.size // 8 * 8
        words = piece[:whole].view(np.uint64)
        some = words[words != 0]
        counts += np.bincount(some.view(np.uint8), minlength=256) + np.bincount(piece[whole:], minlength=256)
        counts[0] += words.size * 8 - some.size * 8
    return counts
