"""What a person draws is kept: slice by slice, version by version."""

from __future__ import annotations

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

from SemiSegLogic.files import FileError, write_json
from SemiSegLogic.geometry import IGNORE, Grid, SliceIndex
from SemiSegLogic.study import (
    Case,
    FormatError,
    ImageError,
    LabelError,
    Structures,
    Study,
    StudyError,
    drawn_slices,
    read_layers,
    read_mask,
    write_image,
    write_seg_nrrd,
)
from SemiSegLogic.study import history as history_module
from SemiSegLogic.study.formats import writing
from Testing.support.volumes import grid_of, picture, two_blobs

ROOT = Path(__file__).resolve().parents[3]
K1, K2, K4, J1 = SliceIndex(0, 1), SliceIndex(0, 2), SliceIndex(0, 4), SliceIndex(1, 1)


# --- slices --------------------------------------------------------------------------------------------------------

def test_only_the_named_slices_are_taken(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    labels = case.labels()
    assert np.array_equal(labels[2], two_blobs()[2])
    assert not labels[[0, 1, 3, 4]].any()
    assert labels.dtype == np.uint8


@pytest.mark.parametrize("read", [Case.planes, Case.sparse_labels])
def test_a_slice_that_is_judged_while_they_are_read_is_whole_or_absent(
    case: Case, monkeypatch: pytest.MonkeyPatch, read: Callable[[Case], object]
) -> None:
    """A training is begun while the person goes on marking slices as done: nothing drawn there would be learned."""
    case.set_slices(two_blobs(), [K2], "ann")
    before, plain, other = read(case), Case._read_steadily, Case(case.folder, lambda: case.structures)

    def meanwhile(asked: Case, *given: Any) -> Any:
        found = plain(asked, *given)
        if asked is case:
            other.set_slices(two_blobs(), [K1], "ann")
        return found

    monkeypatch.setattr(Case, "_read_steadily", meanwhile)
    found = read(case)
    monkeypatch.undo()
    assert case.places == [K1, K2]
    assert any(_equal(found, whole) for whole in (before, read(case)))


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(np.array_equal(one[place], other[place]) for place in one)
    return np.array_equal(one, other)


@pytest.mark.parametrize("moment", ["before", "amid"])
def test_labels_that_are_saved_anew_while_they_are_read_are_read_as_they_were(
    case: Case, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The panel saves while a training begins, which reads: nothing is damaged, and no slice is taken for empty."""
    case.set_slices(two_blobs(), [K2, K4], "ann")
    read, other = history_module.read_mask, Case(case.folder, lambda: case.structures)

    def while_saving(path: Path) -> object:
        monkeypatch.setattr(history_module, "read_mask", read)
        if moment == "before":
            other.unmark([K2], "ann")
        found = read(path)
        if moment == "amid":
            other.unmark([K2], "ann")
        return found

    monkeypatch.setattr(history_module, "read_mask", while_saving)
    assert np.array_equal(case.labels()[[2, 4]], two_blobs()[[2, 4]])
    assert not case.labels()[2].any()


def test_slices_along_every_axis_are_kept_together(case: Case) -> None:
    for place in (SliceIndex(0, 2), SliceIndex(1, 1), SliceIndex(2, 3)):
        case.set_slices(two_blobs(), [place], "ann")
    sparse = case.sparse_labels()
    assert np.array_equal(sparse[2], two_blobs()[2])
    assert np.array_equal(sparse[:, 1], two_blobs()[:, 1])
    assert np.array_equal(sparse[:, :, 3], two_blobs()[:, :, 3])
    assert np.count_nonzero(sparse == IGNORE) == 4 * 5 * 6


def test_an_empty_slice_is_a_real_label(case: Case) -> None:
    case.mark([K4], "ann")
    case.set_slices(two_blobs(), [K2], "bob")
    assert [(one.index, one.state, one.author) for one in case.annotated] == [(2, "drawn", "bob"), (4, "empty", "ann")]
    assert (case.sparse_labels()[4] == 0).all()
    assert (case.sparse_labels()[0] == IGNORE).all()


def test_a_crossing_slice_changes_the_state_of_the_other(case: Case) -> None:
    case.mark([K1], "ann")
    case.set_slices(two_blobs(), [J1], "bob")
    assert {one.place: (one.state, one.author) for one in case.annotated} == {
        K1: ("drawn", "ann"), J1: ("drawn", "bob")}


def test_taking_a_slice_back_makes_it_unjudged_and_keeps_it_in_the_history(case: Case) -> None:
    case.set_slices(two_blobs(), [K1, K2], "ann")
    case.unmark([K1], "ann")
    assert case.places == [K2]
    assert not case.labels()[1].any()
    assert read_mask(case.versions()[1].path).array[1].any()


def test_drawing_a_slice_again_replaces_it(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    case.set_slices(two_blobs()[:, ::-1], [K2], "bob")
    assert np.array_equal(case.labels()[2], two_blobs()[2, ::-1])
    assert [one.author for one in case.annotated] == ["bob"]


@pytest.mark.parametrize("dtype", [bool, "int64", "uint16", "float32"])
def test_labels_of_any_number_type_are_taken(case: Case, dtype: str) -> None:
    label = (two_blobs() == 1).astype(dtype)
    case.set_slices(label, [K2], "ann")
    assert np.array_equal(case.labels()[2], label[2].astype(np.uint8))


@pytest.mark.parametrize(("value", "words"), [
    (7, r"slice k = 2 holds the unknown label value 7 on 3 voxels. Structures are: 1 anterior, 2 posterior"),
    (IGNORE, r"holds the value 255 \(not judged\) on 3 voxels"),
    (-1, "unknown label value -1"),
    (0.5, "unknown label value 0.5"),
])
def test_an_unknown_label_value_is_refused_and_nothing_changes(case: Case, value: float, words: str) -> None:
    case.set_slices(two_blobs(), [K1], "ann")
    label = two_blobs().astype(float)
    label[2, 3, :3] = value
    with pytest.raises(LabelError, match=words):
        case.set_slices(label, [K1, K2], "ann")
    assert case.places == [K1]
    assert len(case.versions()) == 1
    case.set_slices(label, [K4], "ann")  # the bad slice does not matter to others


@pytest.mark.parametrize("place", [SliceIndex(0, 5), SliceIndex(0, -1), SliceIndex(2, 7), SliceIndex(3, 0)])
def test_a_slice_that_does_not_exist_is_refused(case: Case, place: SliceIndex) -> None:
    with pytest.raises(LabelError, match=r"does not exist|no axis"):
        case.set_slices(two_blobs(), [place], "ann")
    assert not case.versions()


def test_labels_of_another_shape_are_refused(case: Case) -> None:
    with pytest.raises(LabelError, match=r"have shape \(6, 5, 7\), the image \(5, 6, 7\)"):
        case.set_slices(two_blobs().swapaxes(0, 1), [K2], "ann")


def test_no_slice_at_all_is_refused(case: Case) -> None:
    with pytest.raises(LabelError, match="No slice was given"):
        case.set_slices(two_blobs(), [], "ann")


def test_an_author_is_needed(case: Case) -> None:
    with pytest.raises(StudyError, match="Author '' is not usable"):
        case.mark([K1], "")
    assert not case.places


# --- status --------------------------------------------------------------------------------------------------------

def propose(case: Case) -> None:
    case.put_suggestion(two_blobs(), np.zeros(case.grid.shape, np.uint8), {"run": "r1"})


@pytest.mark.parametrize(("steps", "status"), [
    ("", "none"), ("d", "slices drawn"), ("du", "none"), ("p", "suggested"), ("dp", "suggested"),
    ("dpd", "corrected"), ("dpdp", "suggested"), ("dpu", "suggested"), ("dpa", "accepted"), ("dpap", "accepted"),
    ("dpad", "corrected"), ("dpx", "slices drawn"), ("px", "none"), ("dpax", "accepted"),
])
def test_the_status_tells_how_far_the_work_is(case: Case, steps: str, status: str) -> None:
    actions: dict[str, Callable[[], None]] = {
        "d": lambda: case.set_slices(two_blobs(), [K2], "ann"), "u": lambda: case.unmark([K2], "ann"),
        "p": lambda: propose(case), "a": lambda: case.accept("ann"), "x": case.discard_suggestion}
    for step in steps:
        actions[step]()
    assert case.status == status


# --- versions ------------------------------------------------------------------------------------------------------

def test_every_change_is_a_version_with_author_time_and_slices(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "Ann Müller")
    case.set_slices(two_blobs(), [K1], "bob")
    newest, oldest = case.versions()
    assert newest.name.endswith("Z-bob")
    assert [one.place for one in newest.slices] == [K1, K2]
    assert oldest.author == "Ann Müller"
    assert oldest.note == "1 slice done"


def test_an_earlier_version_comes_back_as_the_newest(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    case.set_slices(np.zeros(case.grid.shape, np.uint8), [K1, K2], "bob")
    case.restore(case.versions()[-1].name, "ann")
    assert np.array_equal(case.labels()[2], two_blobs()[2])
    assert case.places == [K2]
    assert len(case.versions()) == 3


def test_what_a_killed_program_left_in_the_history_is_no_version(case: Case) -> None:
    case.mark([K1], "ann")
    (version,) = case.versions()
    shutil.copy(version.path, version.path.with_name(f".0badf00d.tmp.{version.path.name}"))
    assert case.versions() == [version]


def test_a_version_outside_the_history_is_none(case: Case) -> None:
    case.mark([K1], "ann")
    shutil.copy(case.versions()[0].path, case.folder / "elsewhere.seg.nrrd")
    with pytest.raises(LabelError, match="holds no version"):
        case.restore("../elsewhere", "ann")


def test_a_clock_that_runs_backwards_does_not_mix_the_order(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.mark([K1], "ann")

    class Earlier(history_module.datetime):
        @classmethod
        def now(cls, tz: object = None) -> Earlier:
            return cls(2001, 1, 1, tzinfo=history_module.UTC)

    monkeypatch.setattr(history_module, "datetime", Earlier)
    case.mark([K2], "bob")
    assert [version.author for version in case.versions()] == ["bob", "ann"]


@pytest.mark.parametrize("damage", ["cut", "empty", "gone"])
def test_damaged_labels_are_named_and_the_newest_good_version_is_offered(case: Case, damage: str) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    case.set_slices(two_blobs(), [K1], "bob")
    newest, older = case.versions()
    path = case.folder / "labels.seg.nrrd"
    for file in (path, newest.path):
        file.write_bytes(file.read_bytes()[:-30] if damage == "cut" else b"")
    if damage == "gone":
        path.unlink()
    with pytest.raises(LabelError, match=rf"labels.seg.nrrd.*newest good version is '{older.name}'"):
        case.labels()
    with pytest.raises(LabelError):
        case.set_slices(two_blobs(), [K4], "ann")
    case.restore(older.name, "ann")
    assert np.array_equal(case.labels()[2], two_blobs()[2])


def test_a_missing_version_is_named(case: Case) -> None:
    with pytest.raises(LabelError, match=r"history holds no version 'none'. Nothing was drawn on this case before"):
        case.restore("none", "ann")


def test_a_save_cut_off_before_its_record_leaves_the_old_labels(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    with monkeypatch.context() as patch:
        patch.setattr(Case, "_save", lambda self, record: sys.exit())
        with pytest.raises(SystemExit):
            case.set_slices(np.zeros(case.grid.shape, np.uint8), [K1, K2], "bob")
    assert case.places == [K2]
    assert np.array_equal(case.labels()[2], two_blobs()[2])
    assert case.versions()[0].author == "bob"  # and what was being saved can still be had
    case.restore(case.versions()[0].name, "bob")
    assert case.places == [K1, K2]


def test_a_program_killed_while_saving_leaves_whole_labels(study: Study, case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    for nth in range(1, 6):  # die at each of the five times a file is put in place
        program = (
            "import os, signal, sys; import numpy as np; from pathlib import Path\n"
            "from SemiSegLogic import files; from SemiSegLogic.study import Study; "
            "from SemiSegLogic.geometry import SliceIndex\n"
            "real, count = os.replace, 0\n"
            "def replace(a, b):\n"
            "  global count; count += 1\n"
            f"  if count == {nth}: os.kill(os.getpid(), signal.SIGKILL)\n"
            "  real(a, b)\n"
            "files.os.replace = replace\n"
            f"case = Study.open(Path({str(study.folder)!r})).case({case.id!r})\n"
            "case.set_slices(np.full(case.grid.shape, 2, np.uint8), [SliceIndex(0, 2)], 'bob')")
        code = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True).returncode
        assert code in (0, -signal.SIGKILL)
        kept = case.labels()[2]
        assert np.array_equal(kept, two_blobs()[2]) or (code == 0 and (kept == 2).all())
    case.mark([K4], "ann")  # the dead writer's lock does not stop anybody


# --- damage, other programs, full disks ----------------------------------------------------------------------------

def test_labels_saved_by_another_program_are_neither_ignored_nor_lost(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    path = case.folder / "labels.seg.nrrd"
    write_seg_nrrd(path, two_blobs()[::-1].copy(), case.grid, case.structures)
    with pytest.raises(LabelError, match=r"changed by another program. Restore a version"):
        case.labels()
    case.restore(case.versions()[0].name, "ann")
    edited = case.folder / "labels.edited.seg.nrrd"
    assert case.import_mask(read_layers(edited), drawn_slices, "ann") == [SliceIndex(0, k) for k in (1, 2, 3)]
    assert np.array_equal(case.labels(), two_blobs()[::-1])


def test_what_another_program_changed_in_our_own_file_is_no_drawing_and_not_lost(case: Case) -> None:
    """A script that reads the file, changes voxels and writes it keeps every entry of our header."""
    case.set_slices(two_blobs(), [K2], "ann")
    path = case.folder / "labels.seg.nrrd"
    for name, shift in (("labels.edited.seg.nrrd", 1), ("labels-2.edited.seg.nrrd", 2)):
        image = sitk.ReadImage(str(path))
        changed = sitk.GetImageFromArray(np.roll(sitk.GetArrayFromImage(image), shift, axis=2))
        changed.CopyInformation(image)
        for key in image.GetMetaDataKeys():
            changed.SetMetaData(key, image.GetMetaData(key))
        sitk.WriteImage(changed, str(path), useCompression=True)
        with pytest.raises(LabelError, match=r"other voxels than were saved.*The newest good version is"):
            case.labels()
        case.restore(case.versions()[0].name, "ann")
        assert np.array_equal(case.labels()[2], two_blobs()[2])
        assert np.array_equal(read_mask(case.folder / name).array[2], np.roll(two_blobs()[2], shift, axis=1))


def test_one_flipped_bit_is_found(case: Case) -> None:
    """ITK looks at no checksum: it reads such a file without a word, or not at all."""
    case.set_slices(two_blobs(), [K2], "ann")
    path = case.folder / "labels.seg.nrrd"
    whole, before = path.read_bytes(), case.labels()
    voxels = whole.index(b"\n\n") + 2
    for at in range(voxels, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1:])
        with contextlib.suppress(LabelError):
            assert np.array_equal(case.labels(), before), at


def test_a_value_that_lost_its_structure_does_not_become_background(study: Study, case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    record = study._record()
    write_json(study.folder / "study.json", {**record, "structures": record["structures"][:1]})
    with pytest.raises(LabelError, match="unknown label value 2"):
        case.labels()


@pytest.mark.parametrize("call", [1, 2])
def test_a_full_disk_leaves_the_labels_as_they_were(case: Case, monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    before = {path: path.read_bytes() for path in case.folder.rglob("*") if path.is_file()}
    count = 0
    real = sitk.WriteImage

    def full(*arguments: object, **options: object) -> None:
        nonlocal count
        count += 1
        if count == call:
            raise OSError(28, "No space left on device")
        real(*arguments, **options)

    monkeypatch.setattr(writing.sitk, "WriteImage", full)
    if call == 1:
        with pytest.raises(FileError, match=r"disk is full. Free some space"):
            case.set_slices(two_blobs(), [K1], "ann")
    else:
        with pytest.raises(FileError, match="disk is full"):
            case.put_suggestion(two_blobs(), np.zeros(case.grid.shape, np.uint8), {})
    assert {path: path.read_bytes() for path in case.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("key", ["name", "status", "grid", "image", "slices", "version", "format"])
def test_a_record_that_lacks_something_is_named_and_its_twin_mends_it(study: Study, case: Case, key: str) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    _spoil(case, {name: value for name, value in case._record().items() if name != key})
    _is_told_and_mended(study, case)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_a_record_that_was_cut_short_is_named_and_its_twin_mends_it(study: Study, case: Case, content: bytes) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    (case.folder / "case.json").write_bytes(content)
    _is_told_and_mended(study, case)


@pytest.mark.parametrize("wrong", [
    {"grid": 5}, {"grid": {"shape": [5, 6, 7]}}, {"shape": ["a", "b", "c"]}, {"shape": [5, 6]}, {"shape": [5, 6, 0]},
    {"spacing": [1, 0, 1]}, {"spacing": [1, 1]}, {"origin": [0, 0, None]}, {"direction": [1, 0, 0]}, {"slices": 5},
    {"slices": [{"axis": 7}]}, {"index": 9999}, {"image": None}, {"name": None}, {"version": 7}, {"status": "foo"},
    {"status": ["x"]}, {"shape": [10**30, 6, 7]}, {"shape": [65536, 65536, 65536]}, {"direction": [0] * 9},
    {"axis": 1.0}, {"axis": True}, {"author": 5}, {"name": "two\nlines"}, {"name": "\ud800"},
])
def test_a_record_with_a_value_that_cannot_be_is_named_and_its_twin_mends_it(
    study: Study, case: Case, wrong: dict[str, object]
) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    record = case._record()
    (key, value), = wrong.items()
    if key in record["grid"]:
        wrong = {"grid": {**record["grid"], key: value}}
    elif key in record["slices"][0]:
        wrong = {"slices": [{**record["slices"][0], key: value}]}
    _spoil(case, {**record, **wrong})
    _is_told_and_mended(study, case)


def _spoil(case: Case, record: dict[str, object]) -> None:
    write_json(case.folder / "case.json", record)
    case._kept.forget()


def _is_told_and_mended(study: Study, case: Case) -> None:
    with pytest.raises(FormatError, match=r"case\.json is damaged.*A good copy is beside it.*Repair the study to use"):
        case.labels()
    assert study.status()[0].problem
    assert len(Study.repair(study.folder)) == 1
    assert np.array_equal(case.labels()[2], two_blobs()[2])
    assert Study.repair(study.folder) == []


# --- images --------------------------------------------------------------------------------------------------------

def test_a_copied_image_is_independent_of_its_file(study: Study, image_file: Callable[..., Path]) -> None:
    path = image_file()
    case = study.add_case(path)
    path.unlink()
    assert np.array_equal(case.image(), picture())
    assert case.grid.agrees(grid_of("oblique"), 1e-9)


def test_an_image_by_reference_is_read_where_it_lies(study: Study, image_file: Callable[..., Path]) -> None:
    path = image_file()
    case = study.add_case(path, copy=False)
    assert case.image_path == path
    assert not (case.folder / "image.nrrd").exists()
    assert np.array_equal(case.image(), picture())


def test_an_image_that_has_gone_is_named_and_can_be_found_again(study: Study, image_file: Callable[..., Path],
                                                                tmp_path: Path) -> None:
    path = image_file()
    case = study.add_case(path, copy=False)
    case.mark([K1], "ann")
    path.rename(tmp_path / "moved.nrrd")
    with pytest.raises(ImageError, match=r"The image of case 'ann' is missing: .*ann.nrrd. Put it back") as gone:
        case.image()
    assert "semiseg " not in str(gone.value), "the panel has a menu for it"
    assert "semiseg study relocate" in gone.value.whole
    assert case.places == [K1]
    with pytest.raises(ImageError, match="has changed since case"):
        case.relocate(image_file("wrong.nrrd", seed=1))
    case.relocate(tmp_path / "moved.nrrd")
    assert np.array_equal(case.image(), picture())


@pytest.mark.parametrize("kind", ["voxels", "grid"])
@pytest.mark.parametrize("copy", [True, False])
def test_an_image_that_was_changed_is_refused(study: Study, image_file: Callable[..., Path], kind: str,
                                              copy: bool) -> None:
    case = study.add_case(image_file(), copy=copy)
    changed = (picture(seed=1), grid_of("oblique")) if kind == "voxels" else (picture(), grid_of("flipped"))
    write_image(case.image_path, *changed)
    with pytest.raises(ImageError, match=r"has changed since case.*Put the original back"):
        case.image()


def test_nothing_is_kept_in_memory_between_calls(case: Case) -> None:
    case.set_slices(two_blobs(), [K2], "ann")
    first = case.labels()
    first[:] = 9
    assert np.array_equal(case.labels()[2], two_blobs()[2])
    held = [value for value in vars(case).values() if isinstance(value, np.ndarray)]
    assert not held


# --- masks ---------------------------------------------------------------------------------------------------------

def test_a_mask_is_imported_by_names_onto_the_images_grid(case: Case, tmp_path: Path) -> None:
    swapped = Structures.of(["posterior", "anterior"])
    label = np.array([0, 2, 1], np.uint8)[two_blobs()]
    write_seg_nrrd(tmp_path / "mask.seg.nrrd", label, case.grid, swapped)
    places = case.import_mask(read_layers(tmp_path / "mask.seg.nrrd"), drawn_slices, "ann")
    assert places == [SliceIndex(0, k) for k in (1, 2, 3)]
    assert np.array_equal(case.labels(), two_blobs())
    assert case.status == "slices drawn"


def test_a_mask_that_does_not_fit_changes_nothing(case: Case, tmp_path: Path) -> None:
    write_seg_nrrd(tmp_path / "mask.seg.nrrd", two_blobs(), grid_of("upright"), case.structures)
    with pytest.raises(LabelError, match="does not fit the image"):
        case.import_mask(read_layers(tmp_path / "mask.seg.nrrd"), drawn_slices, "ann")
    assert case.status == "none"


def test_an_empty_mask_is_not_taken_for_a_judged_volume(case: Case, tmp_path: Path) -> None:
    write_seg_nrrd(tmp_path / "mask.seg.nrrd", np.zeros_like(two_blobs()), case.grid, case.structures)
    with pytest.raises(LabelError, match=r"Nothing is drawn in .*mask\.seg\.nrrd"):
        case.import_mask(read_layers(tmp_path / "mask.seg.nrrd"), drawn_slices, "ann")


def test_a_mask_that_ends_inside_the_image_says_so_and_nothing_is_taken(case: Case, tmp_path: Path) -> None:
    j, grid = 3, case.grid
    smaller = Grid((5, j, 7), grid.spacing, grid.origin, grid.direction)
    write_image(tmp_path / "part.nrrd", two_blobs()[:, :j], smaller)
    words = r"part\.nrrd does not say .*slice k = 1 are \(number: 21\).*on the image's grid"
    with pytest.raises(LabelError, match=words):
        case.import_mask(read_layers(tmp_path / "part.nrrd"), drawn_slices, "ann")
    assert not case.annotated


def test_a_missing_version_offers_the_good_one_once(case: Case) -> None:
    for place in (K1, K2):
        case.set_slices(two_blobs(), [place], "ann")
    good, gone = case.versions()[1], case.versions()[0]
    case.history.copy_to(good, case.folder / "labels.seg.nrrd")
    gone.path.unlink()
    with pytest.raises(LabelError) as refused:
        case.labels()
    assert str(refused.value).count(good.name) == 1
