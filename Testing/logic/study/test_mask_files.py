"""Masks come in with their names and values, on the image's grid, or with a clear refusal."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK as sitk
import slicerio

from SemiSegLogic.geometry import IGNORE, Grid
from SemiSegLogic.study import (
    LabelError,
    Structure,
    Structures,
    StudyError,
    UnknownSegmentError,
    read_layers,
    read_mask,
    write_image,
    write_labelmap,
    write_seg_nrrd,
)
from Testing.support.volumes import COLUMNS, SHAPE, grid_of, two_blobs

STRUCTURES = Structures.of([Structure(1, "anterior", (1.0, 0.5, 0.25)), Structure(2, "große | Höhle"),
                            Structure(9, "not drawn")])
PLAIN = STRUCTURES.change(2, name="large | cavity")  # slicerio reads headers as ASCII; Slicer itself knows UTF-8


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_segmentation_comes_back_with_names_values_colours_and_grid(tmp_path: Path, kind: str) -> None:
    write_seg_nrrd(tmp_path / "a.seg.nrrd", two_blobs(), grid_of(kind), STRUCTURES)
    mask = read_mask(tmp_path / "a.seg.nrrd")
    assert np.array_equal(mask.array, two_blobs())
    assert mask.grid.agrees(grid_of(kind), 1e-9)
    assert [(one.name, one.value) for one in mask.segments] == list(STRUCTURES.names.items())
    assert mask.segments[0].color == (1.0, 0.5, 0.25)


@pytest.mark.parametrize("kind", COLUMNS)
def test_slicerio_reads_our_segmentation(tmp_path: Path, kind: str) -> None:
    grid = grid_of(kind)
    write_seg_nrrd(tmp_path / "a.seg.nrrd", two_blobs(), grid, PLAIN)
    found = slicerio.read_segmentation(str(tmp_path / "a.seg.nrrd"))
    assert np.array_equal(found["voxels"], two_blobs().T)
    assert np.allclose(found["ijkToLPS"] @ [6, 5, 4, 1], [*grid.to_patient(np.array([[4, 5, 6]]))[0], 1])
    assert found["masterRepresentation"] == "Binary labelmap"
    assert found["containedRepresentationNames"] == ["Binary labelmap"]
    assert found["referenceImageExtentOffset"] == [0, 0, 0]
    for segment, item in zip(found["segments"], PLAIN, strict=True):
        assert (segment["name"], segment["labelValue"], segment["layer"]) == (item.name, item.value, 0)
        assert segment["id"] == f"Segment_{item.value}"
        assert np.allclose(segment["color"], item.color)
        assert segment["terminology"]["category"][0] == "SCT"
        assert segment["extent"] == [0, 6, 0, 5, 0, 4]


def test_we_read_what_slicerio_writes(tmp_path: Path) -> None:
    write_seg_nrrd(tmp_path / "a.seg.nrrd", two_blobs(), grid_of("oblique"), PLAIN)
    found = slicerio.read_segmentation(str(tmp_path / "a.seg.nrrd"))
    slicerio.write_segmentation(str(tmp_path / "b.seg.nrrd"), found)
    assert np.array_equal(read_mask(tmp_path / "b.seg.nrrd", PLAIN.names).on(grid_of("oblique")), two_blobs())


# --- names ---------------------------------------------------------------------------------------------------------

def test_segments_get_their_values_by_name_not_by_number(tmp_path: Path) -> None:
    swapped = Structures.of([Structure(2, "Anterior"), Structure(1, "posterior")])
    write_seg_nrrd(tmp_path / "a.seg.nrrd", two_blobs(), grid_of("oblique"), swapped)
    array = read_mask(tmp_path / "a.seg.nrrd", {"anterior": 1, "posterior": 2}).array
    assert np.array_equal(array, np.array([0, 2, 1], np.uint8)[two_blobs()])


@pytest.mark.parametrize(("names", "expected"), [
    ({"anterior": 1, "posterior": 2}, [0, 1, 2]),
    ({"1": 2, "2": 1}, [0, 2, 1]),
    ({"1": 7, "2": 7}, [0, 7, 7]),
    ({"1": 5, "2": 0}, [0, 5, 0]),
    (None, [0, 1, 2]),
])
def test_a_label_map_can_be_renumbered(tmp_path: Path, names: dict[str, int] | None, expected: list[int]) -> None:
    write_image(tmp_path / "a.nrrd", two_blobs(), grid_of("oblique"))
    assert np.array_equal(read_mask(tmp_path / "a.nrrd", names).array, np.array(expected, np.uint8)[two_blobs()])


@pytest.mark.parametrize(("names", "expected"), [
    ({"posterior": 1, "anterior": 2}, [0, 2, 1]),
    ({"posterior": 1, "anterior": 2, "1": 5}, [0, 5, 1]),
    ({"1": 5, "2": 6}, [0, 5, 6]),
    (None, [0, 1, 2]),
])
def test_a_label_map_of_another_study_comes_in_by_what_it_calls_its_values(
    tmp_path: Path, names: dict[str, int] | None, expected: list[int]
) -> None:
    """Two studies of the same structures, made in another order: by number alone they would be swapped."""
    write_labelmap(tmp_path / "a.nrrd", two_blobs(), grid_of("oblique"), Structures.of(["anterior", "posterior"]))
    assert np.array_equal(read_mask(tmp_path / "a.nrrd", names).array, np.array(expected, np.uint8)[two_blobs()])
    assert [one.name for one in read_layers(tmp_path / "a.nrrd").segments()] == ["anterior", "posterior"]


def test_a_label_map_that_calls_a_value_otherwise_is_asked_about(tmp_path: Path) -> None:
    write_labelmap(tmp_path / "a.nrrd", two_blobs(), grid_of("oblique"), Structures.of(["liver", "lesion"]))
    words = r"contains 'liver' \(value 1\), which is not a structure of this study.*Say which"
    with pytest.raises(LabelError, match=words):
        read_mask(tmp_path / "a.nrrd", {"anterior": 1, "posterior": 2})


@pytest.mark.parametrize("names", [{"anterior": 1}, {"1": 1}, {}])
@pytest.mark.parametrize("named", [True, False])
def test_what_the_table_does_not_know_never_becomes_background(tmp_path: Path, names: dict[str, int],
                                                               named: bool) -> None:
    if named:
        structures = Structures.of(["anterior", "tumour"])
        write_seg_nrrd(tmp_path / "a.nrrd", two_blobs(), grid_of("oblique"), structures)
    else:
        write_labelmap(tmp_path / "a.nrrd", two_blobs(), grid_of("oblique"), [])
    with pytest.raises(LabelError, match=r"which is not a structure of this study.*or leave it out"):
        read_mask(tmp_path / "a.nrrd", names)


def test_the_segments_of_a_file_can_be_listed_to_make_a_table(tmp_path: Path) -> None:
    write_seg_nrrd(tmp_path / "a.seg.nrrd", two_blobs(), grid_of("oblique"), STRUCTURES)
    write_image(tmp_path / "b.nrrd", two_blobs().astype("int16") * 1000, grid_of("oblique"))
    assert [one.name for one in read_layers(tmp_path / "a.seg.nrrd").segments()] == list(STRUCTURES.names)
    assert [one.value for one in read_layers(tmp_path / "b.nrrd").segments()] == [1000, 2000]


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "float32", "float64"])
def test_label_maps_of_any_number_type_are_read(tmp_path: Path, dtype: str) -> None:
    write_image(tmp_path / "a.nii.gz", two_blobs().astype(dtype), grid_of("oblique"))
    assert np.array_equal(read_mask(tmp_path / "a.nii.gz").array, two_blobs())


def test_large_values_are_read_through_a_table(tmp_path: Path) -> None:
    write_image(tmp_path / "a.nrrd", two_blobs().astype("int16") * 1024, grid_of("oblique"))
    assert np.array_equal(read_mask(tmp_path / "a.nrrd", {"1024": 1, "2048": 2}).array, two_blobs())


@pytest.mark.parametrize(("array", "words"), [
    (two_blobs().astype("float32") * 0.5, "contains 0.5, which is no label value.*nearest neighbour"),
    (np.where(two_blobs() == 1, np.nan, 0).astype("float32"), "contains nan"),
    (two_blobs().astype("int16") * -1, "label value -2"),
    (two_blobs().astype("int16") * 300, "label value 300; it must lie in 1..254"),
])
def test_a_mask_with_impossible_values_is_refused(tmp_path: Path, array: np.ndarray, words: str) -> None:
    write_image(tmp_path / "a.nrrd", array, grid_of("oblique"))
    with pytest.raises(LabelError, match=words):
        read_mask(tmp_path / "a.nrrd")


def test_voxels_that_nobody_judged_stay_so(tmp_path: Path) -> None:
    label = two_blobs()
    label[0] = IGNORE
    write_image(tmp_path / "a.nrrd", label, grid_of("oblique"))
    assert np.array_equal(read_mask(tmp_path / "a.nrrd", {"anterior": 1, "posterior": 2}).array, label)


# --- layers --------------------------------------------------------------------------------------------------------

def write_layers(path: Path, layers: list[np.ndarray], segments: list[dict[str, object]]) -> None:
    """A layered segmentation as Slicer saves overlapping segments."""
    header: dict[str, object] = {
        "space": "left-posterior-superior", "kinds": ["list", "domain", "domain", "domain"],
        "space directions": np.vstack([[np.nan] * 3, np.eye(3)]), "space origin": np.zeros(3)}
    for number, fields in enumerate(segments):
        header.update({f"Segment{number}_{key}": str(value) for key, value in fields.items()})
    nrrd.write(str(path), np.stack([layer.T for layer in layers]), header)


def test_layers_that_do_not_overlap_are_merged(tmp_path: Path) -> None:
    one, two = (two_blobs() == 1).astype(np.uint8), (two_blobs() == 2).astype(np.uint8)
    write_layers(tmp_path / "a.seg.nrrd", [one, two], [
        {"ID": "a", "Name": "anterior", "LabelValue": 1, "Layer": 0},
        {"ID": "b", "Name": "posterior", "LabelValue": 1, "Layer": 1}])
    assert np.array_equal(read_mask(tmp_path / "a.seg.nrrd", {"anterior": 1, "posterior": 2}).array, two_blobs())
    with pytest.raises(LabelError, match=r"two segments have the value '1'.*table of names"):
        read_mask(tmp_path / "a.seg.nrrd")


def test_layers_of_old_slicers_without_layer_and_value_are_read(tmp_path: Path) -> None:
    one, two = (two_blobs() == 1).astype(np.uint8), (two_blobs() == 2).astype(np.uint8)
    write_layers(tmp_path / "a.seg.nrrd", [one, two], [{"ID": "a", "Name": "one"}, {"ID": "b", "Name": "two"}])
    assert np.array_equal(read_mask(tmp_path / "a.seg.nrrd", {"one": 1, "two": 2}).array, two_blobs())


def test_overlapping_segments_are_refused_with_both_names(tmp_path: Path) -> None:
    one = (two_blobs() == 1).astype(np.uint8)
    write_layers(tmp_path / "a.seg.nrrd", [one, one], [
        {"ID": "a", "Name": "lung", "LabelValue": 1, "Layer": 0},
        {"ID": "b", "Name": "tumour", "LabelValue": 1, "Layer": 1}])
    with pytest.raises(LabelError, match=rf"'lung' and 'tumour' overlap on {one.sum()} voxels"):
        read_mask(tmp_path / "a.seg.nrrd", {"lung": 1, "tumour": 2})
    assert np.array_equal(read_mask(tmp_path / "a.seg.nrrd", {"lung": 1, "tumour": 0}).array, one)


def test_a_value_without_a_segment_is_not_dropped(tmp_path: Path) -> None:
    write_seg_nrrd(tmp_path / "a.seg.nrrd", two_blobs(), grid_of("oblique"), [Structure(1, "anterior")])
    with pytest.raises(LabelError, match="contains '2'"):
        read_mask(tmp_path / "a.seg.nrrd", {"anterior": 1})


def test_a_colour_picture_is_no_mask(tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(np.ones((6, 7, 3), np.uint8), isVector=True), str(tmp_path / "a.png"))
    with pytest.raises(LabelError, match=r"several values per voxel \(3\) and no segments"):
        read_mask(tmp_path / "a.png")


@pytest.mark.parametrize(("field", "value"), [("LabelValue", "x"), ("Layer", "x"), ("LabelValue", 0)])
def test_a_damaged_header_is_refused(tmp_path: Path, field: str, value: object) -> None:
    segment = {"ID": "a", "Name": "anterior", "LabelValue": 1, "Layer": 0, field: value}
    write_layers(tmp_path / "a.seg.nrrd", [two_blobs()] * 2, [segment])
    with pytest.raises(LabelError, match="damaged segment"):
        read_mask(tmp_path / "a.seg.nrrd")


# --- the image's grid ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("code", ["RAS", "LPI", "ASL", "PIR"])
def test_a_mask_with_other_axes_lands_on_the_same_voxels(tmp_path: Path, kind: str, code: str) -> None:
    grid = grid_of(kind)
    write_image(tmp_path / "a.nii.gz", two_blobs(), grid)
    image = nibabel.load(tmp_path / "a.nii.gz")
    turn = nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine),
                                               nibabel.orientations.axcodes2ornt(code))
    nibabel.save(image.as_reoriented(turn), tmp_path / "b.nii.gz")
    mask = read_mask(tmp_path / "b.nii.gz")
    assert np.array_equal(mask.on(grid), two_blobs())


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_cropped_segmentation_is_put_back_where_it_was(tmp_path: Path, kind: str) -> None:
    grid = grid_of(kind)
    part = two_blobs()[1:4, 1:6, 1:6]
    origin = tuple(grid.to_patient(np.array([[1, 1, 1]]))[0].tolist())
    small = Grid(part.shape, grid.spacing, origin, grid.direction)
    write_seg_nrrd(tmp_path / "a.seg.nrrd", part, small, STRUCTURES)
    write_image(tmp_path / "b.nrrd", part, small)
    assert np.array_equal(read_mask(tmp_path / "a.seg.nrrd").on(grid), two_blobs())
    label_map = read_mask(tmp_path / "b.nrrd").on(grid)
    assert np.array_equal(label_map[1:4, 1:6, 1:6], part)
    assert np.count_nonzero(label_map == IGNORE) == two_blobs().size - part.size


def test_a_larger_mask_is_cropped_when_nothing_is_lost_and_refused_otherwise(tmp_path: Path) -> None:
    large = grid_of("oblique")
    origin = tuple(large.to_patient(np.array([[1, 1, 1]]))[0].tolist())
    write_image(tmp_path / "a.nrrd", two_blobs(), large)
    mask = read_mask(tmp_path / "a.nrrd")
    inside = Grid((3, 5, 5), large.spacing, origin, large.direction)
    assert np.array_equal(mask.on(inside), two_blobs()[1:4, 1:6, 1:6])
    with pytest.raises(LabelError, match=r"labelled voxels lie outside the image \(4\)"):
        mask.on(Grid((2, 5, 5), large.spacing, origin, large.direction))
    far = Grid(SHAPE, large.spacing, tuple(large.to_patient(np.array([[99, 0, 0]]))[0].tolist()), large.direction)
    with pytest.raises(LabelError, match="labelled voxels lie outside"):
        mask.on(far)


@pytest.mark.parametrize(("change", "words"), [
    ({"shape": (5, 6, 8)}, None),
    ({"spacing": (2.5, 1 / 3, 0.25)}, "mm spacing"),
    ({"origin": (0.0, 0.0, 0.0)}, "mm away"),
    ({"direction": tuple(COLUMNS["upright"].ravel())}, "rotated"),
])
def test_a_mask_between_the_voxels_is_refused_never_shifted(tmp_path: Path, change: dict, words: str | None) -> None:
    grid = grid_of("oblique")
    write_seg_nrrd(tmp_path / "a.seg.nrrd", two_blobs(), grid, STRUCTURES)
    target = Grid(**{"shape": grid.shape, "spacing": grid.spacing, "origin": grid.origin,
                     "direction": grid.direction, **change})
    mask = read_mask(tmp_path / "a.seg.nrrd")
    if words is None:  # one row more on the same lattice
        assert np.array_equal(mask.on(target)[..., :7], two_blobs())
        return
    with pytest.raises(LabelError, match=words) as caught:
        mask.on(target)
    assert "a.seg.nrrd does not fit the image" in str(caught.value)
    assert "nearest neighbour" in str(caught.value)


def test_the_masks_of_real_scans_fit_their_images(data_folder: Path) -> None:
    from SemiSegLogic.study import read_image

    pairs = [(path, path.with_name(path.name.replace("_seg-manual", "")))
             for path in sorted(data_folder.glob("volumes/*/*_seg-manual.nii.gz"))]
    if not pairs:
        pytest.skip("no real volumes")
    for path, image in pairs:
        array, grid = read_image(image)
        mask = read_mask(path, {"1": 1}).on(grid)
        assert mask.shape == array.shape
        assert mask.any()


# --- 255 -----------------------------------------------------------------------------------------------------------

def test_a_mask_of_0_and_255_is_a_mask_and_comes_in_by_its_number(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray((two_blobs()[2] > 0).astype("uint8") * 255)
    sitk.WriteImage(image, str(tmp_path / "a.png"))
    assert [one.name for one in read_layers(tmp_path / "a.png").segments()] == ["255"]
    assert np.array_equal(read_mask(tmp_path / "a.png", {"255": 2}).array[0], (two_blobs()[2] > 0) * 2)


def test_a_mask_of_0_and_255_is_never_taken_for_one_in_which_nothing_is_drawn(tmp_path: Path) -> None:
    write_image(tmp_path / "a.nrrd", (two_blobs() > 0).astype("uint8") * 255, grid_of("oblique"))
    with pytest.raises(UnknownSegmentError, match=r"contains '255'.*Say which structure it is") as refused:
        read_mask(tmp_path / "a.nrrd", {"anterior": 1})
    assert refused.value.segment == "255"


@pytest.mark.parametrize(("names", "expected"), [({"1": 1}, IGNORE), ({"1": 1, "255": 2}, 2)])
def test_255_beside_other_values_means_not_judged_unless_the_table_names_it(
    tmp_path: Path, names: dict[str, int], expected: int
) -> None:
    write_image(tmp_path / "a.nrrd", np.array([0, 1, IGNORE], np.uint8)[two_blobs()], grid_of("oblique"))
    found = read_mask(tmp_path / "a.nrrd", names).array
    assert np.array_equal(found, np.array([0, 1, expected], np.uint8)[two_blobs()])


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_is_the_same_whether_its_umlaut_is_one_sign_or_two(tmp_path: Path, forms: tuple[str, str]) -> None:
    """A Mac has two in the names of files, from which many segments are named; nobody sees the difference."""
    ours, theirs = (unicodedata.normalize(form, "Schädel") for form in forms)
    write_seg_nrrd(tmp_path / "a.seg.nrrd", two_blobs(), grid_of("oblique"), Structures.of([theirs, "other"]))
    mask = read_mask(tmp_path / "a.seg.nrrd", {"other": 7, ours: 3})
    assert np.array_equal(mask.array == 3, two_blobs() == 1)
    with pytest.raises(StudyError, match="Two structures have the name"):
        Structures.of([ours, theirs])
    old = Structures((Structure(1, ours), Structure(2, theirs), Structure(3, "other")), 4)  # made before that was so
    assert np.array_equal(read_mask(tmp_path / "a.seg.nrrd", old.names).array == 2, two_blobs() == 1)


def test_a_refusal_can_be_read_where_a_study_has_a_hundred_structures(tmp_path: Path) -> None:
    structures = Structures.of([f"structure {n} {'x' * 80}" for n in range(1, 101)])
    write_labelmap(tmp_path / "mask.nrrd", np.full((2, 3, 4), 200, np.uint8), Grid((2, 3, 4)), structures)
    with pytest.raises(UnknownSegmentError, match=r"contains '200' .*structure 10 x+ = 10 and 90 others") as refused:
        read_mask(tmp_path / "mask.nrrd", structures.names)
    assert len(str(refused.value)) < 2000
    with pytest.raises(StudyError, match=r"There are: 1 structure 1 x+, .* and 90 others") as unknown:
        structures.of_value(200)
    assert len(str(unknown.value)) < 2000
