"""The sample study: fixed order, fixed held-out list, and only the chosen slices of the experts' labels in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SemiSegLogic.geometry import SliceIndex, slice_mask
from SemiSegLogic.sample import (
    Annotation,
    SampleCase,
    SampleError,
    broadest_axis,
    build_study,
    choose,
    find,
    list_cases,
    read_reference,
    split,
    spread_slices,
    write_phantoms,
)
from SemiSegLogic.sample.slices import varied_offset
from SemiSegLogic.study import Study


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> list[SampleCase]:
    """Six phantoms."""
    return list_cases(write_phantoms(tmp_path_factory.mktemp("phantoms"), 6))[0]


@pytest.fixture(scope="module")
def real(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[SampleCase]:
    """The real cases, unpacked into a scratch cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEMISEG_CACHE", str(tmp_path_factory.mktemp("cache")))
        try:
            return list_cases(find(data_folder).folder)[0]
        except SampleError as absent:
            pytest.skip(str(absent))


def names(count: int) -> list[SampleCase]:
    """Cases without files."""
    return [SampleCase(f"c_{n:03d}", Path("i"), Path("l")) for n in range(count)]


def bar(start: int, stop: int) -> np.ndarray:
    """A volume with a bar along j."""
    label = np.zeros((8, 40, 9), np.uint8)
    label[3:5, start:stop, 4:6] = 1
    return label


# --- which slices ----------------------------------------------------------------------------------------------


def test_slices_show_as_much_of_the_structure_as_they_can() -> None:
    assert broadest_axis(bar(5, 35)) in (0, 2)
    assert spread_slices(bar(5, 35), 3)[0].axis != 1


def test_slices_lie_near_both_ends_and_between() -> None:
    assert spread_slices(bar(5, 35), 3, 1) == [SliceIndex(1, 11), SliceIndex(1, 19), SliceIndex(1, 28)]


def test_one_slice_is_the_middle_and_many_are_every_one() -> None:
    assert spread_slices(bar(10, 21), 1, 1) == [SliceIndex(1, 15)]
    assert len(spread_slices(bar(10, 14), 10, 1)) <= 4


def test_every_chosen_slice_shows_a_structure_whatever_the_offset() -> None:
    label = bar(5, 35)
    for number in range(20):
        picked = spread_slices(label, 3, 1, offset=varied_offset(number))
        assert len(picked) == 3
        assert all(label[:, place.index].any() for place in picked)
        assert picked[0].index <= 5 + 0.32 * 30
        assert picked[-1].index >= 34 - 0.32 * 30


def test_offsets_make_volumes_show_different_levels() -> None:
    middles = {spread_slices(bar(0, 40), 3, 1, offset=varied_offset(n))[1].index for n in range(8)}
    assert len(middles) >= 6
    assert varied_offset(0) == 0


def test_an_empty_label_is_refused() -> None:
    with pytest.raises(SampleError, match="Cannot choose 3 slices among 0"):
        spread_slices(np.zeros((4, 4, 4), np.uint8), 3)


# --- which cases -----------------------------------------------------------------------------------------------


def test_the_last_sixty_by_name_are_held_out() -> None:
    pool, held_out = split(list(reversed(names(260))))
    assert (len(pool), len(held_out)) == (200, 60)
    assert held_out[0].name == "c_200"
    assert [len(part) for part in split(names(9))] == [6, 3]


def test_a_choice_is_the_same_every_time_and_another_with_another_seed() -> None:
    cases = names(50)
    assert choose(cases, 8) == choose(list(reversed(cases)), 8)
    assert choose(cases, 8) != choose(cases, 8, seed=1)
    assert set(choose(cases, 4)) < set(choose(cases, 8))
    assert [case.name for case in choose(cases, 4)] == ["c_005", "c_013", "c_035", "c_041"]
    with pytest.raises(SampleError, match=r"only \d+ cases, not \d+. Ask for 0 to \d+"):
        choose(cases, 51)


def test_unreadable_and_unpaired_files_are_left_out_with_a_note(tmp_path: Path) -> None:
    folder = write_phantoms(tmp_path, 3)
    image = next((folder / "imagesTr").glob("phantom_001*"))
    image.write_bytes(image.read_bytes()[:40])
    next((folder / "labelsTr").glob("phantom_002*")).unlink()
    (folder / "imagesTr" / "._phantom_003.nrrd").write_bytes(b"left by a Mac")
    cases, notes = list_cases(folder)
    assert [case.name for case in cases] == ["phantom_003"]
    assert sorted(note.split(":")[0] for note in notes) == ["phantom_001", "phantom_002"]


def test_float_labels_are_taken_when_they_are_whole_numbers(tmp_path: Path) -> None:
    label = bar(5, 20).astype(np.float32)
    path = tmp_path / "label.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(label), str(path))
    assert np.array_equal(read_reference(path), bar(5, 20))
    sitk.WriteImage(sitk.GetImageFromArray(label * 0.5), str(path))
    with pytest.raises(SampleError, match=r"label\.nii\.gz"):
        read_reference(path)


# --- the study -------------------------------------------------------------------------------------------------


def test_the_study_holds_the_chosen_slices_and_nothing_else_of_the_experts(
    tmp_path: Path, phantoms: list[SampleCase]
) -> None:
    pool, held_out = split(phantoms)
    built = build_study(tmp_path / "study", pool, held_out, Annotation(2))
    study = Study.open(tmp_path / "study")
    assert len(study.cases) == 6
    assert len(built.annotated) == 2
    assert [item.name for item in study.structures] == [
        "Hippocampus head (anterior)", "Hippocampus body and tail (posterior)",
    ]
    for case in study.cases:
        reference = read_reference(built.references[case.id])
        assert len(case.places) == (3 if case.id in built.annotated else 0)
        judged = slice_mask(case.grid.shape, case.places)
        assert np.array_equal(case.labels(), np.where(judged, reference, 0))
    assert not any(case.places for case in study.cases if case.id in built.held_out)


def test_the_experts_files_are_not_in_the_study_folder(tmp_path: Path, phantoms: list[SampleCase]) -> None:
    built = build_study(tmp_path / "study", phantoms, annotation=Annotation(1))
    assert not any(path.is_relative_to(tmp_path / "study") for path in built.references.values())
    drawn = list((tmp_path / "study").rglob("*.seg.nrrd"))
    assert drawn
    for path in drawn:
        voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        case = built.study.case(built.annotated[0])
        assert not voxels[~slice_mask(case.grid.shape, case.places)].any()


def test_whole_volumes_are_judged_in_every_slice(tmp_path: Path, phantoms: list[SampleCase]) -> None:
    built = build_study(tmp_path / "study", phantoms, annotation=Annotation(1, whole=True))
    case = built.study.case(built.annotated[0])
    assert np.array_equal(case.labels(), read_reference(built.references[case.id]))
    assert slice_mask(case.grid.shape, case.places).all()


def test_images_are_referred_to_or_copied(tmp_path: Path, phantoms: list[SampleCase]) -> None:
    told: list[tuple[int, int]] = []
    for copy in (False, True):
        folder = tmp_path / f"copy {copy}"
        built = build_study(folder, phantoms[:1], annotation=Annotation(1), copy=copy,
                            progress=lambda *p: told.append(p))
        assert built.study.cases[0].image_path.is_relative_to(folder) is copy
    assert told == [(1, 1), (1, 1)]


# --- the real data ---------------------------------------------------------------------------------------------


def test_the_real_set_has_its_260_cases_and_the_published_order(real: list[SampleCase]) -> None:
    pool, held_out = split(real)
    assert (len(pool), len(held_out)) == (200, 60)
    assert (pool[0].name, held_out[-1].name) == ("hippocampus_001", "hippocampus_394")


def test_real_labels_are_whole_numbers_also_where_they_are_stored_as_float(real: list[SampleCase]) -> None:
    stored = {case.name: sitk.ReadImage(str(case.reference)).GetPixelID() for case in real[:3]}
    assert sitk.sitkFloat32 in stored.values()
    for case in real[:3]:
        assert set(np.unique(read_reference(case.reference))) == {0, 1, 2}


def test_a_real_study_is_built(real: list[SampleCase], tmp_path: Path) -> None:
    built = build_study(tmp_path / "study", real[:4], real[-1:], Annotation(2))
    case = built.study.case(built.annotated[0])
    assert len(case.places) == 3
    assert set(np.unique(case.labels())) == {0, 1, 2}
