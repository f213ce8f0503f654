"""What an earlier model confirms of carried outlines, and what it knows beside them.

Outlines that were carried along (carrying.py) err where the image moves unlike the organ; a model that learned from
them errs elsewhere. What both say is right more often than what either does, so a stretch of training that goes on from
a model need not be taught the errors again. So it is with a single slice, where the model learned from other volumes
too: between several slices outlines err too little for that, and from one slice alone it learned nothing but them.

    (1)  p(x) the model's probabilities of the classes at x, m(x) = argmax p(x)
    (2)  y(x) = c(x) where c(x) = m(x), unknown where they differ                    c: carried, where it is known
    (3)  y(x) = m(x) where nothing was carried and max p(x) >= SURE, else unknown

on the slices that were carried to, and as far again beyond them. A model that does not even find what was drawn on the
slice itself, with a Dice of TRUSTED, has no say there. Related: two views that teach each other (A. Blum, T. Mitchell:
Combining Labeled and Unlabeled Data with Co-Training, COLT 1998); pseudo-labels (D.-H. Lee, ICML Workshop 2013).
Measured in Testing/benchmarks/results/carrying.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import IGNORE, SliceIndex
from .few_slices import FewSlices
from .volumes import Volume

SURE, TRUSTED = 0.9, 0.5
AT_ONCE = 1 << 26  # probabilities that are looked at together: a quarter of a gigabyte

PlanesAlong = dict[int, NDArray[np.uint8]]
"""By index along an axis: (a, b) class indices, or IGNORE."""


class Opinion(Protocol):
    """An earlier model, which stays as it is: engine/prediction/predict.py has one."""

    classes: int

    def planes(self, volume: Volume, places: Sequence[SliceIndex]) -> Mapping[SliceIndex, Tensor]:
        """Probabilities (K,a,b) float32 of ``places`` on the volume's own voxels."""


def confirmed(carried: PlanesAlong, drawn: FewSlices, opinion: Opinion) -> PlanesAlong:
    """Equations (2) and (3) for what was ``carried`` from the one ``drawn`` slice, which stays as a person drew it.
    ``carried`` itself where the model is not to be trusted.
    """
    own = drawn.places[0]
    if _found(opinion.planes(drawn.volume, [own])[own], carried[own.index], drawn.values) < TRUSTED:
        return carried
    found = {own.index: carried[own.index]}
    wanted = [index for index in _as_far_again(carried, own.index, drawn.volume.shape[own.axis]) if index != own.index]
    for part in _parts(wanted, max(1, AT_ONCE // (opinion.classes * carried[own.index].size))):
        probabilities = opinion.planes(drawn.volume, [SliceIndex(own.axis, index) for index in part])
        found |= {place.index: agreed(carried.get(place.index), plane) for place, plane in probabilities.items()}
    return found


def agreed(carried: NDArray[np.uint8] | None, probabilities: Tensor) -> NDArray[np.uint8]:
    """Equations (2) and (3) on one slice, (a, b): ``carried`` (a, b), None where nothing was, and ``probabilities``
    (K,a,b).
    """
    most, best = (values.cpu().numpy() for values in probabilities.max(0))
    sure = np.where(most >= SURE, best, IGNORE).astype(np.uint8)
    if carried is None:
        return sure
    return np.where(carried == IGNORE, sure, np.where(carried == best, carried, IGNORE)).astype(np.uint8)


def _found(probabilities: Tensor, drawn: NDArray[np.uint8], values: Sequence[int]) -> float:
    """Mean Dice of the model's classes ``values`` on a slice that was ``drawn`` (a, b), where that was judged."""
    judged = drawn != IGNORE
    model, truth = probabilities.argmax(0).cpu().numpy()[judged], drawn[judged]
    pairs = [(model == value, truth == value) for value in values]
    return float(np.mean([2 * (a & b).sum() / (a.sum() + b.sum()) for a, b in pairs]))


def _as_far_again(carried: PlanesAlong, own: int, side: int) -> range:
    """Indices along an axis of ``side`` slices: twice as far from the one that was drawn as outlines were carried."""
    first, last = 2 * min(carried) - own, 2 * max(carried) - own
    return range(max(first, 0), min(last, side - 1) + 1)


def _parts(items: Sequence[int], most: int) -> Iterator[Sequence[int]]:
    return (items[start : start + most] for start in range(0, len(items), most))
