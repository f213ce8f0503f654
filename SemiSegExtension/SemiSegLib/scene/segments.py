"""Structures as segments: a stable label value in a tag of each segment, arrays in and out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import vtk_to_numpy

from SemiSegLogic.geometry import Grid, SliceIndex, slice_mask

from ..model import Shown
from .geometry import ijk_to_ras, offset_between, to_vtk

VALUE = "SemiSeg.Value"
Extent = tuple[int, int, int, int, int, int]


def segmentation_for(volume: Any, name: str) -> Any:
    """An empty segmentation node on the grid of ``volume``."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    return node


def shown(node: Any) -> list[Shown]:
    """The structures of a segmentation node in its order."""
    segmentation = node.GetSegmentation()
    return [_shown(segmentation, name) for name in segmentation.GetSegmentIDs()]


def bind(node: Any, segment_id: str, value: int) -> None:
    """Give a segment that the user added its value for life."""
    node.GetSegmentation().GetSegment(segment_id).SetTag(VALUE, str(value))


def write(node: Any, array: NDArray[np.uint8], grid: Grid, structures: Iterable[Shown]) -> None:
    """Make the segments of ``node`` be exactly ``array`` (k, j, i) uint8: one segment per structure, also without
    voxels. Values of ``array`` without a structure are not shown. What the user hid stays hidden.
    """
    segmentation, wanted, image = node.GetSegmentation(), list(structures), _oriented(array, grid)
    layer = _only_layer(node, wanted)
    if layer is not None:  # the same segments: the selected one and its observers stay as they are
        for structure in wanted:
            segmentation.GetSegment(_id(structure)).SetLabelValue(structure.value)
        layer.ShallowCopy(image)
        layer.Modified()
        return
    hidden = _hidden(node)
    modified = node.StartModify()
    segmentation.RemoveAllSegments()
    for structure in wanted:
        segmentation.AddSegment(_segment(structure, image), _id(structure))
    node.EndModify(modified)
    for segment in hidden & set(segmentation.GetSegmentIDs()):
        node.GetDisplayNode().SetSegmentVisibility(segment, False)


def write_slices(node: Any, array: NDArray[np.uint8], grid: Grid, slices: Sequence[SliceIndex]) -> None:
    """Replace only these slices of every structure in ``node`` by those of ``array`` (k, j, i)."""
    labels, twice = read(node, grid)
    structures = [structure for structure in shown(node) if structure.value]
    if not twice:
        mask = slice_mask(grid.shape, slices)
        labels[mask] = array[mask]
        write(node, labels, grid, structures)
        return
    for place in slices:  # where structures overlap, the other slices must keep their overlaps: slower
        extent, plane = _extent(grid.shape, place), _plane(array, place)
        # First clear, then add: adding over another structure would split the layer that they share.
        for merge, drawn in (("MODE_MERGE_MIN", np.zeros_like(plane)), ("MODE_MERGE_MAX", plane)):
            for structure in structures:
                _merge(node, structure, drawn, grid, extent, merge)


def _merge(node: Any, structure: Shown, plane: NDArray[np.uint8], grid: Grid, extent: Extent, merge: str) -> None:
    """One structure of one slice; the image holds the segment's own label value, as the logic expects."""
    logic = slicer.modules.segmentations.logic()
    value = node.GetSegmentation().GetSegment(structure.segment_id).GetLabelValue()
    filled = np.where(plane == structure.value, value, 0)
    image = _oriented(filled, grid, extent)
    logic.SetBinaryLabelmapToSegment(image, node, structure.segment_id, getattr(logic, merge), extent)


def read(node: Any, grid: Grid) -> tuple[NDArray[np.uint8], int]:
    """The segments of ``node`` as labels (k, j, i) uint8 on ``grid`` and the number of voxels claimed twice.

    A segment keeps the value of its tag whatever its place, name or visibility; where segments overlap the larger
    value wins. Segments that are not the study's (no value) are left out.
    """
    labels, twice = np.zeros(grid.shape, np.uint8), 0
    for structure in sorted(shown(node), key=lambda item: item.value):
        part = _mask(node, structure.segment_id, grid) if structure.value else None
        if part is not None:
            target, mask = labels[part[0]], part[1]
            twice += int(np.count_nonzero(target[mask]))
            target[mask] = structure.value
    return labels, twice


def _shown(segmentation: Any, name: str) -> Shown:
    segment = segmentation.GetSegment(name)
    text = vtk.reference("")
    value = int(text.get()) if segment.GetTag(VALUE, text) and text.get().isdigit() else 0
    red, green, blue = segment.GetColor()
    return Shown(value, segment.GetName(), (red, green, blue), name)


def _hidden(node: Any) -> set[str]:
    display = node.GetDisplayNode()
    return {name for name in node.GetSegmentation().GetSegmentIDs() if not display.GetSegmentVisibility(name)}


def _id(structure: Shown) -> str:
    return structure.segment_id or f"SemiSeg_{structure.value}"


def _only_layer(node: Any, wanted: list[Shown]) -> Any | None:
    """The labelmap that all segments share, when they are those ``wanted`` under the same names and colours."""
    segmentation = node.GetSegmentation()
    there = {(item.value, item.name, item.color, item.segment_id) for item in shown(node)}
    asked = {(item.value, item.name, item.color, _id(item)) for item in wanted}
    if not wanted or there != asked or segmentation.GetNumberOfLayers() != 1:
        return None
    return node.GetBinaryLabelmapInternalRepresentation(_id(wanted[0]))


def _segment(structure: Shown, image: Any) -> Any:
    segment = slicer.vtkSegment()
    segment.SetName(structure.name)
    segment.SetColor(*structure.color)
    segment.SetTag(VALUE, str(structure.value))
    segment.SetLabelValue(structure.value)
    segment.AddRepresentation(slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName(), image)
    return segment


def _oriented(array: NDArray[Any], grid: Grid, extent: Extent | None = None) -> Any:
    """``array`` (k, j, i) as vtkOrientedImageData on ``grid``: at ``extent``, or all of it cropped to its voxels."""
    if extent is None:
        box = bounds(array)
        array, extent = array[box], _extent_of(box)
    image = slicer.vtkOrientedImageData()
    image.SetExtent(*extent)
    image.SetGeometryFromImageToWorldMatrix(to_vtk(ijk_to_ras(grid)))
    image.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    vtk_to_numpy(image.GetPointData().GetScalars())[...] = array.ravel()
    return image


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


def _extent_of(box: tuple[slice, slice, slice]) -> Extent:
    k, j, i = box
    return i.start, i.stop - 1, j.start, j.stop - 1, k.start, k.stop - 1


def _extent(shape: tuple[int, int, int], place: SliceIndex) -> Extent:
    box = [slice(0, size) for size in shape]
    box[place.axis] = slice(place.index, place.index + 1)
    return _extent_of((box[0], box[1], box[2]))


def _plane(array: NDArray[np.uint8], place: SliceIndex) -> NDArray[np.uint8]:
    return np.take(array, [place.index], axis=place.axis)


def _mask(node: Any, segment_id: str, grid: Grid) -> tuple[tuple[slice, ...], NDArray[np.bool_]] | None:
    """Box of ``grid`` and bool mask in it of one segment; None for a segment without voxels."""
    segmentation = node.GetSegmentation()
    name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    if not segmentation.GetSegment(segment_id).GetRepresentation(name) and not _converted(segmentation, name):
        return None
    image = node.GetBinaryLabelmapInternalRepresentation(segment_id)
    if image is None or image.IsEmpty():
        return None
    value = segmentation.GetSegment(segment_id).GetLabelValue()
    shift = offset_between(image, grid)
    if shift is None:
        image, value, shift = _resampled(node, segment_id, grid), 1, (0, 0, 0)
    return _clip(image, value, shift, grid.shape)


def _converted(segmentation: Any, name: str) -> bool:
    return bool(segmentation.GetNumberOfSegments() and segmentation.CreateRepresentation(name))


def _resampled(node: Any, segment_id: str, grid: Grid) -> Any:
    """The segment on another lattice, nearest neighbour; value 1."""
    reference = _oriented(np.zeros(grid.shape, np.uint8), grid, _extent_of(tuple(slice(0, n) for n in grid.shape)))  # type: ignore[arg-type]
    found = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segment_id, found)
    target = slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(found, reference, target)
    return target


def _clip(image: Any, value: int, shift: tuple[int, int, int], shape: tuple[int, int, int]) -> Any:
    extent = image.GetExtent()
    size = (extent[5] - extent[4] + 1, extent[3] - extent[2] + 1, extent[1] - extent[0] + 1)
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(size)
    starts = (extent[4] + shift[0], extent[2] + shift[1], extent[0] + shift[2])
    box, part = [], []
    for start, length, limit in zip(starts, size, shape, strict=True):
        low, high = max(start, 0), min(start + length, limit)
        if low >= high:
            return None
        box.append(slice(low, high))
        part.append(slice(low - start, high - start))
    return tuple(box), voxels[tuple(part)] == value
