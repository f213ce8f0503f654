"""Segmentations and label maps that somebody made in the scene, as files that Slicer makes of them: masks are read from
files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import slicer

from ..words import _
from .nodes import is_own, told_apart
from .segments import BINARY

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


def save_mask(node_id: str, folder: Path) -> Path:
    """The mask as a file in ``folder``, called like the node. Raises ValueError in words when it cannot be one."""
    node = slicer.mrmlScene.GetNodeByID(node_id)
    if node is None:
        raise ValueError(_("The segmentation is no longer loaded in Slicer."))
    _require_voxels_in_place(node)
    segmentation = node.IsA(SEGMENTATION)
    name = re.sub(r"[^\w .()+-]", "-", node.GetName()).strip()[:80] or "mask"
    path = folder / (name + (".seg.nrrd" if segmentation else ".nrrd"))
    storage = slicer.vtkMRMLSegmentationStorageNode() if segmentation else slicer.vtkMRMLVolumeArchetypeStorageNode()
    storage.SetFileName(str(path))
    storage.SetUseCompression(False)
    if not storage.WriteData(node) or not path.exists():
        raise ValueError(_("Slicer cannot save '{name}'.").format(name=node.GetName()))
    return path


def _content(node: Any) -> str:
    """What is in it, in words; "" when there is nothing."""
    if node.IsA(SEGMENTATION):
        count = node.GetSegmentation().GetNumberOfSegments()
        return _("segments: {n}").format(n=count) if count else ""
    image = node.GetImageData()
    return " x ".join(map(str, image.GetDimensions())) if image is not None and image.GetNumberOfPoints() else ""


def _require_voxels_in_place(node: Any) -> None:
    transform = node.GetParentTransformNode()
    if transform is not None:
        text = _("'{name}' lies under the transform '{transform}'. Harden the transform, if it belongs to it, or take "
                 "it away, and import it again.")  # fmt: skip
        raise ValueError(text.format(name=node.GetName(), transform=transform.GetName()))
    if node.IsA(SEGMENTATION) and node.GetSegmentation().GetSourceRepresentationName() != BINARY:
        text = _("'{name}' consists of surfaces or contours, not of voxels. In the module Segmentations create its "
                 "binary labelmap with this image as the geometry, make that the source, and import it again.")
        raise ValueError(text.format(name=node.GetName()))
