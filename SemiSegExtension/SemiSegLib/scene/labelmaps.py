"""Labelmaps as VTK keeps them: a box of a lattice, cropped to what is drawn. Arrays (k, j, i)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from SemiSegLogic.geometry import Grid, SliceIndex, plane

from ..drawing import Boxed, bounds
from .geometry import ijk_to_ras, to_vtk

Extent = tuple[int, int, int, int, int, int]


def oriented(labels: NDArray[Any] | Boxed, grid: Grid, extent: Extent | None = None) -> Any:
    """Labels as vtkOrientedImageData on ``grid``: an array (k, j, i) at ``extent``, or all of it cropped to its voxels;
    or what was cropped before.

    The voxels of an array are copied: Slicer's editor changes them in place.
    """
    if not isinstance(labels, Boxed) and extent is not None:
        return _image(np.array(labels, np.uint8, order="C"), extent, to_vtk(ijk_to_ras(grid)))
    boxed = labels if isinstance(labels, Boxed) else Boxed.of(labels)
    return _image(boxed.voxels, extent_of(boxed.box), to_vtk(ijk_to_ras(grid)))


def alone(image: Any, value: int) -> Any:
    """What of a labelmap holds ``value``, as a labelmap of its own: 1 there, and cropped to it."""
    inside, (i, _, j, _, k, _) = voxels_of(image) == value, image.GetExtent()
    box, matrix = bounds(inside), vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    place = [slice(part.start + start, part.stop + start) for part, start in zip(box, (k, j, i), strict=True)]
    return _image(inside[box].astype(np.uint8), extent_of((place[0], place[1], place[2])), matrix)


def _image(array: NDArray[np.uint8], extent: Extent, to_world: Any) -> Any:
    """``array`` (k, j, i), not a copy of it, as vtkOrientedImageData at ``extent`` of the lattice ``to_world``."""
    scalars = numpy_to_vtk(array.reshape(-1), deep=False)
    scalars.SetName("ImageScalars")
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*extent)
    image.SetGeometryFromImageToWorldMatrix(to_world)
    image.GetPointData().SetScalars(scalars)
    return image


def voxels_of(image: Any) -> NDArray[Any]:
    """A view of the voxels of a labelmap (k, j, i)."""
    extent = image.GetExtent()
    size = (extent[5] - extent[4] + 1, extent[3] - extent[2] + 1, extent[1] - extent[0] + 1)
    return np.asarray(vtk_to_numpy(image.GetPointData().GetScalars()).reshape(size))


def holds_only(voxels: Iterable[NDArray[np.uint8]], values: Iterable[int]) -> bool:
    """Whether every voxel of planes (j, i) is 0 or one of ``values``. Translating bytes looks at each voxel once,
    however many values there are.
    """
    table = bytearray([1]) * 256
    for value in (0, *values):
        table[value] = 0
    return all(1 not in bytearray(part).translate(table) for part in voxels)


def layers(segmentation: Any) -> Iterator[Any]:
    """The labelmaps that its segments lie in, each shared by some of them."""
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    for number in range(segmentation.GetNumberOfLayers(name)):
        yield segmentation.GetLayerDataObject(number, name)


def empty(segmentation: Any) -> None:
    """Let go of all voxels, before segments are taken away. Of each that goes Slicer clears the voxels in the labelmap
    that it shares with others, and looks at the whole of it: of forty organs of a large CT that took half a minute.
    """
    for layer in layers(segmentation):
        layer.Initialize()


def clip(image: Any, shift: tuple[int, int, int], shape: tuple[int, int, int]) -> Any:
    """Box of a grid of ``shape`` that a labelmap covers, and a view of its voxels there; None when it lies outside."""
    extent, voxels = image.GetExtent(), voxels_of(image)
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
    found = clip(layer, shift, grid.shape) if not layer.IsEmpty() else None
    boxes = [_box_on(array, place) for place in slices] + ([] if found is None else [found[0]])
    union = tuple(slice(min(b[a].start for b in boxes), max(b[a].stop for b in boxes)) for a in range(3))
    if found is not None and found[0] == union:  # in place, as Slicer's editor draws
        _copy_slices(array, found[1], union, slices)
    else:
        whole = np.zeros([part.stop - part.start for part in union], np.uint8)
        for source, target in () if found is None else zip(found[1], whole[_inside(found[0], union)], strict=True):
            if source.any():  # memory that is not touched costs nothing
                target[...] = source
        _copy_slices(array, whole, union, slices)
        layer.ShallowCopy(_image(whole, extent_of((union[0], union[1], union[2])), to_vtk(ijk_to_ras(grid))))
    layer.Modified()


def _copy_slices(
    array: NDArray[np.uint8], part: NDArray[np.uint8], box: tuple[slice, ...], slices: Sequence[SliceIndex]
) -> None:
    """Copy those of ``slices`` of ``array`` that pass through ``box`` to ``part``, which is that box of another."""
    for place in slices:
        start = box[place.axis].start
        if start <= place.index < box[place.axis].stop:
            across = tuple(side for axis, side in enumerate(box) if axis != place.axis)
            plane(part, SliceIndex(place.axis, place.index - start))[...] = plane(array, place)[across]


def _box_on(array: NDArray[np.uint8], place: SliceIndex) -> tuple[slice, ...]:
    """The box of what is drawn on a slice; one voxel when there is nothing."""
    thick = bounds(np.expand_dims(plane(array, place), place.axis))
    return tuple(slice(place.index, place.index + 1) if axis == place.axis else s for axis, s in enumerate(thick))


def _inside(box: tuple[slice, ...], whole: tuple[slice, ...]) -> tuple[slice, ...]:
    """``box`` counted from the beginning of ``whole``."""
    return tuple(slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, whole, strict=True))


def thick(array: NDArray[np.uint8], place: SliceIndex) -> NDArray[np.uint8]:
    return np.take(array, [place.index], axis=place.axis)


def extent_of(box: tuple[slice, slice, slice]) -> Extent:
    k, j, i = box
    return i.start, i.stop - 1, j.start, j.stop - 1, k.start, k.stop - 1


def extent_at(shape: tuple[int, int, int], place: SliceIndex) -> Extent:
    box = [slice(0, size) for size in shape]
    box[place.axis] = slice(place.index, place.index + 1)
    return extent_of((box[0], box[1], box[2]))
