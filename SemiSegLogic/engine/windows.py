"""Windows over a volume: how large, where, and how they are blended; finished rows leave as soon as they can.

Memory is that of one row of windows, whatever the depth of the volume.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import torch
from torch import Tensor

from .plan import Shape

OVERLAP = 0.25
GRAIN = 16  # windows are multiples of the networks' largest stride, so that nothing is padded inside a volume
MOST_TOGETHER = 8  # windows in one batch

Run = Callable[[Tensor], Tensor]


def window_shape(size: Shape, least: Shape, budget: float) -> Shape:
    """The largest window with at most ``budget`` voxels: all of ``size`` if that fits, else the side that is longest
    in terms of ``least`` is cut again and again; no side gets shorter than ``least`` (or the volume).
    """
    sides = list(size)
    floor = [min(a, n) for a, n in zip(least, size, strict=True)]
    while math.prod(sides) > budget:
        able = [axis for axis in range(3) if sides[axis] > floor[axis]]
        if not able:
            break
        axis = max(able, key=lambda a: sides[a] / floor[a])
        shorter = -(-int(sides[axis] * 0.75) // GRAIN) * GRAIN
        sides[axis] = max(floor[axis], min(shorter, sides[axis] - 1))
    d, h, w = sides
    return d, h, w


def starts(length: int, side: int) -> list[int]:
    """Where windows of ``side`` begin so that they cover ``length``, evenly and overlapping by a quarter at least."""
    if side >= length:
        return [0]
    step = max(1, int(side * (1 - OVERLAP)))
    count = -(-(length - side) // step) + 1
    return [round(place) for place in np.linspace(0, length - side, count)]


def rows(image: Tensor, run: Run, window: Shape, together: int = 1) -> Iterator[tuple[int, Tensor]]:
    """Blended shares in consecutive parts: (first row, (K,n,H,W) float32) of ``image`` (D,H,W), read window by window.

    ``run`` (B,1,d,h,w) float16 or float32 -> shares (B,K,d,h,w) float32.
    """
    depth, height, width = image.shape
    if window == (depth, height, width):
        yield 0, run(image[None, None])[0]
        return
    places = list(product(starts(height, window[1]), starts(width, window[2])))
    total: Tensor | None = None
    weight = torch.empty(0)
    done = 0
    for first in starts(depth, window[0]):
        if total is not None and first > done:
            yield done, _finished(total, weight, first - done)
            total, weight = _moved(total, first - done), _moved(weight, first - done)
        done = first
        for begin in range(0, len(places), together):
            chosen = places[begin : begin + together]
            shares = run(_cut(image, window, first, chosen))
            if total is None:
                total = shares.new_zeros(shares.shape[1], window[0], height, width)
                weight, bump = total.new_zeros(1, window[0], height, width), _bump(window).to(total)
            for share, (h, w) in zip(shares, chosen, strict=True):
                place = (slice(None), slice(None), slice(h, h + window[1]), slice(w, w + window[2]))
                total[place].addcmul_(share, bump)
                weight[place].add_(bump)
    assert total is not None
    yield done, _finished(total, weight, depth - done)


def _cut(image: Tensor, window: Shape, d: int, places: list[tuple[int, int]]) -> Tensor:
    parts = [image[d : d + window[0], h : h + window[1], w : w + window[2]] for h, w in places]
    return torch.stack(parts)[:, None]


def _finished(total: Tensor, weight: Tensor, count: int) -> Tensor:
    return total[:, :count] / weight[:, :count]


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
