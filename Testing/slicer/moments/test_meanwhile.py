"""A question stands on screen, a menu is open, or a disk is slow, and Slicer goes on: what was asked about is what is
done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.support.clinician import draw, open_first, settle, suggestion_for


@pytest.fixture
def reviewed(panel: Any, study: Any) -> Any:
    """Every case has a suggestion; the first one is on screen."""
    for case in study.cases:
        suggestion_for(case)
    open_first(panel, study)
    return panel


def second_case_comes(panel: Any) -> Callable[[], None]:
    """It was clicked just before the question, and is read by the time that this is called."""
    panel.cases.on_case(1)
    return lambda: settle(panel)


@pytest.mark.parametrize("button", ["on_accept", "on_reject"])
def test_a_verdict_is_never_for_another_case_than_the_question_named(
    reviewed: Any, study: Any, slicer: Any, button: str
) -> None:
    slicer.harness.meanwhile = second_case_comes(reviewed)
    getattr(reviewed.review, button)()
    settle(reviewed)
    assert reviewed.controller.open_case.id == study.cases[1].id
    assert [case.status for case in study.cases] == ["suggested"] * 3
    assert "Nothing was changed" in reviewed.controller.notice[0]


def test_a_suggestion_that_comes_while_the_question_stands_is_not_accepted_unseen(
    reviewed: Any, study: Any, slicer: Any
) -> None:
    def another_comes() -> None:
        label = study.cases[0].suggestion()[::-1].copy()
        study.cases[0].put_suggestion(label, 0 * label, {"method": "bcp", "run": "run-2"})
        reviewed.controller.results.reload_suggestion()
        settle(reviewed)

    slicer.harness.meanwhile = another_comes
    reviewed.review.on_accept()
    settle(reviewed)
    assert study.cases[0].status == "suggested"
    slicer.harness.meanwhile = lambda: None
    reviewed.review.on_accept()
    settle(reviewed)
    assert study.cases[0].status == "accepted"


def test_what_is_accepted_is_what_was_on_screen_and_not_what_a_run_just_put_into_the_study(
    reviewed: Any, study: Any
) -> None:
    case, seen = study.cases[0], reviewed.controller.open_case.suggestion.copy()
    unseen = seen[::-1].copy()
    case.put_suggestion(unseen, 0 * unseen, {"method": "bcp", "run": "run-2"})
    reviewed.review.on_accept()
    settle(reviewed)
    assert case.status == "accepted"
    assert np.array_equal(case.labels(), seen)
    assert not np.array_equal(seen, unseen)


def test_a_suggestion_that_a_model_improves_while_somebody_draws_can_be_accepted(
    reviewed: Any, study: Any, slicer: Any
) -> None:
    def improved() -> None:
        label = study.cases[0].suggestion()
        study.cases[0].put_suggestion(label, 0 * label, {"method": "mean_teacher", "run": "run-1"})
        reviewed.controller.open_case.provenance["time"] = "an earlier second"
        reviewed.controller.results.reload_suggestion()
        settle(reviewed)

    reviewed.live.want(True)
    reviewed.live.beat()
    settle(reviewed)
    slicer.harness.meanwhile = improved
    reviewed.review.on_accept()
    settle(reviewed)
    assert study.cases[0].status == "accepted"


def test_a_version_chosen_in_a_menu_is_only_for_the_case_whose_menu_it_was(reviewed: Any, study: Any) -> None:
    for index in (5, 6):
        draw(reviewed, index)
        reviewed.label.on_done()
        settle(reviewed)
    reviewed.label.on_versions()
    settle(reviewed)
    (entry, *_others) = reviewed.label._menu.actions()
    before = [[version.name for version in case.versions()] for case in study.cases]
    reviewed.cases.on_case(1)
    settle(reviewed)
    entry.trigger()
    settle(reviewed)
    assert reviewed.controller.notice[1] != "error"
    assert [[version.name for version in case.versions()] for case in study.cases] == before


def test_slices_of_another_case_are_never_called_done_when_training_begins(panel: Any, study: Any) -> None:
    """Clicked right after Train was pressed, it is on screen when the checks are done."""
    open_first(panel, study)
    for number, index in ((1, 4), (0, 6)):
        panel.cases.on_case(number)
        settle(panel)
        draw(panel, index)
        panel.controller.labelling.save_now()
        settle(panel)
    panel.label.on_done()
    draw(panel, 7)
    panel.train.on_train()
    panel.cases.on_case(1)
    settle(panel)
    assert panel.controller.open_case.touched
    assert study.cases[1].places == [], "nobody was asked about these"
    assert panel.connection.calls


def test_the_environment_is_not_deleted_under_a_learning_that_began_beside_the_question(
    panel: Any, study: Any, slicer: Any
) -> None:
    open_first(panel, study)
    removed: list[int] = []
    panel.installer.remove = lambda: removed.append(1)
    panel.live.want(True)

    def beat() -> None:
        panel.live.beat()
        settle(panel)

    slicer.harness.meanwhile = beat
    panel.setup.on_remove()
    settle(panel)
    assert panel.training.running
    assert removed == []
    assert "running" in panel.controller.notice[0]


def test_a_volume_that_was_deleted_while_the_menu_was_open_is_told(panel: Any, study: Any, slicer: Any) -> None:
    open_first(panel, study)
    panel.cases.add_volume("vtkMRMLScalarVolumeNode4711")
    assert panel.controller.notice == ("The volume is no longer loaded in Slicer.", "warning")


@pytest.mark.parametrize("there", [True, False])
def test_a_share_that_answers_late_holds_nobody_up_and_takes_no_study_away(
    panel: Any, study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """The person's last study lies on it; they open another one while the system still waits for the share."""
    answered, real = threading.Event(), Path.is_dir

    def is_dir(path: Path) -> bool:
        if path != tmp_path / "share":
            return real(path)
        assert threading.current_thread() is not threading.main_thread()
        return answered.wait(10) and there

    monkeypatch.setattr(Path, "is_dir", is_dir)
    panel.preferences.set("study", str(tmp_path / "share"))
    panel.leave()
    panel.enter()
    assert panel.controller.disk.busy == ["Look for the study"]
    panel.controller.open_study(study.folder)
    answered.set()
    settle(panel)
    assert panel.controller.study.folder == study.folder
    assert panel.controller.notice[1] != "error"
