"""The line above all sections: what to do next, and what was said last; and what is in reach while slices are done."""

from __future__ import annotations

import time
from typing import Any

import pytest

from SemiSegLogic.study import Structure, write_seg_nrrd
from Testing.support.clinician import draw, look, open_first, settle, suggestion_for

FOLD_PX = 740
"""So much of a module's panel is seen on a screen of 1080 pixels."""


def told(panel: Any) -> tuple[str, str]:
    """The step, and what its button says."""
    panel.step.refresh()
    return panel.step.text.text, "" if panel.step.act.real.isHidden() else panel.step.act.text


def shown(panel: Any, width: int) -> Any:
    """The panel as a person sees it, with an editor as high as Slicer's own."""
    import slicer

    panel.label.editor.widget.real.setMinimumHeight(430)
    root = panel.root.real
    root.layout().setContentsMargins(0, 0, 0, 0)  # as Slicer's module panel has it
    root.show()
    for _ in range(6):
        slicer.app.processEvents()
        root.resize(width, root.layout().totalSizeHint().height())
    return root


def top(panel: Any, widget: Any) -> int:
    from PySide6 import QtCore

    return int(widget.real.mapTo(panel.root.real, QtCore.QPoint(0, 0)).y())


def test_the_line_leads_from_an_empty_panel_to_the_second_training(panel: Any, study: Any) -> None:
    assert told(panel) == ("Open a study, make a new one, or try the sample.", "")
    panel.controller.open_study(study.folder)
    settle(panel)
    assert told(panel)[0] == "Click a case in the list to open it."
    open_first(panel, study)
    assert "press Slice done (Ctrl+Return)" in told(panel)[0]
    assert told(panel)[1] == ""
    for index in (5, 6, 7):
        draw(panel, index)
        panel.label.on_done()
        settle(panel)
    assert told(panel) == ("Slices done: 3, in cases: 1. You can train now.", "Train on my labels")
    panel.step.on_act()
    settle(panel)
    assert panel.training.job == "run-1", "pressed in its place"
    panel.connection.next_look = look()
    panel.training.poll()
    settle(panel)
    assert told(panel) == ("Training · 2 min left. You can go on drawing.", "")
    assert not panel.step.bar.real.isHidden()
    panel.connection.next_look = look("done")
    for case in study.cases:
        suggestion_for(case)
    panel.training.poll()
    panel.controller.refresh()
    settle(panel)
    assert told(panel)[1] == "Next slice"
    assert panel.step.bar.real.isHidden()
    panel.cases.on_case(1)
    settle(panel)
    for index in (5, 6, 7):
        draw(panel, index)
        panel.label.on_done()
        settle(panel)
    assert told(panel) == (
        "Slices done since the last training: 3. Train again, so that the model learns from them.", "Train on my labels"
    )  # fmt: skip


def test_a_computer_that_is_not_set_up_is_told_of_before_and_after_drawing(panel: Any, study: Any) -> None:
    panel.installer.kind = "absent"
    assert told(panel) == ("Press Set up, once. Meanwhile, open a study or make a new one.", "")
    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    assert told(panel) == ("To train on your slices, press Set up, once.", "")
    panel.installer.kind = "installing"
    assert told(panel)[0].startswith("Setting up goes on by itself.")


def test_accepting_a_case_is_no_reason_to_train_again(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.review.on_accept()
    settle(panel)
    assert panel.controller.rows[0].finished
    assert "since the last training" not in told(panel)[0]


def test_good_news_goes_by_itself_and_a_warning_when_it_is_put_away(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error about one image stood there for the rest of the day."""
    from SemiSegLib.panel import next_step

    monkeypatch.setattr(next_step, "STAYS_S", 0.2)
    line = panel.step
    panel.controller.say("It went well.", "good")
    assert (line.notice.text, line.text.real.isHidden()) == ("It went well.", True)
    time.sleep(0.2)
    panel.step.refresh()
    assert line.notice.real.isHidden()
    assert not line.text.real.isHidden()
    panel.controller.say("It did not.", "error")
    time.sleep(0.2)
    panel.step.refresh()
    assert not line.notice.real.isHidden()
    assert not line.away.real.isHidden()
    line.away.click()
    assert line.notice.real.isHidden()
    assert line.away.real.isHidden()
    assert not line.text.real.isHidden()


@pytest.mark.parametrize("text", ["Short.", "Study {name}. Cases: 3, of which none has anything drawn on it as yet."])
def test_other_words_move_nothing_below_them(panel: Any, study: Any, text: str) -> None:
    """What a person was about to click went down by 40 pixels as a notice came."""
    open_first(panel, study)
    panel.step.on_away()
    shown(panel, 480)
    before = top(panel, panel.cases.table)
    panel.controller.say(text, "good")
    shown(panel, 480)
    assert not panel.step.notice.real.isHidden()
    assert top(panel, panel.cases.table) == before


@pytest.mark.parametrize("width", [380, 480])
def test_all_that_is_pressed_for_every_slice_is_seen_without_scrolling(panel: Any, study: Any, width: int) -> None:
    """'Slice done' was 1000 pixels down, 'Next slice worth a look' 1800 and 'Accept this case' 2000."""
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    draw(panel, 5)
    panel.label.on_done()
    settle(panel)
    root = shown(panel, width)
    label, review = panel.label, panel.review
    pressed = (label.done, label.empty, review.right, review.correct, review.next, review.accept, label.take_back)
    assert all(widget.real.isVisible() for widget in pressed), "what is hidden has no place"
    assert all(top(panel, widget) + widget.real.height() < FOLD_PX for widget in pressed)
    assert top(panel, label.editor.widget) < FOLD_PX
    assert root.minimumSizeHint().width() <= width


@pytest.mark.parametrize("width", [380, 480])
def test_in_a_narrow_panel_what_is_known_of_a_suggestion_is_seen_whole_and_choices_make_it_no_wider(
    panel: Any, study: Any, width: int
) -> None:
    """'not enough labels to know' was cut below 500 pixels, and an open list of choices took 450."""
    open_first(panel, study)
    for case, state in zip(study.cases, ("good", "look", "unknown"), strict=True):
        suggestion_for(case, flag={"state": state, "words": "Words.", "expected_dice": None})
    panel.controller.refresh()
    settle(panel)
    panel.setup.choices.more.checked = True
    panel.train.choices.more.checked = True
    write_seg_nrrd(study.folder / "mask.seg.nrrd", study.cases[0].labels(), study.cases[0].grid,
                   [Structure(1, "a structure of another program with a long name")])
    panel.label.masks.look_at(study.folder / "mask.seg.nrrd")
    settle(panel)
    root, table = shown(panel, width), panel.cases.table.real
    panel.cases.keep_room()
    shown(panel, width)
    assert root.minimumSizeHint().width() <= width
    for row in range(table.rowCount()):
        for column in (2, 3, 4):
            assert table.sizeHintForIndex(table.model().index(row, column)).width() <= table.columnWidth(column)
    assert table.columnWidth(1) > table.viewport().width() / 3, "names"


def test_in_a_narrow_panel_a_status_is_a_sign_with_words_where_no_suggestion_is_judged(
    panel: Any, study: Any
) -> None:
    """Of names two letters were seen at each end."""
    from PySide6 import QtCore

    open_first(panel, study)
    suggestion_for(study.cases[0], flag={"state": "good", "words": "Words.", "expected_dice": None})
    panel.controller.refresh()
    settle(panel)

    def cells(row: int) -> list[str]:
        return [panel.cases.table.real.item(row, column).text() for column in (1, 2, 4)]

    shown(panel, 480)
    panel.cases.keep_room()
    assert [cells(0), cells(1)] == [["scan0", "✦ suggested", "probably good"], ["scan1", "○ none", ""]]
    shown(panel, 380)
    panel._look_at = 0.0
    panel.tick()
    assert [cells(0), cells(1)] == [["scan0", "✦", "probably good"], ["scan1", "○", "none"]]
    tips = [panel.cases.table.real.item(0, column).toolTip() for column in (1, 2, 4)]
    assert tips[:2] == ["scan0", "suggested"]
    assert tips[2].startswith("Words.")
    header = panel.cases.table.real.horizontalHeader().model()
    assert [header.headerData(column, QtCore.Qt.Orientation.Horizontal) for column in (2, 4)] == ["", "Status"]


def test_what_keeps_a_training_from_beginning_is_said_where_it_was_begun(panel: Any, study: Any) -> None:
    """It was said beside the button of the section only, far below."""
    open_first(panel, study)
    panel.train.on_train()
    settle(panel)
    assert panel.controller.notice == (panel.training.preflight.findings[0].text, "warning")


def test_enter_makes_the_structure_that_was_typed(panel: Any, study: Any) -> None:
    from PySide6 import QtCore, QtTest

    open_first(panel, study)
    panel.label.structure.text = "cyst"
    QtTest.QTest.keyClick(panel.label.structure.real, QtCore.Qt.Key.Key_Return)
    settle(panel)
    assert [item.name for item in panel.controller.structures()] == ["ball", "core", "cyst"]


def test_the_ways_to_add_images_are_there_while_a_study_is_empty_and_when_asked_for(
    panel: Any, study: Any, tmp_path: Any
) -> None:
    def ways() -> bool:
        return not panel.cases._adding_box.real.isHidden()

    panel.controller.create_study(tmp_path / "new", ["liver"])
    settle(panel)
    assert ways()
    panel.controller.open_study(study.folder)
    settle(panel)
    assert not ways()
    panel.cases.more.click()
    assert ways()
    panel.cases.more.click()
    assert not ways()


def test_keys_are_told_in_tips_also_after_they_were_written_anew(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    review = panel.review
    keys = {widget.text: widget.toolTip for widget in (review.next, review.right, review.correct, review.accept)}
    assert all("(Ctrl+Shift+" in tip for tip in keys.values()), keys
