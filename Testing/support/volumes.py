"""Small volumes on awkward grids, for tests of files and studies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.engine.data.greys import Greys
from SemiSegLogic.geometry import IGNORE, Grid, Planes, plane

SHAPE = (5, 6, 7)
COLUMNS = {  # columns: directions of the i, j, k axes in LPS
    "upright": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "left-handed": np.diag([1.0, 1.0, -1.0]),
    "sagittal": np.eye(3)[:, [1, 2, 0]],
    "oblique": np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0],
}


def grid_of(kind: str, shape: tuple[int, int, int] = SHAPE) -> Grid:
    """A grid with spacings and an origin that no short decimal fraction gives."""
    return Grid(shape, (2.5, 1 / 3, 0.1234567890123456), (-1 / 7, 123.456789012345, 9e3 / 7),
                tuple(COLUMNS[kind].ravel().tolist()))


def picture(shape: tuple[int, ...] = SHAPE, seed: int = 0, dtype: str = "int16") -> NDArray[np.generic]:
    """Noise: no two voxels need be equal, so every mix-up shows."""
    return np.random.default_rng(seed).integers(0, 250, shape).astype(dtype)


def normalise(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """A whole image as networks see its grey values."""
    return Greys.of(image).apply(image)


def two_blobs(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """Labels 1 and 2 that look different from every side."""
    label = np.zeros(shape, np.uint8)
    label[1:3, 1:3, 2:6] = 1
    label[2:4, 4:6, 1:3] = 2
    return label


def label_of(planes: Planes, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The inverse of ``geometry.planes_of``: a label (k, j, i) of ``shape``, IGNORE outside the slices."""
    label = np.full(shape, IGNORE, np.uint8)
    for place, drawn in planes.items():
        plane(label, place)[...] = drawn
    return label
