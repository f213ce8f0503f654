"""No beat of Slicer's own thread copies a whole volume: what is large is made ready on the disk's thread, and what
happens meanwhile counts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import ball, draw, open_first, paint, settle, suggestion_for, until


@pytest.fixture
def reviewed(panel: Any, study: Any) -> Any:
    """The first case, with a slice done and a suggestion of a second round, is on screen."""
    case = open_first(panel, study)
    draw(panel, 5)
    panel.label.on_done()
    settle(panel)
    suggestion_for(case)
    case.put_suggestion(np.maximum(case.suggestion(), 1), 0 * case.suggestion(), {"method": "bcp", "run": "run-2"})
    panel.controller.results.reload_suggestion()
    settle(panel)
    return panel


@pytest.fixture
def whole_ones(monkeypatch: Any) -> list[tuple[str, bool]]:
    """What was done with a whole volume since, and whether on the main thread."""
    from SemiSegLib.drawing import Boxed, Drawing
    from SemiSegLib.scene import segments

    told: list[tuple[str, bool]] = []

    def watch(holder: Any, name: str) -> None:
        before = getattr(holder, name)

        def watched(*args: Any, **named: Any) -> Any:
            told.append((name, threading.current_thread() is threading.main_thread()))
            return before(*args, **named)

        monkeypatch.setattr(holder, name, watched)

    watch(Boxed, "of")
    watch(Drawing, "of")
    watch(Drawing, "whole")
    watch(segments, "read")
    return told


def correct(panel: Any) -> None:
    panel.screen.jump(SliceIndex(0, 7))
    panel.review.on_correct()


STEPS: dict[str, Callable[[Any], object]] = {
    "a stroke is saved": lambda panel: draw(panel, 6),
    "a slice is done": lambda panel: (draw(panel, 6), panel.label.on_done()),
    "a slice is corrected": correct,
    "a slice is right": lambda panel: (panel.screen.jump(SliceIndex(0, 7)), panel.review.on_right()),
    "a suggestion comes in": lambda panel: panel.controller.results.reload_suggestion(),
    "the last round is shown": lambda panel: panel.review.on_earlier(True),
    "the case is accepted": lambda panel: panel.review.on_accept(),
    "a structure is added": lambda panel: panel.controller.add_structure("cyst"),
    "a slice is taken back": lambda panel: panel.controller.labelling.take_back(SliceIndex(0, 5)),
    "another case": lambda panel: panel.cases.on_case(1),
}


@pytest.mark.parametrize("step", STEPS)
def test_no_whole_volume_is_read_or_made_ready_on_slicers_thread(reviewed: Any, whole_ones: Any, step: str) -> None:
    STEPS[step](reviewed)
    settle(reviewed)
    reviewed.controller.labelling.save_now()
    settle(reviewed)
    assert not [name for name, main in whole_ones if main], f"{step}: {whole_ones}"


def test_after_a_stroke_only_the_slice_that_it_changed_is_copied(reviewed: Any) -> None:
    before = reviewed.controller.open_case.labels
    truth = draw(reviewed, 6)
    reviewed.controller.labelling.save_now()
    now = reviewed.controller.open_case.labels
    assert [k for k in range(12) if now.planes[k] is not before.planes[k]] == [6]
    assert np.array_equal(now.planes[6], truth)


def test_one_more_structure_leaves_the_voxels_where_they_are(reviewed: Any) -> None:
    """They were read, copied and put back: of forty structures of a large volume the screen stood still."""
    segmentation = reviewed.screen.segmentation.GetSegmentation()
    layer, labels = segmentation.GetLayerDataObject(0), reviewed.screen.labels()
    voxels = layer.GetPointData().GetScalars()
    reviewed.controller.add_structure("cyst")
    settle(reviewed)
    assert segmentation.GetLayerDataObject(0).GetPointData().GetScalars() is voxels
    assert segmentation.GetNumberOfLayers() == 1
    assert [item.value for item in reviewed.screen.structures()] == [1, 2, 3]
    assert np.array_equal(reviewed.screen.labels(), labels)
    place, here = SliceIndex(0, 8), np.zeros((32, 36), bool)
    here[3:6, 3:6] = True
    paint(reviewed, 3, place, here)
    assert np.array_equal(reviewed.screen.labels()[8] == 3, here)


def test_a_structure_that_was_deleted_comes_back_in_its_place(reviewed: Any) -> None:
    labels = reviewed.screen.labels()
    reviewed.screen.segmentation.GetSegmentation().RemoveSegment("SemiSeg_1")
    reviewed.controller.labelling.save_now()
    settle(reviewed)
    assert [item.value for item in reviewed.screen.structures()] == [1, 2]
    assert np.array_equal(reviewed.screen.labels(), labels)


# --- meanwhile ------------------------------------------------------------------------------------------------


@pytest.fixture
def held(monkeypatch: Any) -> Any:
    """Makes what is large wait, on the disk's thread, until ``held.set()``; ``held.begun`` once it waits."""
    from SemiSegLib.drawing import Boxed

    gate, before = threading.Event(), Boxed.of
    gate.begun = threading.Event()  # type: ignore[attr-defined]

    def of(labels: Any) -> Any:
        gate.begun.set()  # type: ignore[attr-defined]
        assert gate.wait(20)
        return before(labels)

    monkeypatch.setattr(Boxed, "of", of)
    yield gate
    gate.set()


def test_a_suggestion_that_is_being_read_is_not_taken_for_the_one_on_screen(
    reviewed: Any, study: Any, held: Any
) -> None:
    """It was what 'Correct this slice' copied, and 'Accept' took, before anybody had seen it."""
    seen = reviewed.controller.open_case.suggestion
    other = ball(seen.shape).astype(np.uint8)[::-1].copy()
    study.cases[0].put_suggestion(other, 0 * other, {"method": "bcp", "run": "run-3"})
    reviewed.controller.results.reload_suggestion()
    assert held.begun.wait(20)
    assert reviewed.controller.open_case.suggestion is seen
    correct(reviewed)
    assert np.array_equal(reviewed.screen.labels()[7], seen[7])
    held.set()
    settle(reviewed)
    assert np.array_equal(reviewed.controller.open_case.suggestion, study.cases[0].suggestion())
    assert not np.array_equal(study.cases[0].suggestion(), seen)


@pytest.mark.parametrize("ending", ["scene", "case", "unticked", "panel"])
@pytest.mark.parametrize("coming", ["suggestion", "earlier"])
def test_what_comes_too_late_stays_away(reviewed: Any, held: Any, slicer: Any, ending: str, coming: str) -> None:
    if coming == "earlier":
        reviewed.review.on_earlier(True)
    else:
        reviewed.controller.results.reload_suggestion()
    assert held.begun.wait(20)
    if ending == "scene":
        slicer.mrmlScene.Clear()
    elif ending == "case":
        reviewed.cases.on_case(1)
    elif ending == "unticked":
        reviewed.review.on_earlier(False)
    held.set()
    if ending == "panel":
        reviewed.close()
    else:
        settle(reviewed)
    assert reviewed.screen._stage.node("earlier") is None or ending == "panel"
    assert (reviewed.screen._stage.node("suggestion") is not None) == (ending == "unticked")
    assert not [text for text, level in [reviewed.controller.notice] if level == "error"]


@pytest.mark.parametrize("axis", [0, 2])
def test_what_is_drawn_while_a_case_is_accepted_lies_on_top_in_one_undo_step(
    reviewed: Any, study: Any, held: Any, axis: int
) -> None:
    proposed, before = reviewed.controller.open_case.suggestion, reviewed.screen.labels()
    reviewed.review.on_accept()
    assert held.begun.wait(20)
    place, stroke = SliceIndex(axis, 9), np.zeros(np.take(before, 9, axis).shape, bool)
    stroke[2:9, 3:30] = True
    paint(reviewed, 2, place, stroke)
    drawn = reviewed.screen.labels()
    held.set()
    settle(reviewed)
    wanted = np.where(drawn != before, drawn, study.cases[0].labels())
    assert np.array_equal(np.where(before != 0, before, proposed), study.cases[0].labels())
    assert np.array_equal(reviewed.screen.labels(), wanted)
    reviewed.label.editor.widget.undo()
    assert np.array_equal(reviewed.screen.labels(), drawn)


def test_a_stroke_between_the_clicks_and_the_new_case_is_saved(reviewed: Any, study: Any, held: Any) -> None:
    reviewed.cases.on_case(1)
    assert held.begun.wait(20)
    truth = draw(reviewed, 6)
    held.set()
    settle(reviewed)
    until(reviewed, lambda: reviewed.controller.open_case.id == study.cases[1].id)
    reviewed.cases.on_case(0)
    settle(reviewed)
    assert np.array_equal(reviewed.screen.labels()[6], truth)
