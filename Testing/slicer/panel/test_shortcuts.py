"""The keys of our buttons are nobody else's: Qt gives keys that two widgets wait for to neither."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from Testing.support.clinician import open_first, settle, suggestion_for


@pytest.fixture
def window(panel: Any, study: Any, slicer: Any) -> Iterator[Any]:
    """Slicer's main window, with all its keys and our panel beside the views, and a suggestion to judge."""
    from PySide6 import QtGui, QtTest, QtWidgets

    from Testing.support.slicer_harness.keys import OF_THE_EDITOR, OF_THE_WINDOW

    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    made = QtWidgets.QMainWindow()
    made.setCentralWidget(QtWidgets.QPushButton("views"))
    for keys in (*OF_THE_WINDOW, *OF_THE_EDITOR):
        QtGui.QShortcut(QtGui.QKeySequence(keys), made)
    dock = QtWidgets.QDockWidget()
    dock.setWidget(panel.root.real)
    made.addDockWidget(dock.allowedAreas().LeftDockWidgetArea, dock)
    made.show()
    made.activateWindow()
    assert QtTest.QTest.qWaitForWindowActive(made)
    made.centralWidget().setFocus()
    yield made
    dock.setWidget(QtWidgets.QWidget())
    panel.root.real.setParent(None)
    made.close()


def buttons(panel: Any) -> dict[str, Any]:
    """By their keys, those that a person may press now."""
    from PySide6 import QtWidgets

    found = panel.root.real.findChildren(QtWidgets.QPushButton)
    return {button.shortcut().toString(): button for button in found if not button.shortcut().isEmpty()}


def test_every_button_with_keys_is_pressed_by_them_in_slicers_window(window: Any, panel: Any, slicer: Any) -> None:
    """'Accept this case' had Ctrl+Shift+A, as Slicer's markups: a point was placed, or nothing happened."""
    from PySide6 import QtGui, QtTest

    there, pressed = buttons(panel), []
    assert len(there) == 6
    panel.training.worth_a_look = lambda: [object()]
    for keys, button in there.items():
        button.clicked.disconnect()
        button.clicked.connect(lambda *_, keys=keys: pressed.append(keys))
        button.setEnabled(True)
        assert button.isVisible(), keys
        QtTest.QTest.keySequence(window, QtGui.QKeySequence(keys))
        QtTest.QTest.qWait(150)  # a button that keys press goes down first
    assert pressed == list(there)


def test_the_tip_of_every_button_with_keys_tells_them(window: Any, panel: Any) -> None:
    assert [keys for keys, button in buttons(panel).items() if f"({keys})" not in button.toolTip()] == []


def test_keys_are_called_as_on_the_persons_keyboard(panel: Any, study: Any) -> None:
    """On a Mac the keys of Qt's Ctrl are the command key, and nothing happened where Ctrl was pressed as told."""
    from PySide6 import QtCore

    from SemiSegLib.panel.parts import button

    class German(QtCore.QTranslator):
        def translate(self, context: str, text: str, *_more: Any) -> str:
            return "Strg" if (context, text) == ("QShortcut", "Ctrl") else text

        def isEmpty(self) -> bool:
            return False

    there = German()
    QtCore.QCoreApplication.installTranslator(there)
    try:
        assert button(panel.root.layout(), "Next", "Tip", print, "Ctrl+Shift+N").toolTip == "Tip (Strg+Shift+N)"
        open_first(panel, study)
        panel.step.refresh()
        assert "(Strg+Return)" in panel.step.text.text
    finally:
        QtCore.QCoreApplication.removeTranslator(there)


@pytest.mark.skipif("SLICER_SOURCE" not in os.environ, reason="needs Slicer's sources: SLICER_SOURCE")
def test_the_list_of_slicers_keys_is_whole() -> None:
    from Testing.support.slicer_harness.keys import OF_THE_EDITOR, OF_THE_WINDOW, keys_in

    found = {keys.upper() for keys in keys_in(Path(os.environ["SLICER_SOURCE"]))}
    assert found - {keys.upper() for keys in (*OF_THE_WINDOW, *OF_THE_EDITOR)} == set()
    assert "CTRL+SHIFT+A" in found
