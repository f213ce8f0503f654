"""What is drawn while earlier saves still wait for the disk: nothing of it is lost, whatever is pressed meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import ball, draw, look, open_first, paint, settle, suggestion_for, until

CORNER = np.zeros((32, 36), bool)
CORNER[:3, :3] = True


@contextmanager
def slow_disk(panel: Any) -> Iterator[None]:
    """Whatever is asked of the disk's thread waits until the end."""
    ended = threading.Event()
    panel.controller.disk.run("wait", lambda: ended.wait(20))
    try:
        yield
    finally:
        ended.set()
        settle(panel)


def reopened(panel: Any) -> Any:
    """What is on screen after the case was put away and fetched again (k, j, i)."""
    panel.controller.showing.close()
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    return panel.screen.labels()


def undo(panel: Any) -> None:
    panel.label.editor.widget.real.editor.Undo()
    panel.controller.labelling.edited()


def save(panel: Any) -> None:
    panel.controller.labelling.save_now()


def test_an_undo_that_goes_back_behind_a_save_that_waits_is_saved_too(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    with slow_disk(panel):
        paint(panel, 1, SliceIndex(0, 6), CORNER)
        save(panel)
        undo(panel)
        save(panel)
    assert np.array_equal(panel.screen.labels()[6], truth)
    assert np.array_equal(case.labels()[6], truth)


def test_an_undo_of_one_slice_and_a_stroke_on_another_while_a_save_waits_are_both_saved(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    with slow_disk(panel):
        paint(panel, 1, SliceIndex(0, 6), CORNER)
        save(panel)
        undo(panel)
        other = draw(panel, 3)
        save(panel)
    assert np.array_equal(case.labels()[6], truth)
    assert np.array_equal(reopened(panel)[3], other)


def test_a_slice_taken_back_while_a_stroke_on_another_waits_for_the_disk_keeps_both(panel: Any, study: Any) -> None:
    open_first(panel, study)
    six = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    with slow_disk(panel):
        four = draw(panel, 4)
        panel.screen.jump(SliceIndex(0, 6))
        panel.label.on_take_back()
    assert panel.controller.open_case.touched == {SliceIndex(0, 4), SliceIndex(0, 6)}
    shown = reopened(panel)
    assert np.array_equal(shown[4], four)
    assert np.array_equal(shown[6], six)


def test_slices_called_done_one_after_the_other_while_the_disk_is_slow_are_all_done(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    with slow_disk(panel):
        for index in (4, 5, 6):
            draw(panel, index)
            panel.label.on_done()
    truth = ball(case.grid.shape)
    assert case.places == [SliceIndex(0, index) for index in (4, 5, 6)]
    assert all(np.array_equal(case.labels()[index], truth[index]) for index in (4, 5, 6))
    assert panel.controller.open_case.touched == set()
    assert not list(case.folder.glob("draft*"))


@pytest.mark.parametrize("saved", [True, False], ids=["waiting for the disk", "not yet saved"])
def test_what_is_drawn_after_accept_was_pressed_stays_on_top_of_it(panel: Any, study: Any, saved: bool) -> None:
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    accepted = ball(case.grid.shape)
    with slow_disk(panel):
        panel.controller.results.accept_case()
        paint(panel, 1, SliceIndex(0, 6), CORNER)
        if saved:
            save(panel)
    wanted = np.where(CORNER, 1, accepted[6])
    assert np.array_equal(panel.screen.labels()[6], wanted)
    save(panel)
    settle(panel)
    assert np.array_equal(case.labels()[6], wanted)
    assert np.array_equal(np.delete(case.labels(), 6, 0), np.delete(accepted, 6, 0))


def test_what_is_drawn_after_an_earlier_version_was_asked_for_stays_on_top_of_it(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    first = case.versions()[0].name
    paint(panel, 1, SliceIndex(0, 6), np.ones((32, 36), bool))
    save(panel)
    settle(panel)
    with slow_disk(panel):
        panel.controller.results.restore_version(first)
        four = draw(panel, 4)
    assert np.array_equal(panel.screen.labels()[6], truth)
    save(panel)
    settle(panel)
    shown = reopened(panel)
    assert np.array_equal(shown[4], four)
    assert np.array_equal(shown[6], truth)


def test_islands_split_off_into_a_segment_of_their_own_are_saved_as_a_structure(panel: Any, study: Any) -> None:
    """As the effect Islands does: voxels of a slice that is done move from a structure into a new segment."""
    case = open_first(panel, study)
    draw(panel, 6)
    paint(panel, 1, SliceIndex(0, 6), CORNER)
    panel.label.on_done()
    settle(panel)
    node, before = panel.screen.segmentation, case.labels()[6]
    node.GetSegmentation().AddEmptySegment("split", "ball_1")
    move(panel, CORNER, 6, "SemiSeg_1", "split")
    panel.controller.labelling.edited()
    save(panel)
    settle(panel)
    assert study.structures.names == {"ball": 1, "core": 2, "ball_1": 3}
    assert np.array_equal(case.labels()[6], np.where(CORNER, 3, before))


def test_while_a_new_segment_cannot_become_a_structure_nothing_drawn_is_taken_for_erased(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SemiSegLogic.study import LockedError, Study

    case = open_first(panel, study)
    draw(panel, 6)
    paint(panel, 1, SliceIndex(0, 6), CORNER)
    panel.label.on_done()
    settle(panel)
    before = case.labels()[6]
    panel.screen.segmentation.GetSegmentation().AddEmptySegment("split", "ball_1")
    move(panel, CORNER, 6, "SemiSeg_1", "split")
    with monkeypatch.context() as locked:
        locked.setattr(Study, "add_structure", lambda *_: (_ for _ in ()).throw(LockedError("somebody has it")))
        panel.controller.labelling.edited()
        save(panel)
        settle(panel)
    assert panel.controller.notice == ("Not saved: somebody has it", "error")
    assert np.array_equal(case.labels()[6], before)
    save(panel)
    settle(panel)
    assert np.array_equal(case.labels()[6], np.where(CORNER, 3, before))


def move(panel: Any, mask: Any, index: int, source: str, target: str) -> None:
    """The voxels ``mask`` of slice ``index``, from one segment to another."""
    from vtk.util.numpy_support import vtk_to_numpy

    editor, node = panel.label.editor.widget.real.editor, panel.screen.segmentation
    editor.UpdateReferenceGeometryImage()
    for segment, mode in ((source, editor.ModificationModeRemove), (target, editor.ModificationModeAdd)):
        editor.ResetModifierLabelmapToDefault()
        image = editor.GetModifierLabelmap()
        voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
        voxels[index][mask] = 1
        image.Modified()
        editor.ModifySegmentByLabelmap(node, segment, image, mode, False, False)


@contextmanager
def slow_start(panel: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Train is pressed, and the study, as it is now, is being handed over until the end."""
    begun, ended, start = threading.Event(), threading.Event(), panel.connection.start

    def slow(order: Any) -> str:
        run = str(start(order))
        begun.set()
        ended.wait(20)
        return run

    monkeypatch.setattr(panel.connection, "start", slow)
    panel.train.on_train()
    until(panel, begun.is_set)
    try:
        yield
    finally:
        ended.set()
        settle(panel)


def test_a_drawing_is_saved_while_a_training_is_handed_over_and_what_is_done_meanwhile_is_sent_after_it(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    with slow_start(panel, monkeypatch):
        truth = draw(panel, 4)
        panel.label.on_done()
        until(panel, lambda: not panel.controller.disk.busy)
        assert np.array_equal(case.labels()[4], truth)
        assert ("labels", case.id) not in panel.connection.calls, "there is no run yet"
    panel.connection.next_look = look()
    panel.training.poll()
    settle(panel)
    assert panel.connection.calls.count(("labels", case.id)) == 1


def test_a_drawing_is_saved_while_images_are_read_in(
    panel: Any, study: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from SemiSegLogic.study import Study

    case, ended = open_first(panel, study), threading.Event()
    monkeypatch.setattr(Study, "add_case", lambda *_: (ended.wait(20), case)[1])
    panel.controller.adding.files([tmp_path / "scan.nrrd"])
    truth = draw(panel, 4)
    panel.label.on_done()
    until(panel, lambda: not panel.controller.disk.busy)
    assert np.array_equal(case.labels()[4], truth)
    ended.set()
    settle(panel)


def test_two_new_segments_of_one_name_become_two_structures(panel: Any, study: Any) -> None:
    open_first(panel, study)
    for name in ("a", "b"):
        panel.screen.segmentation.GetSegmentation().AddEmptySegment(name, "lesion")
    panel.controller.labelling.edited()
    save(panel)
    settle(panel)
    assert study.structures.names == {"ball": 1, "core": 2, "lesion": 3, "lesion 2": 4}


def test_another_study_is_not_opened_over_a_drawing_that_cannot_be_saved(
    panel: Any, study: Any, tmp_path: Path
) -> None:
    from SemiSegLogic.study import Study

    other, away = Study.create(tmp_path / "other", structures=["liver"]), tmp_path / "unmounted"
    case = open_first(panel, study)
    study.folder.rename(away)
    truth = draw(panel, 6)
    panel.controller.open_study(other.folder)
    settle(panel)
    assert panel.controller.open_case.id == case.id
    assert panel.controller.study.folder == study.folder
    assert panel.controller.notice[1] == "error"
    assert "stays on screen" in panel.controller.notice[0]
    away.rename(study.folder)
    panel.controller.open_study(other.folder)
    settle(panel)
    assert panel.controller.study.folder == other.folder
    assert panel.controller.open_case is None
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], truth)


def test_a_study_that_cannot_be_opened_leaves_the_case_on_screen(panel: Any, study: Any, tmp_path: Path) -> None:
    case = open_first(panel, study)
    panel.controller.open_study(tmp_path)
    settle(panel)
    assert panel.controller.open_case.id == panel.controller.showing.wanted == case.id
    assert panel.controller.notice[1] == "error"
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    assert np.array_equal(case.labels()[6], truth)


def test_a_case_stays_on_screen_while_a_save_is_on_its_way_that_may_fail(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one was clicked, and what was drawn last is saved behind the look at whether all is saved."""
    from SemiSegLib.labelling import casework
    from SemiSegLogic.files import FileError

    def full(*_given: Any) -> Any:
        raise FileError("the disk is full")

    case, left = open_first(panel, study), []
    with slow_disk(panel):
        panel.controller.showing.when_saved(lambda: left.append(case.id))
        truth = draw(panel, 7)
        monkeypatch.setattr(casework, "save", full)
        save(panel)
    assert left == []
    assert "stays on screen" in panel.controller.notice[0]
    monkeypatch.undo()
    panel.controller.showing.when_saved(lambda: left.append(case.id))
    settle(panel)
    assert left == [case.id]
    assert np.array_equal(reopened(panel)[7], truth)
