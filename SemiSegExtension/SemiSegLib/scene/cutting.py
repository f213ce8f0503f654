"""Closed surfaces cut by the slices of an image: which voxels' centres lie inside. With copies, on any thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy

from SemiSegLogic.geometry import Grid

from .geometry import ijk_to_ras
from .labelmaps import extent_of

Box = tuple[slice, slice, slice]
"""Of voxels (k, j, i); it may begin before the image."""
SLAB = 8
"""Slices that are cut at once. For each of them VTK looks at every triangle it was given: of half a million, four
hundred slices took twelve seconds.
"""


class Mesh:
    """The triangles of a surface ``polydata`` (RAS mm, or None), in voxels of ``grid``. ``box`` holds every voxel whose
    centre may lie inside; None where there is none.
    """

    def __init__(self, polydata: Any, grid: Grid) -> None:
        corners, self._triangles = _read(vtk.vtkPolyData() if polydata is None else polydata)
        to_ijk = np.linalg.inv(ijk_to_ras(grid))
        self._corners = corners @ to_ijk[:3, :3].T + to_ijk[:3, 3]
        self.box = self._bounds() if len(self._triangles) else None

    def _bounds(self) -> Box | None:
        low, high = np.ceil(self._corners.min(0)).astype(int), np.floor(self._corners.max(0)).astype(int)
        if (low > high).any():
            return None
        i, j, k = (slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True))
        return k, j, i

    def inside(self) -> NDArray[np.bool_]:
        """Of the voxels of its box."""
        if self.box is None:
            return np.zeros((0, 0, 0), np.bool_)
        k, j, i = self.box
        slabs = [slice(start, min(start + SLAB, k.stop)) for start in range(k.start, k.stop, SLAB)]
        return np.concatenate([self._cut((slab, j, i)) for slab in slabs])

    def _cut(self, box: Box) -> NDArray[np.bool_]:
        stencil, image = vtk.vtkPolyDataToImageStencil(), vtk.vtkImageStencilToImage()
        stencil.SetInputData(_polydata(self._corners, self._crossing(box[0])))
        stencil.SetOutputSpacing(1, 1, 1)
        stencil.SetOutputWholeExtent(*extent_of(box))
        image.SetInputConnection(stencil.GetOutputPort())
        image.SetInsideValue(1)
        image.SetOutputScalarTypeToUnsignedChar()
        image.Update()
        voxels = vtk_to_numpy(image.GetOutput().GetPointData().GetScalars())
        return voxels.reshape([side.stop - side.start for side in box]).astype(np.bool_)

    def _crossing(self, slab: slice) -> NDArray[np.int64]:
        """The triangles that slices of the slab meet."""
        heights = self._corners[:, 2][self._triangles]
        return self._triangles[(heights.max(1) >= slab.start) & (heights.min(1) <= slab.stop - 1)]


def _read(polydata: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Its corners (n, 3), those at one place being one, and its triangles (m, 3) of them."""
    triangles, clean = vtk.vtkTriangleFilter(), vtk.vtkCleanPolyData()
    triangles.SetInputData(polydata)
    triangles.PassLinesOff()
    triangles.PassVertsOff()
    clean.SetInputConnection(triangles.GetOutputPort())
    clean.SetTolerance(0.0)
    clean.Update()
    made = clean.GetOutput()
    if not made.GetNumberOfPolys():
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    corners = vtk_to_numpy(made.GetPoints().GetData()).astype(np.float64)
    return corners, vtk_to_numpy(made.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int64)


def _polydata(corners: NDArray[np.float64], triangles: NDArray[np.int64]) -> Any:
    used, renumbered = np.unique(triangles, return_inverse=True)
    points, cells, made = vtk.vtkPoints(), vtk.vtkCellArray(), vtk.vtkPolyData()
    points.SetData(numpy_to_vtk(corners[used], deep=True))
    cells.SetData(3, numpy_to_vtkIdTypeArray(np.ascontiguousarray(renumbered.reshape(-1), np.int64), deep=True))
    made.SetPoints(points)
    made.SetPolys(cells)
    return made


def around(boxes: Sequence[Box]) -> Box:
    """The box that holds all of them; one voxel where there is none."""
    if not boxes:
        return slice(0, 1), slice(0, 1), slice(0, 1)
    k, j, i = (slice(min(b[a].start for b in boxes), max(b[a].stop for b in boxes)) for a in range(3))
    return k, j, i


def part_of(grid: Grid, box: Box) -> Grid:
    """The grid of a box of voxels of ``grid``, or beyond it."""
    k, j, i = (side.stop - side.start for side in box)
    x, y, z = grid.to_patient(np.array([[side.start for side in box]]))[0].tolist()
    return replace(grid, shape=(k, j, i), origin=(x, y, z))
