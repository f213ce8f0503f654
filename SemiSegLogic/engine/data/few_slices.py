"""Volumes of which one to three slices along one axis are drawn, and where what they say of others is looked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import SliceIndex, Triple
from .slice_label import SliceLabel
from .volumes import Volume

FEW = 3  # drawn slices of a volume, at most

Window = tuple[slice, slice]
"""Rows and columns of a slice."""


@dataclass(frozen=True)
class FewSlices:
    """The slices of ``volume`` to learn from, at ``places`` along one axis; ``values`` class indices on any of them."""

    volume: Volume
    places: tuple[SliceIndex, ...]
    values: tuple[int, ...]

    @classmethod
    def of(cls, volume: Volume) -> FewSlices | None:
        """None where there are none to learn from, or more than FEW, or along several axes, which tell of depth; where
        nothing is on them; and where no slice is left between them.
        """
        places = volume.training_slices
        axes = {place.axis for place in places}
        if len(axes) != 1 or len(places) > FEW or volume.shape[min(axes)] == len(places):
            return None
        values = tuple(sorted({value for place in places for value in volume.foreground[place]}))
        return cls(volume, places, values) if values else None

    @property
    def axis(self) -> int:
        """Along which they lie."""
        return self.places[0].axis

    @property
    def step(self) -> int:
        """How many slices of the case are one of the kept image."""
        return self.volume.thin[self.axis]

    def plane(self, place: SliceIndex) -> NDArray[np.uint8]:
        """(a, b) class indices, or IGNORE, at the resolution of the case."""
        return self.volume.plane(place).cpu().numpy()

    @property
    def spacing(self) -> Triple:
        """mm between slices of the case, and of its pixels within them (d, a, b)."""
        rest = [value for other, value in enumerate(self.volume.spacing) if other != self.axis]
        return self.volume.spacing[self.axis], rest[0], rest[1]

    def unthinned(self, window: Window) -> Window:
        """The same rows and columns of the case."""
        across = [axis for axis in range(3) if axis != self.axis]
        steps, sides = ([values[axis] for axis in across] for values in (self.volume.thin, self.volume.shape))
        rows, columns = (slice(part.start * step, min(part.stop * step, side))
                         for part, step, side in zip(window, steps, sides, strict=True))
        return rows, columns

    def label(self, planes: Mapping[int, NDArray[np.uint8]]) -> SliceLabel:
        """What ``planes`` (a, b) by index along their axis say of the volume: class indices, or IGNORE."""
        order = sorted(planes)
        stack = np.stack([planes[index] for index in order])
        return SliceLabel.of({self.axis: (order, stack)}, self.volume.shape, self.volume.device)

    def images(self) -> Tensor:
        """(N,a,b) the kept image, a view, their axis first."""
        return self.volume.image[0].movedim(self.axis, 0)

    def window(self, value: int, margin: float) -> Window:
        """Rows and columns of the kept image within ``margin`` mm of what is drawn of the class ``value`` on any of the
        slices, and a pixel at least: all else is none of it there, and need not be looked at.
        """
        drawn = np.logical_or.reduce([self.plane(place) == value for place in self.places])
        found, steps = [], [thin for axis, thin in enumerate(self.volume.thin) if axis != self.axis]
        for axis, (step, pixel) in enumerate(zip(steps, self.spacing[1:], strict=True)):
            where, more = np.flatnonzero(drawn.any(1 - axis)), max(1, round(margin / pixel))
            first, last = max(int(where[0]) - more, 0), min(int(where[-1]) + more, drawn.shape[axis] - 1)
            found.append(slice(first // step, last // step + 1))
        return found[0], found[1]

    def stretch(self, place: SliceIndex, count: int) -> tuple[int, int]:
        """First and last of the kept slices to which ``place`` is carried: ``count`` to each side, but not beyond the
        next drawn ones.
        """
        own, others = place.index // self.step, [place.index // self.step for place in self.places]
        first = max([own - count, 0, *(other + 1 for other in others if other < own)])
        return first, min([own + count, len(self.images()) - 1, *(other - 1 for other in others if other > own)])


def few_of(volumes: Iterable[Volume], most: int) -> list[FewSlices]:
    """Those of ``volumes`` with few slices, ``most`` slices in all, in order."""
    few = [drawn for drawn in map(FewSlices.of, volumes) if drawn is not None]
    counts = accumulate(len(drawn.places) for drawn in few)
    return [drawn for drawn, count in zip(few, counts, strict=True) if count <= most]
