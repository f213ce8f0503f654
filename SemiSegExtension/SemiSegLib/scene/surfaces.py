"""Segmentations that consist of surfaces, as of radiotherapy or of a model, become voxels of the image: those whose
centres lie inside. Slicer's own conversion holds the screen up for seconds; here the surfaces are copied, one at a
beat, and cut with copies, away from the thread that Slicer draws on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid

from ..words import _
from .cutting import Box, Mesh, around, part_of

if TYPE_CHECKING:
    from SemiSegLogic.study import HeaderSegment, LayeredMask

SURFACE = "Closed surface"
LAST = 254
"""The highest value in a layer: 255 would mean that nobody judged."""


class SurfaceMask:
    """A copy of the surfaces of a segmentation, for an image on ``grid``. Raises ValueError where it has none."""

    def __init__(self, node: Any, grid: Grid) -> None:
        segmentation = node.GetSegmentation()
        every = [segmentation.GetSegment(name) for name in segmentation.GetSegmentIDs()]
        self.name = str(node.GetName())
        self._grid = grid
        self._told = [(str(one.GetName()), one.GetColor()) for one in every]
        self._surfaces = [one.GetRepresentation(SURFACE) for one in every]
        self._as_they_were = self._times()
        self._copies: list[Any] = []
        if not any(surface is not None and surface.GetNumberOfCells() for surface in self._surfaces):
            raise ValueError(_("Nothing is drawn in {name}.").format(name=self.name))

    def _times(self) -> list[int]:
        return [0 if surface is None else surface.GetMTime() for surface in self._surfaces]

    def copy_on(self) -> bool:
        """Copy the next surface; whether that was the last. Raises ValueError where somebody changed one meanwhile."""
        if self._times() != self._as_they_were:
            text = _("'{name}' was changed while it was being copied, so nothing of it was taken. Try again when "
                     "nothing changes it.")  # fmt: skip
            raise ValueError(text.format(name=self.name))
        surface = self._surfaces[len(self._copies)]
        self._copies.append(None if surface is None else surface.NewInstance())
        if surface is not None:
            self._copies[-1].DeepCopy(surface)
        return len(self._copies) == len(self._surfaces)

    def names(self) -> list[str]:
        """Of its segments; nothing needs to be cut for that."""
        return [name for name, _color in self._told]

    def read(self) -> LayeredMask:
        """As the study takes it; on any thread. Raises LabelError where a surface lies far outside the image."""
        from SemiSegLogic.study import LayeredMask

        meshes = [Mesh(copy, self._grid) for copy in self._copies]
        self._must_be_near(meshes)
        whole = around([mesh.box for mesh in meshes if mesh.box is not None])
        layers, described = self._layers(meshes, whole)
        return LayeredMask(layers, part_of(self._grid, whole), described, {}, self.name)

    def _must_be_near(self, meshes: list[Mesh]) -> None:
        """What lies outside the image a little is told by the study; the box around what lies far away is no mask."""
        from SemiSegLogic.study import LabelError

        for mesh, (name, _color) in zip(meshes, self._told, strict=True):
            sides = [] if mesh.box is None else list(zip(mesh.box, self._grid.shape, strict=True))
            if any(side.start < -size or side.stop > 2 * size for side, size in sides):
                text = _("'{segment}' of {name} lies far outside the image. Check that it belongs to this image; if it "
                         "does, remove this segment from a copy of the segmentation and import that.")  # fmt: skip
                raise LabelError(text.format(segment=name, name=self.name))

    def _layers(self, meshes: list[Mesh], whole: Box) -> tuple[list[NDArray[np.uint8]], list[HeaderSegment]]:
        """As many arrays on the box ``whole`` as are needed to hold every segment with all its voxels."""
        from SemiSegLogic.study import HeaderSegment

        layers, used = [np.zeros([side.stop - side.start for side in whole], np.uint8)], [0]
        described = []
        for mesh, (name, color) in zip(meshes, self._told, strict=True):
            place, inside = _within(mesh.box, whole), mesh.inside()
            free = (n for n, layer in enumerate(layers) if used[n] < LAST and not layer[place][inside].any())
            number = next(free, len(layers))
            if number == len(layers):
                layers.append(np.zeros_like(layers[0]))
                used.append(0)
            used[number] += 1
            layers[number][place][inside] = used[number]
            described.append(HeaderSegment(name, used[number], number, color))
        return layers, described


def _within(box: Box | None, whole: Box) -> Box:
    """``box`` counted from where ``whole`` begins; nothing of it for None."""
    if box is None:
        return slice(0, 0), slice(0, 0), slice(0, 0)
    k, j, i = (slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, whole, strict=True))
    return k, j, i
