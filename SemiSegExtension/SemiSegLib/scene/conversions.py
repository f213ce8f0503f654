"""Voxels that Slicer made anew: from surfaces, on another lattice, by hardening a transform. Outlines move by that, and
nobody drew it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import slicer

from ..drawing import Drawing
from . import segments
from .geometry import offset_between
from .labelmaps import layers
from .nodes import Observers
from .stage import LABELS, VOLUME, Stage


class Conversions:
    """Of the person's segmentation on ``stage``, which was just put there: ``found`` until what was drawn is brought
    back; ``told`` is called when one is found that MRML sends no event of the segmentation for.
    """

    def __init__(self, stage: Stage, told: Callable[[], None]) -> None:
        self.found = False
        self._stage, self._told = stage, told
        self._home: set[str] = set()  # segments with voxels that lie on the image's lattice
        self._before: dict[str, Any] = {}  # by role: what a node under a transform held before it came under it
        self._observers = Observers()
        self._follow()

    def _follow(self) -> None:
        for role in (VOLUME, LABELS):
            node = self._stage.node(role)
            self._observers.watch(node, slicer.vtkMRMLTransformableNode.TransformModifiedEvent,
                                  lambda *_event, role=role: self._transformed(role))  # fmt: skip
        segmentation = self._stage.node(LABELS).GetSegmentation()
        self._observers.watch(segmentation, segmentation.SourceRepresentationModified,
                              lambda *_event: self._source_changed())  # fmt: skip
        self.settle()

    def stop(self) -> None:
        self._observers.clear()

    def settle(self, labels: Drawing | None = None) -> None:
        """What the segmentation holds now, ``labels`` where they were just read, was drawn or put there by us."""
        self._home = self._segments(lying=True)
        if LABELS in self._before:
            self._before[LABELS] = self._voxels(LABELS) if labels is None else labels.whole()

    def _source_changed(self) -> None:
        """Once surfaces were the source, voxels that are there again were made from them. Nothing else is looked at
        while Slicer changes a segmentation: of segments that it adds or undoes the voxels go for a moment.
        """
        node = self._stage.node(LABELS)
        self.found = self.found or (node is not None and _source(node) != segments.BINARY)

    def look(self) -> bool:
        """Whether what the segmentation holds was made anew: voxels that lay on the lattice of the image have gone, or
        lie between its voxels now, when somebody specified another geometry. A segment that was copied from another
        segmentation may have a lattice of its own.
        """
        node = self._stage.node(LABELS)
        if node is not None and not self.found:
            there = [node.GetSegmentation().GetSegment(name) for name in self._home]
            gone = any(segment and segment.GetRepresentation(segments.BINARY) is None for segment in there)
            self.found = gone or bool(self._home & self._segments(lying=False))
        return self.found

    def _transformed(self, role: str) -> None:
        """A transform came, moved or went. Where it went, it may have been hardened: then the voxels are others."""
        node = self._stage.node(role)
        if node is None:
            return
        if node.GetParentTransformNode() is not None:
            if role not in self._before:
                self._before[role] = self._voxels(role)
        elif role in self._before and not _same(self._before.pop(role), self._voxels(role)):
            if role == VOLUME:
                self._stage.image_resampled = True
            else:
                self.found = True
            self._told()

    def _voxels(self, role: str) -> Any:
        node = self._stage.node(role)
        if role == VOLUME:
            image = node.GetImageData()
            return None if image is None else image.GetPointData().GetScalars()
        grid = self._stage.lattice(node)
        return None if grid is None else segments.read(node, grid)[0]

    def _segments(self, lying: bool) -> set[str]:
        """Those with voxels that lie on the lattice of the image, or do not."""
        node = self._stage.node(LABELS)
        grid = None if node is None else self._stage.lattice(node)
        if grid is None:
            return set()
        segmentation, found = node.GetSegmentation(), set()
        for number, layer in enumerate(layers(segmentation)):
            if not layer.IsEmpty() and (offset_between(layer, grid) is not None) == lying:
                found.update(segmentation.GetSegmentIDsForLayer(number, segments.BINARY))
        return found


def _source(node: Any) -> str:
    return str(node.GetSegmentation().GetSourceRepresentationName())


def _same(before: Any, now: Any) -> bool:
    return before is now or (isinstance(now, np.ndarray) and np.array_equal(before, now))
