"""Voxel grids: where an array lies in the patient, and which of its slices a person has judged.

Arrays are ``(k, j, i)`` as in Slicer's ``arrayFromVolume``; patient coordinates are LPS millimetres as ITK and
NRRD write them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", int, float)
Shape = tuple[int, int, int]
"""Voxels along each axis: (k, j, i), or (D, H, W) in the engine's order."""
Triple = tuple[float, float, float]
"""A length along each axis, mm unless said otherwise."""

IGNORE = 255
"""Label value of a voxel that nobody judged. It is never background."""

AXIS_NAMES = ("k", "j", "i")
LONGEST_SIDE, MOST_VOXELS = 65536, 2**34
FINEST_MM, COARSEST_MM, FARTHEST_MM = 1e-6, 1e4, 1e7
"""Spacings and distances from the origin beyond which a header is wrong, or its lengths are no millimetres."""
FLATTEST = 0.1
"""The least volume that three unit vectors span where they are the axes of a grid."""
APART_MM, APART_SHARE = 4.0, 8
GOLDEN_SECTION = (5**0.5 - 1) / 2
"""Its multiples, modulo 1, are spread evenly over [0, 1) however many there are."""


@dataclass(frozen=True, order=True)
class SliceIndex:
    """One plane of a ``(k, j, i)`` array: ``axis`` 0, 1 or 2 (k, j, i) and ``index`` along it, in voxels."""

    axis: int
    index: int


Planes = Mapping[SliceIndex, NDArray[np.uint8]]
"""Judged slices of a label (k, j, i) and what is drawn on each, the other two axes in order."""


@dataclass(frozen=True)
class Grid:
    """The lattice of a volume.

    ``shape`` (k, j, i) voxels. ``spacing`` (k, j, i) mm. ``origin`` (x, y, z) LPS mm of the centre of voxel
    (0, 0, 0). ``direction`` nine numbers as ITK keeps them: row-major 3x3, whose columns are the unit vectors
    of the i, j and k axes (in that order) in LPS.
    """

    shape: Shape
    spacing: Triple = (1.0, 1.0, 1.0)
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def flaw(self) -> str:
        """What makes this no place of a volume in space, in words; "" when nothing does. NaN is a flaw."""
        if not (all(1 <= side <= LONGEST_SIDE for side in self.shape) and math.prod(self.shape) <= MOST_VOXELS):
            return f"{' x '.join(map(str, self.shape))} voxels"
        if not all(FINEST_MM <= step <= COARSEST_MM for step in self.spacing):
            return f"a spacing of {_listed(self.spacing)} mm"
        if not all(-FARTHEST_MM <= place <= FARTHEST_MM for place in self.origin):
            return f"an origin at {_listed(self.origin)} mm"
        if not has_inverse(self.direction):
            return f"the directions {_listed(self.direction)}, which fall together"
        return ""

    def agrees(self, other: Grid, tolerance: float = 1e-3) -> bool:
        """True when every voxel of both grids lies at the same place, within ``tolerance`` voxels."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, -1).T
        shift = np.linalg.norm(self.to_patient(corners) - other.to_patient(corners), axis=1)
        return bool(shift.max() <= tolerance * min(self.spacing))

    def to_patient(self, kji: NDArray[np.generic]) -> NDArray[np.float64]:
        """LPS mm ``(N, 3)`` of voxel centres ``kji (N, 3)``."""
        ijk = np.asarray(kji, float)[:, ::-1] * np.array(self.spacing[::-1])
        return np.asarray(ijk @ np.array(self.direction).reshape(3, 3).T + np.array(self.origin))

    def orientation(self) -> Orientation:
        """The turn that brings this grid closest to superior-posterior-left array order."""
        columns = np.array(self.direction).reshape(3, 3)[:, ::-1]  # columns of k, j, i
        sources = _closest_axes(np.abs(columns))
        flips = tuple(bool(columns[2 - target, source] < 0) for target, source in enumerate(sources))
        return Orientation(sources, flips)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Orientation:
    """A permutation and flips of array axes; exact, no voxel value changes.

    The canonical array has axes (superior, posterior, left). ``sources[t]`` is the array axis that becomes
    canonical axis ``t``; ``flips[t]`` says whether it then runs backwards.
    """

    sources: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """``(k, j, i)`` to canonical; a view."""
        turned = np.transpose(array, self.sources)
        return turned[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]

    def invert(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """Canonical to ``(k, j, i)``; a view."""
        straight = array[tuple(slice(None, None, -1 if flip else 1) for flip in self.flips)]
        return np.transpose(straight, np.argsort(self.sources))

    def slice_to_canonical(self, place: SliceIndex, shape: Shape) -> SliceIndex:
        """Where a slice of a ``(k, j, i)`` array of ``shape`` lies in the canonical array."""
        target = self.sources.index(place.axis)
        index = shape[place.axis] - 1 - place.index if self.flips[target] else place.index
        return SliceIndex(target, index)

    def slice_to_array(self, place: SliceIndex, shape: Shape) -> SliceIndex:
        """The inverse of :meth:`slice_to_canonical`; ``shape`` is again that of the ``(k, j, i)`` array."""
        axis = self.sources[place.axis]
        index = shape[axis] - 1 - place.index if self.flips[place.axis] else place.index
        return SliceIndex(axis, index)

    def triple(self, values: tuple[Number, Number, Number]) -> tuple[Number, Number, Number]:
        """A per-axis triple (a spacing, a shape) of the ``(k, j, i)`` array in canonical order."""
        a, b, c = (values[source] for source in self.sources)
        return a, b, c


def has_inverse(direction: Sequence[float]) -> bool:
    """Whether three axes, nine numbers as :class:`Grid` keeps them, span a space; False for NaN."""
    axes = np.array(direction, float).reshape(3, 3)
    return bool(np.isfinite(axes).all() and abs(np.linalg.det(axes)) >= FLATTEST)


def plane(array: NDArray[Any], place: SliceIndex) -> NDArray[Any]:
    """The 2D view of one slice of ``array`` (k, j, i)."""
    return np.asarray(np.moveaxis(array, place.axis, 0)[place.index])


def covered_axis(shape: Sequence[int], places: Iterable[SliceIndex]) -> int | None:
    """The first axis along which every slice of a volume of ``shape`` is among ``places``, so that no voxel is left
    out; None where there is none.
    """
    indices: tuple[set[int], ...] = (set(), set(), set())
    for place in places:
        if 0 <= place.index < shape[place.axis]:
            indices[place.axis].add(place.index)
    return next((axis for axis, found in enumerate(indices) if len(found) == shape[axis]), None)


def copy_slices(source: NDArray[np.generic], target: NDArray[np.generic], places: Iterable[SliceIndex]) -> None:
    """Put these slices of ``source`` (k, j, i) in the place of those of ``target``; a few slices cost next to nothing,
    and all of a volume no more than a copy of it.
    """
    chosen = list(places)
    if covered_axis(target.shape, chosen) is not None:
        target[...] = source
        return
    for place in chosen:
        plane(target, place)[...] = plane(source, place)


def planes_of(label: NDArray[np.uint8], slices: Iterable[SliceIndex]) -> dict[SliceIndex, NDArray[np.uint8]]:
    """Copies of these slices of ``label`` (k, j, i): the rest of it need not be kept."""
    return {place: plane(label, place).copy() for place in slices}


def slice_mask(shape: Shape, slices: Iterable[SliceIndex]) -> NDArray[np.bool_]:
    """``(k, j, i)`` bool, true on every voxel of the named slices.

    Raises IndexError naming a slice that lies outside ``shape``.
    """
    mask = np.zeros(shape, bool)
    for place in slices:
        if not (0 <= place.axis < 3 and 0 <= place.index < shape[place.axis]):
            raise IndexError(f"Slice {place.index} along axis {place.axis} lies outside a volume of {shape}.")
        plane: list[slice | int] = [slice(None)] * 3
        plane[place.axis] = place.index
        mask[tuple(plane)] = True
    return mask


def sparse_label(label: NDArray[np.generic], slices: Iterable[SliceIndex]) -> NDArray[np.uint8]:
    """``label`` (k, j, i) where a person judged it, ``IGNORE`` elsewhere; uint8."""
    sparse = np.full(label.shape, IGNORE, np.uint8)
    judged = slice_mask(label.shape, slices)
    sparse[judged] = label[judged]
    return sparse


def gap_between(spacing: float, slices: int) -> int:
    """How many slices to either side of a judged one are too much like it to be suggested: those within APART_MM, at
    ``spacing`` mm from slice to slice; of few ``slices`` in all no more than an eighth, or some judged ones would close
    a small volume.
    """
    return max(1, min(round(APART_MM / spacing), slices // APART_SHARE))


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def _closest_axes(alignment: NDArray[np.float64]) -> tuple[int, int, int]:
    """For canonical axes (z, y, x): the array axis best aligned with each, every axis used once.

    ``alignment[p, a]`` is |cosine| of patient axis p (x, y, z) with array axis a (k, j, i).
    """
    free_patient, free_array = {0, 1, 2}, {0, 1, 2}
    chosen: dict[int, int] = {}
    while free_patient:
        _, patient, array = max((alignment[p, a], p, -a) for p in free_patient for a in free_array)
        chosen[patient] = -array
        free_patient.discard(patient)
        free_array.discard(-array)
    return chosen[2], chosen[1], chosen[0]
