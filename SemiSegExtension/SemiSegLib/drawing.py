"""What is drawn, as it passes between the threads, and as Slicer keeps it. Arrays (k, j, i) uint8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import SliceIndex, plane

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class Drawing:
    """Labels of one moment, plane by plane along k. What is the same as at another moment is the same plane, not a
    copy: of a large volume a stroke costs the slices that it changed. Nobody changes a plane. ``values``: no others
    occur.
    """

    planes: tuple[NDArray[np.uint8], ...]
    values: frozenset[int]

    @classmethod
    def of(cls, labels: NDArray[np.uint8]) -> Drawing:
        """What is in ``labels``, which nobody changes any more; of a large volume it takes a second, on any thread."""
        from SemiSegLogic.study.values import values_of  # with the study: opening the module needs neither

        return cls(tuple(labels), frozenset(int(value) for value in values_of(labels)))

    @property
    def shape(self) -> tuple[int, int, int]:
        j, i = self.planes[0].shape
        return len(self.planes), j, i

    def whole(self) -> NDArray[np.uint8]:
        """All of it as one array, a copy."""
        return np.stack(self.planes)

    def only(self, places: Iterable[SliceIndex]) -> NDArray[np.uint8]:
        """As :meth:`whole`, where nobody looks at anything but these slices: memory that is not touched costs nothing.
        """
        labels = np.zeros(self.shape, np.uint8)
        for place in places:
            plane(labels, place)[...] = self.on(place)
        return labels

    def on(self, place: SliceIndex) -> NDArray[np.uint8]:
        """What is drawn on a slice."""
        if place.axis == 0:
            return self.planes[place.index]
        return np.stack([np.take(one, place.index, place.axis - 1) for one in self.planes])

    # --- two moments ------------------------------------------------------------------------------------------

    def differing(self, other: Drawing) -> Iterator[int]:
        """The planes that are not the same in both."""
        for k, (mine, theirs) in enumerate(zip(self.planes, other.planes, strict=True)):
            if mine is not theirs and not np.array_equal(mine, theirs):
                yield k

    def with_planes(self, planes: Mapping[int, NDArray[np.uint8]], values: Iterable[int]) -> Drawing:
        """With these in place of its own; ``values`` as in the class."""
        return Drawing(tuple(planes.get(k, mine) for k, mine in enumerate(self.planes)), frozenset(values))

    def with_slices(self, source: Drawing, places: Iterable[SliceIndex]) -> Drawing:
        """With these slices of ``source`` in place of its own."""
        along = {place.index for place in places if place.axis == 0}
        across = [SliceIndex(place.axis - 1, place.index) for place in places if place.axis]
        new = {}
        for k in source.differing(self):
            new[k] = source.planes[k] if k in along else _with_lines(self.planes[k], source.planes[k], across)
        return self.with_planes(new, self.values | source.values)

    def now(self, labels: NDArray[np.uint8], values: Iterable[int]) -> Drawing:
        """``labels``, which nobody changes any more, with the planes of this moment where they are the same."""
        after = Drawing(tuple(labels), frozenset(values))
        return self.with_planes({k: after.planes[k] for k in after.differing(self)}, after.values)

    def changed(self, box: Box, voxels: NDArray[np.uint8]) -> dict[int, NDArray[np.uint8]]:
        """Copies of the planes that are others now, when ``voxels`` fill ``box`` and nothing is drawn around it."""
        (k, j, i), found = box, {}
        for index, before in enumerate(self.planes):
            inside = voxels[index - k.start] if k.start <= index < k.stop else None
            if inside is None:
                if before.any():
                    found[index] = np.zeros_like(before)
            elif not np.array_equal(before[j, i], inside) or _around(before, j, i):
                found[index] = np.zeros_like(before)
                found[index][j, i] = inside
        return found


def _with_lines(target: NDArray[np.uint8], source: NDArray[np.uint8], lines: list[SliceIndex]) -> NDArray[np.uint8]:
    """``target`` (j, i) with these rows and columns of ``source``, the places counted by the axes of both."""
    if not lines:
        return target
    target = target.copy()
    for line in lines:
        plane(target, line)[...] = plane(source, line)
    return target


def _around(array: NDArray[np.uint8], j: slice, i: slice) -> bool:
    """Whether anything is drawn outside of a box of ``array`` (j, i)."""
    beside = (array[: j.start], array[j.stop :], array[j, : i.start], array[j, i.stop :])
    return any(bool(part.any()) for part in beside)


@dataclass(frozen=True)
class Boxed:
    """Labels as Slicer keeps them: ``voxels``, all that is not 0, in ``box``. They are a copy, for one node only:
    Slicer changes them in place.
    """

    voxels: NDArray[np.uint8]
    box: Box

    @classmethod
    def of(cls, labels: NDArray[np.uint8]) -> Boxed:
        """Of ``labels``, cropped; of a large volume it takes a second, on any thread."""
        box = bounds(labels)
        voxels = np.zeros([side.stop - side.start for side in box], np.uint8)
        for source, target in zip(labels[box], voxels, strict=True):
            if source.any():  # memory that is not touched costs nothing
                target[...] = source
        return cls(voxels, box)


def bounds(array: NDArray[np.generic]) -> Box:
    """The box of ``array`` (k, j, i) that holds everything but zeros; one voxel when there is nothing."""
    planes = array.any(axis=(1, 2))
    if not planes.any():
        return slice(0, 1), slice(0, 1), slice(0, 1)
    flat = array[_span(planes)].any(axis=0)
    return _span(planes), _span(flat.any(axis=1)), _span(flat.any(axis=0))


def _span(line: NDArray[np.bool_]) -> slice:
    found = np.flatnonzero(line)
    return slice(int(found[0]), int(found[-1]) + 1)
