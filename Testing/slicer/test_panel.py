"""The panel over real MRML: a person's whole loop with a made engine, and the bad moments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from conftest import ball, paint, settle

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.job import Status


def open_first(panel: Any, study: Any) -> Any:
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_case(0)
    settle(panel)
    return study.cases[0]


def draw(panel: Any, index: int) -> Any:
    """The ball on slice ``index``, drawn and looked at."""
    truth = ball(panel.controller.open_case.grid.shape)[index]
    place = SliceIndex(0, index)
    panel.screen.jump(place)
    for value in (1, 2):
        paint(panel, value, place, truth == value)
    return truth


def suggestion_for(case: Any) -> None:
    truth = ball(case.grid.shape).astype(np.uint8)
    case.put_suggestion(truth, (truth == 2).astype(np.uint8) * 200, {"method": "mean_teacher", "run": "run-1"})


def look(state: str = "running", changed: tuple[str, ...] = (), ranking: tuple[Any, ...] = ()) -> Any:
    from SemiSegLib.connection import Look

    curve = [{"seconds": float(n), "step": n, "losses": {"labelled": 1 / (n + 1)}} for n in range(12)]
    status = Status(state, fraction=0.4, seconds_left=100.0, elapsed=60.0, message="Learning.", device="cpu")
    return Look("run-1", status, curve, list(ranking), list(changed))


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


def test_nothing_here_is_a_label_too_but_not_over_a_drawing(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    panel.screen.jump(SliceIndex(0, 0))
    panel.label.on_empty()
    draw(panel, 6)
    panel.label.on_empty()
    settle(panel)
    assert [(item.index, item.state) for item in case.annotated] == [(0, "empty")]
    assert panel.controller.notice[1] == "warning"


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


def test_training_is_refused_in_words_without_labels_and_started_with_them(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.train.on_train()
    settle(panel)
    assert "No slice is done yet" in panel.train.findings.text
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    panel.train.on_train()
    settle(panel)
    order = panel.connection.calls[0]
    assert (order.method, order.seconds, order.open_case) == ("mean_teacher", 180.0, study.cases[0].id)


def test_slices_drawn_but_not_done_are_asked_about_before_training(panel: Any, study: Any, slicer: Any) -> None:
    case = open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    draw(panel, 4)
    panel.controller.labelling.save_now()
    settle(panel)
    panel.train.on_train()
    settle(panel)
    assert any(kind == "confirm" and "5" in text for kind, text in slicer.harness.asked)
    assert case.places == [SliceIndex(0, 4), SliceIndex(0, 6)]


def test_suggestions_come_with_the_persons_names_and_colours_and_the_next_slice_with_its_reason(
    panel: Any, study: Any
) -> None:
    from SemiSegLib.connection import Next
    from SemiSegLib.scene import nodes, segments

    case = open_first(panel, study)
    panel.training.job = "run-1"
    suggestion_for(case)
    panel.connection.next_look = look(
        changed=(case.id,), ranking=(Next(case.id, SliceIndex(0, 3), "Lower end: unsure."),)
    )
    panel.training.poll()
    settle(panel)
    node = nodes.find("suggestion")
    assert np.array_equal(segments.read(node, case.grid)[0], case.suggestion())
    mine, theirs = panel.screen.structures(), segments.shown(node)
    assert [(item.name, item.color) for item in mine] == [(item.name, item.color) for item in theirs]
    panel.review.on_next()
    assert panel.screen.current_slice() == SliceIndex(0, 3)
    assert "Lower end" in panel.review.reason.text


def test_a_slice_of_the_suggestion_is_taken_corrected_undone(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.screen.jump(SliceIndex(0, 7))
    panel.review.on_correct()
    assert np.array_equal(panel.screen.labels()[7], case.suggestion()[7])
    panel.label.editor.widget.undo if False else panel.label.editor.widget.real.undo()
    assert not panel.screen.labels().any()


def test_an_accepted_case_is_what_the_person_judged_and_exports_verified(
    panel: Any, study: Any, tmp_path: Path
) -> None:
    case = open_first(panel, study)
    truth = draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    panel.review.on_accept()
    settle(panel)
    assert case.status == "accepted"
    assert np.array_equal(panel.screen.labels(), case.labels())
    assert np.array_equal(case.labels()[6], truth)
    panel.export.folder.text = str(tmp_path / "out")
    panel.export.on_export()
    settle(panel)
    assert "verified" in panel.export.told.text
    assert len(list((tmp_path / "out").iterdir())) == 2


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


def test_a_run_started_before_slicer_was_closed_is_found_again(panel: Any, study: Any) -> None:
    panel.connection.found, panel.connection.next_look = "run-1", look()
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.training.poll()
    settle(panel)
    assert panel.training.running
    assert panel.train.bar.value == 400
    assert panel.train.stop.visible or not panel.root.visible


def test_a_dead_worker_is_told_with_what_to_do(panel: Any, study: Any) -> None:
    from dataclasses import replace

    open_first(panel, study)
    panel.training.job = "run-1"
    lost = replace(look().status, state="lost", error={"text": "It was killed.", "remedy": "Resume it."})
    panel.connection.next_look = replace(look(), status=lost)
    panel.training.poll()
    settle(panel)
    assert "Resume it." in panel.controller.notice[0]
    panel.train.on_resume()
    settle(panel)
    assert "resume" in panel.connection.calls


def test_a_full_disk_keeps_the_drawing_and_tries_again(panel: Any, study: Any, monkeypatch: Any) -> None:
    from SemiSegLib import casework

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


def test_set_up_asks_first_and_shows_its_log(panel: Any, slicer: Any, tmp_path: Path) -> None:
    installer = panel.installer
    installer.kind = "absent"
    panel.setup.refresh()
    slicer.harness.answers["confirm"] = False
    panel.setup.on_install()
    settle(panel)
    assert installer.calls == []
    slicer.harness.answers["confirm"] = True
    panel.setup.python.text = "/usr/bin/python3"
    panel.setup.on_install()
    settle(panel)
    assert installer.calls == [["/usr/bin/python3"]]
    panel.setup.refresh()
    assert "Downloading torch" in panel.setup.log.plainText


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


def test_a_case_whose_drawing_could_not_be_saved_stays_on_screen(panel: Any, study: Any, monkeypatch: Any) -> None:
    from SemiSegLib import casework

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


def test_a_slice_that_another_slicer_keeps_locked_is_not_called_done(panel: Any, study: Any) -> None:
    from SemiSegLogic.study import Study

    case = open_first(panel, study)
    draw(panel, 6)
    other = Study.open(study.folder).case(case.id)
    with other.writing():
        panel.label.on_done()
        settle(panel)
    assert case.places in ([], [SliceIndex(0, 6)])
    if not case.places:
        assert panel.controller.notice[1] == "error"
        assert panel.controller.open_case.touched == {SliceIndex(0, 6)}


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


def test_accepting_keeps_what_was_drawn_a_moment_before(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    settle(panel)
    mask = np.zeros((32, 36), bool)
    mask[0:4, 0:4] = True
    paint(panel, 2, SliceIndex(0, 1), mask)
    panel.review.on_accept()
    settle(panel)
    assert (case.labels()[1][mask] == 2).all()


def test_the_curve_shows_the_error_on_the_labels_whatever_other_losses_come_and_grow(slicer: Any) -> None:
    from SemiSegLib.panel.train import error_on_my_slices

    first = [{"seconds": n, "leg": "supervised", "losses": {"dice": 1.0 - n / 10}} for n in range(3)]
    then = [{"seconds": n, "leg": "mean_teacher", "losses": {"dice": 0.5, "consistency": n * 1.0}} for n in (3, 4)]
    assert [loss for _, loss in error_on_my_slices(first + then)] == [1.0, 0.9, 0.8, 0.5, 0.5]
    other = [{"seconds": 5.0, "leg": "bcp", "losses": {"inward": 0.4}}]
    assert error_on_my_slices(first + other) == [(5.0, 0.4)]
    assert error_on_my_slices([]) == []
