"""The slice views: what they show, which slice of the case a person looks at, jumping there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import numpy as np
import slicer
from numpy.typing import NDArray

from SemiSegLogic.geometry import Grid, SliceIndex

from .geometry import ijk_to_ras, to_numpy, to_vtk

PLANES = {"Red": "Axial", "Yellow": "Sagittal", "Green": "Coronal"}
TILT = 0.5
"""How far, in voxels, a view may leave a slice at the corners of the volume and still show it whole."""


def slice_nodes() -> list[Any]:
    """The slice view nodes in the scene; the red one, where drawing starts, first."""
    scene = slicer.mrmlScene
    nodes = [
        scene.GetNthNodeByClass(n, "vtkMRMLSliceNode") for n in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceNode"))
    ]
    return sorted(nodes, key=lambda node: node.GetLayoutName() != "Red")


def on_screen() -> list[Any]:
    """Those of the slice view nodes that the layout shows now; all of them where there is no layout (no main window).

    A view that was used once stays in the scene: a person who made another view fill the window does not see it.
    """
    nodes = slice_nodes()
    return [node for node in nodes if node.IsMappedInLayout()] or nodes


def under_mouse() -> Any | None:
    """The slice view node that the mouse is in; None when it is elsewhere."""
    crosshair = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    return crosshair.GetCursorPositionXYZ([0.0, 0.0, 0.0]) if crosshair is not None else None


def show(volume: Any | None) -> None:
    """Make ``volume`` the background of every slice view, fitted and along its own axes."""
    logic = slicer.app.applicationLogic()
    logic.GetSelectionNode().SetActiveVolumeID(volume.GetID() if volume else None)
    if volume is not None:
        for node in slice_nodes():
            if node.GetLayoutName() in PLANES:  # a one-slice volume before this one turned every view to its plane
                node.SetOrientation(PLANES[node.GetLayoutName()])
            node.RotateToVolumePlane(volume)
    logic.PropagateBackgroundVolumeSelection(1)


@contextmanager
def kept() -> Iterator[None]:
    """What the views show and where they are is afterwards as before: Slicer brings on screen what it loads."""
    selection = slicer.app.applicationLogic().GetSelectionNode()
    active = selection.GetActiveVolumeID()
    layers = [
        (layer, layer.GetBackgroundVolumeID(), layer.GetForegroundVolumeID(), layer.GetForegroundOpacity(),
         layer.GetLabelVolumeID()) for layer in _composites()
    ]  # fmt: skip
    places = [
        (node, to_numpy(node.GetSliceToRAS()), node.GetFieldOfView(), node.GetXYZOrigin()) for node in slice_nodes()
    ]
    try:
        yield
    finally:
        selection.SetActiveVolumeID(active)
        for composite, background, foreground, opacity, label in layers:
            composite.SetBackgroundVolumeID(background)
            composite.SetForegroundVolumeID(foreground)
            composite.SetForegroundOpacity(opacity)
            composite.SetLabelVolumeID(label)
        for node, place, size, origin in places:
            node.GetSliceToRAS().DeepCopy(to_vtk(place))
            node.SetFieldOfView(*size)
            node.SetXYZOrigin(*origin)
            node.UpdateMatrices()


def overlay(volume: Any, opacity: float = 0.45) -> None:
    """Show ``volume`` over the image."""
    for composite in _composites():
        composite.SetForegroundVolumeID(volume.GetID())
        composite.SetForegroundOpacity(opacity)


def no_overlay(volume: Any | None) -> None:
    """Take ``volume`` away from over the image; whatever else the user laid there stays."""
    for composite in _composites():
        if volume is not None and composite.GetForegroundVolumeID() == volume.GetID():
            composite.SetForegroundVolumeID(None)
            composite.SetForegroundOpacity(0.0)


def _composites() -> list[Any]:
    scene, kind = slicer.mrmlScene, "vtkMRMLSliceCompositeNode"
    return [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]


def slice_in(node: Any, grid: Grid) -> SliceIndex | None:
    """The slice of ``grid`` that a slice view shows; None when it is tilted against the voxels or outside."""
    axis = axis_of(node, grid)
    if axis is None:
        return None
    index = round(float(_cuts(node, grid, axis).mean()))
    return SliceIndex(axis, index) if 0 <= index < grid.shape[axis] else None


def axis_of(node: Any, grid: Grid) -> int | None:
    """The voxel axis (0, 1, 2 for k, j, i) that a slice view looks along; None when it is tilted so far that, somewhere
    in the volume, it shows another slice than in its middle: what is drawn there would not be on the slice marked as
    done.
    """
    normals = np.linalg.inv(ijk_to_ras(grid))[2::-1, :3]  # of the slices along k, j, i; of a sheared volume, too
    facing = np.abs(normals @ to_numpy(node.GetSliceToRAS())[:3, 2]) / np.linalg.norm(normals, axis=1)
    axis = int(np.argmax(facing))
    return axis if np.ptp(_cuts(node, grid, axis)) <= 2 * TILT else None


def _cuts(node: Any, grid: Grid, axis: int) -> NDArray[np.float64]:
    """(4,) where, in voxels along ``axis``, a slice view cuts the edges of the volume that run along it."""
    to_ras, view = ijk_to_ras(grid), to_numpy(node.GetSliceToRAS())
    ends = [(0,) if other == axis else (0, side - 1) for other, side in enumerate(grid.shape)]
    edges = np.array(list(product(*ends)), float)[:, ::-1] @ to_ras[:3, :3].T + to_ras[:3, 3]
    return np.asarray((view[:3, 3] - edges) @ view[:3, 2] / (to_ras[:3, 2 - axis] @ view[:3, 2]))


def jump(grid: Grid, place: SliceIndex, centre: NDArray[np.float64] | None = None) -> Any | None:
    """Bring the views that look along ``place.axis`` to this slice, the other views to ``centre`` (k, j, i).

    Returns the node of the first one on screen; None when no view on screen looks along that axis.
    """
    kji = np.array(grid.shape, float) / 2 if centre is None else np.array(centre, float)
    kji[place.axis] = place.index
    ras = (ijk_to_ras(grid) @ np.append(kji[::-1], 1.0))[:3]
    along = [node for node in slice_nodes() if axis_of(node, grid) == place.axis]
    for node in along if centre is None else slice_nodes():
        node.JumpSliceByOffsetting(*ras)
    return next((node for node in on_screen() if node in along), None)
