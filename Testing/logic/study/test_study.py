"""A study is a folder: made, opened, listed, mended, and never half-written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from SemiSegLogic import files
from SemiSegLogic.files import FileError, write_json
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import (
    Case,
    DuplicateError,
    FormatError,
    ImageError,
    LockedError,
    Structure,
    Study,
    StudyError,
    write_image,
)
from SemiSegLogic.study.formats import writing
from Testing.support.volumes import grid_of, picture, two_blobs

ROOT = Path(__file__).resolve().parents[3]


def everything_in(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_study_is_found_again_as_it_was_made(tmp_path: Path) -> None:
    structures = [Structure(2, "head", (0.1, 0.2, 0.3), "some~terms"), "tail"]
    Study.create(tmp_path / "s", "Müller lab", structures)
    study = Study.open(tmp_path / "s")
    assert study.name == "Müller lab"
    assert list(study.structures) == [structures[0], study.structures.of_value(3)]
    assert study.cases == []
    assert study.status() == []


def test_a_study_is_not_made_over_other_files(tmp_path: Path) -> None:
    Study.create(tmp_path / "s")
    with pytest.raises(StudyError, match="is a study already: open it"):
        Study.create(tmp_path / "s")
    with pytest.raises(StudyError, match="is not an empty folder"):
        Study.create(tmp_path)


def test_a_path_that_is_no_study_is_explained(tmp_path: Path, study: Study) -> None:
    (tmp_path / "file").write_text("x")
    for path, words in [(tmp_path / "none", "does not exist; check the path"), (tmp_path, "create a new study"),
                        (tmp_path / "file", "is not a study"), (study.folder / "cases", f"Open {study.folder}")]:
        with pytest.raises(FormatError, match=words) as caught:
            Study.open(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("which", ["study.json", "case.json"])
def test_a_study_of_a_newer_version_is_refused_and_left_alone(study: Study, case: Case, which: str) -> None:
    path = (study.folder if which == "study.json" else case.folder) / which
    write_json(path, {"format": 2, "unknown": True})
    before = everything_in(study.folder)
    with pytest.raises(FormatError, match=r"newer version \(format 2; this version reads up to 1\). Update"):
        _ = Study.open(study.folder).case("ann").status
    assert Study.repair(study.folder) == []
    assert everything_in(study.folder) == before


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "structures": 3, "next_value": 1}',
                                     '{"format": 1, "name": "a", "structures": [{"value": 1}], "next_value": 2}',
                                     '{"format": 1, "name": "a", "structures": [], "next_value": "q"}'])
def test_a_damaged_study_record_is_named_and_mended(study: Study, content: str) -> None:
    (study.folder / "study.json").write_text(content)
    with pytest.raises(FormatError, match=r"study.json is damaged.*A good copy is beside it.*Repair the study to use"):
        Study.open(study.folder)
    assert len(Study.repair(study.folder)) == 1
    assert study.structures.names == {"anterior": 1, "posterior": 2}


def test_a_lost_study_record_is_mended_too(study: Study) -> None:
    (study.folder / "study.json").unlink()
    with pytest.raises(FormatError, match=r"is missing. A good copy"):
        Study.open(study.folder)
    Study.repair(study.folder)
    assert Study.open(study.folder).name == "hippocampus"


def test_a_study_that_could_not_be_made_can_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(files, "move_file", lambda source, target: (_ for _ in ()).throw(FileError("full")))
        with pytest.raises(FileError):
            Study.create(tmp_path / "s")
    assert Study.create(tmp_path / "s").cases == []


@pytest.mark.parametrize("remove", [lambda study: Study.repair(study.folder), Study.tidy], ids=["repair", "tidy"])
def test_what_killed_programs_left_goes_but_nothing_young_or_foreign(
    study: Study, case: Case, remove: Callable[[Study], list[object]]
) -> None:
    left = [case.folder / ".0a1b2c3d.tmp.labels.seg.nrrd", study.folder / "cases" / ".new-0a1b",
            case.folder / ".0a1b2c3d.lock.json", study.new_run("bcp") / ".0a1b2c3d.tmp.model.pt",
            study.exports / ".0a1b2c3d.tmp.ann.nrrd", case.folder / ".DS_Store"]
    for path in left:
        path.touch()
        os.utime(path, (1e9, 1e9))
    young = case.folder / ".00000000.tmp.case.json"
    young.touch()
    assert len(remove(study)) == 5
    assert [path.exists() for path in [*left, young]] == [False] * 5 + [True, True]


def test_tidying_goes_on_where_something_cannot_be_removed(
    study: Study, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [case.folder / f".0a1b2c3{n}.tmp.case.json" for n in range(2)]
    for path in left:
        path.touch()
        os.utime(path, (1e9, 1e9))
    plain = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda path, *options: _refused() if path == left[0] else plain(path, *options))
    assert study.tidy() == [left[1]]
    assert left[0].exists()


def _refused() -> None:
    raise PermissionError(13, "Permission denied")


# --- cases ---------------------------------------------------------------------------------------------------------

def test_cases_are_listed_with_what_is_done(study: Study, image_file: Callable[..., Path]) -> None:
    first, second = (study.add_case(image_file(f"{name}.nii.gz", seed=seed)) for seed, name in enumerate("ba"))
    first.set_slices(two_blobs(), [SliceIndex(0, 2), SliceIndex(0, 4)], "ann")
    second.put_suggestion(two_blobs(), np.zeros(second.grid.shape, np.uint8), {})
    rows = [(row.id, row.status, row.shape, row.drawn, row.empty, row.suggestion) for row in study.status()]
    assert rows == [("a", "suggested", (5, 6, 7), 0, 0, True), ("b", "slices drawn", (5, 6, 7), 1, 1, False)]


def test_one_damaged_case_does_not_hide_the_others(study: Study, image_file: Callable[..., Path]) -> None:
    bad, _ = (study.add_case(image_file(f"{name}.nrrd", seed=seed)) for seed, name in enumerate("ab"))
    (bad.folder / "case.json").write_text("")
    assert [(row.status, bool(row.problem)) for row in study.status()] == [("damaged", True), ("none", False)]


def test_the_same_image_is_not_added_twice_by_accident(study: Study, image_file: Callable[..., Path]) -> None:
    study.add_case(image_file(), name="Ann at 40")
    with pytest.raises(DuplicateError, match=r"again.nii.gz holds the same voxels as case 'Ann at 40'"):
        study.add_case(image_file("again.nii.gz"))
    assert len(study.cases) == 1
    study.add_case(image_file("again.nii.gz"), duplicates=True)
    assert len(study.cases) == 2


@pytest.mark.parametrize(("file", "name", "found", "folder"), [
    ("scan.nii.gz", None, "scan", "scan"), ("scan.seg.nrrd", None, "scan", "scan"),
    ("a b.nrrd", None, "a b", "a-b"), ("x.nrrd", "Größe 7 / links", "Größe 7 / links", "Gr-e-7-links"),
    ("con.nrrd", None, "con", "x-con"), ("x.nrrd", "..", "..", "x"),
])
def test_a_case_is_called_after_its_file_unless_named(study: Study, image_file: Callable[..., Path], file: str,
                                                      name: str | None, found: str, folder: str) -> None:
    case = study.add_case(image_file(file), name=name)
    assert (case.name, case.id) == (found, folder)
    assert case.folder.parent == study.folder / "cases"
    assert study.case(found) is study.case(folder)


def test_names_that_clash_get_a_number_or_are_refused(study: Study, image_file: Callable[..., Path]) -> None:
    study.add_case(image_file("a.nrrd", seed=0))
    assert study.add_case(image_file("a.nii.gz", seed=1)).name == "a-2"
    assert study.add_case(image_file("x.nrrd", seed=2), name="a!").id == "a-3"
    assert study.add_case(image_file("z.nrrd", seed=4), name="A?").id == "A-4"  # not beside "a" on a Mac
    with pytest.raises(StudyError, match="A case named 'A' is already in the study"):
        study.add_case(image_file("y.nrrd", seed=3), name="A")
    with pytest.raises(StudyError, match="Case name"):
        study.add_case(image_file("y.nrrd", seed=3), name="a\tb")


def test_a_case_that_does_not_exist_is_named_with_those_that_do(study: Study, case: Case) -> None:
    with pytest.raises(StudyError, match=r"has no case 'bob'. It has: ann"):
        study.case("bob")


def test_a_word_that_may_mean_two_cases_is_taken_for_neither(study: Study, image_file: Callable[..., Path]) -> None:
    spaced, dashed = study.add_case(image_file("scan 1.nrrd")), study.add_case(image_file("scan-1.nrrd", seed=1))
    assert (spaced.id, dashed.id) == ("scan-1", "scan-1-2")
    words = r"'scan-1' fits several cases \(2\): 'scan 1' has the id scan-1; 'scan-1' has the id"
    with pytest.raises(StudyError, match=words):
        study.called("scan-1")
    assert study.called("scan 1") is spaced
    assert study.called("scan-1-2") is dashed
    with pytest.raises(StudyError, match="no case 'scan-2'"):
        study.called("scan-2")


def test_a_case_is_found_whether_its_umlaut_is_one_sign_or_two(study: Study, image_file: Callable[..., Path]) -> None:
    one, two = (unicodedata.normalize(form, "Müller") for form in ("NFC", "NFD"))
    case = study.add_case(image_file(f"{two}.nrrd"))
    assert study.called(one) is study.case(one) is study.case(two) is case
    assert study.add_case(image_file(f"{one}.nrrd", seed=1)).name == f"{one}-2"


def test_a_case_is_found_by_its_name_though_another_is_damaged(study: Study, image_file: Callable[..., Path]) -> None:
    broken, whole = study.add_case(image_file("a.nrrd")), study.add_case(image_file("scan 1.nrrd", seed=1))
    (broken.folder / "case.json").write_text("{")
    assert Study.open(study.folder).case("scan 1").id == Study.open(study.folder).called("scan 1").id == whole.id


def test_a_renamed_case_keeps_its_folder(study: Study, case: Case) -> None:
    case.rename("Patient 1")
    assert study.case("Patient 1").id == "ann"


def test_a_removed_case_can_be_moved_back(study: Study, case: Case) -> None:
    case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    gone = study.remove_case("ann")
    assert study.cases == []
    gone.rename(study.folder / "cases" / "ann")
    assert np.array_equal(study.case("ann").labels()[2], two_blobs()[2])


def test_a_case_somebody_writes_is_not_removed(study: Study, case: Case) -> None:
    with Study.open(study.folder).case("ann").writing(), pytest.raises(LockedError):
        study.remove_case("ann")
    assert len(study.cases) == 1


def test_a_2d_image_makes_a_whole_case(study: Study, tmp_path: Path) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(picture((6, 7), dtype="uint8")), str(tmp_path / "head.png"))
    case = study.add_case(tmp_path / "head.png")
    label = np.zeros((1, 6, 7), np.uint8)
    label[0, 2:4, 3:6] = 1
    case.set_slices(label, [SliceIndex(0, 0)], "ann")
    assert case.grid.shape == (1, 6, 7)
    assert np.array_equal(case.image()[0], picture((6, 7), dtype="uint8"))
    assert np.array_equal(case.result(), label)


def bad_image(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "bad.nrrd"
    if kind == "4D":
        sitk.WriteImage(sitk.GetImageFromArray(picture((2, 3, 4, 5)), isVector=False), str(path))
        return path
    array = picture(dtype="float32")
    if kind == "NaN":
        array[0, 0, 0] = np.nan
    write_image(path, array if kind != "constant" else np.zeros_like(array), grid_of("oblique"))
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:-50])
    return path


@pytest.mark.parametrize("kind", ["4D", "NaN", "constant", "truncated"])
@pytest.mark.parametrize("copy", [True, False])
def test_a_bad_image_leaves_no_trace_in_the_study(study: Study, tmp_path: Path, kind: str, copy: bool) -> None:
    before = everything_in(study.folder)
    with pytest.raises(ImageError, match=r"bad.nrrd"):
        study.add_case(bad_image(tmp_path, kind), copy=copy)
    assert everything_in(study.folder) == before
    assert list((study.folder / "cases").iterdir()) == []


# --- disks ---------------------------------------------------------------------------------------------------------

def test_a_disk_that_fills_up_while_a_case_is_added_leaves_no_trace(study: Study, image_file: Callable[..., Path],
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    path = image_file()
    before = everything_in(study.folder)

    def full(image: sitk.Image, file: str, **options: object) -> None:
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.sitk, "WriteImage", full)
    with pytest.raises(FileError, match=r"image.nrrd was not written: the disk is full. Free some space"):
        study.add_case(path)
    assert everything_in(study.folder) == before
    assert list((study.folder / "cases").iterdir()) == []


def test_a_really_full_disk_loses_nothing(tiny_disk: Path, tmp_path: Path) -> None:
    study = Study.create(tiny_disk / "s", structures=["anterior", "posterior"])
    write_image(tmp_path / "small.nrrd", picture(), grid_of("oblique"))
    case = study.add_case(tmp_path / "small.nrrd")
    case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    write_image(tmp_path / "big.nrrd", picture((60, 70, 80)), grid_of("oblique", (60, 70, 80)))
    before = everything_in(study.folder)
    with pytest.raises(FileError, match=r"image.nrrd was not written.*space"):
        study.add_case(tmp_path / "big.nrrd")
    for name in ("big.nii.gz", "big.nii"):  # ITK itself says nothing when a NIfTI file does not fit
        with pytest.raises(FileError, match="was not written"):
            write_image(tiny_disk / name, picture((60, 70, 80)), grid_of("oblique", (60, 70, 80)))
    assert everything_in(study.folder) == before
    assert not [path for path in tiny_disk.iterdir() if path.name != "s"]
    assert np.array_equal(case.labels()[2], two_blobs()[2])


def test_a_read_only_study_can_be_read_and_says_that_it_cannot_be_written() -> None:
    if os.name == "nt":
        pytest.skip("folder permissions work otherwise on Windows")
    with tempfile.TemporaryDirectory() as place:  # pytest's own folders are closed to other users
        os.chmod(place, 0o755)
        study = Study.create(Path(place) / "s", structures=["anterior", "posterior"])
        write_image(Path(place) / "a.nrrd", picture(), grid_of("oblique"))
        study.add_case(Path(place) / "a.nrrd").set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
        before = everything_in(study.folder)
        for path in study.folder.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        study.folder.chmod(0o555)
        program = (
            "import os, sys\n"
            "from pathlib import Path; from SemiSegLogic.files import FileError; from SemiSegLogic.study import *\n"
            "from SemiSegLogic.geometry import SliceIndex\n"
            "if os.geteuid() == 0: os.setuid(65534)\n"
            f"study = Study.open(Path({str(study.folder)!r})); case = study.case('a')\n"
            "assert case.labels().any() and study.status()[0].drawn == 1 and case.image().any()\n"
            "for change in (lambda: case.mark([SliceIndex(0, 1)], 'x'), lambda: study.add_structure('new'),\n"
            f"               lambda: study.add_case(Path({str(Path(place) / 'a.nrrd')!r}), duplicates=True)):\n"
            "  try: change()\n"
            "  except FileError as error: assert 'Choose a folder you may write to' in str(error), error\n"
            "  else: sys.exit('it was written')\n")
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True)
        for path in [study.folder, *study.folder.rglob("*")]:
            path.chmod(0o755)
        assert done.returncode == 0, done.stderr
        assert everything_in(study.folder) == before


@pytest.mark.parametrize("name", ["x" * 300 + ".nrrd", "loop.nrrd", "closed.nrrd"])
def test_a_file_that_nobody_may_look_at_is_an_error_in_words(study: Study, image_file: Callable[..., Path],
                                                             monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Not the operating system's own, which would end the command and leave the other images of it behind."""
    path = image_file().with_name(name)
    if name.startswith("loop"):
        path.symlink_to(path)
    if name.startswith("closed"):
        image_file().rename(path)
        usual = Path.open
        monkeypatch.setattr(Path, "open", lambda file, *mode, **more: refuse(file) if file == path
                            else usual(file, *mode, **more))
    with pytest.raises(ImageError, match=r"\.nrrd cannot be read: .*Check the path, and that you may read it"):
        study.add_case(path)


def refuse(path: Path) -> None:
    """What the operating system says of somebody else's file."""
    raise PermissionError(errno.EACCES, "Permission denied", str(path))


def test_a_folder_that_nobody_may_look_at_is_an_error_in_words(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 300)
    with pytest.raises(FormatError, match=r"cannot be opened: .*Check the path, and that you may read it"):
        Study.open(folder)
    with pytest.raises(FileError, match=r"was not written: .*nothing was changed"):
        Study.create(folder, name="short")


# --- models and costs ----------------------------------------------------------------------------------------------

def test_runs_have_folders_of_their_own_in_order(study: Study) -> None:
    made = [study.new_run(label) for label in ("supervised", "mean teacher")]
    assert study.runs == made
    assert made[1].name.endswith("Z-mean-teacher")


def test_the_study_costs_little_to_import_and_no_torch() -> None:
    program = ("import time, sys, numpy, SimpleITK; start = time.process_time(); import SemiSegLogic.study\n"
               "print(time.process_time() - start); assert not {'torch', 'monai', 'scipy'} & set(sys.modules)")
    best = min(float(subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True,
                                    text=True).stdout) for _ in range(2))
    assert best < 0.3


def test_adding_the_fortieth_case_reads_no_more_records_than_the_fifth(
    study: Study, image_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from SemiSegLogic.study import record

    read: list[Path] = []
    counted = record.load_record
    monkeypatch.setattr(record, "load_record", lambda path, check: (read.append(path), counted(path, check))[1])
    reads = []
    for seed in range(40):
        before = len(read)
        study.add_case(image_file(f"{seed}.nrrd", seed=seed))
        study.status()
        reads.append(len(read) - before)
    assert reads[39] == reads[4] <= 3


def test_what_another_program_wrote_is_seen_although_records_are_remembered(
    study: Study, image_file: Callable[..., Path]
) -> None:
    mine = study.add_case(image_file())
    name = mine.name
    Study.open(study.folder).case(mine.id).rename(name.upper())  # as long as the name before
    assert mine.name == name.upper()


def test_a_run_is_the_newest_although_the_clock_was_set_back(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    from SemiSegLogic.study import history

    class Earlier(history.datetime):
        @classmethod
        def now(cls, tz: object = None) -> history.datetime:  # type: ignore[override]
            return history.datetime(2001, 1, 1, tzinfo=history.UTC)

    first = study.new_run("supervised")
    monkeypatch.setattr(history, "datetime", Earlier)
    second = study.new_run("bcp")
    assert study.runs == [first, second]


def test_structures_that_two_threads_of_one_program_change_are_all_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the panel one is typed while a segment becomes another; with the same value both would be one."""
    from SemiSegLogic.study import store

    study, save, writing, go_on = Study.create(tmp_path / "s"), store.save_record, threading.Event(), threading.Event()

    def slowly(path: Path, content: dict[str, object]) -> None:
        if threading.current_thread() is first:
            writing.set()
            go_on.wait(10)
        save(path, content)

    monkeypatch.setattr(store, "save_record", slowly)
    first = threading.Thread(target=lambda: study.add_structure("typed"))
    second = threading.Thread(target=lambda: study.add_structure("drawn"))
    first.start()
    assert writing.wait(10)
    second.start()
    second.join(0.5)
    go_on.set()
    first.join()
    second.join()
    assert study.structures.names == {"typed": 1, "drawn": 2}


def test_two_windows_that_begin_runs_at_once_get_one_each_though_the_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both looked before either began: what comes after the newest run was the same name for both."""
    study = Study.create(tmp_path / "study", structures=["core"])
    (study.folder / "models" / "29991231T235959.000000Z-live").mkdir(parents=True)
    before, runs = study.runs, Study.runs
    first = study.new_run("live")
    looks = iter([before])
    monkeypatch.setattr(Study, "runs", property(lambda self: next(looks, None) or runs.fget(self)))  # type: ignore[attr-defined]
    second = study.new_run("live")
    assert before[-1].name < first.name < second.name
    assert second.is_dir()
