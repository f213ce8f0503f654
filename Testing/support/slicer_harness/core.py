"""Slicer's C++ core from the ``slicer-core`` wheel with a scene and the logics that the application would start."""

from __future__ import annotations

import sys
import types
from typing import Any


class Core:
    """``scene``, the application logic and the module logics by name."""

    def __init__(self) -> None:
        import slicer
        import vtk

        window = vtk.vtkOutputWindow()
        window.SetDisplayModeToNever()  # vtkLogger prints the same lines
        vtk.vtkOutputWindow.SetInstance(window)
        self.scene = slicer.vtkMRMLScene()
        self.application = slicer.vtkSlicerApplicationLogic()
        self._start_application(slicer, vtk)
        self.logics: dict[str, Any] = {}
        for name, logic in (
            ("Colors", slicer.vtkMRMLColorLogic()),
            ("Volumes", slicer.vtkSlicerVolumesLogic()),
            ("Terminologies", slicer.vtkSlicerTerminologiesModuleLogic()),
            ("Segmentations", slicer.vtkSlicerSegmentationsModuleLogic()),
            ("SubjectHierarchy", slicer.vtkSlicerSubjectHierarchyModuleLogic()),
            ("Plots", slicer.vtkSlicerPlotsLogic()),
        ):
            self._register(name, logic)
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene, True)
        self._views(slicer)
        self._publish(slicer)

    def _start_application(self, slicer: Any, vtk: Any) -> None:
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetCrosshairName("default")
        self.scene.AddNode(crosshair)
        self.application.SetMRMLScene(self.scene)
        self.application.GetColorLogic().SetMRMLScene(self.scene)
        self.application.GetColorLogic().AddDefaultColorNodes()
        self.application.SetSliceLogics(vtk.vtkCollection())
        self.application.SetViewLogics(vtk.vtkCollection())
        for factory in (
            slicer.vtkMRMLSliceViewDisplayableManagerFactory,
            slicer.vtkMRMLThreeDViewDisplayableManagerFactory,
        ):
            factory.GetInstance().SetMRMLApplicationLogic(self.application)

    def _register(self, name: str, logic: Any) -> None:
        import vtk

        vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)  # the wheel has no terminology files: says so
        logic.SetMRMLScene(self.scene)
        logic.SetMRMLApplicationLogic(self.application)
        vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_WARNING)
        self.application.SetModuleLogic(name, logic)
        self.logics[name] = logic

    def _views(self, slicer: Any) -> None:
        """The three slice views of the conventional layout, as nodes and logics (no windows)."""
        self.slice_logics: dict[str, Any] = {}
        for name, orientation in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
            self.slice_logics[name] = logic = slicer.vtkMRMLSliceLogic()
            logic.SetMRMLApplicationLogic(self.application)
            self.application.GetSliceLogics().AddItem(logic)
            logic.SetMRMLScene(self.scene)
            logic.AddSliceNode(name).SetOrientation(orientation)
        self.lay_out("Red", "Yellow", "Green")

    def lay_out(self, *names: str) -> None:
        """Choose a layout with these slice views, as the layout manager does: the others stay in the scene."""
        nodes = {name: logic.GetSliceNode() for name, logic in self.slice_logics.items()}
        for node in nodes.values():
            node.SetMappedInLayout(False)
        for name in names:
            nodes[name].SetMappedInLayout(True)

    def _publish(self, slicer: Any) -> None:
        """``slicer.mrmlScene`` and ``slicer.modules.<name>.logic()``."""
        slicer.mrmlScene = self.scene
        modules = types.ModuleType("slicer.modules")
        for name, logic in self.logics.items():
            setattr(modules, name.lower(), types.SimpleNamespace(name=name, logic=lambda logic=logic: logic))
        slicer.modules = modules
        sys.modules["slicer.modules"] = modules
