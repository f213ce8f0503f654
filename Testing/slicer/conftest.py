"""A Slicer to test in, where slicer-core and PySide6 are installed; these tests are skipped elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "SemiSegExtension", Path(__file__).parent):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from SemiSegLogic.geometry import Grid, SliceIndex  # noqa: E402


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``slicer`` with scene, qt and ctk."""
    try:
        from Testing.support.slicer_harness.app import boot

        slicer = boot()
    except ImportError as missing:
        pytest.skip(f"needs slicer-core and PySide6 (pip install 'semiseg[slicer]'): {missing}")
    from PySide6 import QtCore

    settings = QtCore.QSettings
    settings.setDefaultFormat(settings.Format.IniFormat)
    settings.setPath(settings.Format.IniFormat, settings.Scope.UserScope, str(tmp_path_factory.mktemp("settings")))
    QtCore.QCoreApplication.setOrganizationName("SemiSegTest")
    return slicer


@pytest.fixture
def slicer(started: Any) -> Iterator[Any]:
    """The same with an empty scene and nothing asked; afterwards no slot may have raised."""
    from PySide6 import QtCore

    from Testing.support.slicer_harness.wrap import slot_errors

    started.mrmlScene.Clear()
    node = started.mrmlScene.GetSingletonNode("SemiSeg", "vtkMRMLScriptedModuleNode")
    if node is not None:
        started.mrmlScene.RemoveNode(node)
    QtCore.QSettings().clear()
    started.harness.asked.clear()
    started.harness.answers.clear()
    slot_errors.clear()
    yield started
    assert slot_errors == []


@pytest.fixture
def study(tmp_path: Path) -> Any:
    """Three small cases with a ball each; structures ball and core."""
    from SemiSegLogic.study import Study, write_image

    made = Study.create(tmp_path / "study", structures=["ball", "core"])
    for number in range(3):
        grid = Grid((12, 32, 36), (2.0, 1.0, 1.0), (-10.0, 5.0, 20.0 + number))
        write_image(tmp_path / f"scan{number}.nrrd", 400 * ball(grid.shape) + noise(grid.shape, number), grid)
        made.add_case(tmp_path / f"scan{number}.nrrd")
    return made


def ball(shape: tuple[int, int, int]) -> Any:
    """int16 (k, j, i): 1 in a ball in the middle, 2 in its core."""
    k, j, i = np.indices(shape)
    radius = np.sqrt(((k - shape[0] / 2) * 2) ** 2 + (j - shape[1] / 2) ** 2 + (i - shape[2] / 2) ** 2)
    return ((radius < 9).astype(np.int16) + (radius < 4)).astype(np.int16)


def noise(shape: tuple[int, int, int], seed: int) -> Any:
    return np.random.default_rng(seed).normal(100, 25, shape).astype(np.int16)


class FakeConnection:
    """Training without an engine: ``tell`` sets what the next look finds."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.found, self.next_look = "", None

    def __call__(self, study: Any) -> FakeConnection:
        return self

    def start(self, order: Any) -> str:
        self.calls.append(order)
        return "run-1"

    def look(self, job: str) -> Any:
        if isinstance(self.next_look, Exception):
            raise self.next_look
        return self.next_look

    def stop(self, job: str) -> None:
        self.calls.append("stop")

    def resume(self, job: str) -> None:
        self.calls.append("resume")

    def add_labels(self, job: str, case: str) -> None:
        self.calls.append(("labels", case))

    def newest(self) -> str:
        return self.found


class FakeInstaller:
    """An environment that is in whatever state a test says."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kind, self.calls = folder, "ready", []
        self.python, self.text = [sys.executable], ""

    def look(self) -> Any:
        return SimpleNamespace(kind=self.kind, text=self.text)

    def environment(self) -> dict[str, str]:
        return {}

    def start(self, base: Any) -> None:
        self.calls.append(list(base))
        self.kind = "installing"

    def cancel(self) -> None:
        self.kind = "unfinished"

    def remove(self) -> None:
        self.kind = "absent"

    def log_text(self, size: int = 0) -> str:
        return "Collecting torch\n  Downloading torch-2.13.0 (180 MB)\nCollecting monai"


@pytest.fixture
def panel(slicer: Any, tmp_path: Path) -> Iterator[Any]:
    """The panel, entered, over fakes; ``panel.root`` is the widget to look at."""
    import qt

    from SemiSegLib.panel import Panel

    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    made = Panel(root.layout(), FakeInstaller(tmp_path / "environment"), FakeConnection())
    made.root, made.connection = root, made.training._connect
    made.enter()
    yield made
    made.close()


def settle(panel: Any, seconds: float = 20.0) -> None:
    """Let the threads finish and the panel take over what they found."""
    import time

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        panel.controller.disk.poll()
        panel.training.jobs.poll()
        if not panel.controller.disk.busy and not panel.training.jobs.busy:
            return
        time.sleep(0.005)
    raise TimeoutError(f"still busy: {panel.controller.disk.busy} {panel.training.jobs.busy}")


def paint(panel: Any, value: int, place: SliceIndex, mask: Any) -> None:
    """What a brush does: change one slice of one segment through Slicer's own editor logic, with undo."""
    from vtk.util.numpy_support import vtk_to_numpy

    editor, node = panel.label.editor.widget.real.editor, panel.screen.segmentation
    editor.UpdateReferenceGeometryImage()
    editor.ResetModifierLabelmapToDefault()
    image = editor.GetModifierLabelmap()
    voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
    np.moveaxis(voxels, place.axis, 0)[place.index][mask] = 1
    image.Modified()
    editor.SaveStateForUndo()
    editor.ModifySegmentByLabelmap(node, f"SemiSeg_{value}", image, editor.ModificationModeAdd, False, False)
