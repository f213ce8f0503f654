"""From the study to a job and back: what is handed over, what is taken, what nothing may touch."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.files import read_json
from SemiSegLogic.geometry import IGNORE, SliceIndex, label_of
from SemiSegLogic.job import JobError, JobFolder, Status
from SemiSegLogic.rounds import Round, jobs_folder
from SemiSegLogic.study import ImageError, StudyError
from Testing.support.blobs import BlobStudy, add_volume, label_files, make_study, spread, tiny
from Testing.support.rounds import begin


def answer(this: Round, value: int = 1, case: str = "c003") -> int:
    """What a runner would leave for one case."""
    shape = this.job.spec().case(case).grid.shape
    number = this.job.put_result(case, np.full(shape, value, np.uint8), np.full(shape, 7, np.uint8))
    told = {name: n for name, (n, _path) in this.job.results().items()}
    this.job.write_status(Status("running", method="mean_teacher", scores={"kept": "supervised"}, results=told))
    return number


def test_a_job_knows_neither_names_nor_paths(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    told = this.job.spec_path.read_text()
    assert "volume" not in told
    assert str(blobs.study.folder) not in told
    assert this.cases == {"c001": "volume0", "c002": "volume1", "c003": "volume2"}


def test_a_job_holds_what_was_drawn_and_nothing_else(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs, open_case="volume1")
    spec = this.job.spec()
    for entry, case in zip(spec.cases, blobs.cases, strict=True):
        assert np.array_equal(this.job.image(entry.image), case.image())
        assert entry.slices == tuple(case.places)
        if entry.label:
            assert np.array_equal(label_of(this.job.label(entry.label), case.grid.shape), case.sparse_labels())
            assert sum(plane.size for plane in this.job.label(entry.label).values()) < 0.3 * case.image().size
    assert spec.open_case == "c002"
    assert [item.name for item in spec.structures] == ["core", "cap"]


def test_images_are_linked_from_earlier_jobs_not_read_again(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = begin(blobs.study, jobs)
    monkeypatch.setattr(type(blobs.cases[0]), "image", lambda case: pytest.fail("the image was read"))
    second = begin(blobs.study, jobs)
    name = f"{blobs.cases[0].digest}.npy"
    assert os.path.samefile(first.job.inputs / name, second.job.inputs / name)


@pytest.mark.parametrize("harm", ["truncated", "other bytes", "other bytes at the same time"])
def test_a_damaged_image_of_an_earlier_job_is_not_handed_on(blobs: BlobStudy, jobs: Path, harm: str) -> None:
    first = begin(blobs.study, jobs)
    path = first.job.inputs / f"{blobs.cases[0].digest}.npy"
    content, found = bytearray(path.read_bytes()), path.stat()
    content[-10] ^= 255
    path.write_bytes(content[:-7] if harm == "truncated" else content)
    if harm.endswith("time"):  # as a failing disk would
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
        path.with_suffix(".seal").unlink()
    second = begin(blobs.study, jobs)
    assert np.array_equal(second.job.image(blobs.cases[0].digest), blobs.cases[0].image())
    assert not os.path.samefile(path, second.job.inputs / path.name)


def test_a_whole_image_without_its_seal_is_read_through_and_handed_on(blobs: BlobStudy, jobs: Path) -> None:
    first = begin(blobs.study, jobs)
    path = first.job.inputs / f"{blobs.cases[0].digest}.npy"
    path.with_suffix(".seal").unlink()
    second = begin(blobs.study, jobs)
    assert os.path.samefile(path, second.job.inputs / path.name)
    assert path.with_suffix(".seal").exists() is False
    assert (second.job.inputs / path.name).with_suffix(".seal").exists()


def test_without_an_annotated_slice_nothing_begins(tmp_path: Path, jobs: Path) -> None:
    study = make_study(tmp_path, annotated=0).study
    with pytest.raises(StudyError, match=r"No slice is annotated in .*Draw"):
        begin(study, jobs)
    assert study.runs == []


def test_a_study_without_structures_says_so(tmp_path: Path, jobs: Path) -> None:
    study = make_study(tmp_path, annotated=0).study
    study.cases[0].set_slices(np.zeros(study.cases[0].grid.shape, np.uint8), [SliceIndex(0, 3)], "ann")
    study.remove_structure(1)
    study.remove_structure(2)
    with pytest.raises(StudyError, match="no structures"):
        begin(study, jobs)


def test_a_round_that_cannot_begin_leaves_nothing_behind(blobs: BlobStudy, jobs: Path) -> None:
    blobs.cases[2].image_path.unlink()
    with pytest.raises(ImageError, match=r"image.nrrd, the image of case 'volume2', has gone"):
        begin(blobs.study, jobs)
    assert blobs.study.runs == []
    assert list(jobs.iterdir()) == []


def test_an_image_that_moved_between_rounds_is_named_and_can_be_shown_again(blobs: BlobStudy, jobs: Path) -> None:
    begin(blobs.study, jobs)
    before, path = label_files(blobs.study), blobs.cases[1].image_path
    elsewhere = path.with_name("elsewhere.nrrd")
    path.rename(elsewhere)
    with pytest.raises(ImageError, match="relocate"):
        begin(blobs.study, jobs)
    blobs.cases[1].relocate(elsewhere)
    assert begin(blobs.study, jobs).job.submitted
    assert label_files(blobs.study) == before


def test_two_cases_of_the_same_content_are_two_cases(blobs: BlobStudy, jobs: Path, tmp_path: Path) -> None:
    twin = blobs.study.add_case(tmp_path / "volume0.nrrd", name="twin", duplicates=True)
    this = begin(blobs.study, jobs)
    cases = {this.cases[case.id]: case for case in this.job.spec().cases}
    assert cases[twin.id].image == cases["volume0"].image
    assert cases[twin.id].label is None
    assert cases["volume0"].label is not None


def test_a_new_result_is_collected_once_with_its_origin(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    assert this.collect() == []
    answer(this)
    assert this.collect() == ["volume2"]
    assert this.collect() == []
    case = blobs.study.case("volume2")
    assert set(np.unique(case.suggestion())) == {1}
    told = case.provenance()
    assert (told["run"], told["method"], told["result"]) == (this.id, "supervised", 1)
    answer(this, 2)
    assert Round.latest(blobs.study, jobs).collect() == ["volume2"]  # type: ignore[union-attr]
    assert set(np.unique(case.suggestion())) == {2}


def test_annotated_slices_keep_the_persons_voxels_whatever_the_model_says(blobs: BlobStudy, jobs: Path) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[0]
    before, drawn = label_files(blobs.study), case.sparse_labels()
    answer(this, 2, "c001")
    this.collect()
    known = drawn != IGNORE
    assert np.array_equal(case.suggestion()[known], drawn[known])
    assert set(np.unique(case.suggestion()[~known])) == {2}
    assert label_files(blobs.study) == before


def test_a_case_that_is_being_written_waits_for_the_next_time(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    answer(this, 1, "c002")
    answer(this, 1, "c003")
    from SemiSegLogic.study import Study

    with Study.open(blobs.study.folder).case("volume2").writing():
        assert this.collect() == ["volume1"]
    assert this.collect() == ["volume2"]


def test_a_case_that_was_removed_meanwhile_does_not_hinder_the_others(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    answer(this, 1, "c002")
    answer(this, 1, "c003")
    blobs.study.remove_case("volume1")
    assert this.collect() == ["volume2"]


def test_a_damaged_result_does_not_hinder_the_others(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    answer(this, 1, "c002")
    answer(this, 1, "c003")
    _, path = this.job.results()["c002"]
    path.write_bytes(path.read_bytes()[:50])
    assert this.collect() == ["volume2"]


def test_what_to_look_at_next_leaves_out_what_was_drawn_since(blobs: BlobStudy, jobs: Path) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[2]
    this.job.put_ranking([
        {"case": "c003", "axis": 0, "index": 5, "score": 9.0, "reason": "border"},
        {"case": "c003", "axis": 1, "index": 5, "score": 8.0, "reason": "border"},
        {"case": "c009", "axis": 1, "index": 5, "score": 8.0, "reason": "no such case"},
    ])
    case.set_slices(blobs.truth[case.id], [SliceIndex(0, 5)], "ann")
    assert [(item.case, item.place) for item in this.next_slices()] == [("volume2", SliceIndex(1, 5))]


def test_labels_can_be_added_to_a_job_and_only_of_its_cases(blobs: BlobStudy, jobs: Path, tmp_path: Path) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[2]
    case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 2), "ann")
    assert this.add_labels(case) == 1
    (added,) = this.job.newest_labels()
    assert (added.case, added.slices) == ("c003", tuple(case.places))
    new, _ = add_volume(blobs.study, tmp_path, 7)
    with pytest.raises(StudyError, match="was added later"):
        this.add_labels(new)


def test_a_tampered_label_is_refused_with_its_value(blobs: BlobStudy, jobs: Path) -> None:
    this, case = begin(blobs.study, jobs), blobs.cases[0]
    strange = {place: np.where(plane == 1, np.uint8(9), plane) for place, plane in case.planes().items()}
    with pytest.raises(JobError, match=r"holds the label values \[9\]; the job knows \[0, 1, 2\]"):
        this.job.add_labels("c001", strange)


def test_the_newest_round_is_found_again(blobs: BlobStudy, jobs: Path) -> None:
    assert Round.latest(blobs.study, jobs) is None
    begin(blobs.study, jobs)
    second = begin(blobs.study, jobs)
    found = Round.latest(blobs.study, jobs)
    assert found is not None
    assert (found.id, found.job.spec()) == (second.id, second.job.spec())
    assert (found.model, found.card()) == (None, {})


def test_a_job_folder_that_was_deleted_is_said_to_be_gone(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    shutil.rmtree(this.job.root)
    with pytest.raises(JobError, match="cannot be read"):
        this.collect()


def test_the_jobs_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "here"))
    assert jobs_folder() == tmp_path / "here"
    monkeypatch.delenv("SEMISEG_JOBS")
    assert jobs_folder().parts[-2:] == (".semiseg", "jobs")


def test_which_case_is_which_is_told_only_once_the_job_is_complete(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs)
    assert read_json(this.folder / "cases.json") == this.cases

    def full(self: JobFolder, spec: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(JobFolder, "submit", full)
    with pytest.raises(OSError, match="No space left"):
        begin(blobs.study, jobs, tiny())
    latest = Round.latest(blobs.study, jobs)
    assert latest is not None
    assert latest.id == this.id


def test_a_model_is_applied_to_one_case_alone_when_only_that_is_asked_for(
    blobs: BlobStudy, jobs: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"weights")
    one = Round.apply(blobs.study, weights, jobs=jobs, open_case="volume1", only="volume1")
    assert one.cases == {"c001": "volume1"}
    assert one.job.spec().open_case == "c001"
    assert len(Round.apply(blobs.study, weights, jobs=jobs).cases) == 3
    with pytest.raises(StudyError, match="no case 'volume9'"):
        Round.apply(blobs.study, weights, jobs=jobs, only="volume9")


def test_the_first_result_too_waits_for_its_flag_but_not_for_one_that_never_comes(
    blobs: BlobStudy, jobs: Path
) -> None:
    this = begin(blobs.study, jobs)
    answer(this)
    this.job.write_status(Status("running"))  # as it stands in the second after the result, before the next heartbeat
    assert this.collect() == []
    flag = {"state": "good", "words": "Probably good.", "expected_dice": 0.8}
    this.job.write_status(Status("running", results={"c003": 1}, flags={"c003": flag}))
    assert this.collect() == ["volume2"]
    assert blobs.cases[2].provenance()["flag"] == flag
    answer(this, 2)
    this.job.write_status(Status("running"))
    result = this.job.results()["c003"][1]
    os.utime(result, (result.stat().st_atime, result.stat().st_mtime - 60))
    assert this.collect() == ["volume2"], "its runner has died; the result is there"
