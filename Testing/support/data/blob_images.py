"""Images of a bright blob with the truth beside them: arrays only, so that whoever wants no study needs no reader of
images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHAPE = (16, 14, 15)


def blob(shape: tuple[float, float, float], seed: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Image and label in (superior, posterior, left) order: a bright core (1), a darker cap (2) at its right, noise."""
    rng = np.random.default_rng(seed)
    centre = np.array(shape) / 2 + rng.uniform(-2, 2, 3)
    radius = np.maximum(np.array(shape) * 0.24, 0.6)
    offset = (np.indices(shape).transpose(1, 2, 3, 0) - centre) / radius
    far = np.linalg.norm(offset, axis=-1)
    label = np.where(far < 1, np.where(offset[..., 2] < -0.1, 2, 1), 0).astype(np.uint8)
    image = np.array([100, 500, 320])[label] + rng.normal(0, 25, shape)
    return image.astype(np.int16), label


def dice(found: NDArray[np.uint8], truth: NDArray[np.uint8], value: int) -> float:
    """Overlap of one structure."""
    a, b = found == value, truth == value
    return float(2 * (a & b).sum() / max(a.sum() + b.sum(), 1))
