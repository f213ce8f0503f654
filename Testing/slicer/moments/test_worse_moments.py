"""Worse moments: the study moves or vanishes, effects are active, segments are empty, modules are reloaded."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.support.clinician import ball, draw, open_first, paint, settle, suggestion_for


def test_a_disk_that_is_really_full_at_autosave_keeps_the_drawing_and_the_files(
    panel: Any, study: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = open_first(panel, study)
    first = draw(panel, 5)
    panel.controller.labelling.save_now()
    settle(panel)
    draw(panel, 7)
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", lambda _handle: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left")))
        panel.controller.labelling.save_now()
        panel.label.on_done()
        settle(panel)
        assert "disk is full" in panel.controller.notice[0]
        assert panel.controller.labelling.unsaved
    assert not list(case.folder.rglob(".*tmp*")), "no half files"
    panel.controller.labelling.save_now()
    settle(panel)
    panel.controller.showing.close()
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[5], first)
    assert np.array_equal(panel.screen.labels()[7], ball(case.grid.shape)[7])


def test_a_study_moved_while_slicer_was_closed_is_opened_where_it_lies_now(
    panel: Any, study: Any, tmp_path: Path
) -> None:
    open_first(panel, study)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    panel.controller.showing.close()
    study.folder.rename(tmp_path / "share")
    panel.controller.open_study(tmp_path / "share")
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], truth)


def test_a_share_that_vanishes_and_comes_back_loses_no_stroke(panel: Any, study: Any, tmp_path: Path) -> None:
    case = open_first(panel, study)
    away = tmp_path / "unmounted"
    study.folder.rename(away)
    truth = draw(panel, 6)
    panel.controller.labelling.save_now()
    settle(panel)
    assert panel.controller.notice[1] == "error"
    panel.cases.on_case(1)
    settle(panel)
    assert panel.controller.open_case.id == case.id, "nothing is put in the place of an unsaved drawing"
    away.rename(study.folder)
    panel.controller.labelling.save_now()
    settle(panel)
    panel.cases.on_case(1)
    settle(panel)
    assert panel.controller.open_case.id != case.id
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], truth)


def test_switching_the_case_in_the_middle_of_a_stroke_ends_the_effect_and_saves_it(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.label.editor.widget.setActiveEffectByName("Paint")
    truth = draw(panel, 6)
    panel.cases.on_case(1)
    settle(panel)
    effects = [call for call in panel.label.editor.widget.real.calls if call.startswith("effect")]
    assert effects[effects.index("effect Paint") + 1 :][:1] == ["effect None"]
    assert not panel.screen.labels().any()
    panel.cases.on_case(0)
    settle(panel)
    assert np.array_equal(panel.screen.labels()[6], truth)


def test_a_segment_without_voxels_keeps_its_value_through_everything(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    mask = np.zeros((32, 36), bool)
    mask[4:9, 4:9] = True
    paint(panel, 2, SliceIndex(0, 6), mask)
    panel.label.on_done()
    settle(panel)
    panel.cases.on_case(1)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    assert [(item.value, item.name) for item in panel.screen.structures()] == [(1, "ball"), (2, "core")]
    assert np.array_equal(case.labels()[6], mask * 2)
    files = case_export(panel, case)
    assert files[0].voxels == {"ball": 0, "core": 25}


def case_export(panel: Any, case: Any) -> list[Any]:
    empty = np.zeros(case.grid.shape, np.uint8)
    case.put_suggestion(empty, empty, {"run": "r"})
    files: list[Any] = []
    panel.controller.results.export(
        case.folder.parents[1] / "exports", ["seg.nrrd"], [case.id], lambda account: files.extend(account.files)
    )
    settle(panel)
    return files


def test_a_volume_without_a_file_becomes_a_case_with_its_oblique_grid(panel: Any, study: Any, slicer: Any) -> None:
    from SemiSegLib.scene.volumes import volume_from

    panel.controller.open_study(study.folder)
    settle(panel)
    grid = Grid((4, 9, 8), (3.0, 0.7, 0.4), (5.0, -7.0, 9.0), (0.6, 0.0, 0.8, 0.0, 1.0, 0.0, -0.8, 0.0, 0.6))
    array = np.random.default_rng(3).integers(0, 99, grid.shape).astype(np.int16)
    node = volume_from(array.copy(), grid, "made in memory", (0, 99))
    assert node.GetStorageNode() is None
    panel.cases.on_add_scene()
    settle(panel)
    case = study.case("made in memory")
    assert np.array_equal(case.image(), array)
    assert case.grid.agrees(grid, 1e-5)
    assert slicer.mrmlScene.IsNodePresent(node), "the person's own volume stays"


def test_a_colour_image_and_one_under_a_transform_are_refused_in_words(panel: Any, study: Any, slicer: Any) -> None:
    from SemiSegLib.scene.volumes import volume_from

    panel.controller.open_study(study.folder)
    settle(panel)
    node = volume_from(np.zeros((3, 4, 5), np.int16), Grid((3, 4, 5)), "moved", (0, 1))
    moved = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    node.SetAndObserveTransformNodeID(moved.GetID())
    panel.cases.add_volume(node.GetID())
    assert "harden" in panel.controller.notice[0]
    empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    panel.cases.add_volume(empty.GetID())
    assert "no grey-value image" in panel.controller.notice[0]


def test_voxels_stay_where_they_are_when_structures_are_hidden_reordered_and_overlap(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 6)
    segmentation = panel.screen.segmentation.GetSegmentation()
    panel.screen.segmentation.GetDisplayNode().SetSegmentVisibility("SemiSeg_1", False)
    segmentation.SetSegmentIndex("SemiSeg_2", 0)
    panel.label.on_done()
    settle(panel)
    assert np.array_equal(case.labels()[6], truth)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.screen.jump(SliceIndex(0, 8))
    panel.review.on_right()
    settle(panel)
    settle(panel)
    assert np.array_equal(case.labels()[8], ball(case.grid.shape)[8])
    assert np.array_equal(case.labels()[6], truth)
    assert not panel.screen.segmentation.GetDisplayNode().GetSegmentVisibility("SemiSeg_1"), "hidden stays hidden"


def test_reloading_the_module_keeps_the_case_and_everything_drawn(slicer: Any, study: Any, tmp_path: Path) -> None:
    import qt

    from SemiSegLib.panel import Panel
    from Testing.support.clinician import FakeConnection, FakeInstaller

    def opened() -> Any:
        root = slicer.qMRMLWidget()
        root.setLayout(qt.QVBoxLayout())
        made = Panel(root.layout(), FakeInstaller(tmp_path / "environment"), FakeConnection())
        made.root = root
        made.enter()
        settle(made)
        return made

    first = opened()
    open_first(first, study)
    truth = draw(first, 6)
    first.close()
    second = opened()
    settle(second)
    assert second.controller.study is not None
    assert second.controller.open_case is not None, "study and case are in the scene's parameter node"
    assert np.array_equal(second.screen.labels()[6], truth)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1
    second.close()


def test_the_study_of_another_scene_is_taken_up_when_that_scene_is_loaded(
    panel: Any, study: Any, slicer: Any, tmp_path: Path
) -> None:
    from SemiSegLogic.study import Study

    open_first(panel, study)
    draw(panel, 6)
    assert slicer.mrmlScene.WriteToMRB(str(tmp_path / "one.mrb"))
    panel.controller.labelling.save_now()
    settle(panel)
    other = Study.create(tmp_path / "other", structures=["bone"])
    panel.controller.open_study(other.folder)
    settle(panel)
    import zipfile

    zipfile.ZipFile(tmp_path / "one.mrb").extractall(tmp_path)
    slicer.mrmlScene.SetURL(str(next(tmp_path.glob("*/*.mrml"))))
    slicer.mrmlScene.Connect()
    settle(panel)
    assert panel.controller.study.folder == study.folder
    settle(panel)
    assert panel.controller.open_case.id == study.cases[0].id
    assert np.array_equal(panel.screen.labels()[6], ball(study.cases[0].grid.shape)[6])


def test_no_torch_and_no_monai_ever_come_into_this_process(panel: Any, study: Any) -> None:
    before = set(sys.modules)  # other tests of the same process may have brought them
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    panel.training.preflight.look(lambda _found: None)
    settle(panel)
    assert "SemiSegLogic.study" in sys.modules
    new = set(sys.modules) - before
    assert not {name for name in new if name.split(".")[0] in ("torch", "monai")}
    heavy = ("SemiSegLogic.engine", "SemiSegLogic.methods", "SemiSegLogic.runner")
    assert not {name for name in new if name.startswith(heavy)}
