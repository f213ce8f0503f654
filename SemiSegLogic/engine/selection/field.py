"""All slices of all cases side by side: one row per case, short ones padded, so that a choice is one ``argmax``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .maps import NEAR_MM, RIM, Profile

Matrix = NDArray[np.float64]
WHOLE = 0.1  # a slice that shows this share of the widest one's structure counts fully


@dataclass(frozen=True)
class Field:
    """N cases of up to n slices. ``doubt (N, n)`` and ``doubts (C, N, n)`` are weighted with ``presence (N, n)`` in
    [0, 1]: how much structure lies about a slice. A dot at the border of the volume is none, whatever the doubt there.
    ``depth (N, n)`` mm from the first slice; ``exists (N, n)`` is false in the padding; ``changed (N, n)`` voxels.
    """

    doubt: Matrix
    doubts: NDArray[np.float64]
    presence: Matrix
    changed: Matrix
    depth: Matrix
    exists: NDArray[np.bool_]

    @classmethod
    def of(cls, profiles: Sequence[Profile]) -> Field:
        """From at least one case."""
        longest = max(len(item.doubt) for item in profiles)

        def stack(lines: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
            return np.stack([np.pad(line, [(0, 0)] * (line.ndim - 1) + [(0, longest - line.shape[-1])])
                             for line in lines], axis=-2)

        presence = stack([presence_of(item) for item in profiles])
        return cls(
            stack([item.doubt for item in profiles]) * presence, stack([item.doubts for item in profiles]) * presence,
            presence, stack([item.changed for item in profiles]) * presence,
            np.stack([np.arange(longest) * item.spacing for item in profiles]),
            stack([np.ones(len(item.doubt)) for item in profiles]) > 0,
        )


def presence_of(item: Profile) -> NDArray[np.float64]:
    """(n,) in [0, 1]: the widest slice within NEAR_MM, against WHOLE of the widest of all. A model that was taught on a
    few slices lets the organ run on to the border of the volume: towards it, within RIM, a slice counts less and less.
    Where the model found nothing at all, only the border tells.
    """
    area = item.area.sum(0)
    count = len(area)
    from_border = np.minimum(np.arange(count), np.arange(count)[::-1]) + 0.5
    inside = np.minimum(1.0, from_border / max(RIM * count, 0.5))
    if not area.any():
        return inside
    reach = max(1, round(NEAR_MM / item.spacing))
    padded = np.pad(area, reach)
    around = np.max([padded[shift : shift + len(area)] for shift in range(2 * reach + 1)], axis=0)
    return inside * np.minimum(1.0, around / (WHOLE * area.max()))
