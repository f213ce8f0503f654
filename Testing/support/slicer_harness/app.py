"""A Slicer to open a scripted module in: ``import qt, ctk, slicer`` work after :func:`boot`, without a real Slicer.

What this cannot show: the layout manager, real Segment Editor effects, mouse interaction, styles of the application.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import tempfile
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def boot() -> types.ModuleType:
    """Start once per process; returns ``slicer``. Raises ImportError without slicer-core or PySide6."""
    import slicer
    import slicer.util

    slicer.util = sys.modules["slicer.util"]  # lost when somebody asked for slicer.i18n before, which the wheel lacks
    if getattr(slicer, "harness", None) is None:
        from PySide6 import QtWidgets

        _keep_constants_alive()

        QtWidgets.QApplication.instance() or QtWidgets.QApplication(["slicer-test"])
        slicer.harness = Harness(slicer)
    return slicer  # type: ignore[no-any-return]


def _keep_constants_alive() -> None:
    """This PySide6 hands constants out without counting them, as if Python were 3.12, where they cannot die."""
    if sys.version_info < (3, 12):
        for constant in (None, True, False, Ellipsis, NotImplemented, "", b"", (), *range(-5, 257)):
            ctypes.c_ssize_t.from_address(id(constant)).value += 1 << 40


class Harness:
    """What was started, and what the module asked of the user: ``asked``, answered from ``answers``.

    The application goes on while a question stands there, and timers beat: ``meanwhile()`` is done before an answer is
    given.
    """

    def __init__(self, slicer: Any) -> None:
        from .core import Core

        self.core = Core()
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, Any] = {}
        self.meanwhile: Callable[[], None] = lambda: None
        self.scratch = tempfile.mkdtemp(prefix="semiseg-harness-")
        self._modules(slicer)
        self._prompts(slicer)
        self._scripted(slicer)
        slicer.app = Application(self)

    def _modules(self, slicer: Any) -> None:
        from PySide6 import QtCore, QtGui, QtWidgets

        from . import segment_editor, widgets
        from .facts import listed
        from .wrap import expose

        made = {"qt": types.ModuleType("qt"), "ctk": types.ModuleType("ctk")}
        places = (QtWidgets, QtGui, QtCore, widgets, segment_editor)
        for name in listed():
            module, cls = name.split(".")
            found = next((getattr(m, cls) for m in places if hasattr(m, cls)), None)
            if found is not None:
                setattr(made.get(module, slicer), cls, expose(module, found))
        made["qt"].Qt = QtCore.Qt  # type: ignore[attr-defined]
        made["qt"].QFileDialog = FileDialogs(self)  # type: ignore[attr-defined]
        sys.modules.update(made)

    def answer(self, kind: str, text: str, default: Any) -> Any:
        """Keep what was asked; the answer set for ``kind``, else ``default``."""
        self.asked.append((kind, text))
        self.meanwhile()
        return self.answers.get(kind, default)

    def _prompts(self, slicer: Any) -> None:
        """The message boxes of ``slicer.util`` (its other functions are the real ones)."""
        for name, kind, default in (
            ("confirmOkCancelDisplay", "confirm", True),
            ("confirmYesNoDisplay", "confirm", True),
            ("errorDisplay", "error", None),
            ("warningDisplay", "warning", None),
            ("infoDisplay", "info", None),
        ):
            setattr(slicer.util, name, self._prompt(getattr(slicer.util, name), kind, default))
        slicer.util.showStatusMessage = lambda text, *_: self.asked.append(("status", text))

    def _prompt(self, real: Any, kind: str, default: Any) -> Any:
        import inspect

        signature = inspect.signature(real)

        def shown(*values: Any, **named: Any) -> Any:
            signature.bind(*values, **named)  # a call the real function would refuse fails here too
            return self.answer(kind, str(values[0]), default)

        return shown

    def _scripted(self, slicer: Any) -> None:
        from . import i18n, scripted
        from .wrap import expose

        slicer.util.reloadScriptedModule = scripted.reload
        area = scripted.qSlicerScriptedLoadableModuleWidget
        slicer.qSlicerScriptedLoadableModuleWidget = expose("slicer", area)
        for name, module in (("i18n", i18n), ("ScriptedLoadableModule", scripted)):
            sys.modules[f"slicer.{name}"] = module
            setattr(slicer, name, module)


class FileDialogs:
    """``qt.QFileDialog``: its static functions, in place of their windows, with the arguments that they take, none of
    them by name.
    """

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    def getExistingDirectory(self, parent: Any = None, caption: str = "", dir: str = "", /) -> str:
        return str(self._asked("folder", parent, (caption, dir)) or "")

    def getOpenFileNames(self, parent: Any = None, caption: str = "", dir: str = "", filter: str = "", /) -> Any:
        """A tuple of texts, as PythonQt makes of a QStringList."""
        return tuple(str(name) for name in self._asked("files", parent, (caption, dir, filter)) or ())

    def _asked(self, kind: str, parent: Any, texts: tuple[str, ...]) -> Any:
        from PySide6 import QtWidgets

        if parent is not None and not isinstance(getattr(parent, "real", None), QtWidgets.QWidget):
            raise TypeError(f"The parent of a dialog is a widget, not {parent!r}.")
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise TypeError(f"Texts are wanted, not {wrong}.")
        return self._harness.answer(kind, "", None)


class Application:
    """``slicer.app``: held to the list of facts like a widget."""

    def __init__(self, harness: Harness) -> None:
        self.applicationVersion, self.majorVersion, self.minorVersion = "5.12.4", 5, 12
        self.slicerHome = ""
        self._harness = harness
        self.slots: dict[str, list[Any]] = {}
        self._modules = ModuleManager()

    def moduleManager(self) -> ModuleManager:
        return self._modules

    @property
    def temporaryPath(self) -> str:
        """As in the application it is made when it is asked for, should it have gone."""
        Path(self._harness.scratch).mkdir(parents=True, exist_ok=True)
        return self._harness.scratch

    def quit(self) -> None:
        """As the application does it: its own slot comes first, which unloads every module; then those of others that
        are still connected.
        """
        self._modules.unload()
        for slot in list(self.slots.get("aboutToQuit()", ())):
            if slot in self.slots["aboutToQuit()"]:
                slot()

    def startupEnvironment(self) -> Any:
        from PySide6 import QtCore

        return QtCore.QProcessEnvironment.systemEnvironment()

    def applicationLogic(self) -> Any:
        return self._harness.core.application

    def testingEnabled(self) -> bool:
        return True

    def processEvents(self) -> None:
        from PySide6 import QtWidgets

        QtWidgets.QApplication.processEvents()

    def connect(self, signal: str, slot: Any) -> bool:
        from .facts import facts_of

        facts = facts_of("slicer.qSlicerApplication")
        if facts is None or signal not in facts.signals:
            raise AttributeError(f"slicer.app of the real application has no signal '{signal}'.")
        self.slots.setdefault(signal, []).append(slot)
        return True

    def disconnect(self, signal: str, slot: Any) -> bool:
        self.slots[signal].remove(slot)
        return True


class ModuleManager:
    """``slicer.app.moduleManager()``, as far as scripted modules hear of it."""

    def __init__(self) -> None:
        self._slots: list[Any] = []

    def connect(self, signal: str, slot: Any) -> bool:
        if signal != "moduleAboutToBeUnloaded(QString)":
            raise AttributeError(f"The stand-in's module manager has no signal '{signal}'.")
        self._slots.append(slot)
        return True

    def disconnect(self, signal: str, slot: Any) -> bool:
        there = slot in self._slots
        if there:
            self._slots.remove(slot)
        return there

    def unload(self) -> None:
        """Every module goes, each after those that depend on it."""
        for slot in list(self._slots):
            slot(slot.__self__.moduleName)


def load_module(path: Path) -> tuple[types.ModuleType, Any]:
    """Import ``<Name>.py`` as Slicer does; the Python module and the instance of its module class."""
    import slicer

    from .scripted import ModuleObject

    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    module = importlib.import_module(path.stem)
    about = ModuleObject(str(path))
    instance = getattr(module, path.stem)(about)
    setattr(slicer.modules, path.stem.lower(), types.SimpleNamespace(name=path.stem, path=str(path)))
    return module, instance


def open_panel(module: types.ModuleType, enter: bool = True) -> Any:
    """The module's widget in its area, set up and, unless ``enter`` is False, entered, as Slicer does it."""
    import slicer

    parent = slicer.qSlicerScriptedLoadableModuleWidget()
    parent.setMRMLScene(slicer.mrmlScene)
    widget = getattr(module, module.__name__ + "Widget")(parent)
    setattr(slicer.modules, module.__name__ + "Widget", widget)
    widget.setup()
    if enter:
        parent.real._entered = True
        widget.enter()
    return widget
