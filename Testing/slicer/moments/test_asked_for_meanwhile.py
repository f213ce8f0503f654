"""Answers that come late: another case or another study was asked for while the disk was still busy."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid
from Testing.support.clinician import draw, noise, open_first, settle


@pytest.fixture
def other(tmp_path: Path) -> Any:
    """Another study, of other structures; one of its cases is called as one of ``study``."""
    from SemiSegLogic.study import Study, write_image

    made = Study.create(tmp_path / "other", structures=["bone"])
    for name in ("scan0", "leg"):
        image = noise((12, 32, 36), len(name))
        write_image(tmp_path / f"other-{name}.nrrd", image, Grid((12, 32, 36), (2.0, 1.0, 1.0)))
        made.add_case(tmp_path / f"other-{name}.nrrd", name=name)
    return made


def segmentations(slicer: Any) -> int:
    return int(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode"))


@pytest.mark.parametrize("clicks", [(1, 1), (1, 2, 1), (0, 1, 0)], ids=["double click", "there and back", "stays"])
def test_a_case_that_is_clicked_again_while_it_is_read_comes_once(
    panel: Any, study: Any, slicer: Any, clicks: tuple[int, ...]
) -> None:
    open_first(panel, study)
    for row in clicks:
        panel.cases.on_case(row)
    settle(panel)
    assert panel.controller.open_case.id == study.cases[clicks[-1]].id
    assert segmentations(slicer) == 1


def test_a_case_whose_image_is_deleted_while_it_comes_can_be_clicked_again(
    panel: Any, study: Any, slicer: Any
) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    while panel.screen.volume is None:
        panel.controller.poll()
    slicer.mrmlScene.RemoveNode(panel.screen.volume)
    settle(panel)
    assert "was deleted from the scene" in panel.controller.notice[0]
    panel.cases.on_case(0)
    settle(panel)
    assert panel.controller.open_case.id == study.cases[0].id


@pytest.mark.parametrize("row", [0, 1], ids=["of the same name", "of another name"])
@pytest.mark.parametrize("before", [True, False], ids=["a case is open", "no case is open"])
def test_a_case_clicked_while_another_study_is_opened_is_not_shown_as_one_of_that(
    panel: Any, study: Any, other: Any, before: bool, row: int
) -> None:
    """Its structures would have the names of that study, and those that it has not would be taken for erased."""
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    panel.cases.on_case(2)
    settle(panel)
    if not before:
        panel.controller.showing.close()
    panel.controller.open_study(other.folder)
    panel.cases.on_case(row)
    settle(panel)
    assert panel.controller.study.folder == other.folder
    if panel.controller.open_case is not None:
        assert panel.controller.showing.case().folder.is_relative_to(other.folder)
    panel.controller.labelling.edited()
    panel.controller.labelling.save_now()
    settle(panel)
    assert np.array_equal(case.labels()[6], truth)


def test_the_list_shows_the_cases_of_the_study_that_is_open(panel: Any, study: Any, other: Any) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.controller.open_study(other.folder)
    panel.controller.refresh()  # as after every slice that is marked as done
    settle(panel)
    assert [row.name for row in panel.controller.rows] == [case.name for case in other.cases]


def test_a_structure_added_while_another_study_is_opened_is_not_shown_there(
    panel: Any, study: Any, other: Any
) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.controller.open_study(other.folder)
    panel.controller.add_structure("lesion")
    settle(panel)
    assert "lesion" in study.structures.names
    assert [item.name for item in panel.controller.structures()] == ["bone"]


def test_a_case_asked_to_be_removed_before_another_study_was_opened_is_not_removed_from_that(
    panel: Any, study: Any, other: Any
) -> None:
    open_first(panel, study)
    panel.cases.menu.on_remove(study.cases[0].id)
    panel.controller.open_study(other.folder)
    settle(panel)
    settle(panel)
    assert len(other.cases) == 2


def test_a_case_that_was_being_added_to_the_study_before_is_not_looked_for_in_this_one(
    panel: Any, study: Any, other: Any, tmp_path: Path
) -> None:
    from SemiSegLogic.study import write_image

    panel.controller.open_study(study.folder)
    settle(panel)
    write_image(tmp_path / "late.nrrd", noise((4, 5, 6), 1), Grid((4, 5, 6)))
    panel.controller.open_study(other.folder)
    panel.controller.adding.files([tmp_path / "late.nrrd"])
    settle(panel)
    assert "late" in [case.name for case in study.cases]
    assert panel.controller.notice[1] != "error"


def test_a_segment_that_becomes_a_structure_while_its_study_is_opened_again_is_shown_then(
    panel: Any, study: Any
) -> None:
    """Structures that were read before it came would not know it, and what is drawn of it would count as erased."""
    case = open_first(panel, study)
    panel.controller.open_study(study.folder, case.id)
    while panel.controller.disk._finished.empty():  # the study was read
        time.sleep(0.005)
    panel.screen.segmentation.GetSegmentation().AddEmptySegment("new", "lesion")
    panel.controller.labelling.edited()
    settle(panel)
    assert [item.name for item in panel.controller.structures()] == ["ball", "core", "lesion"]
    assert [item.name for item in panel.screen.structures()] == ["ball", "core", "lesion"]


def test_what_the_panel_of_before_a_reload_left_goes_also_when_another_study_is_opened_at_once(
    panel: Any, study: Any, other: Any, slicer: Any
) -> None:
    open_first(panel, study)
    panel.close()
    root = slicer.qMRMLWidget()
    root.setLayout(qt_layout())
    again = type(panel)(root.layout(), panel.installer, panel.connection)
    again.enter()
    again.controller.open_study(other.folder)
    settle(again)
    assert segmentations(slicer) == 0
    again.close()


def qt_layout() -> Any:
    import qt

    return qt.QVBoxLayout()
