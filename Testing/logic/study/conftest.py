"""Small volumes on awkward grids, and a study with two structures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid
from SemiSegLogic.study import Case, Structure, Study, write_image

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


def two_blobs(shape: tuple[int, int, int] = SHAPE) -> NDArray[np.uint8]:
    """Labels 1 and 2 that look different from every side."""
    label = np.zeros(shape, np.uint8)
    label[1:3, 1:3, 2:6] = 1
    label[2:4, 4:6, 1:3] = 2
    return label


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A new study with the structures anterior = 1 and posterior = 2."""
    return Study.create(tmp_path / "study", "hippocampus", [Structure(1, "anterior"), Structure(2, "posterior")])


@pytest.fixture
def image_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes an image file and gives its path."""
    def write(name: str = "ann.nrrd", kind: str = "oblique", seed: int = 0) -> Path:
        write_image(tmp_path / name, picture(seed=seed), grid_of(kind))
        return tmp_path / name

    return write


@pytest.fixture
def case(study: Study, image_file: Callable[..., Path]) -> Case:
    """A case with a copied oblique image and nothing drawn."""
    return study.add_case(image_file())
