"""Labels as an array of every voxel: slow and large, to compare the kept slices with."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from SemiSegLogic.engine.data.framing import View
from SemiSegLogic.engine.data.slice_label import SliceLabel
from SemiSegLogic.geometry import IGNORE, Shape, SliceIndex, planes_of, sparse_label


def dense(
    label: NDArray[np.uint8], slices: Collection[SliceIndex], held_out: Collection[SliceIndex] = ()
) -> Tensor:
    """(D,H,W) uint8: ``label`` on the judged slices that training may see, IGNORE elsewhere."""
    seen = torch.from_numpy(sparse_label(label, slices))
    for place in held_out:
        seen.select(place.axis, place.index).fill_(IGNORE)
    return seen


def kept(
    label: NDArray[np.uint8], slices: Collection[SliceIndex], held_out: Collection[SliceIndex] = ()
) -> SliceLabel:
    """The same as it is kept."""
    planes = planes_of(label, slices)
    drawn = {}
    for axis in {place.axis for place in slices}:
        places = sorted(place for place in slices if place.axis == axis)
        drawn[axis] = ([place.index for place in places], np.stack([planes[place] for place in places]))
    d, h, w = label.shape
    return SliceLabel.of(drawn, (d, h, w), torch.device("cpu")).without(held_out)


def sample_dense(label: Tensor, view: View, shape: Shape, judged: Sequence[SliceIndex] | None, out: Tensor) -> None:
    """As ``resampling.sample_label``, from the array of every voxel; ``judged`` names the slices outside of which it is
    IGNORE throughout, None: it may be judged anywhere.
    """
    axis = view.straight_axis
    if axis is None:
        out.copy_(_nearest(label, view, shape))
        return
    along = judged is not None and all(place.axis == axis for place in judged)
    only = {place.index for place in judged or ()} if along else None
    out.fill_(IGNORE)
    steps = np.arange(shape[axis]) - (shape[axis] - 1) / 2
    place = np.rint(view.centre[axis] + view.matrix[axis, axis] * steps).astype(np.int64)
    rows, columns = (other for other in range(3) if other != axis)
    order = [axis, rows, columns]
    flat = View(view.matrix[np.ix_(order, order)], view.centre[order])
    flat.centre[0] = 0
    for n, p in enumerate(place):
        if 0 <= p < label.shape[axis] and (only is None or int(p) in only):
            plane = label.select(axis, int(p))[None]
            out.select(axis, n).copy_(_nearest(plane, flat, (1, shape[rows], shape[columns]))[0])


def _nearest(label: Tensor, view: View, shape: Shape) -> Tensor:
    """(D,H,W) uint8."""
    matrix, centre = (torch.from_numpy(part).float() for part in (view.matrix, view.centre))
    lines = [torch.arange(n, dtype=torch.float32) - (n - 1) / 2 for n in shape]
    index, inside = torch.zeros(shape, dtype=torch.int64), None
    for axis, side in enumerate(label.shape):
        d, h, w = (line * step for line, step in zip(lines, matrix[axis], strict=True))
        near = (d[:, None, None] + h[:, None] + (w + centre[axis])).round_()
        here = (near >= 0).logical_and_(near < side)
        inside = here if inside is None else inside.logical_and_(here)
        index.mul_(side).add_(near.clamp_(0, side - 1).long())
    assert inside is not None
    return label.flatten()[index].masked_fill_(~inside, IGNORE)
