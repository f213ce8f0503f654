"""A Slicer to test in, where slicer-core and PySide6 are installed; these tests are skipped elsewhere."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in (ROOT, ROOT / "SemiSegExtension"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

from SemiSegLogic.geometry import Grid  # noqa: E402
from Testing.support.clinician import FakeConnection, FakeInstaller, ball, noise  # noqa: E402


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """``slicer`` with scene, qt and ctk."""
    missing = [name for name in ("slicer", "PySide6") if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"needs slicer-core and PySide6 (pip install 'semiseg[slicer]'): {missing} not found")
    from Testing.support.slicer_harness.app import boot

    slicer = boot()
    from PySide6 import QtCore

    settings = QtCore.QSettings
    settings.setDefaultFormat(settings.Format.IniFormat)
    settings.setPath(settings.Format.IniFormat, settings.Scope.UserScope, str(tmp_path_factory.mktemp("settings")))
    QtCore.QCoreApplication.setOrganizationName("SemiSegTest")
    return slicer


@pytest.fixture
def slicer(started: Any) -> Iterator[Any]:
    """The same with an empty scene and nothing asked; afterwards no slot may have raised, and every text that was shown
    can be translated.
    """
    from PySide6 import QtCore

    from Testing.support.slicer_harness.i18n import out_of_reach
    from Testing.support.slicer_harness.wrap import slot_errors

    started.mrmlScene.Clear()
    node = started.mrmlScene.GetSingletonNode("SemiSeg", "vtkMRMLScriptedModuleNode")
    if node is not None:
        started.mrmlScene.RemoveNode(node)
    QtCore.QSettings().clear()
    started.harness.asked.clear()
    started.harness.answers.clear()
    started.harness.meanwhile = lambda: None
    slot_errors.clear()
    yield started
    assert slot_errors == []
    assert out_of_reach() == []


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
