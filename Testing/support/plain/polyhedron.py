"""Which points lie inside a closed surface, by the angle that its triangles fill around each: 4 pi or nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def winding(points: NDArray[np.floating], triangles: NDArray[np.floating]) -> NDArray[np.floating]:
    """How often the surface of ``triangles`` (m, 3, xyz) goes around each of ``points`` (n, xyz): about 1 or -1 inside,
    about 0 outside (van Oosterom and Strackee 1983).
    """
    total = np.zeros(len(points))
    for triangle in triangles:
        a, b, c = (corner - points for corner in triangle)
        la, lb, lc = (np.linalg.norm(side, axis=1) for side in (a, b, c))
        volume = (a * np.cross(b, c)).sum(1)
        below = la * lb * lc + (a * b).sum(1) * lc + (b * c).sum(1) * la + (c * a).sum(1) * lb
        total += 2 * np.arctan2(volume, below)
    return total / (4 * np.pi)
