"""Which cases an export of the whole study writes, which it leaves out, and what it says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.study import all_slices
from Testing.support.clinician import ball, open_first, settle, suggestion_for


def draw_all(case: Any) -> None:
    case.set_slices(ball(case.grid.shape), all_slices(case.grid.shape), "ada")


def export(panel: Any, which: int, folder: Path) -> set[str]:
    """Names of the label maps that are there then."""
    panel.export.which.currentIndex = which
    panel.export.folder.text = str(folder)
    panel.export.on_export()
    settle(panel)
    return {path.name for path in folder.glob("*.nrrd") if not path.name.endswith(".seg.nrrd")}


@pytest.fixture
def mixed(panel: Any, study: Any) -> Any:
    """The first case fully drawn, the second accepted, of the third only a suggestion; open in the panel."""
    drawn, accepted, suggested = study.cases
    draw_all(drawn)
    for case in (accepted, suggested):
        suggestion_for(case)
    accepted.accept("ada")
    open_first(panel, study)
    return study


def test_finished_are_the_drawn_and_the_accepted_and_the_others_are_named(
    panel: Any, mixed: Any, tmp_path: Path
) -> None:
    drawn, accepted, suggested = mixed.cases
    assert export(panel, 1, tmp_path / "out") == {f"{drawn.id}.nrrd", f"{accepted.id}.nrrd"}
    text, level = panel.controller.notice
    assert level == "good"
    assert "verified: 4." in text
    assert f"Left out, because nobody has accepted their suggestions: {suggested.name}." in text
    assert f"○ {suggested.name}: not accepted yet" in panel.export.told.text
    assert "accepted" in json.loads((tmp_path / "out" / f"{accepted.id}-provenance.json").read_text())["status"]


def test_all_cases_are_the_fully_drawn_too(panel: Any, mixed: Any, tmp_path: Path) -> None:
    assert export(panel, 2, tmp_path / "out") == {f"{case.id}.nrrd" for case in mixed.cases}
    assert "verified: 6." in panel.controller.notice[0]
    assert "Left out" not in panel.controller.notice[0]


def test_a_case_that_is_half_drawn_has_no_result_and_is_not_written(panel: Any, study: Any, tmp_path: Path) -> None:
    first, second = study.cases[:2]
    first.set_slices(ball(first.grid.shape), all_slices(first.grid.shape)[:-1], "ada")
    draw_all(second)
    panel.controller.open_study(study.folder)
    settle(panel)
    assert export(panel, 2, tmp_path / "out") == {f"{second.id}.nrrd"}


def test_whose_a_file_is_is_told_where_its_name_does_not_say_so(panel: Any, mixed: Any, tmp_path: Path) -> None:
    """Files are called in plain letters: of names in others nothing is left but a number."""
    from SemiSegLogic.geometry import Grid

    array = ball((12, 32, 36))
    for number, name in enumerate(("Иванов", "肝臓")):
        draw_all(mixed.add_volume(array + number, Grid(array.shape), name))
    half = mixed.add_volume(array + 2, Grid(array.shape), "Ёлка")
    panel.controller.open_study(mixed.folder)
    settle(panel)
    names = export(panel, 1, tmp_path / "out")
    assert {"x.nrrd", "x-2.nrrd"} <= names
    assert panel.export.told.text.count("<br>✔ Иванов: x.seg.nrrd: verified<br>") == 1
    assert "<br>✔ 肝臓: x-2.nrrd: verified" in panel.export.told.text
    assert "✔ scan0.nrrd: verified" in panel.export.told.text, "whose it is it says itself"
    assert json.loads((tmp_path / "out" / "x-2-provenance.json").read_text())["name"] == "肝臓"
    panel.controller.results.export(tmp_path / "out", ["nrrd"], [half.id], panel.export._done)
    settle(panel)
    assert panel.export.told.text.startswith("✖ Ёлка: ")
    assert "Ёлка: " in panel.controller.notice[0]


def test_when_nothing_is_finished_it_says_what_to_do_and_writes_nothing(
    panel: Any, study: Any, tmp_path: Path
) -> None:
    for case in study.cases:
        suggestion_for(case)
    panel.controller.open_study(study.folder)
    settle(panel)
    assert export(panel, 1, tmp_path / "out") == set()
    text, level = panel.controller.notice
    assert level == "warning"
    assert "No case is finished yet: accept one, or draw all its slices." in text
    assert "scan0, scan1, scan2" in text


def test_the_table_tells_a_fully_drawn_case_from_one_with_some_slices(panel: Any, mixed: Any) -> None:
    mixed.cases[2].discard_suggestion()
    mixed.cases[2].set_slices(np.zeros(mixed.cases[2].grid.shape, np.uint8), all_slices((2, 1, 1)), "ada")
    panel.controller.refresh()
    settle(panel)
    shown = [panel.cases.table.real.item(number, 2).text() for number in range(3)]
    assert shown == ["● fully drawn", "✔ accepted", "◐ slices drawn"]


def test_the_panel_and_the_command_line_choose_the_same(panel: Any, mixed: Any, tmp_path: Path) -> None:
    from SemiSegLogic.cli import run

    for which, flags in ((1, ["--finished"]), (2, [])):
        here, there = tmp_path / f"panel{which}", tmp_path / f"terminal{which}"
        export(panel, which, here)
        assert run(["export", str(mixed.folder), "--to", str(there), *flags]) == 0
        assert {path.name for path in there.glob("*.nrrd")} == {path.name for path in here.glob("*.nrrd")}


def test_a_mask_whose_record_is_damaged_is_written_and_the_record_begun_anew(
    panel: Any, study: Any, tmp_path: Path
) -> None:
    case = study.cases[0]
    suggestion_for(case)
    case.accept("ada")
    (case.folder / "provenance.json").write_text("{")
    open_first(panel, study)
    assert panel.cases.table.real.item(0, 2).text() == "✔ accepted", "only its suggestion's record is damaged"
    assert panel.cases.table.real.item(0, 4).text() == "origin not known"
    assert export(panel, 1, tmp_path / "out") == {f"{case.id}.nrrd"}
    text, level = panel.controller.notice
    assert level == "warning"
    assert "verified: 2." in text
    assert "Not exported" not in text
    assert f"{case.id}: It is not known which model made its suggestion: the record was damaged. " in text
    assert "A new record was started" in text
    assert (case.folder / "provenance.damaged.json").read_text() == "{"
    told = json.loads((tmp_path / "out" / f"{case.id}-provenance.json").read_text())
    assert told["suggestion"]["damaged"] == "provenance.damaged.json"
    assert "It is not known which model" in panel.review.origin.text
    assert panel.cases.table.real.item(0, 4).text() != "origin not known"
    export(panel, 1, tmp_path / "out")
    assert panel.controller.notice[1] == "good", "told once"


def test_a_record_that_cannot_be_begun_anew_does_not_keep_the_mask_back(
    panel: Any, study: Any, tmp_path: Path
) -> None:
    from SemiSegLogic.study import Study

    case = study.cases[0]
    suggestion_for(case)
    (case.folder / "provenance.json").write_text("{")
    panel.controller.open_study(study.folder)
    settle(panel)
    with Study.open(study.folder).case(case.id).writing():
        assert export(panel, 2, tmp_path / "out") == {f"{case.id}.nrrd"}
    assert "is being changed by" in panel.controller.notice[0]
    assert json.loads((tmp_path / "out" / f"{case.id}-provenance.json").read_text())["suggestion"] is None
