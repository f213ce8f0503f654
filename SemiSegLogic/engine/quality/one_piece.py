"""Whether a structure comes in one piece, as far as the slices tell that people drew.

A slice cannot show it: a vein may leave the atrium in one slice and come back in the next. But of a structure that
comes in several pieces, lesions say, some that were drawn would go if the small pieces of the prediction went. Where
next to nothing of what was drawn and found would, small pieces are taken for false.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ...geometry import plane
from ..data.volumes import Volume

FEWEST = 3  # drawn pieces, found again, below which nothing is concluded
MOST_PIECES = 0.1  # of those that may go: an organ's farthest tip may hang on nothing
MOST_VOXELS = 0.01  # of the voxels drawn that may go
FOUND = 0.3  # of the voxels of a drawn piece: then it was found
SPECK = 4  # voxels: drawn pieces that are smaller say nothing
MOST_SLICES = 32  # of a structure in one volume that are looked at

TOUCHING = ndimage.generate_binary_structure(2, 2)


@dataclass(frozen=True)
class Evidence:
    """Of one structure on judged slices: ``found`` how many drawn pieces were, ``gone`` those of them of which nothing
    is left without fragments; ``drawn`` voxels, ``voxels_gone`` those of them that were found and go.
    """

    found: int = 0
    gone: int = 0
    drawn: int = 0
    voxels_gone: int = 0

    def __add__(self, other: Evidence) -> Evidence:
        return Evidence(self.found + other.found, self.gone + other.gone, self.drawn + other.drawn,
                        self.voxels_gone + other.voxels_gone)

    @property
    def shows_one_piece(self) -> bool:
        """Whether fragments of this structure may be left out."""
        return (self.found >= FEWEST and self.gone <= MOST_PIECES * self.found
                and self.voxels_gone <= MOST_VOXELS * self.drawn)


def evidence_of(volume: Volume, found: NDArray[np.uint8], whole: NDArray[np.uint8], number: int) -> Evidence:
    """Of class ``number`` on judged slices of ``volume``: ``found`` (D,H,W) class indices that are predicted, ``whole``
    what is left of them without fragments.
    """
    total, shown = Evidence(), [place for place in volume.slices if number in volume.foreground[place]]
    for place in shown[:: -(-len(shown) // MOST_SLICES) or 1]:
        drawn = volume.plane(place).cpu().numpy()
        suggested = (plane(label, place) for label in (found, whole))
        before, after = (plane == number for plane in suggested)
        total += _on_slice(drawn == number, before, before & ~after)
    return total


def _on_slice(drawn: NDArray[np.bool_], found: NDArray[np.bool_], away: NDArray[np.bool_]) -> Evidence:
    pieces, count = ndimage.label(drawn, TOUCHING)
    sizes, hits, losses = (_counts(pieces, mask, count) for mask in (drawn, found, away))
    known = (sizes >= SPECK) & (hits >= FOUND * sizes)
    gone = known & (losses == hits)
    return Evidence(int(known.sum()), int(gone.sum()), int(sizes.sum()), int(losses.sum()))


def _counts(pieces: NDArray[np.int32], mask: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """(count,): voxels of each piece in ``mask``."""
    return np.bincount(pieces[mask], minlength=count + 1)[1:]


def undecided(evidence: Sequence[Evidence]) -> set[int]:
    """The classes, from 1, of which so little was seen that more slices may change what is concluded."""
    return {number for number, item in enumerate(evidence, 1) if item.found < 2 * FEWEST}
