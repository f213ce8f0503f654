"""Before any model: Next leads to a slice worth drawing, with its reason, and goes on as slices are marked as done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import draw, look, open_first, settle


def test_next_leads_to_a_slice_to_begin_with_and_says_why(panel: Any, study: Any) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    found = panel.training.worth_a_look()
    assert {item.case for item in found[:3]} == {case.id for case in study.cases}
    panel.review.refresh()
    assert panel.review.next.enabled
    panel.review.on_next()
    settle(panel)
    assert panel.controller.open_case.id == found[0].case
    assert panel.screen.current_slice() == found[0].place
    assert "The image most like all others" in panel.review.reason.text


def test_a_slice_called_done_is_not_offered_again_and_other_cases_come_first(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    draw(panel, 6)
    settle(panel)
    panel.controller.labelling.call_done([SliceIndex(0, 6)])
    settle(panel)
    found = panel.training.worth_a_look()
    assert found
    assert (case.id, SliceIndex(0, 6)) not in [(item.case, item.place) for item in found]
    assert found[0].case != case.id


def test_the_models_own_slices_take_their_place(panel: Any, study: Any) -> None:
    from SemiSegLib.training.connection import Next

    open_first(panel, study)
    panel.connection.found = "run-1"
    own = Next(study.cases[1].id, SliceIndex(0, 3), "Upper end of ball: the model is unsure about the border of ball.")
    panel.training.job, panel.connection.next_look = "run-1", look(ranking=(own,))
    panel.training.poll()
    settle(panel)
    assert panel.training.worth_a_look() == [own]


def test_an_image_that_cannot_be_read_does_not_stop_the_others(panel: Any, study: Any) -> None:
    Path(study.cases[0].image_path).write_bytes(b"no image")
    panel.controller.open_study(study.folder)
    settle(panel)
    assert {item.case for item in panel.training.worth_a_look()} == {case.id for case in study.cases[1:]}
