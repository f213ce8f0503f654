"""Exports are read back and compared before they count."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
import slicerio

from SemiSegLogic.files import FileError
from SemiSegLogic.geometry import IGNORE, SliceIndex
from SemiSegLogic.study import FORMATS, Case, Study, StudyError, all_slices, export_case, read_mask, write_image
from SemiSegLogic.study.formats import writing
from Testing.support.volumes import grid_of, picture, two_blobs


@pytest.fixture
def finished(case: Case) -> Case:
    case.put_suggestion(two_blobs(), np.zeros(case.grid.shape, np.uint8), {})
    return case


def test_every_format_holds_the_result(finished: Case, tmp_path: Path) -> None:
    files = {file.format: file for file in export_case(finished, tmp_path / "out", FORMATS)}
    assert set(files) == set(FORMATS)
    assert all(file.verified and file.voxels == {"anterior": 16, "posterior": 8} for file in files.values())
    seg = slicerio.read_segmentation(str(files["seg.nrrd"].path))
    assert np.array_equal(seg["voxels"].T, two_blobs())
    assert [(one["name"], one["labelValue"]) for one in seg["segments"]] == [("anterior", 1), ("posterior", 2)]
    assert np.array_equal(np.asarray(nibabel.load(files["nii.gz"].path).dataobj).T, two_blobs())
    label_map = sitk.ReadImage(str(files["nrrd"].path))
    assert np.array_equal(sitk.GetArrayFromImage(label_map), two_blobs())
    assert label_map.GetMetaData("SemiSeg_Structure_2") == "posterior"


def test_corrections_are_exported_over_the_suggestion(finished: Case, tmp_path: Path) -> None:
    finished.set_slices(np.zeros(finished.grid.shape, np.uint8), [SliceIndex(0, 2)], "ann")
    [file] = export_case(finished, tmp_path / "out", ["nrrd"])
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(file.path)))
    assert not array[2].any()
    assert np.array_equal(array[3], two_blobs()[3])


def test_a_half_labelled_case_is_not_exported_as_if_the_rest_were_background(case: Case, tmp_path: Path) -> None:
    case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    with pytest.raises(StudyError, match="no suggestion yet"):
        export_case(case, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    [file] = export_case(case, tmp_path / "out", ["nrrd"], what="labels")
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(file.path)))
    assert np.array_equal(array[2], two_blobs()[2])
    assert (array[[0, 1, 3, 4]] == IGNORE).all()


@pytest.mark.parametrize(("formats", "what"), [(["png"], "result"), (["seg.nrrd"], "labels")])
def test_a_format_that_cannot_hold_it_is_refused(finished: Case, tmp_path: Path, formats: list[str], what: str) -> None:
    with pytest.raises(StudyError, match="cannot be exported as"):
        export_case(finished, tmp_path, formats, what)  # type: ignore[arg-type]


@pytest.mark.parametrize("damage", ["voxel", "place"])
def test_a_file_that_reads_back_otherwise_is_not_called_verified(finished: Case, tmp_path: Path, damage: str,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    real = sitk.WriteImage

    def flawed(image: sitk.Image, file: str, **options: object) -> None:
        copy = sitk.Image(image)
        if damage == "voxel":
            copy[0, 0, 0] = 2
        else:
            copy.SetOrigin([value + 0.2 for value in copy.GetOrigin()])
        real(copy, file, **options)

    monkeypatch.setattr(writing.sitk, "WriteImage", flawed)
    for name in FORMATS:
        with pytest.raises(FileError, match="was not written"):
            export_case(finished, tmp_path / "out", [name])
    assert not list((tmp_path / "out").iterdir())


def test_drawn_slices_that_are_all_empty_are_exported_with_255_where_nobody_judged(case: Case, tmp_path: Path) -> None:
    case.set_slices(np.zeros(case.grid.shape, np.uint8), [SliceIndex(0, 2)], "ann")
    for file in export_case(case, tmp_path / "out", ["nrrd", "nii.gz"], "labels"):
        written = sitk.GetArrayFromImage(sitk.ReadImage(str(file.path)))
        assert (written[2] == 0).all()
        assert (np.delete(written, 2, axis=0) == IGNORE).all()


def test_an_export_never_replaces_the_image_that_it_was_made_from(case: Case, tmp_path: Path) -> None:
    image = tmp_path / "images" / f"{case.id}.nrrd"
    image.parent.mkdir()
    image.write_bytes((case.folder / "image.nrrd").read_bytes())
    before = image.read_bytes()
    case.set_slices(two_blobs(), all_slices(case.grid.shape), "ann")
    with pytest.raises(StudyError, match=r"exists already.*may be an image.*Choose another folder"):
        export_case(case, image.parent)
    assert image.read_bytes() == before
    assert [path.name for path in image.parent.iterdir()] == [image.name], "nothing is half exported"


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_is_replaced_by_the_next_one_but_not_when_somebody_corrected_it(
    case: Case, tmp_path: Path, name: str
) -> None:
    case.set_slices(two_blobs(), all_slices(case.grid.shape), "ann")
    (file,) = export_case(case, tmp_path / "out", [name])
    case.set_slices(np.zeros_like(two_blobs()), [SliceIndex(0, 1)], "ann")
    assert export_case(case, tmp_path / "out", [name])[0].voxels != file.voxels
    corrected = sitk.ReadImage(str(file.path))
    corrected[0, 0, 0] = 2
    sitk.WriteImage(corrected, str(file.path))
    before = file.path.read_bytes()
    with pytest.raises(StudyError, match=r"that somebody corrected\. Nothing was replaced"):
        export_case(case, tmp_path / "out", [name])
    assert file.path.read_bytes() == before


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("at", range(4))
def test_an_export_that_was_killed_can_be_repeated(
    case: Case, tmp_path: Path, name: str, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each file that it puts in place, and after the last."""
    case.set_slices(two_blobs(), all_slices(case.grid.shape), "ann")
    export_case(case, tmp_path / "out", [name])
    case.set_slices(np.zeros_like(two_blobs()), [SliceIndex(0, 1)], "ann")
    real, calls = os.replace, []

    def killed(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == at:
            raise KeyboardInterrupt
        real(source, target)

    with monkeypatch.context() as patch, contextlib.suppress(KeyboardInterrupt):
        patch.setattr(os, "replace", killed)
        export_case(case, tmp_path / "out", [name])
    case.set_slices(two_blobs()[:, ::-1], [SliceIndex(0, 2)], "ann")
    (file,) = export_case(case, tmp_path / "out", [name])
    assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(file.path))), case.labels())


def test_an_export_of_another_patient_is_not_replaced(study: Study, image_file: Callable[..., Path],
                                                      tmp_path: Path) -> None:
    """Cases of DICOM are called case-1, case-2, ... in every study, and people export to one folder."""
    other = Study.create(tmp_path / "other", structures=["anterior", "posterior"])
    cases = [one.add_case(image_file(f"{n}.nrrd", seed=n), name="case-1") for n, one in enumerate([study, other])]
    for case in cases:
        case.set_slices(two_blobs(), all_slices(case.grid.shape), "ann")
    written = [file.path.read_bytes() for file in export_case(cases[0], tmp_path / "out", FORMATS)]
    with pytest.raises(StudyError, match=r"is the export of another image.*Nothing was replaced"):
        export_case(cases[1], tmp_path / "out", FORMATS)
    assert [(tmp_path / "out" / f"case-1.{name}").read_bytes() for name in FORMATS] == written


@pytest.mark.parametrize("name", ["x.seg", "X.SEG", "x-drawn"])
def test_no_two_cases_export_to_one_file(study: Study, image_file: Callable[..., Path], tmp_path: Path,
                                         name: str) -> None:
    """As x.seg.nii.gz comes in, its label map would be x.seg.nrrd, which the segmentation of x is."""
    label = two_blobs()
    for seed, called in enumerate(["x", name]):
        case = study.add_case(image_file(f"{seed}.nrrd", seed=seed), name=called)
        case.set_slices(label if called == "x" else label[::-1], all_slices(case.grid.shape), "ann")
    first = [file.path for case in study.cases for file in export_case(case, tmp_path / "out", FORMATS)]
    drawn = [file.path for case in study.cases for file in export_case(case, tmp_path / "out", ["nrrd"], "labels")]
    assert len({str(path).casefold() for path in first + drawn}) == 8
    assert np.array_equal(read_mask(tmp_path / "out" / "x.seg.nrrd").array, label)


def test_itk_on_a_full_disk_is_told_as_a_full_disk(
    finished: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(image: sitk.Image, name: str, **options: object) -> None:
        Path(name).write_bytes(b"")  # what is left of a file when ITK runs out of room, without a word

    monkeypatch.setattr(writing.sitk, "WriteImage", cut_off)
    monkeypatch.setattr(writing, "disk_is_full", lambda folder: True)
    with pytest.raises(FileError, match=r"\.seg\.nrrd was not written: the disk is full\. Free some space"):
        export_case(finished, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("name", ["scan.img", "scan.hdr", "scan.img.nii.gz.nrrd"])
def test_a_case_whose_name_looks_like_another_format_is_exported_in_every_one(
    study: Study, tmp_path: Path, name: str
) -> None:
    write_image(tmp_path / "scan.nrrd", picture(), grid_of("oblique"))
    case = study.add_case(tmp_path / "scan.nrrd", name=name)
    case.set_slices(two_blobs(), all_slices(case.grid.shape), "ann")
    files = export_case(case, tmp_path / "out", FORMATS)
    written = sorted(path.name for path in (tmp_path / "out").iterdir() if path.name != ".semiseg-exports.json")
    assert written == sorted(file.path.name for file in files), "and nothing is left beside them"
    for file in files:
        assert np.array_equal(sitk.GetArrayFromImage(sitk.ReadImage(str(file.path))), two_blobs())
