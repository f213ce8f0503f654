"""Buttons and dialogs that no other test presses: each of them does what it says, with the real calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.support.clinician import ball, look, noise, open_first, settle
from Testing.support.stand_ins.dicom import write_series


def opened(panel: Any, study: Any) -> Any:
    panel.controller.open_study(study.folder)
    settle(panel)


def test_a_study_is_made_and_another_opened_through_the_folder_dialog(
    panel: Any, study: Any, slicer: Any, tmp_path: Path
) -> None:
    panel.cases.on_create()
    assert "Name at least one structure" in panel.controller.notice[0]
    panel.cases.structures.text = "liver, lesion"
    panel.cases.on_create()
    assert panel.controller.study is None, "the dialog was cancelled"
    slicer.harness.answers["folder"] = str(tmp_path / "made")
    panel.cases.on_create()
    settle(panel)
    assert [item.name for item in panel.controller.structures()] == ["liver", "lesion"]
    assert panel.preferences.get("folder") == str(tmp_path)
    slicer.harness.answers["folder"] = str(study.folder)
    panel.cases.on_open()
    settle(panel)
    assert len(panel.controller.rows) == 3


def test_images_and_a_dicom_folder_are_added_through_the_dialogs(
    panel: Any, study: Any, slicer: Any, tmp_path: Path
) -> None:
    from SemiSegLogic.study import write_image

    opened(panel, study)
    grid = Grid((6, 8, 9), (2.0, 1.0, 1.0))
    paths = [tmp_path / f"more{n}.nrrd" for n in range(2)]
    for path in paths:
        write_image(path, noise(grid.shape, int(path.stem[-1])), grid)
    slicer.harness.answers["files"] = [str(path) for path in paths]
    panel.cases.on_add()
    write_series(tmp_path / "series", 400 * ball((6, 8, 9)), grid, "1.2.3.4")
    slicer.harness.answers["folder"] = str(tmp_path / "series")
    panel.cases.on_add_folder()
    settle(panel)
    assert len(panel.controller.rows) == 6, panel.controller.notice
    assert panel.preferences.get("images") == str(tmp_path)


def test_adding_from_the_scene_with_nothing_loaded_says_what_to_do(panel: Any, study: Any) -> None:
    opened(panel, study)
    panel.cases.on_add_scene()
    assert "Load one first" in panel.controller.notice[0]


def test_a_mask_is_chosen_one_at_a_time(panel: Any, study: Any, slicer: Any, tmp_path: Path) -> None:
    from SemiSegLogic.study import write_seg_nrrd

    case = open_first(panel, study)
    write_seg_nrrd(tmp_path / "mask.seg.nrrd", ball(case.grid.shape).astype(np.uint8), case.grid, case.structures)
    slicer.harness.answers["files"] = [str(tmp_path / "mask.seg.nrrd"), "another.nrrd"]
    panel.label.on_mask()
    assert "One mask at a time" in panel.controller.notice[0]
    slicer.harness.answers["files"] = [str(tmp_path / "mask.seg.nrrd")]
    panel.label.on_mask()
    settle(panel)
    assert not panel.label.masks.box.real.isHidden()
    assert panel.label.masks.answer().table == {"ball": "ball", "core": "core"}
    assert panel.preferences.get("masks") == str(tmp_path)


def test_the_numbers_of_a_method_are_shown_changed_and_checked(panel: Any, study: Any) -> None:
    from SemiSegLib.training.connection import Manner

    opened(panel, study)
    choices = panel.train.choices
    choices.more.checked = True
    fields = choices.settings._fields
    assert fields, "made when asked for"
    for number in range(len(choices._methods)):
        choices.method.currentIndex = number
        assert choices.settings.values() == {}, "every number as it stands"
        assert choices.settings._rows.rowCount() == len(fields), "those of the method before are gone"
    choices.method.currentIndex = list(choices._methods).index("mean_teacher")
    name = next(name for name, (item, _field) in fields.items() if isinstance(item.default, float))
    fields[name][1].text = "0.125"
    assert choices.order("", "").settings == {name: 0.125}
    assert choices.order("", "").manner == Manner(leave_out_fragments=True, carry_outlines=True)
    choices.fragments.checked = False
    assert choices.order("", "").manner == Manner(leave_out_fragments=False, carry_outlines=True)
    choices.outlines.checked = False
    assert choices.order("", "").manner == Manner(leave_out_fragments=False, carry_outlines=False)
    fields[name][1].text = "much"
    panel.train._start("")
    assert "'much' is not a number" in panel.controller.notice[0]
    assert not panel.connection.calls
    choices.more.checked = False
    order = choices.order("", "")
    assert order.settings == {}, "what is out of sight changes nothing"
    assert order.manner == Manner()


def test_the_learning_curve_opens_in_a_plot_view_and_follows_the_run(panel: Any, study: Any, slicer: Any) -> None:
    from SemiSegLib.scene.plots import plot_nodes

    opened(panel, study)
    panel.training.job, panel.connection.next_look = "run-1", look()
    panel.training.poll()
    settle(panel)
    assert plot_nodes() == [], "only when asked for"
    panel.train.run.on_curves()
    table = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLTableNode")
    chart = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLPlotChartNode")
    series = slicer.mrmlScene.GetNodeByID(chart.GetNthPlotSeriesNodeID(0))
    assert (table.GetNumberOfColumns(), table.GetNumberOfRows()) == (2, 12)
    assert series.GetTableNode() is table
    assert series.GetYColumnName() == table.GetColumnName(1)
    assert slicer.app.applicationLogic().GetSelectionNode().GetActivePlotChartID() == chart.GetID()
    panel.connection.next_look.curves.append({"seconds": 12.0, "step": 12, "losses": {"labelled": 0.05}})
    panel.training.poll()
    settle(panel)
    assert table.GetNumberOfRows() == 13
    assert len(plot_nodes()) == 3


def test_a_run_is_stopped_and_the_button_says_so(panel: Any, study: Any) -> None:
    opened(panel, study)
    panel.training.job, panel.connection.next_look = "run-1", look()
    panel.training.poll()
    settle(panel)
    panel.train.run.on_stop()
    assert not panel.train.run.stop.enabled
    assert "being saved" in panel.train.run.phase.text
    settle(panel)
    assert panel.connection.calls[-1] == "stop"


def test_a_tilted_view_is_told_and_straightened(panel: Any, study: Any, slicer: Any) -> None:
    open_first(panel, study)
    view = slicer.mrmlScene.GetNodeByID("vtkMRMLSliceNodeRed")
    tilted = view.GetSliceToRAS()
    tilted.SetElement(1, 2, 0.3)
    tilted.SetElement(2, 2, 0.95)
    view.UpdateMatrices()
    panel.label.refresh()
    assert "tilted" in panel.label.here.text
    assert not panel.label.done.enabled
    assert not panel.label.straighten.real.isHidden()
    panel.label.on_straighten()
    panel.label.refresh()
    assert panel.screen.current_slice().axis == 0
    assert panel.label.done.enabled


def test_the_folder_of_an_export_and_of_the_environment_are_chosen(
    panel: Any, study: Any, slicer: Any, tmp_path: Path
) -> None:
    opened(panel, study)
    slicer.harness.answers["folder"] = str(tmp_path / "out")
    panel.export.on_folder()
    assert panel.export.folder.text == str(tmp_path / "out")
    panel.setup.choices.more.checked = True
    assert not panel.setup.choices._all.real.isHidden()
    panel.setup.choices.on_folder()
    assert panel.setup.choices.folder.text == str(tmp_path / "out" / "semiseg-environment")


@pytest.mark.parametrize("there", [False, True])
def test_the_sample_data_modules_click_offers_the_sample_here(
    slicer: Any, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    """``panel`` is not there when the module could not be set up."""
    from Testing.support.slicer_harness.app import load_module

    pressed: list[int] = []
    sample = type("Sample", (), {"on_try": lambda _self: pressed.append(1)})()
    shown = type("Widget", (), {"panel": type("Panel", (), {"sample": sample})() if there else None})()
    monkeypatch.setattr(slicer.util, "selectModule", lambda _name: None)
    monkeypatch.setattr(slicer.util, "getModuleWidget", lambda _name: shown)
    module, _ = load_module(Path(__file__).resolve().parents[2] / "SemiSegExtension" / "SemiSeg.py")
    module.trySample("source")
    assert pressed == [1] * there
    slicer.app.slots["startupCompleted()"].clear()


def test_a_slice_of_the_case_on_screen_is_reached_by_its_link(panel: Any, study: Any) -> None:
    open_first(panel, study)
    panel.label.on_link("0:9")
    assert panel.screen.current_slice() == SliceIndex(0, 9)
