"""Which slice to look at next, from the saved maps alone (numpy, no torch).

The score of a slice is the uncertainty of the model near the structure, summed over the slice, so that a slice full of
doubt comes before one with a single doubtful voxel. A suggestion is never an annotated slice nor its neighbour, at most
one slice per case comes before every other case had its turn, and each carries its reason in words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from ..geometry import Grid, SliceIndex

NEAR_VOXELS = 3  # doubt this close to a structure counts
APART_MM = 4.0  # suggested slices keep this distance from annotated ones
PER_CASE = 3
ENDS = (("lower", "upper"), ("front", "back"), ("right", "left"))  # of the canonical axes: superior, posterior, left


@dataclass(frozen=True)
class CaseMaps:
    """What is known of a case: ``label`` and ``uncertainty`` uint8 (k, j, i) as saved, its grid, its judged slices."""

    case: str
    label: NDArray[np.uint8]
    uncertainty: NDArray[np.uint8]
    grid: Grid
    slices: tuple[SliceIndex, ...]


@dataclass(frozen=True)
class Candidate:
    """A slice worth a look: ``score`` in voxels of full doubt, ``reason`` for the person."""

    case: str
    place: SliceIndex
    score: float
    reason: str


def drawing_axis(all_slices: Iterable[SliceIndex], default: int = 0) -> int:
    """The axis along which people have drawn so far."""
    counts = Counter(place.axis for place in all_slices)
    return counts.most_common(1)[0][0] if counts else default


def candidates(maps: CaseMaps, axis: int, names: dict[int, str]) -> list[Candidate]:
    """The best slices of one case along ``axis``, best first, at most PER_CASE, apart from each other."""
    near = _near_structures(maps.label)
    doubt = np.where(near, maps.uncertainty, 0) / np.float32(255)
    others = tuple(a for a in range(3) if a != axis)
    score = doubt.sum(others)
    gap = max(1, round(APART_MM / maps.grid.spacing[axis]))
    for place in maps.slices:
        if place.axis == axis:
            score[max(0, place.index - gap) : place.index + gap + 1] = -1
    found = []
    for _ in range(PER_CASE):
        index = int(np.argmax(score))
        if score[index] <= 0:
            break
        place = SliceIndex(axis, index)
        found.append(Candidate(maps.case, place, float(score[index]), reason(maps, place, doubt, names)))
        score[max(0, index - gap) : index + gap + 1] = -1
    return found


def rank(per_case: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """All candidates, the best of every case first, then every second best, and so on."""
    rounds = max((len(items) for items in per_case), default=0)
    ranked: list[Candidate] = []
    for turn in range(rounds):
        ranked += sorted((items[turn] for items in per_case if len(items) > turn), key=lambda item: -item.score)
    return ranked


def reason(maps: CaseMaps, place: SliceIndex, doubt: NDArray[np.floating], names: dict[int, str]) -> str:
    """Why this slice, in words: where it lies in the structures and between what the model cannot decide."""
    plane = np.take(maps.label, place.index, place.axis)
    unsure = np.take(doubt, place.index, place.axis) > 0.4
    touched = Counter(plane[unsure].tolist()) if unsure.any() else Counter(plane[plane > 0].tolist())
    structures = [names[value] for value, _ in touched.most_common() if value in names]
    where = _where(maps, place)
    if not structures:
        return f"{where}: the model is unsure whether a structure begins here."
    if len(structures) == 1:
        return f"{where}: the model is unsure about the border of {structures[0]}."
    return f"{where}: the model is unsure between {structures[0]} and {structures[1]}."


def _where(maps: CaseMaps, place: SliceIndex) -> str:
    if maps.label.shape[place.axis] == 1:
        return "In this image"
    others = tuple(a for a in range(3) if a != place.axis)
    occupied = np.flatnonzero((maps.label > 0).any(others))
    if not len(occupied):
        return "No structure was found"
    depth = (place.index - occupied[0]) / max(occupied[-1] - occupied[0], 1)
    turn = maps.grid.orientation()
    canonical = turn.sources.index(place.axis)
    if turn.flips[canonical]:
        depth = 1 - depth
    low, high = ENDS[canonical]
    if depth < 0 or depth > 1:
        return f"Beyond the {low if depth < 0 else high} end of what was found"
    if 0.25 <= depth <= 0.75:
        return "Middle part"
    return f"{(low if depth < 0.25 else high).capitalize()} end"


def _near_structures(label: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """True within NEAR_VOXELS of any structure; the box around the structures is all that is dilated."""
    near = np.zeros(label.shape, bool)
    found = np.nonzero(label)
    if not len(found[0]):
        near[:] = True
        return near
    box = tuple(
        slice(max(0, int(axis.min()) - NEAR_VOXELS), int(axis.max()) + NEAR_VOXELS + 1) for axis in found
    )
    near[box] = binary_dilation(label[box] > 0, iterations=NEAR_VOXELS)
    return near
