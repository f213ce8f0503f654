"""A slice view drawn offscreen: Slicer's own displayable managers and slice logic, no window."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANAGERS = (
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLCrosshairDisplayableManager",
    "vtkMRMLOrientationMarkerDisplayableManager",
)
_PROBE = """
import vtk
window = vtk.vtkRenderWindow()
window.SetOffScreenRendering(1)
window.SetSize(16, 16)
window.AddRenderer(vtk.vtkRenderer())
window.Render()
"""


def can_render() -> bool:
    """Asked in a process of its own: without OpenGL, VTK ends the interpreter."""
    environment = {**os.environ, "VTK_DEFAULT_OPENGL_WINDOW": "vtkEGLRenderWindow"}
    done = subprocess.run([sys.executable, "-c", _PROBE], env=environment, capture_output=True, timeout=120)
    if done.returncode == 0:
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkEGLRenderWindow")
    return done.returncode == 0


class SliceView:
    """The view ``name`` (Red, Yellow, Green) of the harness's scene as a picture."""

    def __init__(self, harness: Any, name: str = "Red", size: tuple[int, int] = (420, 420)) -> None:
        import slicer
        import vtk

        self.logic = harness.core.slice_logics[name]
        self.renderer = vtk.vtkRenderer()
        self.renderer.GetActiveCamera().ParallelProjectionOn()
        self.window = vtk.vtkRenderWindow()
        self.window.SetOffScreenRendering(1)
        self.window.AddRenderer(self.renderer)
        self.window.SetSize(*size)
        self._image_actor(vtk)
        factory = slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance()
        for manager in MANAGERS:
            if not factory.IsDisplayableManagerRegistered(manager):
                factory.RegisterDisplayableManager(manager)
        self.interactor = vtk.vtkRenderWindowInteractor()
        self.interactor.SetRenderWindow(self.window)
        self.group = slicer.vtkMRMLDisplayableManagerGroup()
        self.group.SetRenderer(self.renderer)
        self.group.Initialize(factory, self.renderer)
        self.group.SetMRMLDisplayableNode(self.logic.GetSliceNode())
        self.logic.ResizeSliceNode(*size)

    def _image_actor(self, vtk: Any) -> None:
        self.mapper = vtk.vtkImageMapper()
        self.mapper.SetColorWindow(255)
        self.mapper.SetColorLevel(127.5)
        self.actor = vtk.vtkActor2D()
        self.actor.SetMapper(self.mapper)
        self.actor.GetProperty().SetDisplayLocationToBackground()
        self.renderer.AddViewProp(self.actor)  # first: what is drawn over it must find it there

    def fit(self) -> None:
        """Show the whole of the slice that is in view."""
        offset = self.logic.GetSliceOffset()
        self.logic.FitSliceToBackground()
        self.logic.SetSliceOffset(offset)

    def picture(self) -> NDArray[np.uint8]:
        """(rows, columns, 3) as it is now."""
        import vtk
        from vtk.util.numpy_support import vtk_to_numpy

        self.logic.UpdatePipeline()
        self.mapper.SetInputConnection(self.logic.GetImageDataConnection())
        self.window.Render()
        grab = vtk.vtkWindowToImageFilter()
        grab.SetInput(self.window)
        grab.ReadFrontBufferOff()
        grab.Update()
        columns, rows, _ = grab.GetOutput().GetDimensions()
        return vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1, :, :3].copy()
