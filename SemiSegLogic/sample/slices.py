"""Which slices of an expert's label the sample study is given: those that a person in a hurry would draw."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..geometry import SliceIndex
from ..naming import counted
from .folders import SampleError

END = 0.2
"""How far from the organ's ends, as a share of its extent, the outermost slices lie: the very last ones show a dot."""


def broadest_axis(label: NDArray[np.generic]) -> int:
    """The axis of ``label`` (k, j, i; 0 is background) whose slices show most of the structure; the first on a tie.

    A slice along the organ shows both of its ends and what lies beyond them. Slices across it never do, and a model
    trained on them alone lets the organ run on beyond its ends.
    """
    return int(np.argmin([len(_occupied(label, axis)) for axis in range(3)]))


def spread_slices(
    label: NDArray[np.generic], count: int, axis: int | None = None, offset: float = 0.0,
) -> list[SliceIndex]:
    """``count`` slices of ``label`` (k, j, i; 0 is background), well spread over the organ's extent, in order.

    Along ``axis``, or the one whose slices show most of the organ. The first and the last lie near its two ends, the
    others at equal steps between; a single one lies in the middle. ``offset`` in [-0.5, 0.5] moves the inner ones
    by that share of a step and the outer ones a little: given a different offset for each volume, the volumes together
    show more levels of the organ. Deterministic. Fewer when there are fewer slices with foreground.
    Raises SampleError when ``label`` is empty or ``count`` is below 1.
    """
    axis = broadest_axis(label) if axis is None else axis
    occupied = _occupied(label, axis)
    if count < 1 or not len(occupied):
        raise SampleError(f"Cannot choose {counted(count, 'slice')} among {len(occupied)} that show a structure. Ask "
                          "for at least one, of a label that is not empty.")
    wanted = np.linspace(END, 1 - END, count) if count > 1 else np.array([0.5])
    step = wanted[1] - wanted[0] if count > 1 else 0.5
    wanted[1:-1] += offset * step
    wanted[[0, -1]] += offset * END
    picked = np.unique(np.round(wanted * (len(occupied) - 1)).astype(int))
    return [SliceIndex(axis, int(occupied[n])) for n in picked]


def varied_offset(number: int) -> float:
    """The offset for volume ``number`` (0, 1, ...): golden-ratio steps through [-0.5, 0.5), the first one 0."""
    return (0.5 + number * 0.6180339887) % 1.0 - 0.5


def _occupied(label: NDArray[np.generic], axis: int) -> NDArray[np.int64]:
    others = tuple(other for other in range(3) if other != axis)
    return np.flatnonzero((label != 0).any(axis=others))
