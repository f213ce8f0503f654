"""Other segment editors of the same Slicer: what is chosen there is never drawn on here, and the other way round."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from Testing.support.clinician import ball, draw, open_first, settle


def editor_node(slicer: Any) -> Any:
    return slicer.mrmlScene.GetSingletonNode("SemiSeg", "vtkMRMLSegmentEditorNode")


@pytest.fixture
def module_editor(slicer: Any) -> Any:
    """The Segment Editor module after it was opened once: its widget lives on, and follows its node."""
    node = slicer.mrmlScene.CreateNodeByClass("vtkMRMLSegmentEditorNode")
    node.UnRegister(None)
    node.SetSingletonTag("SegmentEditor")
    node = slicer.mrmlScene.AddNode(node)
    widget = slicer.qMRMLSegmentEditorWidget()
    widget.setMRMLSegmentEditorNode(node)
    widget.setMRMLScene(slicer.mrmlScene)
    yield widget
    slicer.mrmlScene.RemoveNode(node)


def somebodys_segmentation(slicer: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "somebody's")
    node.GetSegmentation().AddEmptySegment("Segment_1", "theirs")
    return node


def take_the_editor_away(slicer: Any, segmentation: Any) -> None:
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


def test_the_segment_editor_module_and_we_leave_each_other_alone(
    panel: Any, study: Any, slicer: Any, module_editor: Any
) -> None:
    """With one node for both, each effect would be active twice, and strokes go into the other one's undo history."""
    open_first(panel, study)
    theirs = somebodys_segmentation(slicer)
    module_editor.setSegmentationNode(theirs)
    panel.label.editor.widget.setActiveEffectByName("Paint")
    assert not module_editor.mrmlSegmentEditorNode().GetActiveEffectName()
    assert_draws_on_ours(panel, slicer)
    panel.leave()
    module_editor.setActiveEffectByName("Erase")
    assert not editor_node(slicer).GetActiveEffectName()
    panel.enter()
    assert_draws_on_ours(panel, slicer)
    assert module_editor.segmentationNode() is theirs


def test_a_second_panel_that_drew_on_something_else_leaves_no_mask_behind(
    panel: Any, study: Any, slicer: Any
) -> None:
    open_first(panel, study)
    panel.leave()
    take_the_editor_away(slicer, somebodys_segmentation(slicer))
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


def test_a_scene_file_does_not_take_the_editor_away_and_ours_is_not_in_it(
    panel: Any, study: Any, slicer: Any, module_editor: Any, tmp_path: Path
) -> None:
    """A file's editor node is copied into the one of the scene, which then edits a segmentation of the file."""
    open_first(panel, study)
    other = somebodys_segmentation(slicer)
    module_editor.setSegmentationNode(other)
    other.AddDefaultStorageNode()
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "theirs.mrb"))
    slicer.mrmlScene.RemoveNode(other)
    truth = draw(panel, 5)
    zipfile.ZipFile(tmp_path / "theirs.mrb").extractall(tmp_path)
    written = next(tmp_path.glob("*/*.mrml"))
    assert written.read_text().count("<SegmentEditor") == 1, "only the module's"
    slicer.mrmlScene.SetURL(str(written))
    slicer.mrmlScene.Import()
    settle(panel)
    assert slicer.mrmlScene.GetFirstNode("somebody's", "vtkMRMLSegmentationNode") is not None
    assert_draws_on_ours(panel, slicer)
    assert np.array_equal(panel.screen.labels()[5], truth)


def test_a_script_that_takes_the_editor_away_while_the_module_is_shown_loses_it_again(
    panel: Any, study: Any, slicer: Any
) -> None:
    open_first(panel, study)
    take_the_editor_away(slicer, somebodys_segmentation(slicer))
    panel._look_at = 0.0
    panel.tick()
    assert_draws_on_ours(panel, slicer)
    panel.leave()
    theirs = slicer.mrmlScene.GetFirstNode("somebody's", "vtkMRMLSegmentationNode")
    take_the_editor_away(slicer, theirs)
    panel._look_at = 0.0
    panel.tick()
    assert editor_node(slicer).GetSegmentationNode() is theirs, "another module is shown: it is theirs to use"


def test_an_editor_node_that_somebody_took_out_of_the_scene_is_made_again(panel: Any, study: Any, slicer: Any) -> None:
    """As a script does that empties the scene of every node of a kind: the widget would go on with one that no scene
    knows, and nothing drawn would come to any segmentation.
    """
    open_first(panel, study)
    slicer.mrmlScene.RemoveNode(editor_node(slicer))
    panel._look_at = 0.0
    panel.tick()
    assert_draws_on_ours(panel, slicer)
    panel.label.editor.widget.setActiveEffectByName("Paint")
    panel._look_at = 0.0
    panel.tick()
    assert panel.label.editor.widget.real.active == "Paint", "the person goes on drawing"


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
    panel.controller.showing.close()
    assert theirs not in edited


@pytest.mark.parametrize("at_once", [True, False])
def test_deleting_our_segmentation_never_lets_the_editor_take_up_one_of_the_persons_own(
    panel: Any, study: Any, slicer: Any, at_once: bool
) -> None:
    """It would show that one's image in every view. ``at_once``: by a script that removes many nodes as one change."""
    theirs, scene = somebodys_segmentation(slicer), slicer.mrmlScene
    open_first(panel, study)
    edited = panel.label.editor.widget.real.edited
    edited.clear()
    if at_once:
        scene.StartState(scene.BatchProcessState)
    scene.RemoveNode(panel.screen.segmentation)
    if at_once:
        scene.EndState(scene.BatchProcessState)
    settle(panel)
    assert panel.controller.open_case is None
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
    panel.controller.showing.close()
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
