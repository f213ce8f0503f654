"""Keep learning while I draw: begun, fed, renewed and ended without being asked for."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.job import Status
from Testing.support.clinician import draw, look, open_first, paint, settle, suggestion_for


def live_look(state: str = "running", phase: str = "live", outdated: bool = False, **status: Any) -> Any:
    """What a look finds of a live run."""
    known = Status(state, phase=phase, message="Waiting for your next slice.", **status)
    return replace(look(), job="live-1", status=known, live=True, outdated=outdated)


def beat(panel: Any) -> None:
    """A second goes by."""
    panel.training.poll()
    settle(panel)
    panel.live.beat()
    settle(panel)


def test_it_begins_with_the_switch_takes_slices_in_and_follows_the_case_on_screen(panel: Any, study: Any) -> None:
    from SemiSegLib.training.connection import Manner

    open_first(panel, study)
    panel.train.live.switch.checked = True
    beat(panel)
    assert panel.connection.calls[-1] == ("live", study.cases[0].id, "", Manner())
    panel.connection.next_look = live_look(labels_used=1, labels_shown=0)
    draw(panel, 6)
    panel.label.on_done()
    beat(panel)
    assert ("labels", study.cases[0].id) in panel.connection.calls
    assert "is learning from your latest slice" in panel.train.live.told.text
    assert not panel.train.train.isHidden(), "training in earnest can be asked for at any time"
    panel.cases.on_case(1)
    settle(panel)
    assert ("show", study.cases[1].id) in panel.connection.calls
    assert panel.preferences.get("live") == "yes"


@pytest.mark.parametrize("how", ["redrawn", "taken back", "restored", "accepted", "its scene closed"])
def test_a_run_hears_of_every_change_of_what_is_judged(panel: Any, study: Any, slicer: Any, how: str) -> None:
    """Else it goes on learning from what the person corrected or took back."""
    case = study.cases[0]
    suggestion_for(case)
    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    first = case.version
    panel.live.want(True)
    beat(panel)
    panel.connection.next_look = live_look()
    beat(panel)
    panel.connection.calls.clear()
    if how == "redrawn":
        paint(panel, 1, SliceIndex(0, 6), np.ones((32, 36), bool))
        panel.controller.labelling.save_now()
    elif how == "taken back":
        panel.label.on_take_back()
    elif how == "restored":
        panel.controller.results.restore_version(first)
    elif how == "accepted":
        panel.review.on_accept()
    else:  # before the disk is done
        panel.screen.jump(SliceIndex(0, 0))
        panel.label.on_empty()
        slicer.mrmlScene.Clear()
    settle(panel)
    assert ("labels", case.id) in panel.connection.calls


def test_a_slice_of_the_study_before_is_not_told_to_a_run_of_the_next_one(
    panel: Any, study: Any, slicer: Any, tmp_path: Path
) -> None:
    """It is marked as done while another study is on its way, and the scene is closed before the disk is through."""
    from SemiSegLogic.study import Study

    other = Study.create(tmp_path / "other", structures=["ball"])
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.connection.found, panel.connection.next_look = "run-1", look()
    panel.controller.open_study(other.folder)
    panel.label.on_done()
    slicer.mrmlScene.Clear()
    settle(panel)
    assert panel.controller.study.folder == other.folder
    assert [call for call in panel.connection.calls if call[0] == "labels"] == []
    assert np.array_equal(case.labels()[6], truth), "it is saved all the same"


@pytest.mark.parametrize("live", [True, False])
def test_what_a_run_cannot_learn_any_more_is_no_error(panel: Any, study: Any, live: bool) -> None:
    """A case or structure was added since. Learning while drawing begins anew by itself; of a training it is told."""
    from SemiSegLib.training.connection import Untold
    from SemiSegLogic.study import StudyError

    open_first(panel, study)
    panel.connection.next_look = live_look() if live else look()
    panel.training.job = panel.connection.next_look.job
    panel.training.poll()
    settle(panel)
    late = Untold(study.cases[0].id, StudyError("added later"), added_later=True)
    panel.connection.catch_up = lambda _job: [late]
    said = []
    panel.controller.listen(lambda what: said.append(panel.controller.notice) if what == "notice" else None)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    beat(panel)
    assert [(level, "next training" in text) for text, level in said] == ([] if live else [("info", True)])


@pytest.mark.parametrize("live", [True, False])
def test_drawings_that_a_run_cannot_read_are_told_where_it_is_followed(panel: Any, study: Any, live: bool) -> None:
    open_first(panel, study)
    panel.live.want(live)
    seen = live_look() if live else look()
    for unread in ([3, 5], []):
        panel.connection.next_look = replace(seen, status=replace(seen.status, labels_unread=unread))
        panel.training.job = seen.job
        beat(panel)
        panel.train.refresh()
        said = panel.train.live.told.text if live else panel.train.run.phase.text
        assert ("damaged on the disk: labels-3.npz, labels-5.npz. They are not learned" in said) == bool(unread)


def test_it_is_not_begun_twice_and_not_again_until_something_happens(panel: Any, study: Any) -> None:
    from SemiSegLib.training.connection import LAST

    open_first(panel, study)
    panel.live.want(True)
    panel.connection.next_look = live_look("done", "waiting")
    for _ in range(3):
        beat(panel)
    begun = [call for call in panel.connection.calls if call[0] == "live"]
    assert len(begun) == 1
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    beat(panel)
    assert [call for call in panel.connection.calls if call[0] == "live"][-1][2] == LAST, "from its own model"


def test_a_quick_hand_does_not_begin_two(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.live.want(True)
    panel.live.beat()
    panel.controller.tell("judged")
    panel.live.beat()
    settle(panel)
    assert [call[0] for call in panel.connection.calls].count("live") == 1


def test_it_waits_while_another_study_is_being_opened(panel: Any, study: Any, tmp_path: Path) -> None:
    from SemiSegLogic.study import Study

    other = Study.create(tmp_path / "other", structures=["ball"])
    open_first(panel, study)
    panel.live.want(True)
    panel.controller.open_study(other.folder)
    panel.live.beat()
    settle(panel)
    assert panel.controller.study.folder == other.folder
    assert panel.connection.calls == []
    panel.controller.open_study(study.folder)
    settle(panel)
    beat(panel)
    assert panel.connection.calls[-1][0] == "live", "it was only put off"


def test_it_is_begun_anew_when_a_case_or_structure_was_added(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.live.want(True)
    beat(panel)
    panel.connection.next_look = live_look(outdated=True)
    beat(panel)
    assert panel.connection.calls[-1] == "stop"
    panel.connection.next_look = live_look("stopped")
    beat(panel)
    beat(panel)
    assert panel.connection.calls[-1][0] == "live"


@pytest.mark.parametrize("left_out", [True, False])
def test_it_is_begun_anew_when_small_fragments_are_wanted_and_when_they_no_longer_are(
    panel: Any, study: Any, left_out: bool
) -> None:
    """What is not on screen does not count: closing Advanced leaves them out again."""
    from SemiSegLib.training.connection import LAST, Manner

    open_first(panel, study)
    choices = panel.train.choices
    choices.more.checked, choices.fragments.checked = True, left_out
    panel.live.want(True)
    beat(panel)
    assert panel.connection.calls[-1][-1] == Manner(leave_out_fragments=left_out)
    panel.connection.next_look = live_look()
    beat(panel)
    (choices.fragments if left_out else choices.more).checked = False
    settle(panel)
    assert panel.connection.calls[-1] == "stop"
    panel.connection.next_look = live_look("stopped")
    beat(panel)
    beat(panel)
    assert panel.connection.calls[-1] == ("live", study.cases[0].id, LAST, Manner(leave_out_fragments=not left_out))


def test_it_is_begun_anew_when_outlines_are_to_be_learned_as_drawn(panel: Any, study: Any) -> None:
    from SemiSegLib.training.connection import LAST, Manner

    open_first(panel, study)
    choices = panel.train.choices
    choices.more.checked = True
    panel.live.want(True)
    beat(panel)
    panel.connection.next_look = live_look()
    beat(panel)
    choices.outlines.checked = False
    settle(panel)
    assert panel.connection.calls[-1] == "stop"
    panel.connection.next_look = live_look("stopped")
    beat(panel)
    beat(panel)
    assert panel.connection.calls[-1] == ("live", study.cases[0].id, LAST, Manner(carry_outlines=False))


def test_a_training_ends_it_and_it_goes_on_afterwards(panel: Any, study: Any) -> None:
    from SemiSegLib.training.connection import LAST, Manner

    open_first(panel, study)
    panel.live.want(True)
    beat(panel)
    panel.connection.next_look = live_look()
    draw(panel, 6)
    panel.label.on_done()
    beat(panel)
    panel.train.on_train()
    settle(panel)
    names = [call if isinstance(call, str) else type(call).__name__ for call in panel.connection.calls]
    assert names[-2:] == ["stop", "Order"]
    panel.connection.next_look = look("done")
    beat(panel)
    beat(panel)
    assert panel.connection.calls[-1] == ("live", study.cases[0].id, LAST, Manner())


def test_switching_it_off_ends_it_once(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.train.live.switch.checked = True
    beat(panel)
    panel.connection.next_look = live_look()
    beat(panel)
    panel.train.live.switch.checked = False
    settle(panel)
    for _ in range(3):
        beat(panel)
    assert panel.connection.calls.count("stop") == 1


def test_without_the_environment_it_waits_and_a_failure_is_told_once(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_first(panel, study)
    panel.installer.kind = "absent"
    panel.live.want(True)
    beat(panel)
    assert panel.connection.calls == []
    panel.installer.kind = "ready"
    monkeypatch.setattr(panel.connection, "start_live", _refuse)
    for _ in range(3):
        beat(panel)
    assert panel.controller.notice == ("Learning while you draw could not start: no room", "warning")


def _refuse(open_case: str, start_from: str, manner: Any) -> str:
    raise OSError("no room")


@pytest.mark.slow
def test_with_the_real_engine_the_open_case_is_shown_without_pressing_train(
    slicer: Any, study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch for the training process")
    import qt

    from SemiSegLib.panel import Panel
    from Testing.slicer.days.test_real_loop import draw_and_call_done, wait
    from Testing.support.clinician import FakeInstaller

    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    root = slicer.qMRMLWidget()
    root.setLayout(qt.QVBoxLayout())
    panel = Panel(root.layout(), FakeInstaller(tmp_path / "environment"))
    panel.enter()
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    panel.train.live.switch.checked = True
    wait(panel, lambda: panel.training.look is not None and panel.training.look.status.phase == "waiting", 60)
    draw_and_call_done(panel, (4, 6, 8))
    wait(panel, lambda: panel.controller.open_case.suggestion is not None, 60)
    case = study.cases[0]
    assert np.array_equal(case.suggestion()[6], case.labels()[6]), "drawn slices stay as drawn"
    panel.train.live.switch.checked = False
    wait(panel, lambda: panel.training.look.status.ended, 60)
    panel.close()
