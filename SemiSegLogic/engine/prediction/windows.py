"""Windows over a volume: how large, where, and how they are blended; finished rows leave as soon as they can.

Memory is that of one row of windows, whatever the depth of the volume.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from itertools import product

import numpy as np
import torch
from torch import Tensor

from ...geometry import Shape

OVERLAP = 0.25
GRAIN = 16  # windows are multiples of the networks' largest stride, so that nothing is padded inside a volume
MOST_TOGETHER = 8  # windows in one batch
ROW = 0.3  # memory of a voxel of a row, sums and weights, against that of a window's voxel, all maps at once
MOST_ALONG = 12  # windows along an axis that are tried, beside the smallest ones

Run = Callable[[Tensor], Tensor]


def window_shape(size: Shape, least: Shape, budget: float) -> Shape:
    """The window with which a volume of ``size`` takes the least work, seen twice where windows overlap: all of it if
    that is at most ``budget`` voxels, else one that fits with its row. No side is shorter than ``least`` (or the
    volume), whatever the budget.
    """
    if math.prod(size) <= budget:
        return size
    floor = tuple(min(a, n) for a, n in zip(least, size, strict=True))
    ways = [_sides(length, shortest) for length, shortest in zip(size, floor, strict=True)]
    fitting = [(math.prod(way[1] for way in one), tuple(way[0] for way in one)) for one in product(*ways)]
    row = ROW * size[1] * size[2]
    _, (d, h, w) = min((one for one in fitting if math.prod(one[1]) + row * one[1][0] <= budget), default=(0, floor))
    return d, h, w


def _sides(length: int, shortest: int) -> list[tuple[int, int]]:
    """Sides of windows along an axis of ``length``, each with the sum of all its windows' sides: ``shortest``, and the
    sides that cover the axis with one window, two, ...
    """
    found = {length, shortest}
    for count in range(2, MOST_ALONG + 1):
        side = math.ceil(length / (count - OVERLAP * (count - 1)) / GRAIN) * GRAIN
        found.add(min(max(side, shortest), length))
    return [(side, side * len(starts(length, side))) for side in sorted(found, reverse=True)]


def starts(length: int, side: int) -> list[int]:
    """Where windows of ``side`` begin so that they cover ``length``, evenly and overlapping by a quarter at least."""
    if side >= length:
        return [0]
    step = max(1, int(side * (1 - OVERLAP)))
    count = -(-(length - side) // step) + 1
    return [round(place) for place in np.linspace(0, length - side, count)]


def rows(
    image: Tensor, run: Run, window: Shape, together: int = 1, wanted: Collection[int] | None = None
) -> Iterator[tuple[int, Tensor]]:
    """Blended probabilities in consecutive parts: (first row, (K,n,H,W) float32) of ``image`` (D,H,W), read window by
    window.

    ``run`` (B,1,d,h,w) float16 or float32 -> probabilities (B,K,d,h,w) float32. Windows that show none of the rows
    ``wanted`` (None: all are) are left out: of other rows some are missing, and some are not what all windows would
    have said.
    """
    depth, height, width = image.shape
    if window == (depth, height, width):
        yield 0, run(image[None, None])[0]
        return
    places = list(product(starts(height, window[1]), starts(width, window[2])))
    blend: _Blend | None = None
    done = 0
    for first in starts(depth, window[0]):
        if wanted is not None and not any(first <= row < first + window[0] for row in wanted):
            continue
        if blend is not None and first > done:
            yield done, blend.finished(first - done)
            blend.move(first - done)
        done = first
        for begin in range(0, len(places), together):
            chosen = places[begin : begin + together]
            probabilities = run(_cut(image, window, first, chosen))
            blend = blend or _Blend(probabilities[0], height, width)
            for one, place in zip(probabilities, chosen, strict=True):
                blend.add(one, *place)
    assert blend is not None
    yield done, blend.finished(depth - done)


class _Blend:
    """A row of windows like ``first`` (K,d,h,w), laid over each other in an image of ``height`` x ``width``: the sum of
    their weighted probabilities (K,d,H,W), and of the weights (1,d,H,W).
    """

    def __init__(self, first: Tensor, height: int, width: int) -> None:
        classes, depth, self._height, self._width = first.shape
        self._total = first.new_zeros(classes, depth, height, width)
        self._weight = first.new_zeros(1, depth, height, width)
        self._bump = _bump((depth, self._height, self._width)).to(first)

    def add(self, probabilities: Tensor, h: int, w: int) -> None:
        """Lay a window (K,d,h,w) down with its corner at ``h``, ``w``."""
        place = (slice(None), slice(None), slice(h, h + self._height), slice(w, w + self._width))
        self._total[place].addcmul_(probabilities, self._bump)
        self._weight[place].add_(self._bump)

    def finished(self, count: int) -> Tensor:
        """The first rows (K,n,H,W), a view: they are not needed for anything else."""
        return self._total[:, :count].div_(self._weight[:, :count])

    def move(self, count: int) -> None:
        """Go on so many rows further down."""
        self._total, self._weight = _moved(self._total, count), _moved(self._weight, count)


def _cut(image: Tensor, window: Shape, d: int, places: list[tuple[int, int]]) -> Tensor:
    parts = [image[d : d + window[0], h : h + window[1], w : w + window[2]] for h, w in places]
    return torch.stack(parts)[:, None]


def _moved(rows_: Tensor, by: int) -> Tensor:
    """The rows from ``by`` on at the front, zeros behind."""
    moved = torch.zeros_like(rows_)
    if by < rows_.shape[1]:
        moved[:, : rows_.shape[1] - by] = rows_[:, by:]
    return moved


def _bump(window: Shape) -> Tensor:
    """(d,h,w): how much a window's voxels count, a Gaussian whose deviation is an eighth of each side."""
    lines = [torch.exp(-0.5 * ((torch.arange(n) - (n - 1) / 2) / (n / 8)) ** 2) for n in window]
    bump = lines[0][:, None, None] * lines[1][:, None] * lines[2]
    return bump.clamp_min(1e-3 * float(bump.max()))
