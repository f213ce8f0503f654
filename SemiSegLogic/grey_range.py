"""Between which grey values an image has something to show, for people as for networks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def range_of(sample: NDArray[np.float64], percentiles: tuple[float, float]) -> tuple[float, float]:
    """The two ``percentiles`` (0..100) of ``sample`` (N,), no farther from all values but the least and the greatest
    than these reach. Around what a CT scanner sees some write -32768: next to that all tissue would be one grey.
    """
    low, high = np.percentile(sample, percentiles)
    least, greatest = sample.min(), sample.max()
    rest = sample[(sample > least) & (sample < greatest)] if low == least or high == greatest else sample[:0]
    if not rest.size:
        return float(low), float(high)
    first, last = np.percentile(rest, percentiles)
    reach = last - first
    return (float(max(low, first - reach)), float(min(high, last + reach))) if reach else (float(low), float(high))
