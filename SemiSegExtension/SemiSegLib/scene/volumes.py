"""Image and uncertainty volumes on screen."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from numpy.typing import NDArray
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from SemiSegLogic.geometry import Grid

from ..words import _
from .dicom import words_of
from .geometry import grid_of, ijk_to_ras, to_vtk
from .nodes import is_own, told_apart

DOUBT_AT = (0, 85, 170, 255)
DOUBT_RGB = ((0.1, 0.45, 0.95, 1.0), (0.0, 0.1, 0.45, 0.95), (0.3, 0.5, 0.1, 0.4))


def volume_from(array: NDArray[Any], grid: Grid, name: str, window: tuple[float, float]) -> Any:
    """A scalar volume node holding ``array`` (k, j, i) at ``grid``, shown with grey values ``window`` (low, high)."""
    display = _display(window, "vtkMRMLColorTableNodeGrey")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(to_vtk(ijk_to_ras(grid)))
    node.SetAndObserveImageData(image_data(array))
    node.SetAndObserveDisplayNodeID(display.GetID())
    return node


def overlay_from(array: NDArray[np.uint8], grid: Grid, name: str) -> Any:
    """The uncertainty (k, j, i) uint8, 0 sure to 255 unsure, as a volume that is clear where the model is sure."""
    display = _display((0.0, 255.0), _doubt_colours().GetID())
    display.SetLowerThreshold(64)
    display.SetUpperThreshold(255)
    display.SetApplyThreshold(True)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(to_vtk(ijk_to_ras(grid)))
    node.SetAndObserveImageData(image_data(array))
    node.SetAndObserveDisplayNodeID(display.GetID())
    return node


def array_of(volume: Any) -> tuple[NDArray[Any], Grid]:
    """A copy of what is :func:`seen`, at once."""
    voxels, grid = seen(volume)
    return voxels.copy(), grid


def seen(volume: Any) -> tuple[NDArray[Any], Grid]:
    """A view of a volume node's voxels (k, j, i), or (k, j, i, values per voxel) of colours, which Slicer may change,
    and its grid. Raises ValueError where it holds none, or lies under a transform.
    """
    image = volume.GetImageData()
    scalars = None if image is None else image.GetPointData().GetScalars()
    if scalars is None:
        text = _("The volume '{name}' holds no grey-value image; load a scalar volume.")
        raise ValueError(text.format(name=volume.GetName()))
    if volume.GetParentTransformNode() is not None:
        text = _("The volume '{name}' lies under a transform; harden the transform first.")
        raise ValueError(text.format(name=volume.GetName()))
    voxels, (i, j, k) = vtk_to_numpy(scalars), image.GetDimensions()
    return voxels.reshape(k, j, i, *voxels.shape[1:]), grid_of(volume)


def image_data(array: NDArray[Any]) -> Any:
    """A vtkImageData over ``array`` (k, j, i) itself, without a copy: nobody may change the array any more.

    VTK's Python layer keeps the array alive as long as any image, also a shallow copy, uses it.
    """
    native = np.ascontiguousarray(_native(array))
    scalars = numpy_to_vtk(native.reshape(-1), deep=False)
    scalars.SetName("ImageScalars")
    image = vtk.vtkImageData()
    image.SetDimensions(*native.shape[::-1])
    image.GetPointData().SetScalars(scalars)
    return image


def _native(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == np.bool_:
        return array.view(np.uint8)
    if array.dtype == np.float16:
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _display(window: tuple[float, float], colours: str) -> Any:
    """Made before the image is set: else VTK searches the whole volume for a window."""
    display = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScalarVolumeDisplayNode")
    display.UnRegister(None)
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(*window)
    display = slicer.mrmlScene.AddNode(display)
    found = slicer.mrmlScene.GetNodeByID(colours)
    display.SetAndObserveColorNodeID(found.GetID() if found else "vtkMRMLColorTableNodeGrey")
    return display


def _doubt_colours() -> Any:
    """A colour table of our own, purple over orange to yellow: it tells doubt from every structure's colour.

    One that is there may be of a scene file: without its colours, which Slicer 5.10 does not save of a hidden table.
    """
    name = "SemiSeg uncertainty"
    table = slicer.mrmlScene.GetFirstNode(name, "vtkMRMLColorTableNode")
    if table is None:
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    modified = table.StartModify()
    table.SetTypeToUser()
    table.SetHideFromEditors(True)
    table.SetNumberOfColors(256)
    for value in range(256):
        parts = [float(np.interp(value, DOUBT_AT, levels)) for levels in DOUBT_RGB]
        table.SetColor(value, str(value), *parts, 1.0)
    table.EndModify(modified)
    return table


def scene_volumes() -> list[tuple[str, str]]:
    """(id, words) of the user's scalar volumes that could become cases, in the order of the scene; ours and label maps
    are left out.
    """
    scene, found = slicer.mrmlScene, []
    for n in range(scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")):
        node = scene.GetNthNodeByClass(n, "vtkMRMLScalarVolumeNode")
        if not node.IsA("vtkMRMLLabelMapVolumeNode") and not is_own(node) and node.GetImageData():
            size = " x ".join(map(str, node.GetImageData().GetDimensions()))
            told = ", ".join([size, *words_of(node)])
            found.append((node.GetID(), _("{name} ({content})").format(name=node.GetName(), content=told)))
    return told_apart(found)
