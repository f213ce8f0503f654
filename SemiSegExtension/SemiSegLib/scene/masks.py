"""Segmentations and label maps that somebody made in the scene. Their voxels are copied, in pieces; all else is done
with the copy, away from the thread that Slicer draws on. Nothing of theirs is changed: surfaces become voxels on a
copy, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid

from ..words import _
from .geometry import grid_of_labelmap, offset_between, start_in
from .labelmaps import layers, voxels_of
from .nodes import is_own, told_apart
from .pieces import ImageCopy, SceneVolume, copy_piece
from .segments import BINARY
from .surfaces import SURFACE, SurfaceMask

if TYPE_CHECKING:
    from SemiSegLogic.study import LayeredMask

SEGMENTATION, LABEL_MAP = "vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode"


def scene_masks() -> list[tuple[str, str]]:
    """(id, words) of what could be the mask of a case, in the order of the scene; ours are left out."""
    scene, found = slicer.mrmlScene, []
    for kind in (SEGMENTATION, LABEL_MAP):
        for n in range(scene.GetNumberOfNodesByClass(kind)):
            node = scene.GetNthNodeByClass(n, kind)
            if not is_own(node) and not node.GetHideFromEditors() and _content(node):
                words = _("{name} ({content})").format(name=node.GetName(), content=_content(node))
                found.append((node.GetID(), words))
    return told_apart(found)


@dataclass(frozen=True)
class Layer:
    """A copy of one labelmap, None of an empty one, and where it begins in the grid of the whole mask."""

    copy: ImageCopy | None
    start: tuple[int, int, int] = (0, 0, 0)

    def on(self, shape: tuple[int, int, int]) -> NDArray[Any]:
        """The voxels (k, j, i), with what is around them."""
        if self.copy is None:
            return np.zeros(shape, np.uint8)
        voxels = self.copy.voxels
        if voxels.shape == shape:
            return voxels
        whole = np.zeros(shape, voxels.dtype)
        whole[tuple(slice(a, a + n) for a, n in zip(self.start, voxels.shape, strict=True))] = voxels
        return whole


class SceneMask:
    """A copy of a segmentation of the scene as it is now: Slicer may take it away meanwhile. Raises ValueError in words
    where it can be no mask.
    """

    def __init__(self, node: Any) -> None:
        self.name = str(node.GetName())
        self._kept = node.GetSegmentation()  # of one that goes Slicer would clear the voxels
        self._grid, self._layers = _together(list(layers(self._kept)), self.name)
        self._segments = [_told(self._kept, one) for one in self._kept.GetSegmentIDs()]

    def copy_on(self) -> bool:
        """Copy the next piece; whether that was the last. Raises ValueError where somebody changed the voxels."""
        return copy_piece([layer.copy for layer in self._layers if layer.copy is not None], self.name)

    def names(self) -> list[str]:
        """Of its segments."""
        return [one.name for one in self.read().segments()]

    def read(self) -> LayeredMask:
        """As the study takes it; of many voxels it takes a second, on any thread."""
        from SemiSegLogic.study import HeaderSegment, LayeredMask  # opening the module needs it not

        whole = [layer.on(self._grid.shape) for layer in self._layers]
        return LayeredMask(whole, self._grid, [HeaderSegment(*one) for one in self._segments], {}, self.name)


class LabelMap(SceneVolume):
    """A copy of a label map of the scene: no values but its voxels' are known of it."""

    def names(self) -> list[str]:
        """Its values."""
        return [one.name for one in self.read().segments()]

    def read(self) -> LayeredMask:
        """As the study takes it, as bytes where its values fit; on any thread."""
        from SemiSegLogic.study import LayeredMask

        voxels = self.voxels
        fits = voxels.dtype.kind in "iu" and int(voxels.min()) >= 0 and int(voxels.max()) <= 255
        return LayeredMask([voxels.astype(np.uint8) if fits else voxels], self.grid, [], {}, self.name)


def taken(node_id: str, grid: Grid) -> SceneMask | LabelMap | SurfaceMask:
    """A copy of what is in the node now, for an image on ``grid``. Raises ValueError in words when it cannot be a
    mask.
    """
    node = slicer.mrmlScene.GetNodeByID(node_id)
    if node is None:
        raise ValueError(_("The segmentation is no longer loaded in Slicer."))
    _must_be_in_place(node)
    if node.IsA(LABEL_MAP):
        return LabelMap(node)
    segmentation = node.GetSegmentation()
    if _is_of_surfaces(segmentation, grid):
        return SurfaceMask(node, grid)
    _must_have_voxels(node)
    return SceneMask(node)


def _is_of_surfaces(segmentation: Any, grid: Grid) -> bool:
    """Unless somebody made voxels of them in Slicer, of all of them and on the lattice of the image."""
    if segmentation.GetSourceRepresentationName() == BINARY or None in _of_each(segmentation, SURFACE):
        return False
    made = _of_each(segmentation, BINARY)
    return not all(one is not None and (one.IsEmpty() or offset_between(one, grid) is not None) for one in made)


def _of_each(segmentation: Any, kind: str) -> list[Any]:
    """This representation of its segments, None where one has none."""
    return [segmentation.GetSegment(name).GetRepresentation(kind) for name in segmentation.GetSegmentIDs()]


def _together(images: list[Any], name: str) -> tuple[Grid, list[Layer]]:
    """The grid that holds all labelmaps, each cropped to what is drawn, and copies of them to be made, in their order.
    """
    first = next((image for image in images if not image.IsEmpty()), None)
    if first is None:
        raise ValueError(_("Nothing is drawn in {name}.").format(name=name))
    lattice, found = grid_of_labelmap(first), []
    for image in images:
        start = (0, 0, 0) if image.IsEmpty() else start_in(image, lattice)
        if start is None:
            text = _("Segments of '{name}' lie on different voxel grids. In the module Segmentations create its binary "
                     "labelmap with this image as the geometry, and import it again.")  # fmt: skip
            raise ValueError(text.format(name=name))
        shape = (0, 0, 0) if image.IsEmpty() else voxels_of(image).shape
        found.append((image, start, shape))
    drawn = [(start, shape) for image, start, shape in found if not image.IsEmpty()]
    low = np.min([start for start, _shape in drawn], axis=0)
    k, j, i = np.max([np.add(start, shape) for start, shape in drawn], axis=0) - low
    x, y, z = lattice.to_patient(low[None])[0].tolist()
    grid = replace(lattice, shape=(int(k), int(j), int(i)), origin=(x, y, z))
    return grid, [
        Layer(None) if image.IsEmpty() else Layer(ImageCopy(image, shape), _minus(start, low))
        for image, start, shape in found
    ]


def _minus(start: tuple[int, int, int], low: NDArray[np.integer]) -> tuple[int, int, int]:
    k, j, i = (int(side) for side in np.array(start) - low)
    return k, j, i


def _told(segmentation: Any, name: str) -> tuple[str, int, int, tuple[float, float, float]]:
    segment = segmentation.GetSegment(name)
    red, green, blue = segment.GetColor()
    return segment.GetName(), segment.GetLabelValue(), segmentation.GetLayerIndex(name, BINARY), (red, green, blue)


def _content(node: Any) -> str:
    """What is in it, in words; "" when there is nothing."""
    if node.IsA(SEGMENTATION):
        count = node.GetSegmentation().GetNumberOfSegments()
        return _("segments: {n}").format(n=count) if count else ""
    image = node.GetImageData()
    return " x ".join(map(str, image.GetDimensions())) if image is not None and image.GetNumberOfPoints() else ""


def _must_be_in_place(node: Any) -> None:
    transform = node.GetParentTransformNode()
    if transform is not None:
        text = _("'{name}' lies under the transform '{transform}'. Harden the transform, if it belongs to it, or take "
                 "it away, and import it again.")  # fmt: skip
        raise ValueError(text.format(name=node.GetName(), transform=transform.GetName()))


def _must_have_voxels(node: Any) -> None:
    segmentation = node.GetSegmentation()
    if segmentation.GetSourceRepresentationName() != BINARY and None in _of_each(segmentation, BINARY):
        text = _("Not every segment of '{name}' consists of voxels or surfaces: they are contours, say. In the module "
                 "Segmentations, under Representations, press 'Create' beside 'Closed surface', and import it again. "
                 "For contours of radiotherapy (RTSTRUCT) this needs the extension SlicerRT.")  # fmt: skip
        raise ValueError(text.format(name=node.GetName()))
