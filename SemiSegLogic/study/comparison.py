"""Two label arrays of a case in numbers, and how sure a model is of one. Arrays (k, j, i)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import SliceIndex, plane

NEAR_VOXELS = 3
"""Doubt this close to a structure counts; a model is sure of the air around a patient."""


def mean_doubt(label: NDArray[np.uint8], uncertainty: NDArray[np.uint8]) -> float:
    """Mean of ``uncertainty`` (uint8, 0 sure .. 255 unsure) within NEAR_VOXELS of any structure, as 0..1; over the
    whole volume where there is no structure.
    """
    box = _box(label, NEAR_VOXELS)
    near = _grown(label[box] != 0, NEAR_VOXELS) if label.any() else np.True_
    return float(np.mean(uncertainty[box], where=near)) / 255


def change(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> dict[str, dict[str, Any]]:
    """What became of each structure, by its value as text: voxels ``before`` and ``after``, and ``dice`` (0..1)."""
    together = sum((_together(one, other) for one, other in zip(before, after, strict=True)), np.zeros((256, 256), int))
    sizes, found = (together.sum(1).tolist(), together.sum(0).tolist()), dict[str, dict[str, Any]]()
    for value in range(1, 256):
        one, other, shared = sizes[0][value], sizes[1][value], int(together[value, value])
        if one + other:
            found[str(value)] = {"before": one, "after": other, "dice": round(2 * shared / (one + other), 4)}
    return found


def _together(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(256, 256) how many voxels have this value ``before`` and that one ``after``, but for what is background in both:
    one look at each voxel, however many structures there are.
    """
    some = (before != 0) | (after != 0)
    pairs = before[some].astype(np.uint16) << 8 | after[some]
    return np.bincount(pairs, minlength=1 << 16).reshape(256, 256)


def agreement(proposed: NDArray[np.uint8], judged: NDArray[np.uint8], places: Iterable[SliceIndex]) -> float | None:
    """Dice (0..1) of all structures together on these slices; 1 where both show nothing; None without slices."""
    shared = total = slices = 0
    for place in places:
        one, other = plane(proposed, place), plane(judged, place)
        shared += int(np.count_nonzero((one == other) & (other != 0)))
        total += int(np.count_nonzero(one)) + int(np.count_nonzero(other))
        slices += 1
    return None if not slices else 2 * shared / total if total else 1.0


def _box(label: NDArray[np.uint8], margin: int) -> tuple[slice, ...]:
    """The part of the array that holds every structure and ``margin`` voxels around; all of it without any."""
    spans, part = [], label
    for axis in range(3):
        found = np.flatnonzero(part.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(found):
            return (slice(None),) * 3
        spans.append(slice(max(0, int(found[0]) - margin), int(found[-1]) + margin + 1))
        part = part[(slice(None),) * axis + (spans[-1],)]
    return tuple(spans)


def _grown(mask: NDArray[np.bool_], voxels: int) -> NDArray[np.bool_]:
    """``mask`` and all within ``voxels`` of it along the axes (a cube)."""
    for axis in range(3):
        line, done = np.moveaxis(mask, axis, 0).copy(), 0
        while done < voxels:
            step = min(done + 1, voxels - done)
            wide = line.copy()
            wide[step:] |= line[:-step]
            wide[:-step] |= line[step:]
            line, done = wide, done + step
        mask = np.moveaxis(line, 0, axis)
    return mask
