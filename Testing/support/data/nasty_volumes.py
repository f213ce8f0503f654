"""Volumes as scanners and other programs leave them: any handedness and axis order, thin, far away, in any file."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid

TYPES = ("uint8", "int16", "uint16", "int32", "float32")
FILES = ("nrrd", "packed nrrd", "nhdr", "big-endian nrrd", "nii", "nii.gz", "mha", "packed mha")


def nasty_grid(rng: np.random.Generator) -> Grid:
    """Axes permuted, mirrored, perhaps oblique; spacings from tiny to thick; an origin near or very far."""
    shape = [int(side) for side in rng.integers(2, 7, 3)]
    if rng.random() < 0.3:
        shape[rng.integers(3)] = 1
    turned = np.eye(3)[:, list(list(permutations(range(3)))[rng.integers(6)])] * rng.choice([-1.0, 1.0], 3)
    if rng.random() < 0.5:
        turned = np.linalg.qr(rng.normal(size=(3, 3)))[0] @ turned
    spacing = rng.choice([0.1, 1 / 3, 0.7, 1.0, 5.0], 3)
    origin = rng.normal(size=3) * rng.choice([0, 100, 1000])
    k, j, i = shape
    a, b, c = map(float, spacing)
    x, y, z = map(float, origin)
    return Grid((k, j, i), (a, b, c), (x, y, z), tuple(turned.ravel().tolist()))


def nasty_image(rng: np.random.Generator, shape: tuple[int, int, int]) -> NDArray[np.generic]:
    """Noise of any type, no two voxels alike: whatever is mixed up shows."""
    return rng.permutation(int(np.prod(shape))).reshape(shape).astype(TYPES[rng.integers(len(TYPES))])


def save_somehow(folder: Path, stem: str, array: NDArray[np.generic], grid: Grid, rng: np.random.Generator) -> Path:
    """Write the image as some program might; returns the file to be named."""
    kind = FILES[rng.integers(len(FILES))]
    path = folder / f"{stem}.{kind.split()[-1]}"
    if kind == "big-endian nrrd":
        path.write_bytes(_big_endian(array, grid))
    else:
        sitk.WriteImage(as_image(array, grid), str(path), useCompression=kind.startswith("packed"))
    return path


def as_image(array: NDArray[np.generic], grid: Grid) -> sitk.Image:
    """The volume as SimpleITK has it."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(grid.spacing[::-1])
    image.SetOrigin(grid.origin)
    image.SetDirection(grid.direction)
    return image


def _big_endian(array: NDArray[np.generic], grid: Grid) -> bytes:
    steps = np.array(grid.direction).reshape(3, 3) * np.array(grid.spacing[::-1])  # columns: i, j, k
    vectors = [f"({','.join(map(repr, column))})" for column in [*steps.T.tolist(), list(grid.origin)]]
    header = ("NRRD0004", f"type: {array.dtype.name.replace('float32', 'float')}", "dimension: 3",
              f"sizes: {' '.join(map(str, grid.shape[::-1]))}", "space: left-posterior-superior",
              f"space directions: {' '.join(vectors[:3])}", f"space origin: {vectors[3]}",
              "kinds: domain domain domain", "endian: big", "encoding: raw")
    return "\n".join(header).encode() + b"\n\n" + array.astype(array.dtype.newbyteorder(">")).tobytes()
