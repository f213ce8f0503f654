"""A folder with one DICOM series is a volume; anything that ITK would silently shift is refused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from SemiSegLogic.study import ImageError, Study, read_image
from Testing.support.volumes import COLUMNS, SHAPE, grid_of, picture

SECRET = "Doe^Jane"


def slice_file(pixels: np.ndarray, position: np.ndarray, row_column: np.ndarray, spacing: tuple[float, float, float],
               series: str, number: int) -> Dataset:
    """One CT slice as a scanner sends it, patient name and all."""
    item = Dataset()
    item.file_meta = FileMetaDataset()
    item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = CTImageStorage
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    item.SeriesInstanceUID, item.StudyInstanceUID = series, "1.2.3"
    item.PatientName, item.PatientID, item.Modality, item.InstanceNumber = SECRET, "4711", "CT", number
    item.ImagePositionPatient = [f"{value:.8g}" for value in position]
    item.ImageOrientationPatient = [f"{value:.8g}" for value in row_column.ravel()]
    item.PixelSpacing, item.SliceThickness = [spacing[1], spacing[2]], spacing[0]
    item.Rows, item.Columns = pixels.shape
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 16, 16, 15, 1
    item.PixelData = pixels.astype("<i2").tobytes()
    return item


def write_series(folder: Path, kind: str = "upright", slices: Sequence[int] = range(5), series: str = "1.2.3.4",
                 tilt: float = 0.0) -> None:
    """The slices of :func:`picture` on :func:`grid_of` in shuffled order and with odd names."""
    folder.mkdir(exist_ok=True)
    grid, array = grid_of(kind), picture()
    columns = np.array(grid.direction).reshape(3, 3)
    order = np.random.default_rng(1).permutation(len(slices))
    for number, at in enumerate(order):
        k = slices[at]
        position = grid.to_patient(np.array([[k, 0, 0]]))[0] + tilt * k * columns[:, 1]
        item = slice_file(array[k], position, columns[:, :2].T, grid.spacing, series, number)
        item.save_as(folder / f"{series}-{number:03d}.dcm", enforce_file_format=True)


@pytest.mark.parametrize("kind", ["upright", "flipped", "sagittal", "oblique"])
def test_a_series_becomes_a_volume_with_every_voxel_at_its_place(tmp_path: Path, kind: str) -> None:
    write_series(tmp_path / "dicom", kind)
    array, grid = read_image(tmp_path / "dicom")
    assert array.shape == SHAPE
    voxels = np.argwhere(np.ones(SHAPE, bool))
    there = grid.to_patient(voxels)
    expected = grid_of(kind).to_patient(voxels)
    if not grid.agrees(grid_of(kind), 1e-2):  # stacked the other way round: same places, other order
        assert np.allclose(there.reshape(*SHAPE, 3)[::-1], expected.reshape(*SHAPE, 3), atol=1e-3)
        array = array[::-1]
    assert np.array_equal(array, picture())


def test_all_kinds_of_axes_are_tried() -> None:
    assert {"upright", "flipped", "sagittal", "oblique"} < set(COLUMNS)


def test_one_slice_alone_is_a_volume(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom", slices=[2])
    assert np.array_equal(read_image(tmp_path / "dicom")[0][0], picture()[2])


def test_several_series_are_refused_until_one_is_chosen_by_a_file(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom")
    write_series(tmp_path / "dicom", slices=[0, 1, 2], series="1.2.3.5")
    with pytest.raises(ImageError, match=r"2 DICOM series. Choose one by giving one of its files: .*3 slices"):
        read_image(tmp_path / "dicom")
    assert read_image(tmp_path / "dicom" / "1.2.3.5-001.dcm")[0].shape == (3, 6, 7)


@pytest.mark.parametrize(("options", "words"), [
    ({"slices": [0, 1, 3, 4]}, "not evenly spaced.*5.000 mm where 2.500 mm is usual"),
    ({"slices": [0, 1, 1, 2]}, "not evenly spaced"),
    ({"slices": [1, 1]}, "not evenly spaced"),
    ({"tilt": 0.3}, "tilted gantry"),
])
def test_a_stack_that_itk_would_shift_is_refused(tmp_path: Path, options: dict, words: str) -> None:
    write_series(tmp_path / "dicom", **options)
    with pytest.raises(ImageError, match=words):
        read_image(tmp_path / "dicom")


def test_a_localiser_in_the_series_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom")
    columns = COLUMNS["sagittal"]
    item = slice_file(picture()[0], np.array([1.0, 2, 3]), columns[:, :2].T, (2.5, 1, 1), "1.2.3.4", 99)
    item.save_as(tmp_path / "dicom" / "scout.dcm", enforce_file_format=True)
    with pytest.raises(ImageError, match="another plane"):
        read_image(tmp_path / "dicom")


def test_a_folder_without_dicom_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="holds no DICOM series"):
        read_image(tmp_path)


def test_a_cut_slice_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom")
    path = tmp_path / "dicom" / "1.2.3.4-002.dcm"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ImageError, match="dicom"):
        read_image(tmp_path / "dicom")


@pytest.mark.parametrize("copy", [True, False])
def test_no_tag_and_no_patient_enters_the_study(tmp_path: Path, study: Study, copy: bool) -> None:
    write_series(tmp_path / SECRET)
    other = tmp_path / "other" / "x"
    other.parent.mkdir()
    write_series(other, "oblique")
    first = study.add_case(tmp_path / SECRET)
    second = study.add_case(other, copy=copy, duplicates=True)
    assert [first.name, second.name] == ["case-1", "case-2"]
    for path in study.folder.rglob("*"):
        assert SECRET not in path.name
        assert path.is_dir() or not {SECRET.encode(), b"4711"} & {word for word in (SECRET.encode(), b"4711")
                                                                  if word in path.read_bytes()}
    assert np.array_equal(second.image(), read_image(other)[0])


def test_the_files_of_a_series_may_lie_anywhere_and_in_any_order(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom", "oblique")
    files = sorted((tmp_path / "dicom").iterdir())
    for number, file in enumerate(files):
        place = tmp_path / f"part{number % 2}"
        place.mkdir(exist_ok=True)
        files[number] = file.rename(place / file.name)
    study = Study.create(tmp_path / "study", structures=["liver"])
    case = study.add_series(files)
    assert np.array_equal(case.image(), picture())
    assert case.grid.agrees(grid_of("oblique"), 1e-3)
    assert (case.name, case.series) == ("case-1", "1.2.3.4")


def test_a_case_remembers_the_series_it_came_from_and_no_patient(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom")
    study = Study.create(tmp_path / "study", structures=["liver"])
    assert study.add_case(tmp_path / "dicom").series == "1.2.3.4"
    for path in study.folder.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
