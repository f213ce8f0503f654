"""Labelmaps as VTK keeps them: a box of a lattice, cropped to what is drawn. Arrays (k, j, i)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from SemiSegLogic.geometry import Grid, SliceIndex, plane

from .geometry import ijk_to_ras, to_vtk

Extent = tuple[int, int, int, int, int, int]


def oriented(array: NDArray[Any], grid: Grid, extent: Extent | None = None) -> Any:
    """``array`` (k, j, i) as vtkOrientedImageData on ``grid``: at ``extent``, or all of it cropped to its voxels.

    The voxels are a copy: Slicer's editor changes them in place.
    """
    if extent is None:
        box = bounds(array)
        array, extent = array[box], extent_of(box)
    return _image(array, extent, to_vtk(ijk_to_ras(grid)))


def alone(image: Any, value: int) -> Any:
    """What of a labelmap holds ``value``, as a labelmap of its own: 1 there, and cropped to it."""
    inside, (i, _, j, _, k, _) = _voxels(image) == value, image.GetExtent()
    box, matrix = bounds(inside), vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    place = [slice(part.start + start, part.stop + start) for part, start in zip(box, (k, j, i), strict=True)]
    return _image(inside[box], extent_of((place[0], place[1], place[2])), matrix)


def _image(array: NDArray[Any], extent: Extent, to_world: Any) -> Any:
    """A copy of ``array`` (k, j, i) as vtkOrientedImageData at ``extent`` of the lattice ``to_world``."""
    scalars = numpy_to_vtk(np.array(array, np.uint8, order="C").reshape(-1), deep=False)
    scalars.SetName("ImageScalars")
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*extent)
    image.SetGeometryFromImageToWorldMatrix(to_world)
    image.GetPointData().SetScalars(scalars)
    return image


def _voxels(image: Any) -> NDArray[Any]:
    """A view of the voxels of a labelmap (k, j, i)."""
    extent = image.GetExtent()
    size = (extent[5] - extent[4] + 1, extent[3] - extent[2] + 1, extent[1] - extent[0] + 1)
    return np.asarray(vtk_to_numpy(image.GetPointData().GetScalars()).reshape(size))


def clip(image: Any, shift: tuple[int, int, int], shape: tuple[int, int, int]) -> Any:
    """Box of a grid of ``shape`` that a labelmap covers, and a view of its voxels there; None when it lies outside."""
    extent, voxels = image.GetExtent(), _voxels(image)
    starts = (extent[4] + shift[0], extent[2] + shift[1], extent[0] + shift[2])
    box, part = [], []
    for start, length, limit in zip(starts, voxels.shape, shape, strict=True):
        low, high = max(start, 0), min(start + length, limit)
        if low >= high:
            return None
        box.append(slice(low, high))
        part.append(slice(low - start, high - start))
    return tuple(box), voxels[tuple(part)]


def paste(
    layer: Any, shift: tuple[int, int, int], array: NDArray[np.uint8], grid: Grid, slices: Sequence[SliceIndex]
) -> None:
    """Put these slices of ``array`` into a labelmap; its box grows to hold them, other voxels stay as they are."""
    boxes = [_box_of(layer, shift, grid.shape), *(_box_on(array, place) for place in slices)]
    present = [box for box in boxes if box is not None]
    union = tuple(slice(min(b[a].start for b in present), max(b[a].stop for b in present)) for a in range(3))
    whole = np.zeros([part.stop - part.start for part in union], np.uint8)
    found = clip(layer, shift, grid.shape) if not layer.IsEmpty() else None
    if found is not None:
        whole[_inside(found[0], union)] = found[1]
    for place in slices:
        start = union[place.axis].start
        if start <= place.index < union[place.axis].stop:
            part = [s for axis, s in enumerate(union) if axis != place.axis]
            plane(whole, SliceIndex(place.axis, place.index - start))[...] = plane(array, place)[tuple(part)]
    layer.ShallowCopy(oriented(whole, grid, extent_of(union)))  # type: ignore[arg-type]
    layer.Modified()


def _box_of(layer: Any, shift: tuple[int, int, int], shape: tuple[int, int, int]) -> tuple[slice, ...] | None:
    found = clip(layer, shift, shape) if not layer.IsEmpty() else None
    return None if found is None else found[0]


def _box_on(array: NDArray[np.uint8], place: SliceIndex) -> tuple[slice, ...]:
    """The box of what is drawn on a slice; one voxel when there is nothing."""
    thick = bounds(np.expand_dims(plane(array, place), place.axis))
    return tuple(slice(place.index, place.index + 1) if axis == place.axis else s for axis, s in enumerate(thick))


def _inside(box: tuple[slice, ...], whole: tuple[slice, ...]) -> tuple[slice, ...]:
    """``box`` counted from the beginning of ``whole``."""
    return tuple(slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, whole, strict=True))


def thick(array: NDArray[np.uint8], place: SliceIndex) -> NDArray[np.uint8]:
    return np.take(array, [place.index], axis=place.axis)


def bounds(array: NDArray[Any]) -> tuple[slice, slice, slice]:
    """The box of ``array`` (k, j, i) that holds everything but zeros; one voxel when there is nothing."""
    planes = array.any(axis=(1, 2))
    if not planes.any():
        return slice(0, 1), slice(0, 1), slice(0, 1)
    flat = array[_span(planes)].any(axis=0)
    return _span(planes), _span(flat.any(axis=1)), _span(flat.any(axis=0))


def _span(line: NDArray[np.bool_]) -> slice:
    found = np.flatnonzero(line)
    return slice(int(found[0]), int(found[-1]) + 1)


def extent_of(box: tuple[slice, slice, slice]) -> Extent:
    k, j, i = box
    return i.start, i.stop - 1, j.start, j.stop - 1, k.start, k.stop - 1


def extent_at(shape: tuple[int, int, int], place: SliceIndex) -> Extent:
    box = [slice(0, size) for size in shape]
    box[place.axis] = slice(place.index, place.index + 1)
    return extent_of((box[0], box[1], box[2]))
