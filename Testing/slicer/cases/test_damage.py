"""Files that were damaged or taken away by others: the case opens or says why, and nothing drawn is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Study, read_mask
from Testing.support.clinician import ball, draw, open_first, settle, suggestion_for


def cut_short(case: Any, _study: Any) -> None:
    path = case.folder / "suggestion.seg.nrrd"
    path.write_bytes(path.read_bytes()[:400])


def without_its_structure(case: Any, study: Any) -> None:
    study.remove_structure(2)


def of_nobody(case: Any, _study: Any) -> None:
    (case.folder / "provenance.json").write_text("{")


@pytest.mark.parametrize("harm", [cut_short, without_its_structure, of_nobody])
def test_a_case_whose_suggestion_is_no_use_opens_says_so_and_lets_it_be_rejected(
    panel: Any, study: Any, harm: Any
) -> None:
    case = study.cases[0]
    suggestion_for(case)
    harm(case, study)
    open_first(panel, study)
    opened = panel.controller.open_case
    assert opened is not None
    assert opened.id == case.id
    assert case.name in panel.controller.notice[0]
    assert "Train again to replace it" in panel.controller.notice[0]
    assert not panel.review._case_box.isHidden()
    assert panel.review.reject.enabled
    panel.review.on_reject()
    settle(panel)
    assert not case.has_suggestion
    assert panel.review._case_box.isHidden()
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    assert np.array_equal(case.labels()[6] == 1, truth == 1)


def test_a_damaged_uncertainty_does_not_take_the_suggestion_away(panel: Any, study: Any) -> None:
    case = study.cases[0]
    suggestion_for(case)
    (case.folder / "uncertainty.nrrd").write_bytes(b"NRRD0005\n")
    open_first(panel, study)
    assert np.array_equal(panel.controller.open_case.suggestion, ball(case.grid.shape))
    assert "uncertainty.nrrd" in panel.controller.notice[0]
    assert panel.review.accept.enabled


def test_a_case_removed_under_ones_hands_is_told_kept_beside_and_can_be_left(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    Study.open(study.folder).remove_case(case.id)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    text, level = panel.controller.notice
    assert level == "error"
    assert f"{case.id} was removed from the study" in text
    assert "disk" not in text
    (kept,) = (study.folder / "removed").glob("*.seg.nrrd")
    assert str(kept) in text
    assert np.array_equal(read_mask(kept, study.structures.names).array[6], truth)
    panel.cases.on_case(0)
    settle(panel)
    assert panel.controller.open_case.name == "scan1"
    assert [row.name for row in panel.controller.rows] == ["scan1", "scan2"]


def test_a_case_removed_with_strokes_unsaved_is_left_at_the_first_click_and_they_are_kept(
    panel: Any, study: Any
) -> None:
    case = open_first(panel, study)
    Study.open(study.folder).remove_case(case.id)
    truth = draw(panel, 5)
    panel.cases.on_case(1)
    settle(panel)
    assert panel.controller.open_case.name == "scan1"
    (kept,) = (study.folder / "removed").glob("*.seg.nrrd")
    assert str(kept) in panel.controller.notice[0]
    assert np.array_equal(read_mask(kept, study.structures.names).array[5], truth)


def test_a_drawing_that_cannot_be_saved_says_the_real_reason_when_another_case_is_clicked(
    panel: Any, study: Any, tmp_path: Path
) -> None:
    open_first(panel, study)
    draw(panel, 5)
    (study.folder / "cases").rename(tmp_path / "cases")
    panel.controller.labelling.save_now()
    settle(panel)
    why = panel.controller.labelling.failed
    assert "No such file" in why
    (tmp_path / "cases").rename(study.folder / "cases")
    panel.controller.labelling.unsaved = False
    panel.cases.on_case(1)
    settle(panel)
    assert why in panel.controller.notice[0]
    assert "Make room" not in panel.controller.notice[0]


def test_a_click_on_a_damaged_case_says_what_is_damaged_and_how_it_is_mended(panel: Any, study: Any) -> None:
    open_first(panel, study)
    broken = study.cases[1]
    (broken.folder / "case.json").write_text("{")
    assert panel.cases.repair.real.isHidden()
    panel.controller.refresh()
    settle(panel)
    panel.cases.on_case(panel.cases.ids.index(broken.id))
    settle(panel)
    text, level = panel.controller.notice
    assert level == "error"
    assert "case.json is damaged" in text
    assert "Press 'Repair the study' below the list." in text
    assert panel.controller.open_case.name == "scan0"
    assert panel.controller.showing.wanted == panel.controller.open_case.id
    assert not panel.cases.repair.real.isHidden()
    panel.cases.menu.on_repair()
    settle(panel)
    text, level = panel.controller.notice
    assert (level, "case.json was damaged and has been replaced with its copy" in text) == ("good", True)
    assert panel.cases.repair.real.isHidden()
    panel.cases.on_case(1)
    settle(panel)
    assert panel.controller.open_case.name == "scan1"
    assert panel.controller.showing.case().places == []
    assert SliceIndex(0, 6) not in panel.controller.open_case.done


def test_a_study_that_cannot_be_opened_for_damage_is_repaired_by_a_button_and_opened(panel: Any, study: Any) -> None:
    (study.folder / "study.json").write_text('{"format": 1')
    panel.controller.open_study(study.folder)
    settle(panel)
    assert panel.controller.study is None
    assert "study.json is damaged" in panel.controller.notice[0]
    assert "Press 'Repair the study'" in panel.controller.notice[0]
    assert not panel.cases.repair.real.isHidden()
    panel.cases.menu.on_repair()
    settle(panel)
    assert [row.name for row in panel.controller.rows] == ["scan0", "scan1", "scan2"]
    assert "study.json was damaged and has been replaced with its copy" in panel.controller.notice[0]
    assert panel.cases.repair.real.isHidden()


def test_what_cannot_be_repaired_is_said_and_no_button_is_offered_for_it(panel: Any, study: Any) -> None:
    for name in ("study.json", "study.backup.json"):
        (study.folder / name).write_text("{")
    panel.controller.open_study(study.folder)
    settle(panel)
    text, level = panel.controller.notice
    assert level == "error"
    assert "restore the study from a backup" in text
    assert panel.cases.repair.real.isHidden()


def test_a_study_that_needs_no_repair_is_told_so(panel: Any, study: Any) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.menu.on_repair()
    settle(panel)
    assert "nothing needed repair" in panel.controller.notice[0]


def test_an_export_of_all_writes_what_it_can_and_says_at_the_end_what_is_left_out_and_why(
    panel: Any, study: Any, tmp_path: Path
) -> None:
    for case in study.cases:
        suggestion_for(case)
    first, second, third = study.cases
    cut_short(first, study)
    (second.folder / "case.json").write_text("{")
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.export.which.currentIndex = 2
    panel.export.folder.text = str(tmp_path / "out")
    panel.export.on_export()
    assert panel.export.told.text.startswith("Writing")
    settle(panel)
    assert {path.name for path in (tmp_path / "out").glob("[!.]*")} == {
        f"{third.id}.seg.nrrd", f"{third.id}.nrrd", f"{third.id}-provenance.json"
    }  # fmt: skip
    text, level = panel.controller.notice
    assert level == "warning"
    assert "and verified: 2." in text
    assert f"{first.id}: " in text
    assert "suggestion.seg.nrrd" in text
    assert f"{second.id}: " in text
    assert "case.json is damaged" in text
    assert third.id not in text
    told = panel.export.told.text.split("<br>")
    assert [line[0] for line in told if line] == ["✖", "✖", "✔", "✔"]


def test_an_export_in_which_everything_succeeds_tells_the_number_of_all_files(panel: Any, study: Any) -> None:
    for case in study.cases:
        suggestion_for(case)
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.export.which.currentIndex = 2
    panel.export.on_export()
    settle(panel)
    assert panel.controller.notice == (f"Files written to {study.exports} and verified: 6.", "good")
