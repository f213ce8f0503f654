"""Set-up, training, suggestions, review, export: the panel over real MRML with a made engine."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import FakeConnection, draw, look, open_first, paint, settle, suggestion_for, until


def test_training_is_refused_in_words_without_labels_and_started_with_them(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.train.on_train()
    settle(panel)
    assert "No slice is done yet" in panel.train.findings.text
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    panel.train.on_train()
    settle(panel)
    order = panel.connection.calls[0]
    assert (order.method, order.seconds, order.open_case) == ("recommended", 180.0, study.cases[0].id)


def test_a_second_training_goes_on_from_the_last_one_unless_the_person_says_otherwise(panel: Any, study: Any) -> None:
    from SemiSegLib.training.connection import LAST

    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    panel.connection.next_look = look("done")
    for wanted in (True, True, False):
        panel.training.poll()
        settle(panel)
        panel.train.choices.go_on.checked = panel.train.choices.go_on.checked and wanted
        panel.train.on_train()
        settle(panel)
    assert [call.start_from for call in panel.connection.calls] == ["", LAST, ""]


@pytest.mark.parametrize("handed_over", ["at once", "while it is handed over", "while it runs"])
def test_train_pressed_twice_begins_one(
    panel: Any, study: Any, handed_over: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, go_on = panel.connection.start, threading.Event()
    monkeypatch.setattr(panel.connection, "start", lambda order: start(order) if go_on.wait(20) else "never")
    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    panel.train.on_train()
    assert not panel.train.train.enabled
    if handed_over == "while it is handed over":
        until(panel, lambda: not panel.training.preparing)
        assert panel.training.asking
        assert not panel.train.train.enabled
    elif handed_over == "while it runs":
        go_on.set()
        settle(panel)
        assert panel.training.running
    panel.train.on_train()
    panel.training.use("run-1", only=False, far="")
    go_on.set()
    settle(panel)
    assert len(panel.connection.calls) == 1
    panel.connection.next_look = look("done")
    panel.training.poll()
    settle(panel)
    assert panel.train.train.enabled
    panel.train.on_train()
    settle(panel)
    assert len(panel.connection.calls) == 2


def test_learning_while_drawing_does_not_begin_between_train_and_its_start(panel: Any, study: Any) -> None:
    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    panel.live.want(True)
    panel.train.on_train()
    panel.live.beat()
    settle(panel)
    assert [type(call).__name__ for call in panel.connection.calls] == ["Order"]


def test_after_checks_that_failed_or_found_an_obstacle_train_can_be_pressed_again(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SemiSegLib.training import preflight

    open_first(panel, study)
    panel.train.on_train()
    settle(panel)
    assert "No slice is done yet" in panel.train.findings.text
    assert panel.train.train.enabled
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    with monkeypatch.context() as broken:
        broken.setattr(preflight, "check", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        panel.train.on_train()
        settle(panel)
    assert panel.controller.notice == ("Check before training: gone", "error")
    assert panel.train.train.enabled
    panel.train.on_train()
    settle(panel)
    assert len(panel.connection.calls) == 1


def test_what_a_training_was_warned_of_can_be_read_until_it_ends(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was gone as soon as the run had begun, within seconds, and never shown again."""
    import slicer

    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    draw(panel, 7)
    panel.controller.labelling.save_now()
    settle(panel)
    monkeypatch.setattr(slicer.util, "confirmYesNoDisplay", lambda *_, **__: True)
    panel.train.on_train()
    settle(panel)
    assert panel.training.running
    assert not panel.train.findings.real.isHidden()
    assert "quality cannot be measured" in panel.train.findings.text
    assert "not marked as done" not in panel.train.findings.text  # they are by now
    assert "GB of memory" not in panel.train.findings.text
    panel.connection.next_look = look("done")
    panel.training.poll()
    settle(panel)
    assert panel.train.findings.real.isHidden()
    panel.training.use("run-1", only=False, far="")
    settle(panel)
    assert panel.training.running
    assert panel.train.findings.real.isHidden()


def test_train_pressed_in_a_study_trains_no_other(panel: Any, study: Any, two: dict[str, FakeConnection]) -> None:
    panel.controller.open_study(study.folder.parent / "other")
    panel.train.on_train()
    settle(panel)
    assert panel.controller.study.folder.name == "other"
    assert [two[name].calls for name in ("study", "other")] == [[], []]
    assert panel.train.train.enabled


def test_slices_drawn_but_not_done_are_asked_about_before_training(panel: Any, study: Any, slicer: Any) -> None:
    case = open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    draw(panel, 4)
    panel.controller.labelling.save_now()
    settle(panel)
    panel.train.on_train()
    settle(panel)
    assert any(kind == "confirm" and "5" in text for kind, text in slicer.harness.asked)
    assert case.places == [SliceIndex(0, 4), SliceIndex(0, 6)]


def test_suggestions_come_with_the_persons_names_and_colours_and_the_next_slice_with_its_reason(
    panel: Any, study: Any
) -> None:
    from SemiSegLib.scene import segments
    from SemiSegLib.training.connection import Next

    case = open_first(panel, study)
    panel.training.job = "run-1"
    suggestion_for(case)
    panel.connection.next_look = look(
        changed=(case.id,), ranking=(Next(case.id, SliceIndex(0, 3), "Lower end: unsure."),)
    )
    panel.training.poll()
    settle(panel)
    node = panel.screen._stage.node("suggestion")
    assert np.array_equal(segments.read(node, case.grid)[0], case.suggestion())
    mine, theirs = panel.screen.structures(), segments.shown(node)
    assert [(item.name, item.color) for item in mine] == [(item.name, item.color) for item in theirs]
    panel.review.on_next()
    assert panel.screen.current_slice() == SliceIndex(0, 3)
    assert "Lower end" in panel.review.reason.text


def test_a_slice_of_the_suggestion_is_taken_corrected_undone(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.screen.jump(SliceIndex(0, 7))
    panel.review.on_correct()
    assert np.array_equal(panel.screen.labels()[7], case.suggestion()[7])
    panel.label.editor.widget.undo if False else panel.label.editor.widget.real.undo()
    assert not panel.screen.labels().any()


def test_an_accepted_case_is_what_the_person_judged_and_exports_verified(
    panel: Any, study: Any, tmp_path: Path
) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.review.on_accept()
    settle(panel)
    assert case.status == "accepted"
    assert np.array_equal(panel.screen.labels(), case.labels())
    assert np.array_equal(case.labels()[6], truth)
    panel.export.folder.text = str(tmp_path / "out")
    panel.export.on_export()
    settle(panel)
    assert "verified" in panel.export.told.text
    assert len([path for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")]) == 3
    told = json.loads((tmp_path / "out" / f"{case.id}-provenance.json").read_text())
    assert told["suggestion"]["run"] == "run-1"
    assert {item["author"] for item in told["judged_slices"]} == {panel.controller.author}


def test_a_run_started_before_slicer_was_closed_is_found_again(panel: Any, study: Any) -> None:
    panel.connection.found, panel.connection.next_look = "run-1", look()
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.training.poll()
    settle(panel)
    assert panel.training.running
    assert panel.train.run.bar.value == 400
    assert not panel.train.run.stop.isHidden()


@pytest.mark.parametrize("moment", ["stopped", "lost", "before it is looked at", "in another window"])
def test_a_run_that_goes_on_is_told_what_was_judged_while_nobody_could_tell_it(
    panel: Any, study: Any, moment: str
) -> None:
    case = open_first(panel, study)
    panel.connection.next_look = look() if moment == "in another window" else look(state="stopped")
    if moment == "lost":
        panel.connection.next_look = look(state="lost")
    panel.training.job = panel.connection.next_look.job
    if moment != "before it is looked at":
        panel.training.poll()
        settle(panel)
    if moment == "in another window":
        type(study)(study.folder).case(case.id).mark([SliceIndex(0, 6)], "colleague")
    else:
        draw(panel, 6)
        panel.label.on_done()
        settle(panel)
    assert ("labels", case.id) not in panel.connection.calls
    if moment in ("stopped", "lost"):
        panel.training.resume()
    panel.connection.next_look = look()
    panel.training.poll()
    settle(panel)
    assert panel.connection.calls[-1] == ("labels", case.id)
    panel.training.poll()
    settle(panel)
    assert panel.connection.calls.count(("labels", case.id)) == 1


def test_labels_that_cannot_be_handed_in_are_told_of_once_and_tried_again(panel: Any, study: Any) -> None:
    from SemiSegLib.training.connection import Untold
    from SemiSegLogic.study import LabelError

    open_first(panel, study)
    panel.connection.next_look = look()
    panel.training.job, said, asked = panel.connection.next_look.job, [], []
    panel.controller.listen(lambda what: said.append(panel.controller.notice) if what == "notice" else None)

    def catch_up(job: str) -> list[Any]:
        asked.append(job)
        if len(asked) % 2:
            raise OSError("the disk is full")
        return [Untold(study.cases[0].id, LabelError("labels.seg.nrrd was cut off"), added_later=False)]

    panel.connection.catch_up = catch_up
    for _ in range(4):
        panel.training.poll()
        settle(panel)
    assert len(asked) == 4
    assert sorted(("disk is full" in text, "cut off" in text, level) for text, level in said) == [
        (False, True, "error"), (True, False, "error")]


@pytest.fixture
def two(panel: Any, study: Any, tmp_path: Path) -> dict[str, FakeConnection]:
    """Two studies, "study" open with a slice done, "other" not; of each the connection, by its folder's name."""
    from SemiSegLogic.study import Study

    Study.create(tmp_path / "other", structures=["ball"])
    made: dict[str, FakeConnection] = {}

    def connect(opened: Any) -> FakeConnection:
        return made.setdefault(opened.folder.name, FakeConnection()(opened))

    panel.training._connect = connect
    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    return made


@pytest.mark.parametrize("begin", ["start", "start_live"])
def test_a_run_that_began_while_another_study_was_opened_is_stopped_and_not_taken_for_one_of_it(
    panel: Any, study: Any, two: dict[str, FakeConnection], begin: str
) -> None:
    from SemiSegLib.training.connection import Manner, Order

    order = Order("recommended", 60.0)
    panel.controller.open_study(study.folder.parent / "other")
    panel.training.start(order) if begin == "start" else panel.training.start_live(Manner(), lambda _error: None)
    settle(panel)
    assert panel.controller.study.folder.name == "other"
    assert (panel.training.job, panel.training.asking, panel.training.live) == ("", False, False)
    orders = [call for call in two["study"].calls if call != ("show", "")]  # which case is open may be told late
    assert orders[-1] == "stop"
    assert two["other"].calls == []
    told = "was stopped" in panel.controller.notice[0]
    assert told == (begin == "start"), "nobody asked for learning while drawing"


def test_a_run_that_began_while_its_study_was_opened_anew_is_followed(
    panel: Any, study: Any, two: dict[str, FakeConnection]
) -> None:
    from SemiSegLib.training.connection import Order

    panel.training._connect = lambda _study: FakeConnection()
    panel.training._find_again()
    settle(panel)
    before = panel.training._connection
    again = FakeConnection()
    again.found = "run-1"
    panel.training._connect = lambda _study: again
    panel.controller.open_study(study.folder)
    panel.training.start(Order("recommended", 60.0))
    settle(panel)
    assert panel.training._connection is again
    assert panel.training.job == "run-1"
    assert "stop" not in before.calls


def test_what_was_found_or_refused_of_the_study_before_is_not_of_this_one(
    panel: Any, two: dict[str, FakeConnection]
) -> None:
    before, training = panel.training._connection, panel.training
    panel.controller.open_study(panel.controller.study.folder.parent / "other")
    settle(panel)
    training.asking = True
    training._found(before, "run-1")
    training._not_found(before, OSError("gone"))
    training._not_started(before, "Start training", OSError("gone"))
    assert (training.job, training.asking) == ("", True)


def test_a_training_that_goes_on_in_another_study_is_not_taken_for_learning_while_drawing_here(
    panel: Any, two: dict[str, FakeConnection]
) -> None:
    from SemiSegLib.training.connection import Manner

    panel.training.start_live(Manner(), lambda _error: None)
    settle(panel)
    two["other"] = FakeConnection()
    two["other"].found = "run-1"
    panel.controller.open_study(panel.controller.study.folder.parent / "other")
    settle(panel)
    panel.live.beat()
    settle(panel)
    assert panel.training.running
    assert not panel.training.live
    assert two["other"].calls == [], "nor is it stopped because nobody wants to learn while drawing"


def test_while_masks_are_made_the_case_and_the_time_left_are_told_and_not_how_long_it_would_have_trained(
    panel: Any, study: Any
) -> None:
    from dataclasses import replace

    open_first(panel, study)
    panel.training.job = "run-1"
    for left, shown in ((42.0, " · 42 s left"), (None, ""), (0.0, "")):
        status = replace(look().status, suggesting=3, to_suggest=12, seconds_left=left, message="Suggesting: 3 of 12.")
        panel.connection.next_look = replace(look(), status=status)
        panel.training.poll()
        settle(panel)
        assert panel.train.run.phase.text == f"<b>Suggesting case 3 of 12{shown}</b><br>"
    panel.connection.next_look = replace(look(), status=replace(status, state="done", message="Done."))
    panel.training.poll()
    settle(panel)
    assert panel.train.run.phase.text == "<b>Finished</b><br>", "'Finished. Done.' says it twice"


def test_set_up_asks_first_and_shows_its_log(panel: Any, slicer: Any, tmp_path: Path) -> None:
    installer = panel.installer
    installer.kind = "absent"
    panel.setup.refresh()
    slicer.harness.answers["confirm"] = False
    panel.setup.on_install()
    settle(panel)
    assert installer.calls == []
    slicer.harness.answers["confirm"] = True
    panel.setup.choices._base.text = "/usr/bin/python3"
    panel.setup.on_install()
    settle(panel)
    assert installer.calls == [["/usr/bin/python3"]]
    panel.setup.refresh()
    assert "Downloading torch" in panel.setup.log.plainText


def test_accepting_keeps_what_was_drawn_a_moment_before(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    mask = np.zeros((32, 36), bool)
    mask[0:4, 0:4] = True
    paint(panel, 2, SliceIndex(0, 1), mask)
    panel.review.on_accept()
    settle(panel)
    assert (case.labels()[1][mask] == 2).all()


def test_the_curve_shows_the_error_on_the_labels_whatever_other_losses_come_and_grow(slicer: Any) -> None:
    from SemiSegLib.training.run_words import error_on_my_slices

    first = [{"seconds": n, "leg": "supervised", "losses": {"dice": 1.0 - n / 10}} for n in range(3)]
    then = [{"seconds": n, "leg": "mean_teacher", "losses": {"dice": 0.5, "consistency": n * 1.0}} for n in (3, 4)]
    assert [loss for _, loss in error_on_my_slices(first + then)] == [1.0, 0.9, 0.8, 0.5, 0.5]
    other = [{"seconds": 5.0, "leg": "bcp", "losses": {"inward": 0.4}}]
    assert error_on_my_slices(first + other) == [(5.0, 0.4)]
    for mark in ("beside", "apart"):  # of a second runner, or of a model that only measures
        assert error_on_my_slices([*first, {**first[0], "seconds": 1.0, mark: True}]) == error_on_my_slices(first)
    assert error_on_my_slices([]) == []
