"""Voxels and grids survive writing and reading, and other programs see the same."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

from SemiSegLogic.files import FileError
from SemiSegLogic.geometry import Grid
from SemiSegLogic.study import ImageError, Study, read_image, write_image
from Testing.support.volumes import COLUMNS, SHAPE, grid_of, picture

TYPES = ("uint8", "int16", "uint16", "int32", "float32", "float64")


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("shape", [SHAPE, (1, 6, 7), (5, 1, 7), (5, 6, 1)])
def test_nrrd_keeps_every_digit_of_the_grid(tmp_path: Path, kind: str, shape: tuple[int, int, int]) -> None:
    path, array, grid = tmp_path / "a.nrrd", picture(shape), grid_of(kind, shape)
    write_image(path, array, grid)
    again, found = read_image(path)
    assert np.array_equal(again, array)
    assert again.shape == found.shape == shape
    for numbers, others in ((found.spacing, grid.spacing), (found.direction, grid.direction)):
        assert np.allclose(numbers, others, rtol=0, atol=1e-12)
    assert found.origin == grid.origin


@pytest.mark.parametrize("dtype", TYPES)
def test_a_voxel_type_is_kept(tmp_path: Path, dtype: str) -> None:
    write_image(tmp_path / "a.nrrd", picture(dtype=dtype), grid_of("oblique"))
    assert read_image(tmp_path / "a.nrrd")[0].dtype == dtype


@pytest.mark.parametrize("kind", COLUMNS)
def test_pynrrd_sees_the_same_voxels_at_the_same_places(tmp_path: Path, kind: str) -> None:
    array, grid = picture(), grid_of(kind)
    write_image(tmp_path / "a.nrrd", array, grid)
    voxels, header = nrrd.read(str(tmp_path / "a.nrrd"))
    assert header["space"] == "left-posterior-superior"
    assert np.array_equal(voxels, array.T)
    ijk = np.array([[6, 5, 4], [0, 3, 1]])
    assert np.allclose(ijk @ header["space directions"] + header["space origin"], grid.to_patient(ijk[:, ::-1]))


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_nibabel_sees_the_same_voxels_at_the_same_places(tmp_path: Path, kind: str, name: str) -> None:
    array, grid = picture(), grid_of(kind)
    write_image(tmp_path / name, array, grid)
    image = nibabel.load(tmp_path / name)
    assert np.array_equal(np.asarray(image.dataobj), array.T)
    ijk = np.array([[6, 5, 4], [0, 3, 1]])
    lps = nibabel.affines.apply_affine(image.affine, ijk) * [-1, -1, 1]
    assert np.allclose(lps, grid.to_patient(ijk[:, ::-1]), atol=1e-3)


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("writer", ["nibabel", "pynrrd"])
def test_files_of_other_programs_lie_where_they_said(tmp_path: Path, kind: str, writer: str) -> None:
    array, grid = picture(), grid_of(kind)
    steps = np.array(grid.direction).reshape(3, 3) * grid.spacing[::-1]
    if writer == "nibabel":
        affine = np.diag([-1, -1, 1, 1]) @ np.block([[steps, np.array(grid.origin)[:, None]], [np.zeros(3), 1]])
        nibabel.save(nibabel.Nifti1Image(array.T, affine), tmp_path / "a.nii.gz")
    else:
        flip = np.diag([-1.0, -1, 1])
        nrrd.write(str(tmp_path / "a.nrrd"), array.T, {"space": "right-anterior-superior",
                   "space directions": (flip @ steps).T, "space origin": flip @ grid.origin})
    again, found = read_image(tmp_path / ("a.nii.gz" if writer == "nibabel" else "a.nrrd"))
    assert np.array_equal(again, array)
    assert found.agrees(grid)


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_header_whose_axes_are_not_of_length_1_tells_of_its_spacing(tmp_path: Path, kind: str) -> None:
    array, grid = picture(), grid_of(kind)
    longer = np.array([2.0, 0.25, 7.0])  # i, j, k
    matrix = (np.array(grid.direction).reshape(3, 3) * longer).T.ravel().tolist()  # MetaImage has an axis in each row
    fields = {"ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
              "TransformMatrix": " ".join(map(repr, matrix)), "Offset": " ".join(map(repr, grid.origin)),
              "ElementSpacing": " ".join(map(repr, (grid.spacing[::-1] / longer).tolist())),
              "DimSize": " ".join(map(str, SHAPE[::-1])), "ElementType": "MET_SHORT", "ElementDataFile": "LOCAL"}
    header = "".join(f"{key} = {value}\n" for key, value in fields.items())
    (tmp_path / "a.mha").write_bytes(header.encode() + array.tobytes())
    again, found = read_image(tmp_path / "a.mha")
    assert np.array_equal(again, array)
    assert np.allclose(found.spacing, grid.spacing)
    assert np.allclose(found.direction, grid.direction)
    assert found.agrees(grid)


def test_a_real_scan_reads_as_nibabel_reads_it(data_folder: Path) -> None:
    for path in sorted(data_folder.glob("volumes/*/*.nii.gz")):
        try:
            array, grid = read_image(path)
        except ImageError as error:  # pragma: no cover - tells which file
            pytest.fail(str(error))
        image = nibabel.load(path)
        assert np.allclose(array.T, image.get_fdata())
        corner = np.array([[n - 1 for n in grid.shape]])
        lps = nibabel.affines.apply_affine(image.affine, corner[:, ::-1]) * [-1, -1, 1]
        assert np.allclose(grid.to_patient(corner), lps, atol=1e-3)


def test_a_2d_image_becomes_one_slice(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(picture((6, 7)))
    image.SetSpacing((0.5, 0.25))
    image.SetOrigin((3.0, 4.0))
    image.SetDirection((0.0, -1.0, 1.0, 0.0))
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"))
    array, grid = read_image(tmp_path / "a.nrrd")
    assert array.shape == grid.shape == (1, 6, 7)
    assert np.array_equal(array[0], picture((6, 7)))
    assert np.allclose(grid.to_patient(np.array([[0, 5, 6]]))[0, :2], image.TransformIndexToPhysicalPoint((6, 5)))


def test_a_png_is_an_image_too(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(picture((6, 7), dtype="uint8")), str(tmp_path / "a.png"))
    assert read_image(tmp_path / "a.png")[0].shape == (1, 6, 7)


def save(array: np.ndarray, path: Path, vector: bool = False) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=vector), str(path))


def with_voxel(value: float) -> np.ndarray:
    array = picture(dtype="float32")
    array[1, 2, 3] = value
    return array


@pytest.mark.parametrize(("array", "vector", "words"), [
    (picture((3, 4, 5, 6)), False, r"4 axes \(6 x 5 x 4 x 3\).*one time step.*Add from scene"),
    (picture((4, 5, 6, 3), dtype="uint8"), True, "3 values per voxel"),
    (with_voxel(np.nan), False, r"NaN or infinity \(1 of 210 voxels\). Replace"),
    (with_voxel(-np.inf), False, "NaN or infinity"),
    (np.full(SHAPE, 7, np.int16), False, "value 7 on all of its 210 voxels"),
])
def test_an_image_that_cannot_be_segmented_is_refused(tmp_path: Path, array: np.ndarray, vector: bool,
                                                      words: str) -> None:
    save(array, tmp_path / "bad.nrrd", vector)
    with pytest.raises(ImageError, match=words) as caught:
        read_image(tmp_path / "bad.nrrd")
    assert str(tmp_path / "bad.nrrd") in str(caught.value)


def test_one_time_step_of_four_axes_is_a_volume(tmp_path: Path) -> None:
    save(picture((1, 4, 5, 6)), tmp_path / "a.nrrd")
    assert read_image(tmp_path / "a.nrrd")[0].shape == (4, 5, 6)


@pytest.mark.parametrize("name", ["a.nrrd", "a.nii", "a.nii.gz", "a.mha"])
@pytest.mark.parametrize("share", [0.3, 0.99])
def test_a_cut_file_is_refused_and_never_filled_up(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    write_image(path, picture((20, 30, 40)), grid_of("oblique", (20, 30, 40)))
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * share)])
    with pytest.raises(ImageError, match="opy it again") as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_a_zipped_nifti_whose_content_was_cut_before_zipping_is_refused(tmp_path: Path) -> None:
    write_image(tmp_path / "a.nii", picture(), grid_of("oblique"))
    (tmp_path / "b.nii.gz").write_bytes(gzip.compress((tmp_path / "a.nii").read_bytes()[:-10]))
    with pytest.raises(ImageError, match="762 of 772 bytes"):
        read_image(tmp_path / "b.nii.gz")


@pytest.mark.parametrize("zipped", ["", ".gz"])
@pytest.mark.parametrize("chosen", [".hdr", ".img"])
def test_a_pair_of_header_and_voxels_is_read_and_refused_when_its_voxels_are_cut(tmp_path: Path, zipped: str,
                                                                                 chosen: str) -> None:
    image = sitk.GetImageFromArray(picture((20, 30, 40)))
    sitk.WriteImage(image, str(tmp_path / f"a.img{zipped}"))
    path = tmp_path / f"a{chosen}{zipped}"
    assert np.array_equal(read_image(path)[0], picture((20, 30, 40)))
    voxels = tmp_path / f"a.img{zipped}"
    voxels.write_bytes(voxels.read_bytes()[:-99])
    with pytest.raises(ImageError, match=r"a\.img(\.gz)? is (cut short|damaged).*opy it again"):
        read_image(path)
    voxels.unlink()
    with pytest.raises(ImageError, match=r"a.*(other, a\.img, is not beside it. Copy both|does not exist)"):
        read_image(path)


def test_an_analyze_image_is_read_and_refused_when_it_is_cut(tmp_path: Path) -> None:
    nibabel.save(nibabel.AnalyzeImage(picture().T, np.eye(4)), tmp_path / "A.img")
    for ending in ("hdr", "img"):
        (tmp_path / f"A.{ending}").rename(tmp_path / f"A.{ending.upper()}")
    assert np.array_equal(read_image(tmp_path / "A.HDR")[0], picture())
    (tmp_path / "A.IMG").write_bytes((tmp_path / "A.IMG").read_bytes()[:-2])
    with pytest.raises(ImageError, match=r"A\.IMG is cut short: 418 of 420 bytes"):
        read_image(tmp_path / "A.HDR")


@pytest.mark.parametrize(("content", "name"), [
    (b"", "a.nrrd"), (b"hello", "a.nrrd"), (b"hello", "a.nii"), (b"hello", "a.nii.gz"), (b"hello", "a.txt"),
])
def test_a_file_that_is_no_image_is_refused(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=name):
        read_image(tmp_path / name)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"none.nrrd does not exist. Check the path"):
        read_image(tmp_path / "none.nrrd")


def test_a_grid_that_a_format_cannot_keep_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    sheared = Grid(SHAPE, direction=(1.0, 0.6, 0.0, 0.0, 0.8, 0.0, 0.0, 0.0, 1.0))
    with pytest.raises(FileError, match=r"a.nii.gz was not written"):
        write_image(tmp_path / "a.nii.gz", picture(), sheared)
    assert not list(tmp_path.iterdir())
    write_image(tmp_path / "a.nrrd", picture(), sheared)
    assert read_image(tmp_path / "a.nrrd")[1].agrees(sheared, 1e-9)


@pytest.mark.parametrize("name", ["a.nrrd", "a.nii.gz", "a.nii"])
def test_a_file_that_reads_back_otherwise_never_takes_its_place(tmp_path: Path, name: str,
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / name, picture(seed=1), grid_of("oblique"))
    before = (tmp_path / name).read_bytes()
    real = sitk.WriteImage

    def flawed(image: sitk.Image, file: str, **options: object) -> None:
        real(image + 1, file, **options)

    monkeypatch.setattr(sitk, "WriteImage", flawed)
    with pytest.raises(FileError, match="gave other values"):
        write_image(tmp_path / name, picture(), grid_of("oblique"))
    assert (tmp_path / name).read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


# --- what ultrasound machines, colleagues and broken copies give ---------------------------------------------------

@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("name", ["a.png", "a.nrrd"])
def test_a_colour_image_that_is_grey_is_taken_voxel_for_voxel(tmp_path: Path, channels: int, name: str) -> None:
    grey = picture((6, 7), dtype="uint8")
    layers = [grey, grey, grey, np.full_like(grey, 255)][:channels]
    save(np.stack(layers, axis=-1), tmp_path / name, vector=True)
    array, grid = read_image(tmp_path / name)
    assert grid.shape == (1, 6, 7)
    assert np.array_equal(array[0], grey)


def test_a_colour_image_with_one_coloured_voxel_is_refused(tmp_path: Path) -> None:
    colours = np.repeat(picture((6, 7), dtype="uint8")[..., None], 3, axis=-1)
    colours[3, 4, 1] += 1
    save(colours, tmp_path / "a.png", vector=True)
    with pytest.raises(ImageError, match=r"3 values per voxel.*Save it as a grey-value image"):
        read_image(tmp_path / "a.png")


def test_a_sheared_nifti_says_what_is_wrong_with_it(tmp_path: Path) -> None:
    affine = np.array([[1, 0.2, 0, 5], [0, 1, 0, 6], [0, 0, 1, 7], [0, 0, 0, 1.0]])
    image = nibabel.Nifti1Image(picture(), None)
    image.set_sform(affine, code=2)
    image.set_qform(np.eye(4), code=0)
    nibabel.save(image, tmp_path / "sheared.nii.gz")
    with pytest.raises(ImageError, match=r"sheared\.nii\.gz has axes that are not at right angles.*resample it"):
        read_image(tmp_path / "sheared.nii.gz")


@pytest.mark.parametrize(("name", "words"), [
    ("word.docx", "word.docx is not an image in a format that SemiSeg can read. Save it as NRRD or NIfTI."),
    ("empty.nii.gz", "empty.nii.gz is damaged: only 0 bytes are in it, fewer than a header has."),
])
def test_what_is_no_image_is_refused_without_a_word_of_programmers(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(b"") if name.endswith("gz") else b"PK")
    with pytest.raises(ImageError) as refused:
        read_image(tmp_path / name)
    assert words in str(refused.value)
    assert "sitk" not in str(refused.value)
    assert "unpack" not in str(refused.value)


def test_a_nifti_of_version_2_is_not_told_to_be_saved_as_nifti(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti2Image(picture().T, np.eye(4)), tmp_path / "a.nii.gz")
    with pytest.raises(ImageError, match=r"a\.nii\.gz is a NIfTI of version 2.*Save it as NRRD or NIfTI-1"):
        read_image(tmp_path / "a.nii.gz")


# --- headers that lie ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("offset", [float("nan"), float("inf"), -1e30, 0.0, 347.0])
def test_a_nifti_whose_voxels_begin_nowhere_or_in_its_header_is_refused(tmp_path: Path, offset: float) -> None:
    path = tmp_path / "a.nii"
    write_image(path, picture(), grid_of("oblique"))
    raw = bytearray(path.read_bytes())
    struct.pack_into("<f", raw, 108, offset)
    path.write_bytes(raw)
    with pytest.raises(ImageError, match=r"a\.nii is damaged: its voxels are said to begin at byte"):
        read_image(path)


def test_a_header_without_numbers_is_no_place_in_space(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    write_image(path, picture(), grid_of("oblique"))
    raw = bytearray(path.read_bytes())
    struct.pack_into("<f", raw, 280, float("nan"))
    path.write_bytes(raw)
    with pytest.raises(ImageError, match=r"The header of .*a\.nii says that it has the directions .*nan"):
        study.add_case(path)


@pytest.mark.parametrize(("fields", "words"), [
    ("dimension: 3\nsizes: 4000 4000 1000\nencoding: gzip", "announces 16000000000 voxels, and the file has"),
    ("dimension: 3\nsizes: 4000 4000 1000\nencoding: raw", "announces 16000000000 voxels, and the file has"),
    ("dimension: 3\nsizes: 5 6 7\nencoding: raw\ndata file: /dev/zero", "announces 210 voxels, and the file has 0"),
    (f"dimension: 16\nsizes: {'1 ' * 13}5 6 7\nencoding: raw", "more than 5 axes"),
])
def test_an_nrrd_that_claims_what_it_cannot_hold_takes_no_memory(tmp_path: Path, fields: str, words: str) -> None:
    (tmp_path / "a.nrrd").write_bytes(f"NRRD0004\ntype: uint8\n{fields}\n\n".encode() + bytes(range(210)))
    with pytest.raises(ImageError, match=words):
        read_image(tmp_path / "a.nrrd")


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("name", ["a.nrrd", "a.nhdr"])
def test_an_empty_volume_that_packs_very_well_is_whole(tmp_path: Path, name: str, compressed: bool) -> None:
    array = np.zeros((80, 200, 200), np.uint8)
    array[0, 0, 0] = 1
    sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / name), useCompression=compressed)
    assert np.array_equal(read_image(tmp_path / name)[0], array)
