"""One resampling from the kept voxels to a patch. Only the box that the patch needs is read.

A patch that is turned within one plane only, as all patches of sparsely labelled volumes are, needs no interpolation in
three dimensions: its planes are picked (or mixed in pairs) along the straight axis, and then all turned at once in two
dimensions, which is 20 times faster on a CPU and the same trilinear interpolation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import IGNORE, Shape
from .framing import View
from .slice_label import SliceLabel
from .staging import sent

Fetch = Callable[[Tensor], Tensor]
"""Brings a part of a volume, of any type, to where patches are made, as float32."""


def as_float(part: Tensor) -> Tensor:
    """``part`` (any axes) as float32, where it is already."""
    return part.float()


def sample_image(image: Tensor, view: View, shape: Shape, fetch: Fetch = as_float) -> Tensor:
    """Trilinear values (D,H,W) float32 of ``image`` (d,h,w); the border voxel continues outside."""
    axis = view.straight_axis
    return _turned_freely(image, view, shape, fetch) if axis is None else _turned_in_plane(
        image, view, shape, axis, fetch
    )


def _turned_freely(image: Tensor, view: View, shape: Shape, fetch: Fetch) -> Tensor:
    starts, stops = _box(view, shape, tuple(image.shape))
    part = image[starts[0] : stops[0], starts[1] : stops[1], starts[2] : stops[2]]
    box = fetch(part)[None, None]
    grid = _grid(sent(_theta(view, shape, starts, stops, (2, 1, 0)), box.device), shape)
    return F.grid_sample(box, grid, padding_mode="border", align_corners=True)[0, 0]


def _turned_in_plane(image: Tensor, view: View, shape: Shape, axis: int, fetch: Fetch) -> Tensor:
    rows, columns = (other for other in range(3) if other != axis)
    starts, stops = _box(view, shape, tuple(image.shape))
    place = np.clip(_line(view, shape, axis), 0, image.shape[axis] - 1)
    part = image.movedim(axis, 0)[:, starts[rows] : stops[rows], starts[columns] : stops[columns]]
    planes = _planes(part, place, fetch)[None]
    theta = sent(_theta(view, shape, starts, stops, (columns, rows)), planes.device)
    grid = _grid(theta, (shape[rows], shape[columns]))
    return F.grid_sample(planes, grid, padding_mode="border", align_corners=True)[0].movedim(0, axis)


def _planes(part: Tensor, place: NDArray[np.float64], fetch: Fetch) -> Tensor:
    """The planes of ``part`` (d,h,w) at ``place`` (N,) between 0 and d - 1, mixed from their two neighbours."""
    low = np.floor(place + 1e-9).astype(np.int64)
    share = (place - low).clip(0)
    first, last = int(low.min()), int(np.ceil(place - 1e-9).max())
    block = fetch(part[first : last + 1])
    below = block[sent(torch.from_numpy(low - first), block.device)]
    if share.max() < 1e-9:
        return below
    above = block[sent(torch.from_numpy(np.minimum(low + 1, last) - first), block.device)]
    return below.lerp_(above, sent(torch.from_numpy(share).to(block.dtype), block.device)[:, None, None])


def sample_label(label: SliceLabel | None, view: View, shape: Shape, out: Tensor) -> None:
    """Write into ``out`` (D,H,W) int64 the nearest values of ``label``; IGNORE outside the volume, where nobody judged
    and without a label.
    """
    axis = view.straight_axis
    if label is None:
        out.fill_(IGNORE)
    elif axis is None:
        out.copy_(_nearest(label, view, shape, out.device))
    else:
        _nearest_in_plane(label, view, shape, axis, out)


def _nearest(label: SliceLabel, view: View, shape: Shape, device: torch.device) -> Tensor:
    """(D,H,W) uint8."""
    near, inside = zip(*(_nearest_along(axis, view, shape, (0, 1, 2), side, device)
                         for axis, side in enumerate(label.shape)), strict=True)
    return _outside_ignored(label.at(near), inside)


def _nearest_in_plane(label: SliceLabel, view: View, shape: Shape, axis: int, out: Tensor) -> None:
    """As :func:`_nearest` where the patch is not turned out of ``axis``: only the planes on which anything is judged
    are looked at, all at the same places.
    """
    out.fill_(IGNORE)
    place, shown = np.rint(_line(view, shape, axis)).astype(np.int64), label.shown(axis)
    wanted = [n for n, p in enumerate(place) if 0 <= p < len(shown) and shown[p]]  # mostly one or two
    if not wanted:
        return
    flat = [other for other in range(3) if other != axis]
    found = [_nearest_along(other, view, shape, flat, label.shape[other], out.device) for other in flat]
    near = [places.unsqueeze(axis) for places, _ in found]
    near.insert(axis, _along(sent(torch.from_numpy(place[wanted].astype(np.int32)), out.device), axis, 3))
    values = _outside_ignored(label.at(near), [None if here is None else here.unsqueeze(axis) for _, here in found])
    out.index_copy_(axis, sent(torch.tensor(wanted), out.device), values.long())


def _nearest_along(
    axis: int, view: View, shape: Shape, over: Sequence[int], side: int, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """For every sample of the patch's axes ``over``: the nearest of ``side`` voxels along ``axis`` of the volume
    (int32), and which samples lie inside (bool; None: all).
    """
    middle, reach = float(view.centre[axis]), float(view.reach(shape)[axis])
    steps = [torch.arange(shape[a], dtype=torch.float32, device=device) - (shape[a] - 1) / 2 for a in over]
    lines = [_along(line * float(view.matrix[axis, a]), n, len(over))
             for n, (line, a) in enumerate(zip(steps, over, strict=True))]
    lines[-1] += middle
    place = reduce(torch.add, lines).round_()
    if middle - reach > -0.4 and middle + reach < side - 0.6:  # well inside, whatever float32 makes of it
        return place.int(), None
    inside = (place >= 0).logical_and_(place < side)
    return place.clamp_(0, side - 1).int(), inside


def _along(values: Tensor, axis: int, dims: int) -> Tensor:
    """``values`` (N,) along ``axis`` of a tensor of ``dims`` axes, the others of one element."""
    return values.view([-1 if a == axis else 1 for a in range(dims)])


def _outside_ignored(values: Tensor, inside: Iterable[Tensor | None]) -> Tensor:
    """``values`` (D,H,W) uint8, IGNORE where a sample lies outside of the volume along some axis."""
    for here in inside:
        if here is not None:
            values.masked_fill_(~here, IGNORE)
    return values


def _box(view: View, shape: Shape, size: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Starts and stops of the voxels that a patch of ``shape`` can see; a patch wholly outside sees the border."""
    reach = view.reach(shape)
    low, high = np.floor(view.centre - reach - 1e-3), np.ceil(view.centre + reach + 1e-3)
    starts = [min(max(int(a), 0), n - 1) for a, n in zip(low, size, strict=True)]
    return starts, [min(max(int(b), 0), n - 1) + 1 for b, n in zip(high, size, strict=True)]


def _line(view: View, shape: Shape, axis: int) -> NDArray[np.float64]:
    """Where the patch's planes along a straight ``axis`` lie, in voxels."""
    steps = np.arange(shape[axis]) - (shape[axis] - 1) / 2
    return np.asarray(view.centre[axis] + view.matrix[axis, axis] * steps)


def _grid(theta: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(1, *shape, n) from -1 to 1. PyTorch warns of sides of one voxel, so the first of two stands for them."""
    grid = F.affine_grid(theta, [1, 1, *(max(side, 2) for side in shape)], align_corners=True)
    return grid[(slice(None), *(slice(side) for side in shape))]


def _theta(view: View, shape: Shape, starts: list[int], stops: list[int], axes: tuple[int, ...]) -> Tensor:
    """(1, n, n + 1) for affine_grid with aligned corners: patch to box, both from -1 to 1; ``axes`` fastest first."""
    chosen = list(axes)
    half = (np.array(shape, float)[chosen] - 1) / 2
    extent = np.maximum(np.array(stops) - np.array(starts) - 1, 1)[chosen] / 2
    matrix = view.matrix[np.ix_(chosen, chosen)] * half / extent[:, None]
    shift = (view.centre - np.array(starts))[chosen] / extent - 1
    return torch.from_numpy(np.hstack([matrix, shift[:, None]])).float()[None]
