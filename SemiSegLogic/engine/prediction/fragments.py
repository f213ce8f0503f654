"""Fragments: small pieces of a structure that comes in one piece.

A network that learned from a few slices finds, far from the organ, bits of whatever looks like it. Where what people
drew shows that a structure comes in one piece (engine/quality/one_piece.py), its small pieces are taken away. Keeping
nothing but the largest piece where cross-validation allows it is the custom of nnU-Net (F. Isensee et al., Nature
Methods 18, 2021).

Where we differ and why: a piece that is at least FRAGMENT of the largest stays, and one in which a person drew always
does. Of two pieces of one size nobody knows which is the organ: of 205 predictions none got worse that way, while the
largest alone was the wrong one in three (Testing/benchmarks/results/fragments.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ..data.slice_label import SliceLabel

FRAGMENT = 0.4  # of the largest piece: what is smaller is a fragment
MOST_BLOCKS = 1 << 22  # that are looked at: in larger volumes blocks of 2, 3, ... voxels a side count as one voxel

Mask = NDArray[np.bool_]
Label = NDArray[np.uint8]
Box = tuple[slice, ...]


@dataclass(frozen=True)
class Pieces:
    """The connected pieces of a mask: ``names`` (d,h,w) int32, 0 outside, of blocks of ``side`` voxels each way within
    ``box`` of it; ``sizes`` voxels of each, by name. Neighbours touch by face, edge or corner.
    """

    names: NDArray[np.int32]
    sizes: NDArray[np.float64]
    side: int
    box: Box

    @classmethod
    def of(cls, inside: Mask) -> Self:
        """Of ``inside`` (D,H,W), which is not empty."""
        box = _box(inside)
        part, side = inside[box], 1
        while part.size > MOST_BLOCKS * side**3:
            side += 1
        blocks = _blocks(part, side)
        names, _ = ndimage.label(blocks, ndimage.generate_binary_structure(3, 3))
        sizes = np.bincount(names.ravel(), blocks.ravel()).astype(np.float64)
        return cls(names, sizes, side, box)

    @property
    def small(self) -> Mask:
        """(names,): which of them are fragments."""
        small: Mask = self.sizes < FRAGMENT * self.sizes.max()
        small[0] = False
        return small

    def touched(self, where: Box, marked: Mask) -> NDArray[np.int32]:
        """Names of the pieces in which any voxel of the mask's part ``where`` is ``marked`` (d,h,w)."""
        starts = [place.start or 0 for place in where]
        ours = tuple(slice(max(own.start - start, 0), max(own.stop - start, 0))
                     for own, start in zip(self.box, starts, strict=True))
        places = [(np.arange(start + own.start, start + own.start + count) - box.start) // self.side
                  for start, own, box, count in zip(starts, ours, self.box, marked[ours].shape, strict=True)]
        return np.unique(self.names[np.ix_(*places)][marked[ours]])

    def take_out(self, chosen: Mask, inside: Mask) -> Mask:
        """(D,H,W): the part of the mask ``inside`` in pieces that are ``chosen`` (names,)."""
        found, part = np.zeros_like(inside), inside[self.box]
        blocks: Mask = chosen[self.names]
        for axis, count in enumerate(part.shape if self.side > 1 else ()):
            blocks = blocks.repeat(self.side, axis).take(range(count), axis)
        np.logical_and(blocks, part, out=found[self.box])
        return found


def fragments(inside: Mask, number: int = 0, drawn: SliceLabel | None = None) -> Mask:
    """The fragments of ``inside`` (D,H,W), where some class is, of whose ``number`` people may have ``drawn`` some."""
    if not inside.any():
        return np.zeros_like(inside)
    pieces = Pieces.of(inside)
    small = pieces.small
    if drawn is not None and small.any():
        for where, values in drawn.pieces((0, 0, 0), drawn.shape):
            small[pieces.touched(where, values.cpu().numpy() == number)] = False
    return pieces.take_out(small, inside) if small.any() else np.zeros_like(inside)


def leave_out(label: Label, second: Label, classes: Collection[int], drawn: SliceLabel | None = None) -> None:
    """Take the fragments of ``classes`` out of ``label`` (D,H,W) class index, in place: what was ``second`` there comes
    first. What becomes a fragment only by that is background.
    """
    for number in classes:
        away = fragments(label == number, number, drawn)
        label[away], second[away] = second[away], number
    for number in classes if len(classes) > 1 else ():
        away = fragments(label == number, number, drawn)
        label[away], second[away] = 0, number


def _box(inside: Mask) -> Box:
    """The smallest box of ``inside`` with all that is true."""
    rows = np.flatnonzero(np.any(inside, axis=(1, 2)))
    near = np.any(inside[rows[0] : rows[-1] + 1], axis=0)
    edges = [rows, *(np.flatnonzero(np.any(near, axis=axis)) for axis in (1, 0))]
    return tuple(slice(int(where[0]), int(where[-1]) + 1) for where in edges)


def _blocks(inside: Mask, side: int) -> NDArray[Any]:
    """(d,h,w): how many voxels of each block of ``side`` each way are ``inside`` (D,H,W)."""
    blocks: NDArray[Any] = inside.view(np.uint8)
    for axis in range(3 if side > 1 else 0):
        turned = np.moveaxis(blocks, axis, 0)
        found = turned[::side].astype(np.uint16)
        for step in range(1, side):
            later = turned[step::side]
            found[: len(later)] += later
        blocks = np.moveaxis(found, 0, axis)
    return blocks
