"""Fragments: small pieces of a structure that comes in one piece.

A network that learned from a few slices finds, far from the organ, bits of whatever looks like it. Where what people
drew shows that a structure comes in one piece (engine/quality/one_piece.py), its small pieces are taken away. Keeping
nothing but the largest piece where cross-validation allows it is the custom of nnU-Net (F. Isensee et al., Nature
Methods 18, 2021).

Where we differ and why: a piece that is at least FRAGMENT of the largest stays, and one in which a person drew always
does. Of two pieces of one size nobody knows which is the organ: the largest alone was the wrong one in three of 223
predictions, of which none got worse this way (Testing/benchmarks/results/fragments.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
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
    """The connected pieces of a mask: ``names`` (d,h,w) int32, 0 outside, of blocks of ``side`` voxels each way;
    ``sizes`` voxels of each, by name. Neighbours touch by face, edge or corner.
    """

    names: NDArray[np.int32]
    sizes: NDArray[np.int64]
    side: int

    @classmethod
    def of(cls, label: Label, number: int) -> Self:
        """Of where ``label`` (D,H,W) is ``number``."""
        side = 1
        while label.size > MOST_BLOCKS * side**3:
            side += 1
        blocks = np.zeros([-(-length // side) for length in label.shape], np.uint16)
        deep = side if side > 1 else len(label)  # rows that are looked at together: a few of them stay in the cache
        for start in range(0, len(label), deep):
            inside = label[start : start + deep] == number
            if inside.any():
                blocks[start // side : -(-(start + deep) // side)] = _blocks(inside, side)
        names, count = ndimage.label(blocks, ndimage.generate_binary_structure(3, 3))
        there = names > 0
        return cls(names, np.bincount(names[there], blocks[there], count + 1).astype(np.int64), side)

    @property
    def small(self) -> Mask:
        """(names,): which of them are fragments."""
        small: Mask = self.sizes < FRAGMENT * self.sizes.max()
        small[0] = False
        return small

    def touched(self, where: Box, marked: Mask) -> NDArray[np.int32]:
        """Names of the pieces in which any voxel of the mask's part ``where`` is ``marked`` (d,h,w)."""
        places = [(np.arange(count) + (place.start or 0)) // self.side
                  for place, count in zip(where, marked.shape, strict=True)]
        return np.unique(self.names[np.ix_(*places)][marked])

    def parts(self, chosen: Mask, label: Label, number: int) -> Iterator[tuple[Box, Mask]]:
        """Where ``label`` (D,H,W) is ``number`` in pieces that are ``chosen`` (names,): boxes that do not overlap, with
        the voxels there.
        """
        found: Mask = chosen[self.names]
        for row in np.flatnonzero(found.any((1, 2))).tolist():
            lines, columns = (_span(found[row].any(axis)) for axis in (1, 0))
            spread = found[row, lines, columns].repeat(self.side, 0).repeat(self.side, 1)
            box = tuple(slice(part.start * self.side, part.stop * self.side)
                        for part in (slice(row, row + 1), lines, columns))
            inside: Mask = label[box] == number
            yield box, inside & spread[: inside.shape[1], : inside.shape[2]]


def leave_out(label: Label, second: Label, classes: Collection[int], drawn: SliceLabel | None = None) -> None:
    """Take the fragments of ``classes`` out of ``label`` (D,H,W) class index, in place: what was ``second`` there comes
    first. What becomes a fragment only by that is background. What people have ``drawn`` stays.
    """
    again = False
    for number, part, following, away in _fragments_of(label, second, classes, drawn):
        part[away], following[away] = following[away], number
        again = len(classes) > 1
    for number, part, following, away in _fragments_of(label, second, classes, drawn) if again else ():
        part[away], following[away] = 0, number


def _fragments_of(
    label: Label, second: Label, classes: Collection[int], drawn: SliceLabel | None
) -> Iterator[tuple[int, Label, Label, Mask]]:
    """Of each class with any, one after the other: parts (d,h,w) of ``label`` and ``second``, views, and where in them
    its fragments are.
    """
    for number, box in _boxes(label, classes):
        part, following = label[box], second[box]
        pieces = Pieces.of(part, number)
        small = pieces.small
        corner, shape = [side.start for side in box], (part.shape[0], part.shape[1], part.shape[2])
        for where, values in drawn.pieces(corner, shape) if drawn is not None and small.any() else ():
            small[pieces.touched(where, values.cpu().numpy() == number)] = False
        for where, away in pieces.parts(small, part, number):
            yield number, part[where], following[where], away


def _boxes(label: Label, classes: Collection[int]) -> Iterator[tuple[int, Box]]:
    """The smallest box of ``label`` (D,H,W) around each of the classes that are there."""
    shown = label != 0
    rows = np.flatnonzero(np.any(shown, axis=(1, 2)))
    columns = np.flatnonzero(np.any(shown, axis=(0, 2)))
    if len(rows) and classes:  # most of a large volume is empty, and looking for every class takes several times longer
        top, left = int(rows[0]), int(columns[0])
        found = ndimage.find_objects(label[top : rows[-1] + 1, left : columns[-1] + 1], max(classes))
        for number in classes:
            if found[number - 1] is not None:
                d, h, w = found[number - 1]
                yield number, (slice(top + d.start, top + d.stop), slice(left + h.start, left + h.stop), w)


def _span(line: Mask) -> slice:
    """From the first to the last of what is true."""
    there = np.flatnonzero(line)
    return slice(int(there[0]), int(there[-1]) + 1)


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
