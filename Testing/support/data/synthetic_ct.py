"""Synthetic CT volumes of any size, made quickly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def synthetic_ct(shape: tuple[int, int, int], seed: int) -> NDArray[np.int16]:
    """int16 (k, j, i): air around an elliptical body with a bright organ in its middle, and noise."""
    rng = np.random.default_rng(seed)
    k, j, i = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    plane = (j[:, None] / 0.7) ** 2 + (i / 0.9) ** 2
    body = np.where(plane < 1, 0, -1000).astype(np.int16)
    noise = rng.normal(0, 15, (8, *shape[1:])).astype(np.int16)
    volume = np.empty(shape, np.int16)
    for n, height in enumerate(k):
        organ = ((j[:, None] - 0.1) / 0.3) ** 2 + ((i + 0.2) / 0.3) ** 2 + (height / 0.4) ** 2 < 1
        volume[n] = body + np.where(organ, np.int16(120), np.int16(0)) + noise[n % 8]
    return volume
