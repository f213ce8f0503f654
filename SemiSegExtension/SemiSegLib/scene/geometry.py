"""Our voxel grid (LPS, k j i) and MRML's matrices (RAS, i j k)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def ijk_to_ras(grid: Grid) -> NDArray[np.float64]:
    """4x4: voxel indices (i, j, k, 1) to RAS mm."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(grid.direction).reshape(3, 3) * np.array(grid.spacing[::-1])
    matrix[:3, 3] = grid.origin
    return LPS_TO_RAS @ matrix


def to_vtk(matrix: NDArray[np.float64]) -> Any:
    """The 4x4 ``matrix`` as vtkMatrix4x4."""
    made = vtk.vtkMatrix4x4()
    made.DeepCopy(matrix.ravel().tolist())
    return made


def to_numpy(matrix: Any) -> NDArray[np.float64]:
    """A vtkMatrix4x4 as 4x4 array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def grid_of(volume: Any) -> Grid:
    """The grid of a vtkMRMLVolumeNode."""
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    i, j, k = volume.GetImageData().GetDimensions()
    return _grid((k, j, i), LPS_TO_RAS @ to_numpy(matrix))


def grids_of(volume: Any) -> Iterator[Grid]:
    """The grid of a vtkMRMLVolumeNode by itself; where it lies under a linear transform, also as it lies in the world;
    none without voxels.
    """
    if volume.GetImageData() is None:
        return
    grid, parent = grid_of(volume), volume.GetParentTransformNode()
    yield grid
    if parent is not None and parent.IsTransformToWorldLinear():
        matrix = vtk.vtkMatrix4x4()
        parent.GetMatrixTransformToWorld(matrix)
        yield _grid(grid.shape, LPS_TO_RAS @ to_numpy(matrix) @ ijk_to_ras(grid))


def _grid(shape: tuple[int, int, int], lps: NDArray[np.float64]) -> Grid:
    lengths = np.linalg.norm(lps[:3, :3], axis=0)
    direction = tuple(float(v) for v in (lps[:3, :3] / lengths).ravel())
    spacing = (float(lengths[2]), float(lengths[1]), float(lengths[0]))
    return Grid(shape, spacing, (float(lps[0, 3]), float(lps[1, 3]), float(lps[2, 3])), direction)


def image_to_world(image: Any) -> NDArray[np.float64]:
    """4x4 of a vtkOrientedImageData: voxel indices (i, j, k, 1) to RAS mm."""
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return to_numpy(matrix)


def grid_of_labelmap(image: Any) -> Grid:
    """The grid of the voxels that a vtkOrientedImageData has."""
    i, _, j, _, k, _ = image.GetExtent()
    first = np.eye(4)
    first[:3, 3] = i, j, k
    x, y, z = image.GetDimensions()
    return _grid((z, y, x), LPS_TO_RAS @ image_to_world(image) @ first)


def start_in(image: Any, grid: Grid) -> tuple[int, int, int] | None:
    """Where in ``grid`` (k, j, i) the voxels begin that a vtkOrientedImageData has; None as :func:`offset_between`."""
    shift, extent = offset_between(image, grid), image.GetExtent()
    return None if shift is None else (extent[4] + shift[0], extent[2] + shift[1], extent[0] + shift[2])


def offset_between(image: Any, grid: Grid) -> tuple[int, int, int] | None:
    """Where voxel (0, 0, 0) of a vtkOrientedImageData's lattice lies in ``grid`` (k, j, i).

    None when the two lattices differ by more than a thousandth of a voxel: then resampling is needed.
    """
    between = np.linalg.inv(ijk_to_ras(grid)) @ image_to_world(image)
    span = max(grid.shape)
    if np.abs(between[:3, :3] - np.eye(3)).max() * span > 1e-3:
        return None
    shift = np.round(between[:3, 3])
    if np.abs(between[:3, 3] - shift).max() > 1e-3:
        return None
    return int(shift[2]), int(shift[1]), int(shift[0])


def box_between(image: Any, grid: Grid) -> tuple[slice, slice, slice] | None:
    """The voxels of ``grid`` (k, j, i) that a vtkOrientedImageData may cover; None where it lies outside."""
    sides = np.array(image.GetExtent()).reshape(3, 2) + np.array([-0.5, 0.5])  # voxels have a width
    corners = np.array([[*corner, 1.0] for corner in product(*sides)])
    ijk = (np.linalg.inv(ijk_to_ras(grid)) @ image_to_world(image) @ corners.T)[2::-1]
    first = np.maximum(np.floor(ijk.min(1)), 0).astype(int)
    stop = np.minimum(np.ceil(ijk.max(1)) + 1, grid.shape).astype(int)
    if (first >= stop).any():
        return None
    k, j, i = (slice(int(a), int(b)) for a, b in zip(first, stop, strict=True))
    return k, j, i
