"""A folder with one DICOM series is a volume; anything that ITK would silently shift is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    generate_uid,
)

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
    words = r"several DICOM series \(2\). Choose one by giving one of its files: .*3 slices"
    with pytest.raises(ImageError, match=words):
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
    with pytest.raises(ImageError, match="contains no DICOM series"):
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


# --- series as hospitals send them ---------------------------------------------------------------------------------

def change_slices(folder: Path, change: Callable[[Dataset, int], None]) -> None:
    """Let ``change`` alter every slice file, given with its number from the lowest slice on."""
    files = sorted(folder.iterdir(), key=lambda file: float(dcmread(file).ImagePositionPatient[2]))
    for number, file in enumerate(files):
        item = dcmread(file)
        change(item, number)
        item.save_as(file)


@pytest.mark.parametrize("slopes", [(1, 0.25, 0.3, 0.7, 0.1), (1, 1, 1000, 1, 1), (0.5, 1, 1, 1, 1)])
def test_slices_with_scales_of_their_own_keep_their_values(tmp_path: Path, slopes: Sequence[float]) -> None:
    write_series(tmp_path / "dicom")
    change_slices(tmp_path / "dicom", lambda item, k: item.update({"RescaleSlope": str(slopes[k]),
                                                                   "RescaleIntercept": "0"}))
    expected = picture() * np.array(slopes)[:, None, None]
    assert np.allclose(read_image(tmp_path / "dicom")[0], expected)


def test_an_unsigned_slice_after_signed_ones_keeps_its_values(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom")
    change_slices(tmp_path / "dicom", lambda item, k: item.update(
        {"PixelRepresentation": 0, "PixelData": np.full(SHAPE[1:], 40000, "<u2").tobytes()} if k == 4 else {}))
    assert read_image(tmp_path / "dicom")[0][4].min() == 40000


@pytest.mark.parametrize("left", [0, 140, 300, -40])
@pytest.mark.parametrize("by_file", [False, True])
def test_a_broken_slice_at_the_end_of_the_stack_is_not_left_out_without_a_word(tmp_path: Path, left: int,
                                                                               by_file: bool) -> None:
    write_series(tmp_path / "dicom")
    first, *_, last = sorted((tmp_path / "dicom").iterdir(),
                             key=lambda file: float(dcmread(file).ImagePositionPatient[2]))
    last.write_bytes(last.read_bytes()[:left])
    with pytest.raises(ImageError, match=f"{last.name} is empty or incomplete.*Copy the series again"):
        read_image(first if by_file else tmp_path / "dicom")


def test_what_else_lies_beside_a_series_does_not_matter(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom")
    write_series(tmp_path / "dicom", slices=[0, 1, 2], series="1.2.3.5")
    other = tmp_path / "dicom" / "1.2.3.5-000.dcm"
    other.write_bytes(other.read_bytes()[:-40])  # a slice of the other series
    index = b"\0" * 128 + b"DICM\2\0\2\0UI\x14\x001.2.840.10008.1.3.10" + CTImageStorage.encode()
    (tmp_path / "dicom" / "DICOMDIR").write_bytes(index)
    (tmp_path / "dicom" / "readme.txt").write_text("")
    (tmp_path / "dicom" / ".hidden.dcm").write_text("")
    assert read_image(tmp_path / "dicom" / "1.2.3.4-000.dcm")[0].shape == SHAPE


@pytest.mark.parametrize("content", ["", None])
def test_pictures_that_do_not_say_where_they_lie_come_in_one_by_one(tmp_path: Path, content: str | None) -> None:
    write_series(tmp_path / "dicom")

    def without_place(item: Dataset, number: int) -> None:
        if content is None:
            del item.ImagePositionPatient, item.ImageOrientationPatient
        else:
            item.ImagePositionPatient = content

    files = sorted((tmp_path / "dicom").iterdir(), key=lambda file: float(dcmread(file).ImagePositionPatient[2]))
    change_slices(tmp_path / "dicom", without_place)
    with pytest.raises(ImageError, match=r"has no position in space.*add one by giving its file"):
        read_image(tmp_path / "dicom")
    assert np.array_equal(read_image(files[3])[0], picture()[3:4])


@pytest.mark.parametrize("change", [{"PixelSpacing": [0.9, 0.9]}, {"Rows": 7, "Columns": 6}])
def test_slices_of_another_raster_are_no_part_of_the_stack(tmp_path: Path, change: dict) -> None:
    write_series(tmp_path / "dicom")
    change_slices(tmp_path / "dicom", lambda item, k: item.update(change if k == 2 else {}))
    words = r"has another number or size of pixels than .*Keep only the slices of one volume"
    with pytest.raises(ImageError, match=words):
        read_image(tmp_path / "dicom")


def test_time_steps_in_one_series_are_called_that(tmp_path: Path) -> None:
    write_series(tmp_path / "dicom", slices=[0, 1, 2, 0, 1, 2])
    with pytest.raises(ImageError, match=r"2 slices at each of 3 places: several volumes .*save one volume of it"):
        read_image(tmp_path / "dicom")


def write_frames(path: Path, heights: Sequence[float], slopes: Sequence[float], implicit: bool = False) -> None:
    """One file with all slices of :func:`picture`, as newer scanners send them."""
    item = slice_file(picture()[0], np.zeros(3), np.eye(3)[:2], (2.0, 0.5, 0.7), "1.2.3.4", 1)
    item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    item.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    del item.ImagePositionPatient, item.ImageOrientationPatient, item.PixelSpacing, item.SliceThickness
    item.NumberOfFrames, item.PixelData = len(heights), picture()[:len(heights)].astype("<i2").tobytes()
    groups = [Dataset() for _ in range(len(heights) + 1)]
    turned, sized = Dataset(), Dataset()
    turned.ImageOrientationPatient, sized.PixelSpacing, sized.SliceThickness = [1, 0, 0, 0, 1, 0], [0.5, 0.7], 2
    groups[0].PlaneOrientationSequence, groups[0].PixelMeasuresSequence = [turned], [sized]
    for group, height, slope in zip(groups[1:], heights, slopes, strict=True):
        place, scale = Dataset(), Dataset()
        place.ImagePositionPatient = [-10.5, 20.25, height]
        scale.RescaleIntercept, scale.RescaleSlope, scale.RescaleType = 0, slope, "US"
        group.PlanePositionSequence, group.PixelValueTransformationSequence = [place], [scale]
    item.SharedFunctionalGroupsSequence, item.PerFrameFunctionalGroupsSequence = groups[:1], groups[1:]
    item.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("heights", [(0, 1.5, 3, 4.5, 6), (8, 6, 4, 2, 0)])
def test_even_frames_of_one_file_are_a_volume(tmp_path: Path, heights: Sequence[float], implicit: bool) -> None:
    write_frames(tmp_path / "a.dcm", heights, [1] * 5, implicit)
    array, grid = read_image(tmp_path / "a.dcm")
    assert np.array_equal(array, picture())
    assert np.allclose(grid.to_patient(np.array([[0, 0, 0], [4, 0, 2]])),
                       [[-10.5, 20.25, heights[0]], [-10.5 + 2 * 0.7, 20.25, heights[4]]])


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(("heights", "slopes", "words"), [
    ((0, 2, 4, 8, 10), (1, 1, 1, 1, 1), r"frames \(5\) do not follow each other in equal steps"),
    ((0, 4, 2, 6, 8), (1, 1, 1, 1, 1), "do not follow each other in equal steps"),
    ((0, 2, 0, 2), (1, 1, 1, 1), r"frames \(4\) do not follow .*time steps"),
    ((0, 2, 4, 6, 8), (1, 2, 3, 4, 5), "scales the grey values of its frames differently"),
])
def test_frames_that_itk_would_shift_or_forget_to_scale_are_refused(
    tmp_path: Path, heights: Sequence[float], slopes: Sequence[float], words: str, implicit: bool
) -> None:
    write_frames(tmp_path / "a.dcm", heights, slopes, implicit)
    with pytest.raises(ImageError, match=words):
        read_image(tmp_path / "a.dcm")
