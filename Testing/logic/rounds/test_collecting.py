"""From a job back to the study: what is taken, and what nothing may touch."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.files import FileError, full_disk, write_json
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.job import JobError, JobFolder, Result, Status, is_collected
from SemiSegLogic.rounds import Round, run_folder
from SemiSegLogic.study import Study, write_image
from Testing.support.blobs import BlobStudy, label_files
from Testing.support.rounds import begin


def answer(this: Round, value: int = 1, case: str = "c003") -> int:
    """What a runner would leave for one case."""
    shape = this.job.spec().case(case).grid.shape
    number = this.job.put_result(case, np.full(shape, value, np.uint8), np.full(shape, 7, np.uint8))
    told = {name: n for name, (n, _path) in this.job.results().items()}
    this.job.write_status(Status("running", method="mean_teacher", scores={"kept": "supervised"}, results=told))
    return number


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


def test_of_two_windows_the_slower_one_does_not_bring_back_an_older_result(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The suggestion of before stayed, where the quicker window noted last that it had the new one."""
    this, case = begin(blobs.study, jobs), blobs.study.case("volume2")
    answer(this)
    plain = JobFolder.result

    def slowly(job: JobFolder, name: str) -> Result | None:
        found = plain(job, name)
        monkeypatch.setattr(JobFolder, "result", plain)
        answer(this, 2)
        other = Round(Study.open(blobs.study.folder), this.folder, jobs)
        assert other.collect() == ["volume2"]
        return found

    monkeypatch.setattr(JobFolder, "result", slowly)
    assert this.collect() == ["volume2"], "to be shown here, too"
    assert set(np.unique(case.suggestion())) == {2}
    assert case.provenance()["result"] == 2


def test_what_came_in_while_the_disk_took_no_model_is_told_of_once_it_does(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was in the study, and never came on screen."""
    this = begin(blobs.study, jobs)
    answer(this)
    with monkeypatch.context() as disk:
        disk.setattr(run_folder, "copy_file", _full)
        this.job.weights.write_bytes(b"weights")
        with pytest.raises(FileError, match="the disk is full"):
            this.collect()
    assert blobs.study.case("volume2").has_suggestion
    assert this.collect() == ["volume2"]
    assert this.model is not None
    assert this.collect() == []


def _full(_source: Path, target: Path) -> None:
    raise FileError(full_disk(target))


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
    with Study.open(blobs.study.folder).case("volume2").writing():
        assert this.collect() == ["volume1"]
    assert this.collect() == ["volume2"]


def test_a_case_that_was_removed_meanwhile_does_not_hinder_the_others(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    answer(this, 1, "c002")
    answer(this, 1, "c003")
    blobs.study.remove_case("volume1")
    assert this.collect() == ["volume2"]


@pytest.mark.parametrize("kept", [True, False], ids=["in the folder removed", "deleted by hand"])
def test_a_new_image_of_the_same_name_gets_nothing_of_the_old_one(
    blobs: BlobStudy, jobs: Path, tmp_path: Path, kept: bool
) -> None:
    """Patients' scans are often called alike, and those of DICOM always case-1, case-2, ..."""
    this, old = begin(blobs.study, jobs), blobs.study.case("volume2")
    answer(this)
    write_image(tmp_path / "volume2.nrrd", old.image() + 1, old.grid)
    blobs.study.remove_case("volume2")
    if not kept:
        shutil.rmtree(blobs.study.folder / "removed")
    new = blobs.study.add_case(tmp_path / "volume2.nrrd")
    assert this.collect() == []
    assert not new.has_suggestion
    if kept:
        assert (new.id, new.name) == ("volume2-2", "volume2")
        assert not this.covers_study()
        (blobs.study.folder / "removed" / "volume2").rename(blobs.study.folder / "cases" / "volume2")
        assert this.collect() == ["volume2"]


def test_a_damaged_result_does_not_hinder_the_others(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    answer(this, 1, "c002")
    answer(this, 1, "c003")
    _, path = this.job.results()["c002"]
    path.write_bytes(path.read_bytes()[:50])
    assert this.collect() == ["volume2"]


def test_a_job_folder_that_was_deleted_is_said_to_be_gone(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    shutil.rmtree(this.job.root)
    with pytest.raises(JobError, match="cannot be read"):
        this.collect()


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


def test_what_a_killed_run_left_counts_as_taken_once_another_one_is_begun(blobs: BlobStudy, jobs: Path) -> None:
    """Nobody looks at it again: it would stay whole for ever, as many times as runs are killed, or make room."""
    killed = begin(blobs.study, jobs)
    answer(killed)
    killed.job.weights.write_bytes(b"weights")
    at_work, silent = begin(blobs.study, jobs), begin(blobs.study, jobs)
    answer(at_work)
    told = killed.job.reported()
    write_json(killed.job.status_path, replace(told, heartbeat=time.time() - 60).to_dict())
    assert not is_collected(killed.job)
    begin(blobs.study, jobs)
    assert is_collected(killed.job)
    assert is_collected(silent.job), "it was killed before its first word"
    assert (killed.folder / "model.pt").read_bytes() == b"weights"
    assert not is_collected(at_work.job), "it is still at work"
    assert not blobs.study.case("volume2").has_suggestion, "the newer run suggests"
