"""Stand-ins for ``slicer.ScriptedLoadableModule`` and for what the application does with it: open, enter, reload.

As strict as the real ones: a module may set only the properties that its C++ side has, the test class does nothing by
itself, and nobody enters a module that was just reloaded.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import unittest
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from .widgets import qMRMLWidget

UNLOADING = "moduleAboutToBeUnloaded(QString)"
LISTS = {"categories", "contributors", "dependencies", "associatedNodeTypes"}
MODULE_PROPERTIES = LISTS | {"title", "helpText", "acknowledgementText", "extensions", "icon", "hidden", "index"}
"""What a scripted module may set; ``path``, ``name`` and ``defaultDocumentationLink`` can only be read."""


class ModuleObject:
    """The C++ side of a scripted module."""

    def __init__(self, path: str) -> None:
        made = {"path": path, "name": Path(path).stem, "defaultDocumentationLink": "", "helpText": "", "title": ""}
        object.__setattr__(self, "_values", made)

    def __getattr__(self, name: str) -> Any:
        values: dict[str, Any] = object.__getattribute__(self, "_values")
        if name not in values:
            raise AttributeError(f"qSlicerScriptedLoadableModule has no '{name}'.")
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in MODULE_PROPERTIES:
            raise AttributeError(f"qSlicerScriptedLoadableModule has no property '{name}' to set.")
        if name in LISTS and not isinstance(value, list):
            raise TypeError(f"{name} takes a list, not {value!r}.")
        self._values[name] = value


class qSlicerScriptedLoadableModuleWidget(qMRMLWidget):
    """The area of a scripted module in the module panel."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        QtWidgets.QVBoxLayout(self)
        self._entered = False

    isEntered = QtCore.Property(bool, lambda self: self._entered)


class ScriptedLoadableModule:
    def __init__(self, parent: Any) -> None:
        self.parent = parent
        self.moduleName = type(self).__name__
        parent.title, parent.categories, parent.dependencies = "", [], []
        parent.contributors = ["the template's author"]
        if not hasattr(slicer, "selfTests"):
            slicer.selfTests = {}
        slicer.selfTests[self.moduleName] = self.runTest

    def resourcePath(self, filename: str) -> str:
        return str(Path(self.parent.path).parent / "Resources" / filename)

    def runTest(self, msec: int = 100, **options: Any) -> None:
        """As 'Reload and Test' calls it: with the delay of the application's settings."""
        test = getattr(sys.modules[type(self).__module__], self.moduleName + "Test")()
        test.messageDelay = msec
        test.runTest(**options)


class ScriptedLoadableModuleWidget:
    def __init__(self, parent: Any = None) -> None:
        """Without a parent it makes one of its own, which is no module's area, and is set up before it ends."""
        import qt

        self.developerMode = False
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.parent = parent if parent is not None else slicer.qMRMLWidget()
        if parent is None:
            self.parent.setLayout(qt.QVBoxLayout())
            self.parent.setMRMLScene(slicer.mrmlScene)
        self.layout = self.parent.layout()
        if parent is None:
            self.setup()
            self.parent.show()
        slicer.app.moduleManager().connect(UNLOADING, self._onModuleAboutToBeUnloaded)

    def _onModuleAboutToBeUnloaded(self, name: str) -> None:
        if name == self.moduleName:
            self.cleanup()
            slicer.app.moduleManager().disconnect(UNLOADING, self._onModuleAboutToBeUnloaded)

    def setup(self) -> None:
        """The real one adds the developer's reload section."""

    def cleanup(self) -> None:
        """For modules to override."""

    def onReload(self) -> None:
        slicer.util.reloadScriptedModule(self.moduleName)

    def resourcePath(self, filename: str) -> str:
        return os.path.join(
            os.path.dirname(getattr(slicer.modules, self.moduleName.lower()).path), "Resources", filename
        )


class ScriptedLoadableModuleLogic:
    def __init__(self, parent: Any = None) -> None:
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self) -> Any:
        """The singleton node of the module, made when absent, as in the real class."""
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
            node.UnRegister(None)
            node.SetSingletonTag(self.moduleName)
            node.SetName(self.moduleName)
            node = slicer.mrmlScene.AddNode(node)
            node.SetAttribute("ModuleName", self.moduleName)
        return node


class ScriptedLoadableModuleTest(unittest.TestCase):
    """The real one's setUp and tearDown do nothing: a test that wants an empty scene must make one."""

    def runTest(self) -> None:
        """The real one runs what is named test...; nothing here is."""


def reload(name: str) -> Any:
    """What ``slicer.util.reloadScriptedModule`` does, in its order; the new widget is not entered."""
    path = getattr(slicer.modules, name.lower()).path
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    widget = getattr(slicer.modules, name + "Widget")
    for child in widget.parent.real.children():
        if isinstance(child, QtWidgets.QWidget):
            child.hide()
    widget.cleanup()
    slicer.app.moduleManager().disconnect(UNLOADING, widget._onModuleAboutToBeUnloaded)
    layout = widget.parent.real.layout()
    for item in [layout.itemAt(n) for n in range(layout.count())]:
        layout.removeItem(item)
    made = getattr(module, name + "Widget")(widget.parent)
    setattr(slicer.modules, name + "Widget", made)
    made.setup()
    return module
