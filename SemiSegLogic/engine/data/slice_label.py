"""The label of a volume as people drew it: the judged slices and nothing else.

Three slices of a CT of 512x512x1000 are 0.8 MB; an array of all its voxels would be 262 MB. A volume that is judged
throughout is kept as one stack of all its slices, which is that array.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import IGNORE, Shape, SliceIndex

LAST_INT32 = 2**31 - 1  # addresses of 32 bits are looked up in half the time

Drawn = tuple[Sequence[int], NDArray[np.uint8]]
"""Indices along an axis, in order, and the (n, a, b) planes that lie there, the other two axes in order."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Judged planes along one axis: ``index`` where each lies, in order; ``planes`` (n, a, b) uint8 class index or
    IGNORE; ``row`` (side,) int32 which of the planes lies at each place, -1 where none does; None when all are there.
    """

    axis: int
    index: tuple[int, ...]
    planes: Tensor
    row: Tensor | None

    @classmethod
    def of(cls, axis: int, drawn: Drawn, side: int, device: torch.device) -> Stack:
        """``drawn`` along ``axis`` of a volume that has ``side`` planes there."""
        index, planes = tuple(drawn[0]), torch.from_numpy(np.array(drawn[1], order="C")).to(device)
        if len(index) == side:
            return cls(axis, index, planes, None)
        row = torch.full((side,), -1, dtype=torch.int32)
        row[list(index)] = torch.arange(len(index), dtype=torch.int32)
        return cls(axis, index, planes, row.to(device))

    def at(self, near: Sequence[Tensor]) -> Tensor:
        """uint8 values at voxels, three int32 coordinates (d, h, w) that broadcast together; IGNORE between planes."""
        first, second, third = (near[axis] for axis in (self.axis, *_others(self.axis)))
        row = first if self.row is None else taken(self.row, first)
        plane = row.clamp_min(0).to(torch.int32 if self.planes.numel() <= LAST_INT32 else torch.int64)
        _, height, width = self.planes.shape
        address = torch.add(third, torch.add(second, plane, alpha=height), alpha=width)
        found = taken(self.planes.flatten(), address)
        return found if self.row is None else found.masked_fill_(row < 0, IGNORE)

    def pieces(self, corner: Sequence[int], shape: Shape) -> Iterator[tuple[tuple[slice, ...], Tensor]]:
        """The parts of a box of ``shape`` at ``corner`` (d, h, w) that are judged here: where in the box, and their
        values (d,h,w) uint8 (a view). Planes that follow each other are one part.
        """
        ends = [start + side for start, side in zip(corner, shape, strict=True)]
        rows, columns = _others(self.axis)
        planes = self.planes[:, corner[rows] : ends[rows], corner[columns] : ends[columns]].movedim(0, self.axis)
        for first, last in _runs(self.index, corner[self.axis], ends[self.axis]):
            where = [slice(None)] * 3
            begin = self.index[first] - corner[self.axis]
            where[self.axis] = slice(begin, begin + last - first)
            yield tuple(where), planes.narrow(self.axis, first, last - first)


@dataclass(frozen=True, eq=False)
class SliceLabel:
    """A label of ``shape`` (D, H, W): class indices on the planes of ``stacks`` (one for each axis at most), IGNORE
    elsewhere and on the slices ``held_out`` from training. Planes that cross hold the same where they do.
    """

    shape: Shape
    stacks: tuple[Stack, ...]
    held_out: frozenset[SliceIndex] = frozenset()

    @classmethod
    def of(cls, drawn: Mapping[int, Drawn], shape: Shape, device: torch.device) -> SliceLabel:
        """``drawn`` by axis. Where that would take as much room as all the voxels, all of them are kept instead."""
        if sum(planes.size for _, planes in drawn.values()) >= prod(shape):
            drawn = {0: (range(shape[0]), _all_voxels(drawn, shape))}
        stacks = [Stack.of(axis, drawn[axis], shape[axis], device) for axis in sorted(drawn) if len(drawn[axis][0])]
        return cls(shape, tuple(stacks))

    def without(self, places: Collection[SliceIndex]) -> SliceLabel:
        """The same, IGNORE on ``places`` as well, also where a plane of another axis crosses them. Copies nothing."""
        return replace(self, held_out=self.held_out | frozenset(places))

    def plane(self, place: SliceIndex) -> Tensor:
        """All that was drawn on one of the planes, (a, b) uint8: a view. Raises KeyError where none is kept."""
        for stack in self.stacks:
            if stack.row is None:
                return stack.planes.movedim(0, stack.axis).select(place.axis, place.index)
            if stack.axis == place.axis and place.index in stack.index:
                return stack.planes[stack.index.index(place.index)]
        raise KeyError(place)

    def at(self, near: Sequence[Tensor]) -> Tensor:
        """uint8 values at voxels of the volume: three int32 coordinates (d, h, w) that broadcast together."""
        found: Tensor | None = None
        for stack in self.stacks:
            part = stack.at(near)
            found = part if found is None else torch.minimum(found, part)  # IGNORE is the highest value
        if found is None:
            return torch.full(torch.broadcast_shapes(*(part.shape for part in near)), IGNORE, dtype=torch.uint8,
                              device=near[0].device)
        for axis, hidden in self._hidden.items():
            found = found.masked_fill_(taken(hidden, near[axis]), IGNORE)
        return found

    def shown(self, axis: int) -> NDArray[np.bool_]:
        """(side,) which of the planes along ``axis`` may hold anything but IGNORE."""
        return self._shown[axis]

    def pieces(self, corner: Sequence[int], shape: Shape) -> Iterator[tuple[tuple[slice, ...], Tensor]]:
        """The judged parts of a box of ``shape`` at ``corner`` (d, h, w): where in the box, and their values (d,h,w)
        uint8 (a view). Says nothing of what is held out.
        """
        for stack in self.stacks:
            yield from stack.pieces(corner, shape)

    def box(self, corner: Sequence[int], shape: Shape) -> Tensor:
        """The part of ``shape`` (d, h, w) at ``corner`` with every voxel, uint8; IGNORE where nobody judged."""
        device = self.stacks[0].planes.device if self.stacks else None
        found = torch.full(shape, IGNORE, dtype=torch.uint8, device=device)
        for where, values in self.pieces(corner, shape):
            found[where] = torch.minimum(found[where], values)
        for place in self.held_out:
            inside = place.index - corner[place.axis]
            if 0 <= inside < shape[place.axis]:
                found.select(place.axis, inside).fill_(IGNORE)
        return found

    def all_voxels(self) -> Tensor:
        """(D,H,W) uint8: as large as the volume."""
        return self.box((0, 0, 0), self.shape)

    def is_judged(self) -> bool:
        """Whether any voxel is."""
        return any(bool((stack.planes != IGNORE).any()) for stack in self.stacks)

    def counts(self) -> NDArray[np.int64]:
        """(256,) how many voxels have each value; every voxel counts once, wherever planes cross."""
        counts = np.zeros(256, np.int64)
        fresh = [np.ones(side, bool) for side in self.shape]  # planes along each axis whose voxels were not counted yet
        for place in self.held_out:
            fresh[place.axis][place.index] = False
        for stack in self.stacks:
            rows, columns = (fresh[axis] for axis in _others(stack.axis))
            for index, plane in zip(stack.index, stack.planes, strict=True):
                if fresh[stack.axis][index]:
                    counts += np.bincount(_part(plane.cpu().numpy(), rows, columns).ravel(), minlength=256)
            fresh[stack.axis][list(stack.index)] = False
        return counts

    @cached_property
    def _hidden(self) -> dict[int, Tensor]:
        """By axis with any: (side,) bool, which planes are held out."""
        tables = {axis: torch.zeros(self.shape[axis], dtype=torch.bool) for axis in {p.axis for p in self.held_out}}
        for place in self.held_out:
            tables[place.axis][place.index] = True
        return {axis: table.to(self.stacks[0].planes.device) for axis, table in tables.items()}

    @cached_property
    def _shown(self) -> tuple[NDArray[np.bool_], ...]:
        shown = []
        for axis, side in enumerate(self.shape):
            crossed = any(stack.axis != axis for stack in self.stacks)
            line = np.full(side, crossed)
            line[[index for stack in self.stacks if stack.axis == axis for index in stack.index]] = True
            line[[place.index for place in self.held_out if place.axis == axis]] = False
            shown.append(line)
        return tuple(shown)


def taken(values: Tensor, index: Tensor) -> Tensor:
    """``values[index]`` of values (N,); several times faster on a CPU."""
    return values.index_select(0, index.flatten()).view(index.shape)


def _others(axis: int) -> tuple[int, int]:
    first, second = (other for other in range(3) if other != axis)
    return first, second


def _all_voxels(drawn: Mapping[int, Drawn], shape: Shape) -> NDArray[np.uint8]:
    if len(drawn.get(0, ((),))[0]) == shape[0]:
        return drawn[0][1]
    label = np.full(shape, IGNORE, np.uint8)
    for axis, (index, planes) in drawn.items():
        np.moveaxis(label, axis, 0)[list(index)] = planes
    return label


def _part(plane: NDArray[np.uint8], rows: NDArray[np.bool_], columns: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return plane if rows.all() and columns.all() else plane[rows][:, columns]


def _runs(index: Sequence[int], start: int, stop: int) -> Iterator[tuple[int, int]]:
    """First and last + 1 of every stretch of ``index`` without a gap, between ``start`` and ``stop``."""
    inside = [row for row, place in enumerate(index) if start <= place < stop]
    first = 0
    for row in range(1, len(inside) + 1):
        if row == len(inside) or index[inside[row]] - index[inside[row - 1]] > 1:
            yield inside[first], inside[row - 1] + 1
            first = row
