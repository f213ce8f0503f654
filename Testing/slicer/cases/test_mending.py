"""A case is taken out of the study, or told where its image lies now: refused in words, and nothing is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.study import Study, write_image
from Testing.slicer.labelling.test_two_windows import other
from Testing.support.clinician import ball, draw, noise, open_first, settle

__all__ = ["other"]


def entries(panel: Any) -> list[str]:
    return [action.text() for action in panel.cases.menu._menu.real.actions()]


def press(panel: Any, number: int) -> None:
    panel.cases.menu._menu.real.actions()[number].trigger()
    settle(panel)
    settle(panel)


def remove(panel: Any, case: Any) -> None:
    panel.cases.menu.on_remove(case.id)
    settle(panel)
    settle(panel)


@pytest.fixture
def referring(tmp_path: Path, panel: Any) -> Any:
    """A study of two cases whose images lie where they were made, open in the panel, and a drawn slice in the first."""
    study = Study.create(tmp_path / "outside", structures=["ball", "core"])
    for number in range(2):
        grid = Grid((12, 32, 36), (2.0, 1.0, 1.0), (0.0, 0.0, float(number)))
        write_image(tmp_path / f"far{number}.nrrd", 400 * ball(grid.shape) + noise(grid.shape, number), grid)
        study.add_case(tmp_path / f"far{number}.nrrd", copy=False)
    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    panel.cases.on_case(1)
    settle(panel)
    return study


def test_a_right_click_and_the_button_below_the_list_offer_the_same(panel: Any, study: Any) -> None:
    open_first(panel, study)
    table = panel.cases.table.real
    panel.cases.menu.on_right_click(table.visualItemRect(table.item(1, 1)).center())
    assert entries(panel) == [
        "Open scan1", "The image of scan1 has moved …", "Earlier versions of what was drawn in scan1 …",
        "Remove scan1 from the study …"]
    table.setCurrentCell(2, 0)
    panel.cases.menu.on_button()
    assert entries(panel)[0] == "Open scan2"
    press(panel, 0)
    assert panel.controller.open_case.name == "scan2"


def test_a_click_beside_the_rows_opens_no_menu_and_the_button_says_what_is_missing(panel: Any, study: Any) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    table = panel.cases.table.real
    panel.cases.menu.on_right_click(table.rect().bottomRight())
    assert entries(panel) == []
    table.setCurrentCell(-1, -1)
    panel.cases.menu.on_button()
    assert "Click a case" in panel.controller.notice[0]


def test_removing_asks_says_what_is_lost_and_stays_and_keeps_every_stroke(
    panel: Any, study: Any, slicer: Any
) -> None:
    case = open_first(panel, study)
    done = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    undone = draw(panel, 4)
    removed = study.folder / "removed" / case.id
    remove(panel, case)
    kind, question = slicer.harness.asked[-1]
    assert kind == "confirm"
    for words in ("scan0", "(slices done: 1)", "no longer exported", "nothing is deleted"):
        assert words in question
    assert str(study.folder / "removed") in question
    assert panel.controller.open_case is None
    assert panel.screen.volume is None
    assert [row.name for row in panel.controller.rows] == ["scan1", "scan2"]
    text = f"scan0 is no longer in the study. All its files are kept in {removed}."
    assert panel.controller.notice == (text, "good")
    removed.rename(study.folder / "cases" / case.id)
    panel.controller.refresh()
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], done)
    assert np.array_equal(panel.screen.labels()[4], undone)
    assert panel.controller.open_case.touched == {SliceIndex(0, 4)}


def test_a_case_that_is_not_on_screen_goes_without_touching_the_one_that_is(panel: Any, study: Any) -> None:
    open_first(panel, study)
    truth = draw(panel, 5)
    remove(panel, study.cases[1])
    assert panel.controller.open_case.name == "scan0"
    assert np.array_equal(panel.screen.labels()[5], truth)
    assert [row.name for row in panel.controller.rows] == ["scan0", "scan2"]


def test_who_thinks_better_of_it_keeps_the_case(panel: Any, study: Any, slicer: Any) -> None:
    case = open_first(panel, study)
    slicer.harness.answers["confirm"] = False
    remove(panel, case)
    assert panel.controller.open_case.id == case.id
    assert len(study.cases) == 3


@pytest.mark.parametrize(("kind", "words"), [
    ("train", "a training is using it"), ("live", "Keep learning while I draw"), ("predict", "a model is being used"),
])  # fmt: skip
def test_a_case_that_a_run_works_with_stays(panel: Any, study: Any, slicer: Any, kind: str, words: str) -> None:
    case = open_first(panel, study)
    panel.connection.works = {case.id: kind}
    remove(panel, case)
    assert panel.controller.notice[1] == "warning"
    assert words in panel.controller.notice[0]
    assert slicer.harness.asked == []
    assert len(study.cases) == 3


def test_a_case_whose_drawing_cannot_be_saved_stays(panel: Any, study: Any, slicer: Any, monkeypatch: Any) -> None:
    from SemiSegLib.labelling import casework

    case = open_first(panel, study)
    draw(panel, 5)
    with monkeypatch.context() as broken:
        broken.setattr(casework.drafts, "save", lambda *_: (_ for _ in ()).throw(OSError("No space left on device")))
        remove(panel, case)
    assert "not saved yet" in panel.controller.notice[0]
    assert "No space left" in panel.controller.notice[0]
    assert slicer.harness.asked == []
    assert panel.controller.open_case.id == case.id


def test_a_case_that_another_window_draws_on_stays(panel: Any, study: Any, other: Any) -> None:
    open_first(panel, study)
    other(study.cases[1], 3)
    remove(panel, study.cases[1])
    assert "another Slicer window" in panel.controller.notice[0]
    assert len(study.cases) == 3


def test_a_stroke_while_the_question_stands_there_keeps_the_case(panel: Any, study: Any) -> None:
    case = open_first(panel, study)

    def drawn_meanwhile(_question: str) -> bool:
        draw(panel, 5)
        return True

    panel.cases.menu._mending.remove(case.id, drawn_meanwhile)
    settle(panel)
    settle(panel)
    assert "not saved yet" in panel.controller.notice[0]
    assert len(study.cases) == 3


def test_a_damaged_case_can_be_removed_too(panel: Any, study: Any) -> None:
    case = study.cases[1]
    (case.folder / "case.json").write_text("{")
    open_first(panel, study)
    remove(panel, case)
    assert [row.name for row in panel.controller.rows] == ["scan0", "scan2"]


def test_a_run_that_has_not_ended_is_found_whoever_started_it(study: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """Also one of the command line or of another window, and one behind a newer run that is over."""
    from SemiSegLib.training.connection import BackendConnection
    from SemiSegLogic.job import Status
    from SemiSegLogic.rounds import Round
    from SemiSegLogic.settings import Training

    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    first, second, third = study.cases
    first.set_slices(ball(first.grid.shape), [SliceIndex(0, 6)], "ada")
    connection = BackendConnection(study, lambda: ["python"], dict)
    assert connection.at_work(first.id) == ""
    waiting = Round.begin(study, Training(), "supervised")
    over = Round.live(study, Training())
    over.job.write_status(Status("done"))
    assert [connection.at_work(case.id) for case in (first, second, third)] == ["train"] * 3
    waiting.job.write_status(Status("failed", error={"text": "x", "remedy": "y"}))
    assert connection.at_work(first.id) == ""


def test_slices_of_a_removed_case_are_no_longer_worth_a_look(panel: Any, study: Any) -> None:
    from SemiSegLib.training.connection import Next
    from Testing.support.clinician import look

    open_first(panel, study)
    gone, stays = study.cases[1], study.cases[2]
    panel.training.job = "run-1"
    names = (Next(gone.id, SliceIndex(0, 3), "Unsure."), Next(stays.id, SliceIndex(0, 4), "Unsure too."))
    panel.connection.next_look = look("done", ranking=names)
    panel.training.poll()
    settle(panel)
    remove(panel, gone)
    assert [item.case for item in panel.training.worth_a_look()] == [stays.id]


def test_slices_that_were_judged_since_are_no_longer_worth_a_look_in_other_cases_either(panel: Any, study: Any) -> None:
    """They came back as soon as another case was opened, and an accepted case kept its star."""
    from SemiSegLib.training.connection import Next
    from Testing.support.clinician import look

    second, third = study.cases[1:]
    open_first(panel, study)
    panel.training.job = "run-1"
    names = [Next(case.id, SliceIndex(0, index), "Unsure.") for case in (second, third) for index in (3, 4)]
    panel.connection.next_look = look("done", ranking=tuple(names))
    panel.training.poll()
    settle(panel)
    second.set_slices(np.zeros(second.grid.shape, np.uint8), [SliceIndex(0, 3)], "ann")
    shape = third.grid.shape
    third.set_slices(np.zeros(shape, np.uint8), [SliceIndex(0, k) for k in range(shape[0])], "ann")
    panel.controller.refresh()
    settle(panel)
    assert panel.training.worth_a_look() == [names[1]]


# --- drawings that were damaged ---------------------------------------------------------------------------------


def test_drawings_that_cannot_be_read_are_restored_from_the_list_of_cases(panel: Any, study: Any) -> None:
    """Said was to restore a version from the list of versions, which only a case that can be opened had."""
    case = open_first(panel, study)
    for place in (6, 7):
        draw(panel, place)
        panel.label.on_done()
        settle(panel)
    drawn = case.labels()
    panel.cases.on_case(1)
    settle(panel)
    path = case.folder / "labels.seg.nrrd"
    path.write_bytes(path.read_bytes()[:-30])
    panel.cases.on_case(0)
    settle(panel)
    told = panel.controller.notice[0]
    assert panel.controller.open_case.name == "scan1"
    assert "The newest good version is" in told
    assert "Right-click the case in the list and choose 'Earlier versions'" in told
    assert "semiseg " not in told
    panel.train.on_train()
    settle(panel)
    assert "Earlier versions" in panel.train.findings.text
    table = panel.cases.table.real
    panel.cases.menu.on_right_click(table.visualItemRect(table.item(0, 1)).center())
    press(panel, 2)
    assert len(entries(panel)) == 2
    press(panel, 0)
    settle(panel)
    assert panel.controller.notice[1] == "good"
    panel.cases.on_case(0)
    settle(panel)
    assert panel.controller.open_case.name == "scan0"
    assert np.array_equal(panel.screen.labels(), drawn)
    assert ("labels", case.id) in panel.connection.calls or not panel.training.running


def test_an_earlier_version_of_the_case_on_screen_is_shown_at_once(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    for place in (6, 7):
        draw(panel, place)
        panel.label.on_done()
        settle(panel)
    table = panel.cases.table.real
    panel.cases.menu.on_right_click(table.visualItemRect(table.item(0, 1)).center())
    press(panel, 2)
    press(panel, 0)
    settle(panel)
    assert set(panel.controller.open_case.done) == set(case.places) == {SliceIndex(0, 6)}


# --- images that were moved -------------------------------------------------------------------------------------


def test_an_image_that_was_moved_is_told_where_to_mend_it_and_found_again(
    panel: Any, referring: Any, tmp_path: Path, slicer: Any
) -> None:
    case = referring.cases[0]
    (tmp_path / "far0.nrrd").rename(tmp_path / "elsewhere.nrrd")
    panel.cases.on_case(0)
    settle(panel)
    assert "right-click the case in the list" in panel.controller.notice[0]
    assert panel.controller.open_case.name == "far1"
    slicer.harness.answers["files"] = [str(tmp_path / "elsewhere.nrrd")]
    panel.cases.menu.on_relocate(case.id)
    assert "Comparing elsewhere.nrrd" in panel.controller.notice[0]
    settle(panel)
    assert panel.controller.notice[1] == "good"
    panel.cases.on_case(0)
    settle(panel)
    assert panel.controller.open_case.name == "far0"
    assert np.array_equal(panel.screen.labels()[6], ball(case.grid.shape)[6])


def cropped(grid: Grid, array: Any) -> tuple[Any, Grid]:
    return array[1:], Grid((11, *grid.shape[1:]), grid.spacing, grid.origin, grid.direction)


def shifted(grid: Grid, array: Any) -> tuple[Any, Grid]:
    return array, Grid(grid.shape, grid.spacing, (50.0, 0.0, 0.0), grid.direction)


def repainted(grid: Grid, array: Any) -> tuple[Any, Grid]:
    return array + 1, grid


@pytest.mark.parametrize(("change", "words"), [(cropped, "11 x 32 x 36 voxels instead of 12 x 32 x 36"),
                                               (shifted, "another voxel size, position or direction"),
                                               (repainted, "other grey values")])  # fmt: skip
def test_a_file_of_another_geometry_or_content_is_refused_in_words(
    panel: Any, referring: Any, tmp_path: Path, slicer: Any, change: Any, words: str
) -> None:
    case = referring.cases[0]
    before = case.image_path
    array, grid = change(case.grid, case.image())
    write_image(tmp_path / "other.nrrd", array, grid)
    slicer.harness.answers["files"] = [str(tmp_path / "other.nrrd")]
    panel.cases.menu.on_relocate(case.id)
    settle(panel)
    assert panel.controller.notice[1] == "error"
    assert words in panel.controller.notice[0]
    assert case.image_path == before


def test_an_image_outside_the_study_is_said_to_stay_where_it_lies(panel: Any, referring: Any, slicer: Any) -> None:
    case = referring.cases[0]
    image = case.image_path
    remove(panel, case)
    assert f"Its image stays where it is: {image}" in slicer.harness.asked[-1][1]
    assert image.exists()
