"""From Slicer's DICOM database into the study, and out again as DICOM SEG through the plugin that Slicer users install.

Database, DICOMLib and plugin are stand-ins with the calls of the real ones; the files are real DICOM.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.geometry import Grid, SliceIndex
from Testing.support.clinician import ball, noise, settle
from Testing.support.real import dicom_seg as real_dicom_seg
from Testing.support.stand_ins.dicom import Database, SegmentationPlugin, load_series, write_series

SHAPE = (12, 32, 36)
OBLIQUE = (0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0)
GRIDS = {
    "axial": Grid(SHAPE, (2.0, 0.9, 0.8), (-12.0, 40.0, 7.0)),
    "oblique": Grid(SHAPE, (2.0, 0.9, 0.8), (3.0, 4.0, 5.0), OBLIQUE),
}


@pytest.fixture
def database(slicer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    series = {f"1.2.3.{n}": write_series(tmp_path / name, noise(SHAPE, 10 + n) + 400 * ball(SHAPE), grid, f"1.2.3.{n}")
              for n, (name, grid) in enumerate(GRIDS.items(), 1)}  # fmt: skip
    made = Database(series)
    monkeypatch.setattr(slicer, "dicomDatabase", made, raising=False)
    library = types.ModuleType("DICOMLib")
    library.DICOMUtils = types.SimpleNamespace(loadSeriesByUID=load_series)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "DICOMLib", library)
    monkeypatch.setattr(slicer.modules, "dicomPlugins", {"DICOMSegmentationPlugin": SegmentationPlugin}, raising=False)
    monkeypatch.setattr(SegmentationPlugin, "wrong", False)
    return made


def added(panel: Any, study: Any, which: str = "series") -> Any:
    """The series whose words hold ``which`` are in the study; the first of them is on screen."""
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_add_dicom()
    panel.cases.dicom.search.text = which
    panel.cases.dicom.on_search()
    for number in range(len(panel.cases.dicom._shown)):
        panel.cases.dicom.list.item(number).setSelected(True)
    panel.cases.dicom.on_go()
    settle(panel)
    assert panel.controller.notice[1] != "error", panel.controller.notice
    return [case for case in study.cases if case.series]


def accept_ball(case: Any) -> Any:
    label = ball(case.grid.shape).astype(np.uint8)
    case.set_slices(label, [SliceIndex(0, k) for k in range(label.shape[0])], "ann")
    return label


def seen_in(slicer: Any) -> Any:
    """What the views show, and where they are."""
    scene, name = slicer.mrmlScene, "vtkMRMLSliceCompositeNode"
    layers = [scene.GetNthNodeByClass(n, name) for n in range(scene.GetNumberOfNodesByClass(name))]
    views = [scene.GetNodeByID(f"vtkMRMLSliceNode{name}") for name in ("Red", "Yellow", "Green")]
    return (
        slicer.app.applicationLogic().GetSelectionNode().GetActiveVolumeID(),
        [(layer.GetBackgroundVolumeID(), layer.GetForegroundVolumeID(), layer.GetLabelVolumeID()) for layer in layers],
        [(view.GetSliceOffset(), tuple(view.GetFieldOfView())) for view in views],
    )


def test_chosen_series_come_into_the_study_voxel_for_voxel(panel: Any, study: Any, database: Any) -> None:
    found = added(panel, study)
    assert [case.series for case in found] == ["1.2.3.1", "1.2.3.2"]
    for number, (case, grid) in enumerate(zip(found, GRIDS.values(), strict=True), 1):
        assert np.array_equal(case.image(), noise(SHAPE, 10 + number) + 400 * ball(SHAPE))
        assert case.grid.agrees(grid, 1e-3)
    assert panel.controller.open_case is not None
    assert len(panel.controller.rows) == 5


def test_what_was_exported_is_not_offered_as_an_image(
    panel: Any, study: Any, database: Any, tmp_path: Path
) -> None:
    """Slicer's plugin puts every DICOM SEG that it writes into the database as well."""
    case = added(panel, study)[0]
    accept_ball(case)
    (tmp_path / "out").mkdir()
    panel.controller.results.export(tmp_path / "out", ["dcm"], [case.id], lambda _account: None)
    settle(panel)
    assert len(database.seriesForStudy("1.2.3")) == 3
    panel.cases.on_add_dicom()
    assert [item.uid for item in panel.cases.dicom._shown] == ["1.2.3.1", "1.2.3.2"]


def test_searching_shortens_the_list_and_nothing_chosen_adds_nothing(panel: Any, study: Any, database: Any) -> None:
    assert len(added(panel, study, "1.2.3.2")) == 1
    panel.cases.on_add_dicom()
    panel.cases.dicom.on_go()
    settle(panel)
    assert panel.controller.notice[1] == "warning"
    assert len(study.cases) == 4


def test_without_a_database_the_person_is_told_what_to_do(panel: Any, study: Any, slicer: Any) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    panel.cases.on_add_dicom()
    assert "DICOM module" in panel.controller.notice[0]
    assert panel.cases.dicom.box.real.isHidden()


@pytest.mark.parametrize("name", GRIDS)
def test_a_dicom_seg_is_written_verified_and_nothing_is_left_in_the_scene(
    panel: Any, study: Any, database: Any, slicer: Any, tmp_path: Path, name: str
) -> None:
    case = added(panel, study)[list(GRIDS).index(name)]
    label = accept_ball(case)
    tree = slicer.mrmlScene.GetSubjectHierarchyNode()  # the application always has one
    panel.screen.jump(SliceIndex(0, 4))
    before, items, seen = slicer.mrmlScene.GetNumberOfNodes(), tree.GetNumberOfItems(), seen_in(slicer)
    files: list[Any] = []
    (tmp_path / "out").mkdir()
    panel.controller.results.export(
        tmp_path / "out", ["nrrd", "dcm"], [case.id], lambda account: files.extend(account.files)
    )
    settle(panel)
    assert [file.format for file in files] == ["nrrd", "dcm"], panel.controller.notice
    assert files[1].verified
    assert files[1].voxels == {"ball": int((label == 1).sum()), "core": int((label == 2).sum())}
    assert slicer.mrmlScene.GetNumberOfNodes() == before
    assert tree.GetNumberOfItems() == items, "no empty patient is left in the module Data"
    assert seen_in(slicer) == seen, "loading a series brings it on screen"
    assert panel.screen.current_slice() == SliceIndex(0, 4)


def test_names_in_other_than_plain_letters_are_in_the_file_as_people_wrote_them(
    panel: Any, study: Any, database: Any, slicer: Any, tmp_path: Path
) -> None:
    """The program that writes DICOM SEG for Slicer refuses them: every export of such a study failed."""
    import pydicom

    study.change_structure(1, name="Läsion µ")
    study.change_structure(2, name="核")
    case = added(panel, study)[0]
    case.rename("Müller, Kopf")
    label = accept_ball(case)
    files: list[Any] = []
    (tmp_path / "out").mkdir()
    panel.controller.results.export(tmp_path / "out", ["dcm"], [case.id], lambda account: files.extend(account.files))
    settle(panel)
    assert [file.verified for file in files] == [True], panel.controller.notice
    assert files[0].voxels == {"Läsion µ": int((label == 1).sum()), "核": int((label == 2).sum())}
    written = pydicom.dcmread(files[0].path)
    assert [str(item.SegmentLabel) for item in written.SegmentSequence] == ["Läsion µ", "核"]
    assert (str(written.SeriesDescription), str(written.PatientName)) == ("Müller, Kopf", "Doe^Jürgen")


@pytest.mark.skipif(bool(real_dicom_seg.why_not()), reason=real_dicom_seg.why_not())
@pytest.mark.parametrize("names", [("ball", "core"), ("Läsion µ", "核")])
@pytest.mark.parametrize("name", GRIDS)
def test_slicers_own_plugin_writes_what_is_read_again_voxel_for_voxel(
    panel: Any, study: Any, database: Any, slicer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str,
    names: tuple[str, str],
) -> None:
    real_dicom_seg.put_in_place(slicer, tmp_path, monkeypatch)
    slicer.mrmlScene.GetSubjectHierarchyNode()  # the application always has one
    for value, called in enumerate(names, 1):
        study.change_structure(value, name=called)
    case = added(panel, study)[list(GRIDS).index(name)]
    label = accept_ball(case)
    before = slicer.mrmlScene.GetNumberOfNodes()
    files: list[Any] = []
    (tmp_path / "out").mkdir()
    panel.controller.results.export(tmp_path / "out", ["dcm"], [case.id], lambda account: files.extend(account.files))
    settle(panel)
    assert [file.verified for file in files] == [True], panel.controller.notice
    assert files[0].voxels == {called: int((label == value).sum()) for value, called in enumerate(names, 1)}
    assert slicer.mrmlScene.GetNumberOfNodes() == before


def test_in_plain_letters_every_name_is_another_one() -> None:
    from SemiSegLib.scene.plain_letters import in_plain_letters

    plain = in_plain_letters(["Läsion", "Lasion", "Lasiön", "核", "肝", "core"])
    assert plain == {
        "Lasion": "Lasion", "core": "core", "Läsion": "Lasion 2", "Lasiön": "Lasion 3", "核": "structure",
        "肝": "structure 2",
    }  # fmt: skip


def test_another_study_opened_meanwhile_lends_no_names(
    panel: Any, study: Any, database: Any, tmp_path: Path
) -> None:
    from SemiSegLogic.study import Study

    other = Study.create(tmp_path / "other", structures=["liver", "tumour"])
    case = added(panel, study)[0]
    label = accept_ball(case)
    files: list[Any] = []
    (tmp_path / "out").mkdir()
    panel.controller.results.export(tmp_path / "out", ["dcm"], [case.id], lambda account: files.extend(account.files))
    panel.controller.open_study(other.folder)
    settle(panel)
    assert panel.controller.study.folder == other.folder
    assert [file.voxels for file in files] == [{"ball": int((label == 1).sum()), "core": int((label == 2).sum())}]
    import pydicom

    written = pydicom.dcmread(files[0].path)
    assert [str(item.SegmentLabel) for item in written.SegmentSequence] == ["ball", "core"]


def test_two_cases_exported_within_a_second_are_two_files(
    panel: Any, study: Any, database: Any, tmp_path: Path
) -> None:
    """The plugin names its file by the second: the second case must not take the place of the first."""
    cases = added(panel, study)
    for case in cases:
        accept_ball(case)
    files: list[Any] = []
    (tmp_path / "out").mkdir()
    panel.controller.results.export(
        tmp_path / "out", ["dcm"], [case.id for case in cases], lambda account: files.extend(account.files)
    )
    settle(panel)
    assert [file.verified for file in files] == [True, True], panel.controller.notice
    assert {file.path for file in files} == set((tmp_path / "out").glob("*.dcm"))
    assert len({file.path.read_bytes() for file in files}) == 2
    assert not [path for path in (tmp_path / "out").iterdir() if path.is_dir()]


def test_a_dicom_seg_that_reads_back_otherwise_does_not_count(
    panel: Any, study: Any, database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = added(panel, study)[0]
    accept_ball(case)
    monkeypatch.setattr(SegmentationPlugin, "wrong", True)
    files: list[Any] = []
    (tmp_path / "out").mkdir()
    panel.controller.results.export(tmp_path / "out", ["dcm"], [case.id], lambda account: files.extend(account.files))
    settle(panel)
    assert files == []
    assert "voxels that differ: 1" in panel.controller.notice[0]


def test_what_did_not_come_from_dicom_or_lost_its_originals_is_told(
    panel: Any, study: Any, database: Any, tmp_path: Path
) -> None:
    other, case = study.cases[0], added(panel, study)[0]
    (tmp_path / "out").mkdir()
    for one, words in ((other, "was added from the scene"), (case, "not in Slicer's DICOM database")):
        accept_ball(one)
        if one is case:
            database._series.clear()
        panel.controller.results.export(tmp_path / "out", ["dcm"], [one.id], lambda _account: None)
        settle(panel)
        assert words in panel.controller.notice[0]
    assert not list((tmp_path / "out").glob("*.dcm"))


@pytest.mark.parametrize("name", GRIDS)
def test_a_volume_loaded_from_dicom_and_added_from_the_scene_keeps_its_series(
    panel: Any, study: Any, database: Any, slicer: Any, tmp_path: Path, name: str
) -> None:
    uid = f"1.2.3.{list(GRIDS).index(name) + 1}"
    panel.controller.open_study(study.folder)
    settle(panel)
    node = slicer.mrmlScene.GetNodeByID(load_series([uid])[0])
    panel.cases.add_volume(node.GetID())
    settle(panel)
    case = study.case("as loaded")
    assert case.series == uid
    told = "".join(path.read_text() for path in (case.folder / "case.json", study.folder / "study.json"))
    assert "Doe" not in told
    assert "4711" not in told
    label, files = accept_ball(case), []  # type: ignore[var-annotated]
    (tmp_path / "out").mkdir()
    panel.controller.results.export(tmp_path / "out", ["dcm"], [case.id], lambda account: files.extend(account.files))
    settle(panel)
    assert [file.verified for file in files] == [True], panel.controller.notice
    assert files[0].voxels["ball"] == int((label == 1).sum())


def test_one_that_was_cropped_before_it_was_added_is_not_exported_to_the_series(
    panel: Any, study: Any, database: Any, slicer: Any, tmp_path: Path
) -> None:
    from SemiSegLib.scene.volumes import image_data

    panel.controller.open_study(study.folder)
    settle(panel)
    node = slicer.mrmlScene.GetNodeByID(load_series(["1.2.3.1"])[0])
    node.SetAndObserveImageData(image_data(noise((8, 32, 36), 77)))
    panel.cases.add_volume(node.GetID())
    settle(panel)
    accept_ball(study.case("as loaded"))
    (tmp_path / "out").mkdir()
    panel.controller.results.export(tmp_path / "out", ["dcm"], [study.case("as loaded").id], lambda _account: None)
    settle(panel)
    assert "has other voxels than its original series" in panel.controller.notice[0]
    assert not list((tmp_path / "out").glob("*.dcm"))


def test_volumes_of_one_name_are_told_apart_when_one_is_chosen(
    panel: Any, study: Any, database: Any, slicer: Any
) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    loaded = [load_series([uid])[0] for uid in ("1.2.3.1", "1.2.3.2", "1.2.3.2")]
    panel.cases.on_add_scene()
    said = [action.text() for action in panel.cases._menu.real.actions()]
    assert said == [
        "as loaded (36 x 32 x 12, series 1, Abdomen)",
        "as loaded (36 x 32 x 12, series 2, Abdomen), 1 of 2",
        "as loaded (36 x 32 x 12, series 2, Abdomen), 2 of 2",
    ]
    panel.cases._menu.real.actions()[1].trigger()
    settle(panel)
    assert study.case("as loaded").series == "1.2.3.2"
    assert loaded


def test_without_the_plugin_the_choice_says_what_to_install(panel: Any, study: Any) -> None:
    panel.controller.open_study(study.folder)
    settle(panel)
    box = panel.export.boxes["dcm"]
    assert not box.enabled
    assert "Quantitative Reporting" in box.toolTip


@pytest.mark.parametrize("here", [0, 5])
def test_a_series_of_which_a_server_has_images_is_not_added(
    panel: Any, study: Any, database: Any, here: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slicer's database knows such images, too, and gives an empty name for the file of each."""
    files = database._series["1.2.3.1"]
    database._series["1.2.3.1"] = [*files[:here], *[""] * (len(files) - here)]
    monkeypatch.chdir(tmp_path)
    assert added(panel, study, "series 1.2.3.1") == []
    assert panel.controller.notice[1] == "warning"
    assert "missing on this computer" in panel.controller.notice[0]
