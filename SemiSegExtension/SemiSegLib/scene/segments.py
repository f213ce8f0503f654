"""Structures as segments: a stable label value in a tag of each segment, arrays in and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex, copy_slices

from ..drawing import Boxed, Drawing
from ..ports import Shown
from .geometry import box_between, ijk_to_ras, image_to_world, offset_between, to_vtk
from .labelmaps import Extent, alone, clip, empty, extent_at, extent_of, holds_only, layers, oriented, paste, thick

VALUE = "SemiSeg.Value"
BINARY = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()


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


def bind(node: Any, segment_id: str, value: int, name: str) -> None:
    """Give a segment that the user added its value for life, and the name of its structure."""
    segment = node.GetSegmentation().GetSegment(segment_id)
    segment.SetTag(VALUE, str(value))
    segment.SetName(name)


def write(node: Any, labels: NDArray[np.uint8] | Boxed, grid: Grid, structures: Iterable[Shown]) -> None:
    """Make the segments of ``node`` be exactly ``labels`` (k, j, i) uint8: one segment per structure, also without
    voxels. Values of ``labels`` without a structure are not shown. What the user hid stays hidden, what is shown in 3D
    stays shown.
    """
    with _surface_kept(node):
        _write(node, labels, grid, list(structures))


def _write(node: Any, labels: NDArray[np.uint8] | Boxed, grid: Grid, wanted: list[Shown]) -> None:
    segmentation, image = node.GetSegmentation(), oriented(labels, grid)
    layer = _only_layer(node, wanted)
    if layer is not None:  # the same segments: the selected one and its observers stay as they are
        for structure in wanted:
            segmentation.GetSegment(_id(structure)).SetLabelValue(structure.value)
        layer.ShallowCopy(image)
        layer.Modified()
        return
    _write_anew(node, image, wanted)


def write_anew(node: Any, array: NDArray[np.uint8], volume: Any, grid: Grid, structures: Iterable[Shown]) -> None:
    """As :func:`write`, whatever Slicer has made of ``node``: it consists of voxels then, on the grid of ``volume``."""
    with _surface_kept(node):
        _write_anew(node, oriented(array, grid), list(structures))
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume)


def _write_anew(node: Any, image: Any, wanted: list[Shown]) -> None:
    segmentation, hidden = node.GetSegmentation(), _hidden(node)
    modified = node.StartModify()
    empty(segmentation)
    segmentation.RemoveAllSegments()
    segmentation.SetSourceRepresentationName(BINARY)
    for structure in wanted:
        segmentation.AddSegment(_segment(structure, image), _id(structure))
    node.EndModify(modified)
    for segment in hidden & set(segmentation.GetSegmentIDs()):
        node.GetDisplayNode().SetSegmentVisibility(segment, False)


def complete(node: Any, wanted: Sequence[Shown]) -> bool:
    """Add those segments that are missing, without voxels, so that they are those ``wanted`` in their order; False,
    with nothing done, where Slicer does not keep them as we do. The voxels are not touched.
    """
    segmentation, layer = node.GetSegmentation(), _common_layer(node)
    there = {item.segment_id: item.value for item in shown(node)}
    asked = {_id(item): item for item in wanted}
    ours = there.items() <= {name: item.value for name, item in asked.items()}.items()
    if layer is None or layer.IsEmpty() or len(asked) < len(wanted) or not ours:
        return False
    with _surface_kept(node):
        modified = node.StartModify()
        for place, (name, item) in enumerate(asked.items()):
            if name not in there:
                segmentation.AddSegment(_segment(item, layer), name)
            if segmentation.GetSegmentIndex(name) != place:
                segmentation.SetSegmentIndex(name, place)
        node.EndModify(modified)
    return True


def move(node: Any, old: Grid | None, new: Grid) -> None:
    """What lies on the grid ``old`` lies on ``new`` afterwards, the same voxels in the same segments."""
    if old is None or old == new:
        return
    turn = ijk_to_ras(new) @ np.linalg.inv(ijk_to_ras(old))
    with _surface_kept(node):
        for layer in layers(node.GetSegmentation()):
            layer.SetGeometryFromImageToWorldMatrix(to_vtk(turn @ image_to_world(layer)))
            layer.Modified()


def write_slices(node: Any, array: NDArray[np.uint8], grid: Grid, slices: Sequence[SliceIndex]) -> None:
    """Replace only these slices of every structure in ``node`` by those of ``array`` (k, j, i)."""
    with _surface_kept(node):
        _write_slices(node, array, grid, slices)


@contextmanager
def _surface_kept(node: Any) -> Iterator[None]:
    """Segments that the person shows in 3D are shown so afterwards: MRML drops surfaces when voxels change."""
    name = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    there = node.GetSegmentation().ContainsRepresentation(name)
    yield
    if there and node.GetSegmentation().GetNumberOfSegments():
        node.CreateClosedSurfaceRepresentation()


def _write_slices(node: Any, array: NDArray[np.uint8], grid: Grid, slices: Sequence[SliceIndex]) -> None:
    structures = [structure for structure in shown(node) if structure.value]
    layer = _common_layer(node)
    if layer is not None:
        shift = offset_between(layer, grid)
        if shift is not None:
            paste(layer, shift, array, grid, slices)
            return
    labels, lost = read(node, grid)
    if not lost:
        copy_slices(array, labels, slices)
        _write(node, labels, grid, structures)
        return
    for place in slices:  # where structures overlap, the other slices must keep their overlaps: slower
        extent, drawn_here = extent_at(grid.shape, place), thick(array, place)
        # First clear, then add: adding over another structure would split the layer that they share.
        for merge, drawn in (("MODE_MERGE_MIN", np.zeros_like(drawn_here)), ("MODE_MERGE_MAX", drawn_here)):
            for structure in structures:
                _merge(node, structure, drawn, grid, extent, merge)


def _merge(node: Any, structure: Shown, drawn: NDArray[np.uint8], grid: Grid, extent: Extent, merge: str) -> None:
    """One structure of one slice; the image holds the segment's own label value, as the logic expects."""
    logic = slicer.modules.segmentations.logic()
    value = node.GetSegmentation().GetSegment(structure.segment_id).GetLabelValue()
    filled = np.where(drawn == structure.value, value, 0)
    image = oriented(filled, grid, extent)
    logic.SetBinaryLabelmapToSegment(image, node, structure.segment_id, getattr(logic, merge), extent)


def read(node: Any, grid: Grid) -> tuple[NDArray[np.uint8], dict[int, int]]:
    """The segments of ``node`` as labels (k, j, i) uint8 on ``grid``, and of each value that lost any, how many voxels
    it lost to another.

    A segment keeps the value of its tag whatever its place, name or visibility; where segments overlap the larger
    value wins. Segments that are not the study's (no value) are left out.
    """
    labels, lost = np.zeros(grid.shape, np.uint8), np.zeros(256, int)
    if _copied(node, grid, labels):
        return labels, {}
    for structure in sorted(shown(node), key=lambda item: item.value):
        part = _mask(node, structure.segment_id, grid) if structure.value else None
        if part is not None:
            target, mask = labels[part[0]], part[1]
            before = np.bincount(target[mask], minlength=256)
            before[structure.value] = 0  # two segments may be one structure
            lost += before
            target[mask] = structure.value
    return labels, {value: int(lost[value]) for value in np.flatnonzero(lost).tolist() if value}


def read_since(node: Any, grid: Grid, before: Drawing) -> tuple[Drawing, dict[int, int]]:
    """As :func:`read`. The slices that are as they were ``before`` are looked at and not copied."""
    values = {0, *(item.value for item in shown(node))}
    found = _drawn_in_common(node, grid, before, values)
    if found is not None:
        return found, {}
    labels, lost = read(node, grid)
    return before.now(labels, values), lost


def _drawn_in_common(node: Any, grid: Grid, before: Drawing, values: set[int]) -> Drawing | None:
    """What is drawn, where the segments share voxels that hold only ``values``; None elsewhere."""
    layer = _common_layer(node)
    if layer is None or layer.IsEmpty() or not before.values <= values:
        return None
    shift = offset_between(layer, grid)
    found = None if shift is None else clip(layer, shift, grid.shape)
    changed = None if found is None else before.changed(*found)
    if changed is None or not holds_only(changed.values(), values):
        return None
    return before.with_planes(changed, values)


def _common_layer(node: Any) -> Any | None:
    """The labelmap that all segments share when each has its structure's value in it; None otherwise."""
    segmentation, every = node.GetSegmentation(), shown(node)
    kept = [segmentation.GetSegment(item.segment_id).GetLabelValue() for item in every]
    if not every or segmentation.GetNumberOfLayers() != 1 or kept != [item.value for item in every]:
        return None
    layer = node.GetBinaryLabelmapInternalRepresentation(every[0].segment_id)
    return layer if layer is not None and layer.GetScalarType() == vtk.VTK_UNSIGNED_CHAR else None


def _copied(node: Any, grid: Grid, labels: NDArray[np.uint8]) -> bool:
    """Copy the voxels into ``labels`` at once, where they hold what ``labels`` is to hold; mostly they do."""
    layer = _common_layer(node)
    if layer is None or layer.IsEmpty():
        return False
    shift = offset_between(layer, grid)
    found = None if shift is None else clip(layer, shift, grid.shape)
    if found is None:
        return False
    box, voxels = found
    if not holds_only(voxels, (item.value for item in shown(node))):
        return False
    labels[box] = voxels
    return True


def _shown(segmentation: Any, name: str) -> Shown:
    segment = segmentation.GetSegment(name)
    text = vtk.reference("")
    value = int(text.get()) if segment.GetTag(VALUE, text) and text.get().isdigit() else 0
    red, green, blue = segment.GetColor()
    kind = segment.GetTerminology() or ""
    plain = kind == slicer.vtkSegment().GetTerminology()  # every new segment is "Tissue" until somebody says what it is
    return Shown(value, segment.GetName(), (red, green, blue), name, "" if plain else kind)


def _hidden(node: Any) -> set[str]:
    display = node.GetDisplayNode()
    return {name for name in node.GetSegmentation().GetSegmentIDs() if not display.GetSegmentVisibility(name)}


def _id(structure: Shown) -> str:
    return structure.segment_id or f"SemiSeg_{structure.value}"


def _only_layer(node: Any, wanted: list[Shown]) -> Any | None:
    """The labelmap that all segments share, when they are those ``wanted`` under the same names and colours."""
    segmentation = node.GetSegmentation()
    there = {(item.value, item.name, item.color, item.terminology, item.segment_id) for item in shown(node)}
    asked = {(item.value, item.name, item.color, item.terminology, _id(item)) for item in wanted}
    if not wanted or there != asked or segmentation.GetNumberOfLayers() != 1:
        return None
    return node.GetBinaryLabelmapInternalRepresentation(_id(wanted[0]))


def _segment(structure: Shown, image: Any) -> Any:
    segment = slicer.vtkSegment()
    segment.SetName(structure.name)
    segment.SetColor(*structure.color)
    segment.SetTag(VALUE, str(structure.value))
    if structure.terminology:
        segment.SetTerminology(structure.terminology)
    segment.SetLabelValue(structure.value)
    segment.AddRepresentation(BINARY, image)
    return segment


def _mask(node: Any, segment_id: str, grid: Grid) -> tuple[tuple[slice, ...], NDArray[np.bool_]] | None:
    """Box of ``grid`` and bool mask in it of one segment; None for a segment without voxels."""
    segmentation = node.GetSegmentation()
    if not segmentation.GetSegment(segment_id).GetRepresentation(BINARY) and not _converted(segmentation, BINARY):
        return None
    image = node.GetBinaryLabelmapInternalRepresentation(segment_id)
    if image is None or image.IsEmpty():
        return None
    value = segmentation.GetSegment(segment_id).GetLabelValue()
    shift = offset_between(image, grid)
    if shift is None:
        image, value, shift = _resampled(image, value, grid), 1, (0, 0, 0)
    found = None if image is None else clip(image, shift, grid.shape)
    return None if found is None else (found[0], found[1] == value)


def _converted(segmentation: Any, name: str) -> bool:
    return bool(segmentation.GetNumberOfSegments() and segmentation.CreateRepresentation(name))


def _resampled(image: Any, value: int, grid: Grid) -> Any | None:
    """What of a labelmap on another lattice holds ``value``, on that of ``grid``, nearest neighbour: 1 there. Only the
    box in which it lies is looked at; None when that is outside.
    """
    found = alone(image, value)
    box = box_between(found, grid)
    if box is None:
        return None
    shape = [side.stop - side.start for side in box]
    reference, target = oriented(np.zeros(shape, np.uint8), grid, extent_of(box)), slicer.vtkOrientedImageData()
    slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(found, reference, target)
    return target
