"""The code of Slicer's own DICOM SEG plugin, from a source tree, over the program that it calls (package dcmqi)."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
import types
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from Testing.support.stand_ins.dicom import load_series

PLUGIN = "DICOMSegmentationPlugin"


def why_not() -> str:
    """What is missing; "" when nothing is."""
    if not (Path(os.environ.get("SLICER_SOURCE", "")) / "Modules" / "Scripted" / "DICOMLib").is_dir():
        return "SLICER_SOURCE names the sources of Slicer, for its DICOM SEG plugin (5.12 or newer)"
    try:
        version("dcmqi")
    except PackageNotFoundError:
        return "the package dcmqi holds the program that Slicer's plugin calls (pip install dcmqi)"
    return ""


class Exportable:
    """``slicer.qSlicerDICOMExportable``."""

    def __init__(self) -> None:
        self.name = self.tooltip = self.pluginClass = self.directory = ""
        self.confidence, self.subjectHierarchyItemID = 0.0, 0
        self._tags: dict[str, str] = {}

    def setTag(self, name: str, value: str) -> None:
        self._tags[name] = value

    def tag(self, name: str) -> str:
        return self._tags.get(name, "")


def put_in_place(slicer: Any, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slicer's plugin instead of our stand-in, with what of Slicer it calls."""
    scripted = Path(os.environ["SLICER_SOURCE"]) / "Modules" / "Scripted"
    base = _loaded("DICOMPlugin", scripted / "DICOMLib" / "DICOMPlugin.py")
    library: Any = types.ModuleType("DICOMLib")
    library.DICOMLoadable, library.DICOMPlugin = base.DICOMLoadable, base.DICOMPlugin
    library.DICOMUtils = SimpleNamespace(loadSeriesByUID=load_series)
    segmentations: Any = types.ModuleType("vtkSegmentationCorePython")
    for name in ("vtkOrientedImageData", "vtkSegmentationConverter"):
        setattr(segmentations, name, getattr(slicer, name))
    for module in (library, segmentations):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    plugin = _loaded(PLUGIN, scripted / "DICOMPlugins" / f"{PLUGIN}.py")
    monkeypatch.setattr(slicer.modules, "dicomPlugins", {PLUGIN: plugin.DICOMSegmentationPluginClass})
    monkeypatch.setattr(slicer, "qSlicerDICOMExportable", Exportable, raising=False)
    monkeypatch.setattr(slicer.util, "tempDirectory", lambda: tempfile.mkdtemp(dir=scratch))
    monkeypatch.setattr(slicer.util, "saveNode", _save)


def _loaded(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _save(node: Any, file: str) -> bool:
    """``slicer.util.saveNode``: the storage node that it gives the node stays in the scene."""
    node.AddDefaultStorageNode()
    node.GetStorageNode().SetFileName(file)
    return bool(node.GetStorageNode().WriteData(node))
