"""Made ellipses, and what teachers get wrong about them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.engine.blocks.ellipse import Ellipse, Map, Mask

SIZE = (128, 160)


def disc(ellipse: Ellipse, shape: tuple[int, int] = SIZE) -> Mask:
    """(H,W) bool, True inside."""
    return np.asarray(ellipse.radius(shape) <= 1)


def made(degrees: float = 30.0, short: float = 30.0, long: float = 44.0, **values: float) -> Ellipse:
    """An ellipse in the middle of a 128 x 160 image; ``degrees`` turns its short axis."""
    return Ellipse(values.get("x", 80.0), values.get("y", 63.0), short, long, np.deg2rad(degrees))


def bitten(mask: Mask, side: int = 30) -> Mask:
    """``mask`` without a square out of its edge, and with a square blob in the far corner."""
    worse = mask.copy()
    rows, columns = np.nonzero(mask)
    row, column = rows[columns.argmax()], columns.max()
    worse[row - side // 2 : row + side // 2, column - side // 2 : column + side // 2] = False
    worse[2:14, 2:14] = True
    return worse


def jagged(ellipse: Ellipse, teeth: int = 24, depth: float = 0.08, shape: tuple[int, int] = SIZE) -> Mask:
    """The ellipse with a wavy outline."""
    u, v = ellipse.coordinates(shape)
    wave = depth * np.sin(teeth * np.arctan2(v / ellipse.long, u / ellipse.short))
    return np.asarray(np.sqrt(ellipse.radius(shape)) <= 1 + wave)


def speckled(mask: Mask, random: np.random.Generator) -> Map:
    """Probabilities of a hesitant teacher: 0.85 and 0.15 with multiplied speckle."""
    noise = random.rayleigh(0.16, mask.shape)
    return np.asarray(np.clip(np.where(mask, 1.05 - noise, noise * 0.8), 0, 1), np.float32)


def dice(one: NDArray[np.generic], two: NDArray[np.generic]) -> float:
    """Overlap of two masks."""
    return float(2 * np.logical_and(one, two).sum() / (one.astype(bool).sum() + two.astype(bool).sum()))
