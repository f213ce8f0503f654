"""Suggestions keep their distance: never a judged slice, never two close together, every case has its turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ...geometry import SliceIndex, gap_between
from .field import Field, Matrix
from .maps import Profile


def drawing_axis(all_slices: Iterable[SliceIndex], default: int = 0) -> int:
    """The axis along which people have drawn so far."""
    counts = Counter(place.axis for place in all_slices)
    return counts.most_common(1)[0][0] if counts else default


class Board:
    """Which slices are free. ``free (N, n)``; ``turns (N,)`` how often each case was chosen; ``distance (N, n)`` mm to
    the nearest slice judged or chosen, infinite where there is none.
    """

    def __init__(self, profiles: Sequence[Profile], field: Field):
        self._field = field
        self._gaps = [gap_between(item.spacing, len(item.doubt)) for item in profiles]
        self.free: NDArray[np.bool_] = field.exists.copy()
        self.distance: Matrix = np.full(field.doubt.shape, np.inf)
        self.turns = np.zeros(len(profiles), int)
        for case, item in enumerate(profiles):
            for index in item.judged:
                self._block(case, index)

    def best(self, scores: Matrix) -> tuple[int, int] | None:
        """(case, index) of the best free slice, in a case that was chosen as seldom as any; None without one.

        ``scores (N, n)``: minus infinity where a slice is not worth a look.
        """
        open_scores = np.where(self.free & (scores > -np.inf), scores, -np.inf)
        worth = (open_scores > -np.inf).any(1)
        if not worth.any():
            return None
        open_scores[self.turns > self.turns[worth].min()] = -np.inf
        case, index = np.unravel_index(int(open_scores.argmax()), open_scores.shape)
        return int(case), int(index)

    def take(self, case: int, index: int) -> None:
        """Choose a slice: it and its neighbours are no longer free."""
        self.turns[case] += 1
        self._block(case, index)

    def _block(self, case: int, index: int) -> None:
        gap, depth = self._gaps[case], self._field.depth[case]
        self.free[case, max(0, index - gap) : index + gap + 1] = False
        self.distance[case] = np.minimum(self.distance[case], np.abs(depth - depth[index]))
