"""The structures of a few drawn slices, each followed as far as its own size says, and looked for around itself.

Of forty organs on a slice of a CT, the ureter is not followed as far as all of them together would be, and not looked
for in the liver. Beyond its reach, nobody knows what is where it was last, though others are followed farther.
Equations are those of carrying.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import IGNORE
from ..blocks.flow import moved
from .few_slices import FewSlices, Window
from .outlines import Near, mixed, outlines, reach_of

Found = dict[int, list[tuple[int, Tensor]]]
"""By the number of a kept slice: (h,w) distances there, each with the index of the drawn slice that they come from."""


@dataclass
class Followed:
    """The class ``value``, to be carried ``count`` kept slices to either side, in its ``window`` of the kept image.
    ``starts``: (h,w) its distances on each of the drawn slices. ``known``: those it was carried to; ``last``: the last
    of them, for the slices beyond.
    """

    value: int
    count: int
    window: Window
    starts: Sequence[Tensor]
    known: Found = field(default_factory=dict)
    last: Found = field(default_factory=dict)

    @classmethod
    def all_of(cls, drawn: FewSlices, doubt: float) -> list[Followed]:
        """Those on any of the slices ``drawn``; ``doubt`` mm for each mm from there."""
        between, *pixel = drawn.spacing
        planes, spacing = [drawn.plane(place) for place in drawn.places], (pixel[0], pixel[1])
        reach = {value: max(reach_of(plane == value, spacing) for plane in planes) for value in drawn.values}
        unsure, found = doubt * max(reach.values()), []
        for value, mm in reach.items():
            window = drawn.window(value, max(mm, unsure))
            masks = [plane[drawn.unthinned(window)] == value for plane in planes]
            starts = [_as_kept(distances, window, drawn) for distances in outlines(masks, spacing)]
            found.append(cls(value, round(mm / (between * drawn.step)), window, starts))
        return found

    def stands(self, number: int, index: int, distances: Tensor, away: int) -> None:
        """It has ``distances`` on the kept slice ``number``, ``away`` from the drawn slice ``index``."""
        (self.known if away <= self.count else self.last).setdefault(number, []).append((index, distances))

    def moves(self, distances: Tensor, by: Tensor, whole: Window, away: int) -> Tensor:
        """Equation (2): ``distances`` one slice farther, ``away`` from the drawn one, by the flow (2,h,w) in the window
        ``whole`` around all that is followed.
        """
        if away > self.count:
            return distances
        here = by[:, *inside(self.window, whole)]
        return moved(distances[None, None], here[None])[0, 0]

    def at(self, number: int) -> list[tuple[int, Tensor]]:
        """What is known of it on a kept slice, or was last."""
        return self.known.get(number) or self.last[number]

    def near(self, number: int, index: int, drawn: FewSlices, whole: Window) -> Near:
        """Where it may be on slice ``index`` of the case, which is part of the kept slice ``number``, in the window
        ``whole`` around all that is followed.
        """
        starts, fields = zip(*self.at(number), strict=True)
        distances = mixed(fields, [drawn.spacing[0] * abs(index - start) for start in starts])
        rows, columns = inside(drawn.unthinned(self.window), drawn.unthinned(whole))
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        if distances.shape != shape:
            distances = F.interpolate(distances[None, None], shape, mode="bilinear")[0, 0]
        return Near(self.value if number in self.known else IGNORE, (rows, columns), distances)


def around(followed: Sequence[Followed]) -> Window:
    """The window that holds those of all."""
    rows, columns = ([one.window[axis] for one in followed] for axis in (0, 1))
    return _around(rows), _around(columns)


def inside(part: Window, whole: Window) -> Window:
    """The window ``part``, counted from the beginning of ``whole``."""
    rows, columns = (slice(a.start - b.start, a.stop - b.start) for a, b in zip(part, whole, strict=True))
    return rows, columns


def _around(parts: Sequence[slice]) -> slice:
    return slice(min(part.start for part in parts), max(part.stop for part in parts))


def _as_kept(distances: NDArray[np.float32], window: Window, drawn: FewSlices) -> Tensor:
    """(a,b) as (h,w) of the kept image."""
    rows, columns = window
    whole = torch.from_numpy(distances).to(drawn.volume.device)[None, None]
    shape = (rows.stop - rows.start, columns.stop - columns.start)
    return F.interpolate(whole, shape, mode="bilinear", antialias=True)[0, 0]
