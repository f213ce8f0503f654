"""Bad moments: nothing that a person drew is lost, and they are told what to do."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import draw, look, open_first, settle


def test_closing_the_scene_while_training_loses_nothing(panel: Any, study: Any, slicer: Any) -> None:
    open_first(panel, study)
    truth = draw(panel, 5)
    panel.training.job = "run-1"
    panel.connection.next_look = look()
    slicer.mrmlScene.Clear()
    settle(panel)
    panel.training.poll()
    settle(panel)
    assert panel.training.running
    assert panel.controller.open_case is None
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[5], truth)


def test_a_dead_worker_is_told_with_what_to_do(panel: Any, study: Any) -> None:
    from dataclasses import replace

    open_first(panel, study)
    panel.training.job = "run-1"
    lost = replace(look().status, state="lost", error={"text": "It was killed.", "remedy": "Resume it."})
    panel.connection.next_look = replace(look(), status=lost)
    panel.training.poll()
    settle(panel)
    assert "Resume it." in panel.controller.notice[0]
    panel.train.run.on_resume()
    settle(panel)
    assert "resume" in panel.connection.calls


def test_what_a_killed_slicer_left_half_written_goes_when_the_study_is_opened(panel: Any, study: Any) -> None:
    folder = study.cases[0].folder
    left = [folder / ".0a1b2c3d.tmp.labels.seg.nrrd", folder / ".new-0a1b", folder / ".11111111.tmp.draft-pc-7.npz"]
    left[0].touch()
    left[1].mkdir()
    left[2].touch()
    for path in left[:2]:
        os.utime(path, (1e9, 1e9))
    panel.controller.open_study(study.folder)
    settle(panel)
    assert [path.exists() for path in left] == [False, False, True], "who writes now is not disturbed"


def test_a_full_disk_keeps_the_drawing_and_tries_again(panel: Any, study: Any, monkeypatch: Any) -> None:
    from SemiSegLib.labelling import casework

    open_first(panel, study)
    draw(panel, 5)
    with monkeypatch.context() as broken:
        broken.setattr(casework.drafts, "save", lambda *_: (_ for _ in ()).throw(OSError("No space left on device")))
        panel.controller.labelling.save_now()
        settle(panel)
    assert "No space left" in panel.controller.notice[0]
    assert panel.controller.labelling.unsaved
    panel.controller.labelling.save_now()
    settle(panel)
    assert not panel.controller.labelling.unsaved


def test_renaming_recolouring_and_deleting_a_segment_never_moves_a_value(panel: Any, study: Any) -> None:
    open_first(panel, study)
    truth = draw(panel, 6)
    segmentation = panel.screen.segmentation.GetSegmentation()
    segmentation.GetSegment("SemiSeg_2").SetName("nucleus")
    panel.controller.labelling.edited()
    panel.controller.labelling.save_now()
    settle(panel)
    assert [(item.value, item.name) for item in study.structures] == [(1, "ball"), (2, "nucleus")]
    segmentation.RemoveSegment("SemiSeg_2")
    panel.controller.labelling.save_now()
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], truth)
    assert [item.value for item in panel.screen.structures()] == [1, 2]


def test_a_case_whose_drawing_could_not_be_saved_stays_on_screen(panel: Any, study: Any, monkeypatch: Any) -> None:
    from SemiSegLib.labelling import casework

    open_first(panel, study)
    truth = draw(panel, 5)
    with monkeypatch.context() as broken:
        broken.setattr(casework.drafts, "save", lambda *_: (_ for _ in ()).throw(OSError("No space left on device")))
        panel.cases.on_case(1)
        settle(panel)
    assert panel.controller.open_case.id == study.cases[0].id
    assert np.array_equal(panel.screen.labels()[5], truth)
    panel.cases.on_case(1)
    settle(panel)
    assert panel.controller.open_case.id == study.cases[1].id


def test_a_slice_that_another_slicer_keeps_locked_is_not_called_done(
    panel: Any, study: Any, monkeypatch: Any
) -> None:
    from SemiSegLib.labelling import casework
    from SemiSegLogic.study import Study

    monkeypatch.setattr(casework, "PATIENCE_S", 0.5)
    case = open_first(panel, study)
    draw(panel, 6)
    other = Study.open(study.folder).case(case.id)
    with other.writing():
        panel.label.on_done()
        settle(panel)
    assert case.places == []
    text, level = panel.controller.notice
    assert level == "error"
    assert "could not be marked as done" in text
    assert "is being changed by" in text
    assert panel.controller.open_case.done == {}
    assert panel.controller.open_case.touched == {SliceIndex(0, 6)}


def test_a_slice_that_is_done_stays_done_when_calling_it_done_again_fails(
    panel: Any, study: Any, monkeypatch: Any
) -> None:
    from SemiSegLib.labelling import casework
    from SemiSegLogic.study import Study

    monkeypatch.setattr(casework, "PATIENCE_S", 0.5)
    case = open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    with Study.open(study.folder).case(case.id).writing():
        panel.label.on_done()
        settle(panel)
    assert "could not be marked as done" in panel.controller.notice[0]
    assert panel.controller.open_case.done == {SliceIndex(0, 6): "drawn"}
    assert panel.controller.open_case.touched == set()


def test_a_study_whose_folder_has_gone_is_told_and_nothing_breaks(panel: Any, study: Any, tmp_path: Path) -> None:
    open_first(panel, study)
    study.folder.rename(tmp_path / "moved")
    draw(panel, 6)
    panel.label.on_done()
    panel.controller.refresh()
    settle(panel)
    assert panel.controller.notice[1] == "error"
    assert panel.screen.labels().any(), "the drawing is still on screen"
    (tmp_path / "moved").rename(study.folder)
    panel.label.on_done()
    settle(panel)
    assert study.cases[0].places == [SliceIndex(0, 6)]


def test_nodes_of_an_old_scene_file_never_stand_in_for_the_case_on_screen(
    panel: Any, study: Any, slicer: Any, tmp_path: Path
) -> None:
    case = open_first(panel, study)
    for node in (panel.screen.volume, panel.screen.segmentation):
        node.AddDefaultStorageNode()
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "old.mrb"))
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    zipfile.ZipFile(tmp_path / "old.mrb").extractall(tmp_path)
    slicer.mrmlScene.SetURL(str(next(tmp_path.glob("*/*.mrml"))))
    slicer.mrmlScene.Import()
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], truth)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
    panel.controller.labelling.unsaved = True
    panel.controller.labelling.save_now()
    settle(panel)
    assert np.array_equal(case.labels()[6], truth)


def test_copies_that_a_person_makes_of_our_nodes_are_theirs(
    panel: Any, study: Any, slicer: Any, tmp_path: Path
) -> None:
    """Cloned in the module Data, a node has our marks, too. A scene file that is loaded later, also the one that it was
    saved in, must not take it away.
    """
    open_first(panel, study)
    image = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, panel.screen.volume, "my image")
    labels = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "my backup")
    labels.CopyContent(panel.screen.segmentation)
    assert (image.GetID(), "my image (36 x 32 x 12)") in panel.screen.scene_volumes(), "it can be added to a study"
    for node in (image, labels, panel.screen.volume, panel.screen.segmentation):
        node.AddDefaultStorageNode()
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "mine.mrb"))
    zipfile.ZipFile(tmp_path / "mine.mrb").extractall(tmp_path)
    slicer.mrmlScene.SetURL(str(next(tmp_path.glob("*/*.mrml"))))
    slicer.mrmlScene.Import()
    settle(panel)
    scene = slicer.mrmlScene
    names = [scene.GetNthNode(n).GetName() for n in range(scene.GetNumberOfNodes())]
    assert names.count("my image") == names.count("my backup") == 2, "those of this session, and those of the file"
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 3, "of ours only the one on screen"


def test_an_export_that_fails_does_not_say_for_ever_that_it_is_being_written(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.export.on_export()
    assert panel.export.told.text.startswith("Writing")
    settle(panel)
    assert panel.controller.notice[1] == "error"
    assert "Writing" not in panel.export.told.text
    assert "✖ scan0" in panel.export.told.text


def test_what_a_library_says_of_an_error_and_what_to_do_are_two_sentences() -> None:
    from SemiSegLib.training.run_words import sentences

    assert sentences("It failed.", "TypeError: no shape", "Resume it.") == "It failed. TypeError: no shape. Resume it."
    assert sentences("It failed.", "", "") == "It failed."


def test_a_message_with_an_angle_bracket_is_shown_as_it_is(panel: Any, study: Any) -> None:
    from dataclasses import replace

    open_first(panel, study)
    panel.training.job = "run-1"
    panel.connection.next_look = replace(look(), status=replace(look().status, message="a < b in <scan>"))
    panel.training.poll()
    settle(panel)
    assert "a &lt; b in &lt;scan&gt;" in panel.train.run.phase.text


def test_a_computer_that_does_not_know_its_user_opens_the_panel(slicer: Any, monkeypatch: Any) -> None:
    import getpass

    from SemiSegLib.controller import Controller
    from SemiSegLib.scene import Screen

    def nobody() -> str:
        raise OSError("No username set in the environment")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert Controller(Screen()).author == "unknown"
    monkeypatch.setattr(getpass, "getuser", lambda: "Ren\udce9")  # a login name that is not UTF-8
    assert Controller(Screen()).author == "Ren_"
    assert Controller(Screen(), "dr. who").author == "dr. who"
