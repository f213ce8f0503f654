"""Names as hospitals give them, long and full of signs, are shown whole and do not stretch the panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid
from Testing.support.clinician import ball, settle

LONG = "Patient_003_Verlaufskontrolle_nach_Teilresektion_Nervus_vestibulocochlearis_T1_KM_axial"
SIGNS = "T1 <b>&lt; 3 mm"
ENDLESS = "1.2.840.113619.2.55.3.604688119.971.1459844413.467.1.2.840.113619.2.55"


def opened(panel: Any, folder: Path, name: str) -> Any:
    from SemiSegLogic.study import Study, write_image

    study = Study.create(folder / "study", structures=["ball"])
    grid = Grid((6, 12, 14), (2.0, 1.0, 1.0))
    write_image(folder / "a.nrrd", 400 * ball(grid.shape), grid)
    case = study.add_case(folder / "a.nrrd", name=name)
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.controller.showing.show(case.id)
    settle(panel)
    return study


def shown(label: Any) -> str:
    """What a person reads of a label with bold words."""
    from PySide6 import QtGui

    document = QtGui.QTextDocument()
    document.setHtml(label.text)
    return document.toPlainText().replace("\N{ZERO WIDTH SPACE}", "")


def least_width(panel: Any) -> int:
    import slicer

    panel.root.real.show()
    for _ in range(3):
        slicer.app.processEvents()
    return int(panel.root.real.layout().totalMinimumSize().width())


@pytest.mark.parametrize("name", [LONG, ENDLESS, "Q" * 90])
def test_a_long_name_does_not_widen_the_panel(panel: Any, tmp_path: Path, name: str) -> None:
    opened(panel, tmp_path, "a")
    before = least_width(panel)
    (tmp_path / "more").mkdir()
    opened(panel, tmp_path / "more", name)
    assert shown(panel.label.here).startswith(f"{name}, ")
    assert least_width(panel) <= before + 20


def test_signs_in_a_name_are_letters_and_no_marks(panel: Any, tmp_path: Path) -> None:
    opened(panel, tmp_path, SIGNS)
    assert shown(panel.label.here).startswith(f"{SIGNS}, ")
    panel.controller.say(f"{SIGNS} is open.")
    panel.tick()
    assert panel.step.notice.text == f"{SIGNS} is open."
    assert "Plain" in str(panel.step.notice.real.textFormat())


def test_names_have_the_room_unless_what_is_known_of_a_suggestion_is_wordy(
    panel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PySide6 import QtWidgets

    from SemiSegLib.panel import cases

    study = opened(panel, tmp_path, LONG)
    header, mode = panel.cases.table.real.horizontalHeader(), QtWidgets.QHeaderView.ResizeMode
    assert [header.sectionResizeMode(column) for column in (1, 4)] == [mode.Stretch, mode.ResizeToContents]
    case = study.cases[0]
    label = (ball(case.grid.shape) > 0).astype(np.uint8)
    case.put_suggestion(label, 0 * label, {"method": "bcp", "run": "run-1"})
    panel.controller.refresh()
    settle(panel)
    assert panel.cases.table.item(0, 4).text()
    assert [header.sectionResizeMode(column) for column in (1, 4)] == [mode.Stretch, mode.ResizeToContents]
    monkeypatch.setattr(cases, "FEW_LETTERS", 3)  # as in a language of long words
    panel.cases.order.currentIndex = 1  # filled anew
    assert [header.sectionResizeMode(column) for column in (1, 4)] == [mode.Stretch, mode.Stretch]
