"""Drawing on a case: what is drawn is in the study, voxel for voxel, and comes back."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import ball, draw, noise, open_first, paint, settle, suggestion_for


def test_a_click_on_a_case_brings_it_on_screen_and_leaves_the_users_nodes_alone(
    panel: Any, study: Any, slicer: Any
) -> None:
    mine = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "mine")
    open_first(panel, study)
    panel.cases.on_case(1)
    settle(panel)
    assert slicer.mrmlScene.IsNodePresent(mine)
    assert panel.screen.volume.GetName() == study.cases[1].name
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 2
    assert panel.label.editor.widget.segmentationNode() is panel.screen.segmentation


def test_what_is_drawn_and_called_done_is_in_the_study_voxel_for_voxel(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    assert np.array_equal(case.labels()[6], truth)
    assert [item.state for item in case.annotated] == ["drawn"]
    assert panel.controller.rows[0].drawn == 1


def test_a_drawing_nobody_called_done_is_saved_and_comes_back(panel: Any, study: Any) -> None:
    open_first(panel, study)
    truth = draw(panel, 5)
    panel.controller.labelling.save_now()
    settle(panel)
    assert panel.controller.open_case.touched == {SliceIndex(0, 5)}
    panel.cases.on_case(1)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[5], truth)
    assert panel.controller.open_case.touched == {SliceIndex(0, 5)}
    assert study.cases[0].labels().any() == np.False_


def test_done_over_a_suggestion_does_not_say_that_nothing_is_there(panel: Any, study: Any) -> None:
    """What a model suggests looks like a drawing: who pressed Slice done taught it that no structure was there."""
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.screen.jump(SliceIndex(0, 6))
    panel.label.on_done()
    settle(panel)
    assert case.annotated == []
    assert panel.controller.open_case.done == {}
    assert "is a suggestion; you have drawn nothing on this slice" in panel.controller.notice[0]
    panel.review.on_right()
    settle(panel)
    assert [item.state for item in case.annotated] == ["drawn"]
    panel.screen.jump(SliceIndex(0, 5))
    panel.label.on_empty()
    settle(panel)
    assert sorted(item.state for item in case.annotated) == ["drawn", "empty"], "a person may say so"
    panel.screen.jump(SliceIndex(0, 0))
    panel.label.on_done()
    settle(panel)
    assert len(case.annotated) == 3, "where nothing is suggested, nothing can be mistaken"


@pytest.mark.parametrize("how", ["in the panel", "in Slicer's list"])
def test_with_a_hidden_suggestion_an_undrawn_slice_that_is_done_shows_nothing(
    panel: Any, study: Any, how: str
) -> None:
    """Said was that what is seen there is a suggestion, and nothing was seen."""
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.screen.jump(SliceIndex(0, 6))
    assert not panel.screen.proposals.hidden
    if how == "in the panel":
        panel.review.suggestion.checked = False
    else:
        panel.screen._stage.node("suggestion").GetDisplayNode().SetVisibility(False)
    panel.label.on_done()
    settle(panel)
    assert [(item.place, item.state) for item in case.annotated] == [(SliceIndex(0, 6), "empty")]


def without_display(node: Any) -> None:
    """As a script, or a person in Slicer's module Data, takes it away."""
    import slicer

    slicer.mrmlScene.RemoveNode(node.GetDisplayNode())
    assert node.GetDisplayNode() is None


@pytest.mark.parametrize("shown", [True, False])
def test_a_suggestion_whose_display_was_taken_away_is_shown_again_or_stays_hidden(
    panel: Any, study: Any, shown: bool
) -> None:
    """Slice done, and to show or hide the suggestion, ended in an error."""
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.review.suggestion.checked = shown
    node = panel.screen._stage.node("suggestion")
    outline = node.GetDisplayNode().GetOpacity2DOutline()
    without_display(node)
    panel.screen.jump(SliceIndex(0, 6))
    panel.label.on_done()
    settle(panel)
    assert [item.state for item in case.annotated] == ([] if shown else ["empty"])
    assert bool(node.GetDisplayNode().GetVisibility()) == shown
    assert node.GetDisplayNode().GetOpacity2DOutline() == outline
    without_display(node)
    for ticked in (not shown, shown):
        panel.review.suggestion.checked = ticked
        assert bool(node.GetDisplayNode().GetVisibility()) == ticked


@pytest.mark.parametrize("role", ["labels", "suggestion", "earlier"])
def test_what_is_shown_anew_without_its_display_is_seen_again(panel: Any, study: Any, role: str) -> None:
    case = open_first(panel, study)
    suggestion_for(case)
    suggestion_for(case, run="run-2")
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.controller.results.show_earlier(True)
    settle(panel)
    node = panel.screen._stage.node(role)
    fill = node.GetDisplayNode().GetOpacity2DFill()
    without_display(node)
    panel.controller.add_structure("cyst")
    settle(panel)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.controller.results.show_earlier(True)
    settle(panel)
    assert node.GetSegmentation().GetNumberOfSegments() == 3
    assert node.GetDisplayNode().GetOpacity2DFill() == fill
    assert node.GetDisplayNode().GetVisibility()


def test_done_while_a_suggestion_is_coming_does_not_say_that_nothing_is_there(panel: Any, study: Any) -> None:
    """It was read, and the next beat was to show it: the slice became one without structures."""
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.screen.jump(SliceIndex(0, 6))
    panel.screen.proposals.show(None, [])  # as before that beat
    panel.label.on_done()
    settle(panel)
    assert not case.annotated


def test_a_hidden_suggestion_is_not_said_to_be_right(panel: Any, study: Any) -> None:
    """The slice, or the whole case, became a label that nobody had looked at."""
    suggestion_for(open_first(panel, study))
    panel.controller.results.reload_suggestion()
    settle(panel)
    for shown in (False, True):
        panel.review.suggestion.checked = shown
        for pressed in (panel.review.right, panel.review.accept):
            assert (bool(pressed.enabled), "is hidden" in pressed.toolTip) == (shown, not shown)
        assert panel.review.correct.enabled, "what is copied is seen"


def test_nothing_here_is_a_label_too_but_not_over_a_drawing(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    panel.screen.jump(SliceIndex(0, 0))
    panel.label.on_empty()
    draw(panel, 6)
    panel.label.on_empty()
    settle(panel)
    assert [(item.index, item.state) for item in case.annotated] == [(0, "empty")]
    assert panel.controller.notice[1] == "warning"


def test_a_structure_that_is_drawn_under_another_is_named_once(panel: Any, study: Any, slicer: Any) -> None:
    """With 'Allow overlap' the screen shows both; what was a lesion would be learned as the organ around it."""
    open_first(panel, study)
    truth, editor = draw(panel, 6), panel.label.editor.widget.real.editor
    panel.controller.labelling.save_now()
    assert panel.controller.notice[1] != "warning"
    editor.GetSegmentEditorNode().SetOverwriteMode(slicer.vtkMRMLSegmentEditorNode.OverwriteNone)
    paint(panel, 1, SliceIndex(0, 6), truth == 2)
    panel.controller.labelling.save_now()
    text, level = panel.controller.notice
    assert level == "warning"
    assert f"ball (voxels: {np.count_nonzero(truth == 2)})" in text
    panel.controller.say("something else")
    paint(panel, 2, SliceIndex(0, 8), truth == 2)
    panel.controller.labelling.save_now()
    assert panel.controller.notice[0] == "something else"
    assert np.array_equal(panel.screen.labels()[6], truth)


def test_redrawing_a_slice_that_is_done_makes_a_new_version(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    mask = np.zeros((32, 36), bool)
    mask[0:3, 0:3] = True
    paint(panel, 1, SliceIndex(0, 6), mask)
    panel.controller.labelling.save_now()
    settle(panel)
    assert case.labels()[6, 1, 1] == 1
    assert len(case.versions()) == 2


def test_a_new_segment_becomes_a_structure_with_a_value_of_its_own(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.screen.segmentation.GetSegmentation().AddEmptySegment("x", "lesion")
    panel.controller.labelling.save_now()
    settle(panel)
    assert study.structures.names == {"ball": 1, "core": 2, "lesion": 3}
    panel.label.structure.text = "vessel"
    panel.label.on_add()
    settle(panel)
    assert [item.name for item in panel.screen.structures()] == ["ball", "core", "lesion", "vessel"]


@pytest.mark.parametrize("way", ["panel", "segment editor"])
def test_a_structure_that_is_added_late_counts_as_absent_on_slices_done_before_and_that_is_said(
    panel: Any, study: Any, way: str
) -> None:
    def add(name: str) -> str:
        if way == "panel":
            panel.label.structure.text = name
            panel.label.on_add()
        else:
            panel.screen.segmentation.GetSegmentation().AddEmptySegment(name, name)
            panel.controller.labelling.save_now()
        settle(panel)
        return str(panel.controller.notice[0])

    case = open_first(panel, study)
    assert "vessel" not in add("vessel")
    case.set_slices(np.zeros(case.grid.shape, np.uint8), [SliceIndex(0, 1), SliceIndex(0, 2)], "ann")
    panel.controller.refresh()
    settle(panel)
    assert add("lesion") == ("On the slices that are already done (2), lesion counts as not there. Where it can be "
                             "seen, draw it, or press Not done.")  # fmt: skip


def test_a_volume_of_the_scene_becomes_a_case(panel: Any, study: Any, slicer: Any) -> None:
    from SemiSegLib.scene.volumes import volume_from

    panel.controller.open_study(study.folder)
    settle(panel)
    array = np.random.default_rng(9).integers(0, 99, (5, 6, 7)).astype(np.int16)
    from SemiSegLogic.geometry import Grid

    volume_from(array, Grid((5, 6, 7), (2.0, 1.0, 1.0)), "from PACS", (0, 99))
    panel.cases.on_add_scene()
    settle(panel)
    assert np.array_equal(study.case("from PACS").image(), array)


def test_an_earlier_version_comes_back(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    first = case.versions()[0].name
    paint(panel, 1, SliceIndex(0, 6), np.ones((32, 36), bool))
    panel.controller.labelling.save_now()
    settle(panel)
    panel.controller.results.restore_version(first)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], ball(case.grid.shape)[6])


def test_with_an_earlier_version_no_slice_comes_back_that_was_done_later(panel: Any, study: Any) -> None:
    """It lies in the draft still, beside another that is drawn and not done; that one stays."""
    case = open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    first = case.version
    truth = draw(panel, 3)
    panel.controller.labelling.save_now()
    draw(panel, 8)
    panel.label.on_done()
    settle(panel)
    panel.controller.results.restore_version(first)
    settle(panel)
    assert not panel.screen.labels()[8].any()
    assert panel.controller.open_case.touched == {SliceIndex(0, 3)}
    assert np.array_equal(panel.screen.labels()[3], truth)


def test_of_many_versions_only_those_that_the_menu_shows_are_read(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case that was worked on for a year has thousands; what is drawn meanwhile must not wait for them."""
    from SemiSegLib.labelling.casework import LISTED
    from SemiSegLogic.study import history

    case = open_first(panel, study)
    for number in range(LISTED + 8):
        case.mark([SliceIndex(0, number % 12)], "ann")
    read, plain = [], history.header_entries
    monkeypatch.setattr(history, "header_entries", lambda path: (read.append(path), plain(path))[1])
    panel.label.on_versions()
    settle(panel)
    assert len(panel.label._menu.actions()) == LISTED
    assert len(read) == LISTED + 1, "the present one is not listed"


def test_no_picture_stays_behind_and_one_that_is_held_goes_later(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "The file is in use")

    def pictures() -> list[Path]:
        return list(Path(panel.scratch).glob(f"SemiSeg-strip-{os.getpid()}-{id(panel.label._strip):x}*"))

    open_first(panel, study)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", held)
        panel.screen.jump(SliceIndex(0, 2))
        panel.label.refresh()
    assert len(pictures()) == 1
    panel.screen.jump(SliceIndex(0, 7))
    panel.label.refresh()
    assert pictures() == []
    assert not panel.label._strip._widget.real.pixmap().isNull(), "it is shown"


@pytest.mark.parametrize("what", ["temporary files were cleared", "the disk is full"])
def test_the_label_section_goes_on_without_its_picture(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    open_first(panel, study)
    shown = panel.label._strip._widget.real
    with monkeypatch.context() as patch:
        if what == "the disk is full":
            patch.setattr(Path, "write_bytes", full)
        else:
            shutil.rmtree(panel.scratch)
        panel.screen.jump(SliceIndex(0, 2))
        panel.label.refresh()
        assert panel.label.here.text.startswith("<b>scan0</b>, axial slice <b>3</b>")
        assert panel.label.saved.text == "Everything is saved in the study."
        assert shown.pixmap().isNull() == (what == "the disk is full"), "one of another slice would mislead"
    panel.label.refresh()
    assert not shown.pixmap().isNull()


def test_a_slice_is_taken_back_and_its_drawing_stays(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    panel.label.on_take_back()
    settle(panel)
    assert case.places == [], panel.controller.notice
    assert np.array_equal(panel.screen.labels()[6], truth)
    assert panel.controller.open_case.touched == {SliceIndex(0, 6)}
    panel.label.on_versions()
    settle(panel)
    assert panel.label._menu.actions()


def test_terminology_goes_onto_segments_and_what_is_chosen_there_comes_back(panel: Any, study: Any) -> None:
    from SemiSegLib.scene import segments

    liver = (
        "Segmentation category and type - 3D Slicer General Anatomy list~SCT^123037004^Anatomical Structure"
        "~SCT^10200004^Liver~^^~Anatomic codes - DICOM master list~^^~^^"
    )
    study.change_structure(1, terminology=liver)
    case = open_first(panel, study)
    segmentation = panel.screen.segmentation.GetSegmentation()
    assert segmentation.GetSegment("SemiSeg_1").GetTerminology() == liver
    spleen = liver.replace("10200004^Liver", "78961009^Spleen")
    segmentation.GetSegment("SemiSeg_2").SetTerminology(spleen)
    panel.controller.labelling.edited()
    panel.controller.labelling.save_now()
    settle(panel)
    assert [item.terminology for item in study.structures] == [liver, spleen]
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    assert [item.terminology for item in segments.shown(panel.screen._stage.node("suggestion"))] == [liver, spleen]


def test_saving_a_drawing_changes_no_structure(panel: Any, study: Any) -> None:
    open_first(panel, study)
    before = (study.folder / "study.json").stat().st_mtime_ns
    draw(panel, 6)
    panel.controller.labelling.save_now()
    settle(panel)
    assert (study.folder / "study.json").stat().st_mtime_ns == before


def test_volumes_of_the_scene_are_offered_by_their_whole_names(panel: Any, study: Any) -> None:
    from SemiSegLib.scene import volumes
    from SemiSegLogic.geometry import Grid

    open_first(panel, study)
    grid = Grid((6, 8, 9))
    for name in ("T1 & T2", "plain"):
        volumes.volume_from(np.arange(6 * 8 * 9, dtype=np.int16).reshape(grid.shape), grid, name, (0.0, 9.0))
    panel.cases.on_add_scene()
    first, second = panel.cases._menu.actions()
    assert first.text == "T1 && T2 (9 x 8 x 6)", "one & would underline a letter"
    assert second.text == "plain (9 x 8 x 6)"
    first.trigger()
    settle(panel)
    assert "T1 & T2" in [row.name for row in panel.controller.rows], panel.controller.notice


def copied(panel: Any, slicer: Any, name: str, value: int = 1) -> None:
    """As the module Segmentations does it: to another segmentation and back, with a name or value given there."""
    ours = panel.screen.segmentation.GetSegmentation()
    other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "elsewhere").GetSegmentation()
    other.CopySegmentFromSegmentation(ours, "SemiSeg_1")
    other.GetSegment("SemiSeg_1").SetName(name)
    other.GetSegment("SemiSeg_1").SetTag("SemiSeg.Value", str(value))
    ours.CopySegmentFromSegmentation(other, "SemiSeg_1")
    for _again in range(2):
        panel.controller.labelling.edited()
        panel.controller.labelling.save_now()
        settle(panel)


def test_a_copied_segment_under_another_name_is_a_structure_of_its_own(panel: Any, study: Any, slicer: Any) -> None:
    open_first(panel, study)
    draw(panel, 6)
    copied(panel, slicer, "ball by hand")
    assert [(item.value, item.name) for item in study.structures] == [(1, "ball"), (2, "core"), (3, "ball by hand")]
    assert [item.value for item in panel.screen.structures()] == [1, 2, 3]


def test_a_copied_segment_under_the_same_name_belongs_to_its_structure(panel: Any, study: Any, slicer: Any) -> None:
    open_first(panel, study)
    truth = draw(panel, 6)
    copied(panel, slicer, "ball")
    assert [(item.value, item.name) for item in study.structures] == [(1, "ball"), (2, "core")]
    assert np.array_equal(panel.screen.labels()[6], truth)


def test_a_segment_from_another_study_brings_no_value_that_this_one_lacks(panel: Any, study: Any, slicer: Any) -> None:
    case = open_first(panel, study)
    draw(panel, 6)
    copied(panel, slicer, "vessel", value=77)
    assert [(item.value, item.name) for item in study.structures] == [(1, "ball"), (2, "core"), (3, "vessel")]
    panel.label.on_done()
    settle(panel)
    assert set(np.unique(case.labels())) <= {0, 1, 2, 3}


def test_a_case_is_shown_in_the_greys_of_its_tissue_and_not_of_what_the_scanner_wrote_around_it(
    slicer: Any, study: Any, tmp_path: Path
) -> None:
    from SemiSegLib.labelling import casework
    from SemiSegLogic.geometry import Grid
    from SemiSegLogic.study import write_image

    image = 400 * ball((12, 32, 36)) + noise((12, 32, 36), 0)
    image[:, :8] = -32768
    write_image(tmp_path / "padded.nrrd", image, Grid(image.shape, (2.0, 1.0, 1.0)))
    low, high = casework.load(study.add_case(tmp_path / "padded.nrrd"), "here").window
    assert -2000 < low < high < 2000


def test_undo_behind_the_moment_in_which_a_segment_became_a_structure_makes_no_second_one_of_it(
    panel: Any, study: Any
) -> None:
    """What is undone to was kept before the segment had a value."""
    open_first(panel, study)
    panel.screen.segmentation.GetSegmentation().AddEmptySegment("new", "lesion")
    mask = np.zeros((32, 36), bool)
    mask[4:9, 4:9] = True
    paint(panel, "new", SliceIndex(0, 6), mask)
    panel.controller.labelling.save_now()
    settle(panel)
    panel.label.editor.widget.real.editor.Undo()
    panel.controller.labelling.save_now()
    settle(panel)
    assert study.structures.names == {"ball": 1, "core": 2, "lesion": 3}
    assert not panel.screen.labels().any(), "undone"
    paint(panel, "new", SliceIndex(0, 6), mask)
    panel.label.on_done()
    settle(panel)
    assert np.array_equal(study.cases[0].labels()[6], mask * 3)


@pytest.mark.parametrize(
    ("called", "known"),
    [("tumor ", "tumor"), ("", "structure"), ("7", "structure 7"), ("a\nb", "a b"), ("x" * 300, "x" * 90),
     ("Ball", "Ball 2")],
    ids=["a space", "nothing", "a number", "two lines", "very long", "as another"],
)  # fmt: skip
def test_whatever_a_new_segment_is_called_nothing_drawn_waits_for_a_better_name(
    panel: Any, study: Any, called: str, known: str
) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.screen.segmentation.GetSegmentation().AddEmptySegment("new", "Segment_1")
    panel.screen.segmentation.GetSegmentation().GetSegment("new").SetName(called)
    mask = np.zeros((32, 36), bool)
    mask[:3, :3] = True
    paint(panel, "new", SliceIndex(0, 6), mask)
    panel.label.on_done()
    settle(panel)
    assert study.structures.names == {"ball": 1, "core": 2, known: 3}
    assert np.array_equal(case.labels()[6], np.where(mask, 3, truth))
    panel.controller.say("something else")
    paint(panel, 1, SliceIndex(0, 6), mask)
    panel.controller.labelling.save_now()
    assert panel.controller.notice[0] == "something else", "the screen shows the name that the structure has"


def test_a_name_that_is_refused_is_told_once_and_not_shown(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.screen.segmentation.GetSegmentation().GetSegment("SemiSeg_2").SetName("ball")
    panel.screen.segmentation.GetSegmentation().GetSegment("SemiSeg_2").SetColor(0.25, 0.5, 0.75)
    panel.controller.labelling.save_now()
    assert "Two structures have the name 'ball'" in panel.controller.notice[0]
    assert [item.name for item in panel.screen.structures()] == ["ball", "core"]
    panel.controller.say("something else")
    panel.controller.labelling.edited()
    panel.controller.labelling.save_now()
    assert panel.controller.notice[0] == "something else"
    assert study.structures.names == {"ball": 1, "core": 2}
    assert study.structures.of_value(2).color == (0.25, 0.5, 0.75), "the colour is not refused with it"


def test_a_brush_that_reaches_other_slices_changes_done_ones_as_seen_and_that_is_told(panel: Any, study: Any) -> None:
    """A sphere brush, islands, scissors through all slices: they change what is out of view."""
    case = open_first(panel, study)
    panel.screen.jump(SliceIndex(0, 1))
    panel.label.on_empty()
    settle(panel)
    for index in (2, 6):
        draw(panel, index)
        panel.label.on_done()
        settle(panel)
    assert panel.label.saved.text == "Everything is saved in the study."
    mask = np.zeros((32, 36), bool)
    mask[2:5, 2:5] = True
    panel.screen.jump(SliceIndex(0, 2))
    for index in (1, 2, 3):
        paint(panel, 1, SliceIndex(0, index), mask)
    panel.controller.labelling.save_now()
    settle(panel)
    assert {item.place.index: item.state for item in case.annotated} == {1: "drawn", 2: "drawn", 6: "drawn"}
    assert np.array_equal(case.labels()[1:3], panel.screen.labels()[1:3])
    opened = panel.controller.open_case
    assert opened.done == {item.place: item.state for item in case.annotated}, "the strip shows it as drawn"
    assert opened.touched == {SliceIndex(0, 3)}
    assert panel.label.saved.text == "Done slices that were changed, too: 2. Undo takes it back."
    panel.screen.jump(SliceIndex(0, 6))
    paint(panel, 1, SliceIndex(0, 6), mask)
    panel.controller.labelling.save_now()
    settle(panel)
    assert panel.label.saved.text == "Everything is saved in the study."
