"""No text widens Slicer's module panel, which takes the room from the views."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from Testing.support.clinician import open_first, settle, suggestion_for

LONG = 4 * "A sentence as findings have them: which slice of which case is meant, what is wrong with it, what to do. "
CARD = "NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition, bfloat16"
TEXTS: dict[str, Callable[[Any], None]] = {
    "finding": lambda panel: set_text(panel.train.findings),
    "notice": lambda panel: panel.controller.say(LONG, "warning"),
    "why here": lambda panel: panel.review._show_reason(LONG),
    "what helps most": lambda panel: set_text(panel.review.advice),
    "export": lambda panel: set_text(panel.export.told),
}


def set_text(label: Any) -> None:
    label.text, label.visible = LONG, True


@pytest.fixture
def area(panel: Any, study: Any, slicer: Any) -> Iterator[Any]:
    from Testing.support.slicer_harness.module_panel import ModulePanel

    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.export.header.collapsed = False
    made = ModulePanel(panel.root.real)
    yield made
    made.empty()


@pytest.mark.parametrize("told", sorted(TEXTS))
def test_a_text_of_several_lines_does_not_widen_the_panel(area: Any, panel: Any, told: str) -> None:
    """From 416 to 589 pixels in Slicer, and back as the text went."""
    before = area.least_width()
    TEXTS[told](panel)
    assert area.least_width() == before


def test_the_name_of_a_graphics_card_does_not_widen_the_panel(panel: Any, study: Any, slicer: Any) -> None:
    from Testing.support.slicer_harness.module_panel import ModulePanel

    panel.preferences.set("device", CARD)
    panel.refresh_training()
    area = ModulePanel(panel.root.real)
    where = panel.train.choices.place.where
    assert CARD in where.itemText(0)
    area.least_width()
    assert where.real.sizeHint().width() < where.real.fontMetrics().horizontalAdvance(CARD)
    area.empty()


def test_a_label_keeps_room_for_a_word_beside_buttons(area: Any, panel: Any) -> None:
    area.resize(1, 900)
    area.least_width()
    assert panel.label.saved.width >= 80


@pytest.mark.parametrize("points", [9, 12, 16])
def test_a_notice_of_two_lines_moves_nothing_below_it_in_any_font(
    slicer: Any, study: Any, tmp_path: Any, points: int
) -> None:
    """The room was of 44 pixels: of two lines in fonts of 9 points only."""
    import qt
    from PySide6 import QtCore, QtWidgets

    from SemiSegLib.panel import Panel
    from Testing.support.clinician import FakeConnection, FakeInstaller
    from Testing.support.slicer_harness.module_panel import ModulePanel

    font = QtWidgets.QApplication.font()
    larger = QtWidgets.QApplication.font()
    larger.setPointSize(points)
    QtWidgets.QApplication.setFont(larger)
    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    panel = Panel(root.layout(), FakeInstaller(tmp_path / "environment"), FakeConnection())
    area = ModulePanel(root.real, 600)
    try:
        area.least_width()
        before = panel.cases.header.real.mapTo(root.real, QtCore.QPoint(0, 0)).y()
        panel.controller.say("A first line of a notice.\nA second line.", "good")
        area.least_width()
        assert panel.cases.header.real.mapTo(root.real, QtCore.QPoint(0, 0)).y() == before
    finally:
        QtWidgets.QApplication.setFont(font)
        area.empty()
        panel.close()
