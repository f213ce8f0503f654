"""Our nodes of the case on screen, each by its role, and the grid that all of them lie on."""

from __future__ import annotations

from typing import Any

import slicer

from SemiSegLogic.geometry import Grid

from . import nodes, segments
from .geometry import grids_of, ijk_to_ras, offset_between, to_vtk
from .labelmaps import layers

VOLUME, LABELS, SUGGESTION, EARLIER, UNCERTAINTY = "image", "labels", "suggestion", "earlier", "uncertainty"
STYLES = {LABELS: (0.35, 1.0), SUGGESTION: (0.15, 0.6), EARLIER: (0.0, 1.0)}
"""How strongly our segmentations are drawn in the slice views, 0..1: within, and their outline."""


class Stage:
    """A node is known by its id: a scene file may bring others that look the same."""

    def __init__(self) -> None:
        self.grid: Grid | None = None
        self.image_resampled = False  # a transform that is not linear was hardened: its voxels are others
        self._ids: dict[str, str] = {}

    def node(self, role: str) -> Any | None:
        """Our node on screen; None when it is not there."""
        return slicer.mrmlScene.GetNodeByID(self._ids[role]) if role in self._ids else None

    def own(self, node: Any, role: str, case: str) -> Any:
        """Call ``node`` ours; returns it."""
        self._ids[role] = node.GetID()
        return nodes.own(node, role, case)

    def display(self, role: str) -> Any | None:
        """How one of our segmentations is drawn; made anew where a person or a script took that away. None when it is
        not there.
        """
        node = self.node(role)
        if node is None:
            return None
        if node.GetDisplayNode() is None:
            node.CreateDefaultDisplayNodes()
            style(node, *STYLES[role])
        return node.GetDisplayNode()

    def has(self, node: Any) -> bool:
        """Whether it is one of those on screen."""
        return node.GetID() in self._ids.values()

    @property
    def empty(self) -> bool:
        """Nothing of ours was put on screen."""
        return not self._ids

    def in_place(self) -> bool:
        """The image and the labels lie on the grid. A person can move a node in Slicer, with a transform or by "Center
        volume": what is drawn on a moved image is drawn on other voxels than it seems.
        """
        volume = self.node(VOLUME)
        if volume is None or self.grid is None:
            return True
        there = [node for node in (volume, self.node(LABELS)) if node is not None]
        moved = any(node.GetParentTransformNode() is not None for node in there)
        return not (moved or self.image_resampled) and any(grid.agrees(self.grid) for grid in grids_of(volume))

    def lattice(self, segmentation: Any) -> Grid | None:
        """The grid that the voxels of one of our segmentations lie on. Where a person hardened a transform of the image
        and of it, both went along: that is then the grid of the image as it lies now.
        """
        volume, every = self.node(VOLUME), [one for one in layers(segmentation.GetSegmentation()) if not one.IsEmpty()]
        places = [] if volume is None or self.grid is None else [self.grid, *grids_of(volume)]
        lies = (grid for grid in places if any(offset_between(layer, grid) == (0, 0, 0) for layer in every))
        return next(lies, self.grid)

    def put_back(self) -> None:
        """The nodes on the grid again, where somebody moved them."""
        there = [node for role in self._ids if (node := self.node(role)) is not None]
        if self.grid is None:
            return
        for node in [node for node in there if node.IsA("vtkMRMLSegmentationNode")]:
            segments.move(node, self.lattice(node), self.grid)
        for node in there:
            node.SetAndObserveTransformNodeID(None)
            if node.IsA("vtkMRMLVolumeNode"):
                node.SetIJKToRASMatrix(to_vtk(ijk_to_ras(self.grid)))

    def leave(self) -> list[Any | None]:
        """None of them is ours any more, and nobody needs to be told when they go; returns them."""
        left = [self.node(role) for role in self._ids]
        self.grid, self._ids, self.image_resampled = None, {}, False
        return left


def style(node: Any, fill: float, outline: float) -> None:
    """How strongly a segmentation is drawn in the slice views, 0..1."""
    display = node.GetDisplayNode()
    display.SetOpacity2DFill(fill)
    display.SetOpacity2DOutline(outline)
