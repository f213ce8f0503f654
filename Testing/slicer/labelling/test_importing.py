"""An existing mask becomes annotation: asked is only what the file does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.support.clinician import ball, draw, open_first, settle


@pytest.fixture
def mask(tmp_path: Path, study: Any) -> Any:
    """Writes a segmentation or label map of the ball under names of another program."""
    from SemiSegLogic.study import Structure, write_labelmap, write_seg_nrrd

    def write(name: str = "theirs.seg.nrrd", outer: str = "Outer", inner: str = "core", crop: int = 0) -> Path:
        grid = study.cases[0].grid
        array = ball(grid.shape).astype(np.uint8)
        named = [Structure(1, outer), Structure(2, inner)] if outer else []
        if crop:
            i = grid.origin[0]
            grid = Grid((*grid.shape[:2], grid.shape[2] - crop), grid.spacing, (i, *grid.origin[1:]), grid.direction)
            array = array[:, :, :-crop]
        (write_seg_nrrd if name.endswith(".seg.nrrd") else write_labelmap)(tmp_path / name, array, grid, named)
        return tmp_path / name

    return write


def ask(panel: Any, path: Path) -> None:
    panel.label.masks.look_at(path)
    settle(panel)


def test_names_are_matched_the_rest_is_asked_and_remembered(panel: Any, study: Any, mask: Any) -> None:
    from SemiSegLib.labelling.importing import NEW

    open_first(panel, study)
    ask(panel, mask())
    assert panel.label.masks.answer().table == {"Outer": NEW, "core": "core"}
    panel.label.masks._choices["Outer"].currentIndex = 0
    panel.label.masks.on_import()
    settle(panel)
    assert panel.controller.notice[1] == "good", panel.controller.notice
    panel.cases.on_case(1)
    settle(panel)
    ask(panel, mask())
    assert panel.label.masks.answer().table == {"Outer": "ball", "core": "core"}


def test_drawn_slices_come_in_voxel_for_voxel_and_are_done(panel: Any, study: Any, mask: Any) -> None:
    case = open_first(panel, study)
    truth = ball(case.grid.shape)
    ask(panel, mask(outer="Ball"))
    panel.label.masks.on_import()
    settle(panel)
    drawn = [k for k in range(case.grid.shape[0]) if truth[k].any()]
    assert case.places == [SliceIndex(0, k) for k in drawn]
    assert np.array_equal(case.labels(), truth)
    assert np.array_equal(panel.screen.labels(), truth)
    assert panel.label.masks.box.real.isHidden()


def test_a_name_that_is_new_becomes_a_structure_and_what_is_left_out_stays_out(
    panel: Any, study: Any, mask: Any
) -> None:
    case = open_first(panel, study)
    ask(panel, mask(outer="Capsule"))
    panel.label.masks._choices["core"].currentIndex = 3
    panel.label.masks.on_import()
    settle(panel)
    assert study.structures.names == {"ball": 1, "core": 2, "Capsule": 3}
    assert np.array_equal(case.labels(), np.where(ball(case.grid.shape) == 1, 3, 0))
    assert [item.name for item in panel.screen.structures()] == ["ball", "core", "Capsule"]
    assert np.array_equal(panel.screen.labels(), case.labels())


@pytest.mark.parametrize(("called", "becomes"), [
    ("7", "structure 7"),
    ("n" * 200, "n" * 90),
    ("upper\nlobe ", "upper lobe"),
    ("Ball ", "Ball 2"),
])
def test_a_new_structure_gets_a_name_that_it_can_have(
    panel: Any, study: Any, mask: Any, called: str, becomes: str
) -> None:
    """Of a label map it is a value, in Slicer it may be anything."""
    from SemiSegLib.labelling.importing import NEW, Answer, MaskFile, import_mask

    case = open_first(panel, study)
    path = mask(outer="theirs")
    path.write_bytes(path.read_bytes().replace(b"Name:=theirs", b"Name:=" + called.encode("unicode_escape")))
    found = import_mask(study, case, MaskFile(path), Answer({called: NEW, "core": "core"}), "somebody", "here")
    assert study.structures.names == {"ball": 1, "core": 2, becomes: 3}
    assert np.array_equal(found.opened.labels.whole(), np.where(ball(case.grid.shape) == 1, 3, ball(case.grid.shape)))


def test_a_structure_added_while_the_box_is_open_moves_no_answer(panel: Any, study: Any, mask: Any) -> None:
    from SemiSegLib.labelling.importing import LEAVE_OUT, NEW

    case = open_first(panel, study)
    ask(panel, mask())
    panel.label.masks._choices["core"].currentIndex = 3
    assert panel.label.masks.answer().table == {"Outer": NEW, "core": LEAVE_OUT}
    panel.controller.add_structure("rim")
    settle(panel)
    assert panel.label.masks.answer().table == {"Outer": NEW, "core": LEAVE_OUT}
    panel.label.masks.on_import()
    settle(panel)
    assert study.structures.names == {"ball": 1, "core": 2, "rim": 3, "Outer": 4}
    assert np.array_equal(case.labels(), np.where(ball(case.grid.shape) == 1, 4, 0))


@pytest.mark.parametrize("inner", ["Outer", "outer"])
def test_two_segments_of_one_name_are_told_with_the_remedy(panel: Any, study: Any, mask: Any, inner: str) -> None:
    open_first(panel, study)
    ask(panel, mask(inner=inner))
    text, level = panel.controller.notice
    assert level == "warning"
    assert f"have the name '{inner}'. Rename one" in text
    assert panel.label.masks.box.real.isHidden()


def test_chosen_and_all_slices(panel: Any, study: Any, mask: Any) -> None:
    case = open_first(panel, study)
    ask(panel, mask(outer="ball"))
    panel.label.masks.which.currentIndex = 2
    panel.label.masks.numbers.text = "1, 6-7"
    panel.label.masks.on_import()
    settle(panel)
    assert [(item.index, item.state) for item in case.annotated] == [(0, "empty"), (5, "drawn"), (6, "drawn")]
    ask(panel, mask(outer="ball"))
    panel.label.masks.which.currentIndex = 1
    panel.label.masks.on_import()
    settle(panel)
    assert case.judged_whole
    assert "1, 6, 7" in panel.controller.notice[0], "slices that were done before are told"


@pytest.mark.parametrize("text", ["", "0", "13", "3-1", "a", "1-2-3"])
def test_what_is_no_slice_is_named(slicer: Any, text: str) -> None:
    from SemiSegLib.labelling.importing import parse_numbers

    assert parse_numbers("2, 11-12", 12) == [1, 10, 11]
    with pytest.raises(ValueError, match="slice"):
        parse_numbers(text, 12)


def test_a_label_map_that_ends_inside_the_image_is_refused_with_the_remedy(panel: Any, study: Any, mask: Any) -> None:
    case = open_first(panel, study)
    ask(panel, mask("part.nrrd", outer="", crop=6))
    assert panel.label.masks.answer().table == {"1": "ball", "2": "core"}
    panel.label.masks.on_import()
    settle(panel)
    assert panel.controller.notice[1] == "error"
    assert "covers only in part: " in panel.controller.notice[0]
    assert case.places == []


def test_a_mask_of_another_image_is_refused_and_nothing_changes(panel: Any, study: Any, mask: Any) -> None:
    open_first(panel, study)
    truth = draw(panel, 4)
    panel.cases.on_case(1)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    other = study.cases[1].grid
    from SemiSegLogic.study import write_labelmap

    far = Grid(other.shape, other.spacing, (500.0, 0.0, 0.0))
    path = mask().with_name("far.nrrd")
    write_labelmap(path, ball(other.shape).astype(np.uint8), far, [])
    ask(panel, path)
    panel.label.masks.on_import()
    settle(panel)
    assert panel.controller.notice[1] == "error"
    assert np.array_equal(panel.screen.labels()[4], truth)
