"""The Segment Editor's node is shared with Slicer's own module; what is chosen there must never be drawn on here."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.support.clinician import ball, draw, open_first, settle


def editor_node(slicer: Any) -> Any:
    return slicer.mrmlScene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")


def somebodys_segmentation(slicer: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "somebody's")
    node.GetSegmentation().AddEmptySegment("Segment_1", "theirs")
    return node


def choose_in_the_segment_editor_module(slicer: Any, segmentation: Any) -> None:
    node = editor_node(slicer)
    node.SetAndObserveSegmentationNode(segmentation)
    node.SetMaskMode(slicer.vtkMRMLSegmentationNode.EditAllowedInsideSingleSegment)
    node.SetMaskSegmentID("Segment_1")
    node.SetSourceVolumeIntensityMask(True)


def assert_draws_on_ours(panel: Any, slicer: Any) -> None:
    node = editor_node(slicer)
    assert node.GetSegmentationNode() is panel.screen.segmentation
    assert node.GetSourceVolumeNode() is panel.screen.volume
    assert panel.label.editor.widget.segmentationNode() is panel.screen.segmentation
    assert panel.label.editor.widget.currentSegmentID() in ("SemiSeg_1", "SemiSeg_2")


def test_back_from_the_segment_editor_module_the_case_is_drawn_on_again(panel: Any, study: Any, slicer: Any) -> None:
    open_first(panel, study)
    panel.leave()
    choose_in_the_segment_editor_module(slicer, somebodys_segmentation(slicer))
    panel.enter()
    assert_draws_on_ours(panel, slicer)
    node = editor_node(slicer)
    assert node.GetMaskMode() == slicer.vtkMRMLSegmentationNode.EditAllowedEverywhere, "a mask of theirs blocks nothing"
    assert not node.GetSourceVolumeIntensityMask()


def test_a_mask_that_the_person_chose_for_the_case_stays_when_the_module_is_left_for_a_moment(
    panel: Any, study: Any, slicer: Any
) -> None:
    open_first(panel, study)
    editor_node(slicer).SetSourceVolumeIntensityMask(True)
    panel.label.editor.widget.setCurrentSegmentID("SemiSeg_2")
    panel.leave()
    panel.enter()
    assert editor_node(slicer).GetSourceVolumeIntensityMask()
    assert panel.label.editor.widget.currentSegmentID() == "SemiSeg_2"


def test_a_scene_file_that_is_added_does_not_take_the_editor_away(
    panel: Any, study: Any, slicer: Any, tmp_path: Path
) -> None:
    """Its editor node is copied into ours, which then edits a segmentation of the file."""
    open_first(panel, study)
    panel.leave()
    other = somebodys_segmentation(slicer)
    choose_in_the_segment_editor_module(slicer, other)
    other.AddDefaultStorageNode()
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "theirs.mrb"))
    slicer.mrmlScene.RemoveNode(other)
    panel.enter()
    truth = draw(panel, 5)
    zipfile.ZipFile(tmp_path / "theirs.mrb").extractall(tmp_path)
    slicer.mrmlScene.SetURL(str(next(tmp_path.glob("*/*.mrml"))))
    slicer.mrmlScene.Import()
    settle(panel)
    assert slicer.mrmlScene.GetFirstNode("somebody's", "vtkMRMLSegmentationNode") is not None
    assert_draws_on_ours(panel, slicer)
    assert np.array_equal(panel.screen.labels()[5], truth)


def test_a_script_that_takes_the_editor_away_while_the_module_is_shown_loses_it_again(
    panel: Any, study: Any, slicer: Any
) -> None:
    open_first(panel, study)
    choose_in_the_segment_editor_module(slicer, somebodys_segmentation(slicer))
    panel._look_at = 0.0
    panel.tick()
    assert_draws_on_ours(panel, slicer)
    panel.leave()
    theirs = slicer.mrmlScene.GetFirstNode("somebody's", "vtkMRMLSegmentationNode")
    choose_in_the_segment_editor_module(slicer, theirs)
    panel._look_at = 0.0
    panel.tick()
    assert editor_node(slicer).GetSegmentationNode() is theirs, "another module is shown: it is theirs to use"


def test_changing_the_case_never_lets_the_editor_take_up_a_segmentation_of_the_persons_own(
    panel: Any, study: Any, slicer: Any
) -> None:
    theirs = somebodys_segmentation(slicer)
    open_first(panel, study)
    edited = panel.label.editor.widget.real.edited
    edited.clear()
    panel.cases.on_case(1)
    settle(panel)
    assert theirs not in edited
    assert_draws_on_ours(panel, slicer)
    panel.controller.close_case()
    assert theirs not in edited


def test_the_keyboard_is_ours_only_while_there_is_something_to_draw_on(panel: Any, study: Any, slicer: Any) -> None:
    """A key that chooses an effect with no segmentation to draw on ends Slicer 5.10."""
    widget = panel.label.editor.widget.real
    assert not widget.shortcuts, "the module is shown, but no case"
    open_first(panel, study)
    assert widget.shortcuts
    panel.cases.on_case(1)
    settle(panel)
    assert widget.shortcuts
    panel.controller.close_case()
    assert not widget.shortcuts
    panel.cases.on_case(1)
    settle(panel)
    slicer.mrmlScene.Clear()
    settle(panel)
    assert not widget.shortcuts


def test_keyboard_and_views_are_given_back_when_the_module_is_left(panel: Any, study: Any) -> None:
    open_first(panel, study)
    widget = panel.label.editor.widget.real
    panel.leave()
    assert not widget.shortcuts
    assert not widget.observing
    panel.enter()
    assert widget.shortcuts


def test_a_case_that_arrives_after_the_module_was_left_takes_no_keyboard(panel: Any, study: Any) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    panel.leave()
    settle(panel)
    assert panel.controller.open_case is not None
    assert not panel.label.editor.widget.real.shortcuts
    panel.enter()
    assert panel.label.editor.widget.real.shortcuts


def test_effects_that_other_extensions_bring_later_are_known_when_the_module_is_shown(panel: Any) -> None:
    panel.leave()
    panel.label.editor.widget.real.calls.clear()
    panel.enter()
    assert "updateEffectList" in panel.label.editor.widget.real.calls


@pytest.mark.parametrize("which", ["volume", "segmentation"])
def test_a_case_whose_nodes_the_person_deletes_is_saved_and_can_be_opened_again(
    panel: Any, study: Any, slicer: Any, which: str
) -> None:
    open_first(panel, study)
    truth = draw(panel, 6)
    slicer.mrmlScene.RemoveNode(getattr(panel.screen, which))
    panel._look_at = 0.0
    panel.tick()
    settle(panel)
    assert panel.controller.open_case is None
    assert "deleted" in panel.controller.notice[0]
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], truth)


def test_a_new_structure_is_the_one_that_is_drawn_next(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.label.structure.text = "shell"
    panel.label.on_add()
    settle(panel)
    assert panel.label.editor.widget.currentSegmentID() == "SemiSeg_3"
    assert ball(panel.controller.open_case.grid.shape).any()
