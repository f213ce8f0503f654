"""The list of cases in numbers and words, and the comparison with the last round."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import ball, draw, open_first, settle, suggestion_for


def row(panel: Any, number: int) -> list[str]:
    return [panel.cases.table.real.item(number, column).text() for column in range(5)]


def names(panel: Any) -> list[str]:
    return [row(panel, number)[1] for number in range(len(panel.controller.rows))]


def propose(case: Any, run: str, doubt: int, **more: Any) -> None:
    truth = ball(case.grid.shape).astype(np.uint8)
    case.put_suggestion(truth, np.full(truth.shape, doubt, np.uint8), {"method": "mean_teacher", "run": run, **more})


def test_the_table_tells_how_sure_the_model_is_and_then_how_much_was_right(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    propose(case, "run-1", 51)
    panel.controller.results.reload_suggestion()
    settle(panel)
    assert row(panel, 0)[4] == "80% sure"
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    assert row(panel, 0)[2:] == ["✎ corrected", "1", "100% right"]


def test_the_flag_of_a_run_is_told_in_words(panel: Any, study: Any) -> None:
    open_first(panel, study)
    for case, state in zip(study.cases, ("good", "look", "unknown"), strict=True):
        propose(case, "run-1", 51, flag={"state": state, "words": f"Words of {state}.", "expected_dice": 0.8})
    panel.controller.refresh()
    settle(panel)
    assert [row(panel, number)[4] for number in range(3)] == [
        "probably good", "look here", "too few labels"
    ]  # fmt: skip
    tips = [panel.cases.table.real.item(number, 4).toolTip() for number in range(3)]
    assert tips[1] == "Words of look. The model is 80% sure of its suggestion."
    case = open_first(panel, study)
    assert "Words of good." in panel.review.sure.text
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    assert case.agreement == 1.0
    assert "slices you have done since: 100% (Dice)" in panel.review.sure.text
    assert row(panel, 0)[4] == "100% right", "what a person found counts more than what was expected"


def test_why_a_slice_was_worth_a_look_goes_with_the_suggestion_that_it_was_about(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the next training it still said that no structure was found, beside one that was."""
    from SemiSegLib.training.connection import Next

    case, other = open_first(panel, study), study.cases[1]
    propose(case, "run-1", 51)
    panel.controller.results.reload_suggestion()
    settle(panel)
    wanted = Next(other.id, SliceIndex(0, 6), "No structure was found.")
    monkeypatch.setattr(panel.training, "worth_a_look", lambda: [wanted])
    panel.review.on_next()
    settle(panel)
    assert panel.controller.open_case.id == other.id
    assert "No structure was found" in panel.review.reason.text, "of the case that came on screen for it"
    propose(other, "run-2", 20)
    panel.controller.results.reload_suggestion()
    settle(panel)
    assert panel.review.reason.text == ""


def test_the_list_is_ordered_as_asked_and_a_click_still_meets_its_case(panel: Any, study: Any) -> None:
    from SemiSegLib.panel.case_rows import ORDERS, SURE

    open_first(panel, study)
    for case, doubt in zip(study.cases, (51, 204, 102), strict=True):
        propose(case, "run-1", doubt)
    panel.controller.refresh()
    settle(panel)
    assert names(panel) == ["scan0", "scan1", "scan2"]
    panel.cases.order.currentIndex = ORDERS.index(SURE)
    panel.cases.on_order()
    assert names(panel) == ["scan1", "scan2", "scan0"]
    panel.cases.on_case(0)
    settle(panel)
    assert panel.controller.open_case.name == "scan1"


def test_the_first_cases_to_look_at_have_a_star_and_the_list_can_be_ordered_by_that(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every case of a study of twenty-four had a star, and ordered by it they stayed in the order of their names."""
    from SemiSegLib.panel import cases as section
    from SemiSegLib.panel.case_rows import NEXT, ORDERS
    from SemiSegLib.training.connection import Next

    open_first(panel, study)
    monkeypatch.setattr(section, "STARRED", 2)
    ids = [case.id for case in study.cases]
    wanted = [Next(ids[number], SliceIndex(0, k), "") for number, k in ((2, 3), (2, 5), (0, 4), (1, 7))]
    monkeypatch.setattr(panel.training, "worth_a_look", lambda: wanted)
    panel.cases.order.currentIndex = ORDERS.index(NEXT)
    panel.cases.on_order()
    assert names(panel) == ["scan2", "scan0", "scan1"]
    assert [row(panel, number)[0] for number in range(3)] == ["★", "★", ""]


def test_what_changed_since_the_last_round_is_told_and_its_outline_shown(panel: Any, study: Any) -> None:
    from SemiSegLib.scene import segments

    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    assert panel.review.earlier.real.isHidden()
    before = case.suggestion()
    after = before.copy()
    after[6, 10:12, 10:12] = 0
    after[6, 0, 0] = 2
    case.put_suggestion(after, np.zeros_like(after), {"method": "mean_teacher", "run": "run-2"})
    panel.controller.results.reload_suggestion()
    settle(panel)
    assert np.array_equal(panel.controller.open_case.earlier, before)
    assert "ball" in panel.review.changed.text
    assert "%" in panel.review.changed.text
    panel.review.on_earlier(True)
    settle(panel)
    node = panel.screen._stage.node("earlier")
    assert np.array_equal(segments.read(node, case.grid)[0], before)
    assert node.GetDisplayNode().GetOpacity2DFill() == 0.0
    assert np.array_equal(segments.read(panel.screen._stage.node("suggestion"), case.grid)[0], after)
    panel.review.on_earlier(False)
    assert panel.screen._stage.node("earlier") is None


def test_of_forty_structures_those_that_changed_most_are_told_and_the_others_counted(slicer: Any) -> None:
    from SemiSegLib.panel.review import CHANGED, changed
    from SemiSegLib.ports import Shown

    structures = [Shown(value, f"Structure_{value}_" + "Nervus" * 12, (1.0, 0.0, 0.0)) for value in range(1, 41)]
    told = {str(value): {"before": 1000, "after": 900, "dice": 0.5 + value / 100} for value in range(40, 0, -1)}
    lines = changed({"change": told}, structures, 0.001).split("<br>")
    assert len(lines) == 1 + CHANGED + 1
    assert [int(line.replace("\N{ZERO WIDTH SPACE}", "").split("_")[1]) for line in lines[1:-1]] == [5, 4, 3, 2, 1]
    assert lines[-1] == "Others, less changed: 35, overlap 56% or more"
    assert all("\N{ZERO WIDTH SPACE}" in line for line in lines[1:-1]), "a long name may be broken"
    few = dict(list(told.items())[:CHANGED])
    assert len(changed({"change": few}, structures, 0.001).split("<br>")) == 1 + CHANGED


def test_accepting_and_restoring_read_the_image_on_screen_no_second_time(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = open_first(panel, study)
    propose(case, "run-1", 51)
    panel.controller.results.reload_suggestion()
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    version, read = case.version, list[str]()
    image = type(case).image
    monkeypatch.setattr(type(case), "image", lambda self: read.append(self.id) or image(self))
    panel.controller.results.accept_case()
    settle(panel)
    assert case.status == "accepted"
    assert np.array_equal(panel.screen.labels(), case.labels())
    panel.controller.results.restore_version(version)
    settle(panel)
    assert np.array_equal(panel.screen.labels(), case.labels())
    assert case.places == [SliceIndex(0, 6)]
    assert read == []


def test_what_is_drawn_goes_into_the_persons_labels_never_into_a_proposal_beside_them(panel: Any, study: Any) -> None:
    from SemiSegLib.scene import segments

    case = open_first(panel, study)
    propose(case, "run-1", 51)
    propose(case, "run-2", 51)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.review.on_earlier(True)
    settle(panel)
    before = segments.read(panel.screen._stage.node("suggestion"), case.grid)[0]
    draw(panel, 2)
    assert panel.label.editor.widget.segmentationNode() is panel.screen.segmentation
    for role in ("suggestion", "earlier"):
        assert np.array_equal(segments.read(panel.screen._stage.node(role), case.grid)[0], before)
