"""What a case's saved maps say of each of its slices: a few kilobytes in place of a hundred megabytes.

Only the box around the structures is looked at, and of a large one a grid of samples: to rank slices, some thousand
voxels of each tell enough, and a hundred volumes of 512x512x300 are read in seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ...geometry import Grid, SliceIndex

NEAR_MM = 4.0  # doubt this close to a structure counts
SAMPLES = 64  # along each side of a slice, at most
WORKERS = 4
RIM = 0.1  # of each side: where nothing was found, doubt at the border of the volume does not count

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class CaseMaps:
    """What is known of a case. ``label`` and ``uncertainty`` uint8 (k, j, i) as saved (memory-mapped or not);
    ``uncertainty`` is entropy over log K, 255 undecided. ``slices`` were judged. ``second`` uint8 (k, j, i): the
    second most probable value, where the model is at hand. ``other`` uint8 (k, j, i): the label of an earlier round or
    of another member of an ensemble.
    """

    case: str
    label: NDArray[np.uint8]
    uncertainty: NDArray[np.uint8]
    grid: Grid
    slices: tuple[SliceIndex, ...]
    second: NDArray[np.uint8] | None = None
    other: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Profile:
    """A case slice by slice along ``axis``, n slices. Numbers count voxels near the structures.

    ``area (C, n)``: voxels of each structure ``values``. ``doubt (n,)``: voxels of full doubt. ``doubts (C, n)``: the
    part of it that belongs to each structure; what is missing to ``doubt`` belongs to the background.
    ``changed (n,)``: voxels that the other label calls otherwise. ``judged``: indices along the axis.
    """

    case: str
    axis: int
    grid: Grid
    values: tuple[int, ...]
    area: NDArray[np.float64]
    doubt: NDArray[np.float64]
    doubts: NDArray[np.float64]
    changed: NDArray[np.float64]
    judged: tuple[int, ...]

    @property
    def spacing(self) -> float:
        """Millimetres from slice to slice."""
        return self.grid.spacing[self.axis]


def profile(maps: CaseMaps, axis: int, values: tuple[int, ...]) -> Profile:
    """Look at every slice along ``axis``. ``values`` are the structures' (1..254), in order."""
    found = box_of(maps.label)
    window, reach = _window(maps, axis, found)
    label = _seen(maps.label, window, axis)
    low, high = _neighbours(label, reach)
    near = high > 0 if found else np.ones(label.shape, bool)
    partner = _seen(maps.second, window, axis) if maps.second is not None else np.where(high != label, high, low)
    doubt, doubts = _doubts(label, partner, np.where(near, _seen(maps.uncertainty, window, axis), 0), values)
    changed = np.zeros(len(label))
    if maps.other is not None:
        changed = ((_seen(maps.other, window, axis) != label) & near).sum((1, 2), dtype=np.float64)
    stands_for = float(np.prod([part.step for number, part in enumerate(window) if number != axis]))
    lines = np.vstack([_areas(label, values), doubts, doubt, changed]) * stands_for
    whole = np.zeros((len(lines), maps.label.shape[axis]))
    whole[:, window[axis]] = lines
    count = len(values)
    judged = tuple(place.index for place in maps.slices if place.axis == axis)
    return Profile(maps.case, axis, maps.grid, values, whole[:count], whole[-2], whole[count:-2], whole[-1], judged)


def profiles(load: Sequence[Callable[[], CaseMaps]], axes: Sequence[int], values: tuple[int, ...]) -> list[Profile]:
    """The profile of every case along its axis. A case is loaded when its turn comes and let go at once, so that no
    more than one per processor (WORKERS at most) is held.
    """

    def of(one: Callable[[], CaseMaps], axis: int) -> Profile:
        return profile(one(), axis, values)

    with ThreadPoolExecutor(min(WORKERS, os.cpu_count() or 1)) as pool:
        return list(pool.map(of, load, axes))


def box_of(label: NDArray[np.uint8]) -> Box | None:
    """The smallest box (k, j, i) that holds every structure; None where there is none. Two passes over the bytes."""
    k = np.flatnonzero(label.reshape(len(label), -1).max(1))
    if not len(k):
        return None
    plane = np.bitwise_or.reduce(label[k[0] : k[-1] + 1], axis=0)
    j, i = np.flatnonzero(plane.any(1)), np.flatnonzero(plane.any(0))
    return _span(k), _span(j), _span(i)


def _span(found: NDArray[np.int64]) -> slice:
    return slice(int(found[0]), int(found[-1]) + 1)


def _window(maps: CaseMaps, axis: int, found: Box | None) -> tuple[Box, tuple[int, int, int]]:
    """What to look at: the structures with their surroundings, every slice along ``axis`` but not every voxel of it;
    and how many samples NEAR_MM is along each axis, ``axis`` first.
    """
    parts, reach = [], []
    for number, (side, spacing) in enumerate(zip(maps.label.shape, maps.grid.spacing, strict=True)):
        near = max(1, round(NEAR_MM / spacing))
        rim = int(RIM * side)
        start, stop = (found[number].start - near, found[number].stop + near) if found else (rim, side - rim)
        start, stop = max(0, start), min(side, stop)
        step = 1 if number == axis else -(-(stop - start) // SAMPLES)
        parts.append(slice(start, stop, step))
        reach.append(max(1, round(near / step)))
    k, j, i = parts
    first, second, third = reach[axis], *(n for number, n in enumerate(reach) if number != axis)
    return (k, j, i), (first, second, third)


def _seen(array: NDArray[np.uint8], window: Box, axis: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.moveaxis(array[window], axis, 0))


def _neighbours(label: NDArray[np.uint8], reach: tuple[int, int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The lowest and the highest value within ``reach`` samples along every axis. Shifting whole bytes is ten times as
    fast as a dilation.
    """
    low, high = label.copy(), label.copy()
    for axis, steps in enumerate(reach):
        a, b = np.moveaxis(low, axis, 0), np.moveaxis(high, axis, 0)
        for _ in range(steps):
            for line, choose in ((a, np.minimum), (b, np.maximum)):
                before = line.copy()
                choose(line[1:], before[:-1], out=line[1:])
                choose(line[:-1], before[1:], out=line[:-1])
    return low, high


def _areas(label: NDArray[np.uint8], values: tuple[int, ...]) -> NDArray[np.float64]:
    """(C, n): samples of each structure in each slice."""
    counts = [np.bincount(plane.ravel(), minlength=256)[list(values)] for plane in label]
    return np.array(counts, float).reshape(len(label), len(values)).T


def _doubts(
    label: NDArray[np.uint8], partner: NDArray[np.uint8], unsure: NDArray[np.uint8], values: tuple[int, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Doubt (n,) of each slice, and its share (C, n) of each structure: doubt times the structure's probability."""
    spots = np.flatnonzero(unsure)
    plane, byte = spots // label[0].size, unsure.ravel()[spots]
    doubt, lesser = byte / 255.0, _lesser(len(values) + 1)[byte]
    row = np.full(256, len(values))
    row[list(values)] = np.arange(len(values))
    total = np.zeros((len(values) + 1) * len(label))
    for who, share in ((label, 1 - lesser), (partner, lesser)):
        total += np.bincount(row[who.ravel()[spots]] * len(label) + plane, doubt * share, len(total))
    whole = np.bincount(plane, doubt, len(label)).astype(np.float64)
    return whole, total.reshape(len(values) + 1, -1)[:-1]


@cache
def _lesser(classes: int) -> NDArray[np.float64]:
    """(256,): the probability of the second class at each byte of uncertainty, were there only two of any weight: the
    inverse of their entropy. With more doubt than two classes can have, it is a half.
    """
    share = np.linspace(1e-6, 0.5, 2000)
    entropy = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return np.interp(np.arange(256) / 255 * np.log(max(classes, 2)), entropy, share)
