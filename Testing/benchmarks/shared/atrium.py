"""Left atrium scans (LA 2018): a folder with images/ and labels/, files of the same names, train.list and test.list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid

SCANS = 16  # of the training list


def names(data: Path, split: str) -> list[str]:
    """The scans of ``split`` (train or test)."""
    return (data / f"{split}.list").read_text().split()


def read_scan(data: Path, name: str) -> tuple[NDArray[np.generic], NDArray[np.uint8], Grid]:
    """Image (k, j, i), label uint8 (k, j, i) and grid of one scan."""
    from SemiSegLogic.study import read_image  # asks for SimpleITK, which whoever makes phantoms need not have

    image, grid = read_image(data / "images" / f"{name}.nrrd")
    label, _ = read_image(data / "labels" / f"{name}.nrrd")
    return image, (label > 0).astype(np.uint8), grid
