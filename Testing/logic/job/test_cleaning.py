"""Old jobs lose what is large, and nothing that somebody may still need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.cli import run
from SemiSegLogic.files import write_json
from SemiSegLogic.job import FileLock, JobFolder, Status, clean
from SemiSegLogic.rounds import Round
from SemiSegLogic.settings import Training
from Testing.support.blobs import BlobStudy
from Testing.support.rounds import begin


def ended(blobs: BlobStudy, jobs: Path, state: str = "done", collect: bool = True, age_s: float = 0.0) -> JobFolder:
    """A job that is over, with a result, taken into the study or not."""
    this = begin(blobs.study, jobs)
    shape = blobs.cases[0].grid.shape
    this.job.put_result("c001", np.ones(shape, np.uint8), np.zeros(shape, np.uint8))
    status = replace(Status(state, method="supervised"), pid=1, heartbeat=time.time() - age_s)
    write_json(this.job.root / "status.json", status.to_dict())
    for _, result in this.job.results().values():
        os.utime(result, (time.time() - age_s,) * 2)
    for name in ("model.pt", "model.ckpt"):
        (this.job.root / name).write_bytes(b"weights")
    if collect:
        this.collect()
    return this.job


@contextmanager
def held_by_another(path: Path) -> Iterator[None]:
    """While a process of its own holds the lock."""
    words = f"""
import sys
from pathlib import Path
from SemiSegLogic.job import FileLock
lock = FileLock(Path({str(path)!r}))
assert lock.try_acquire()
print("held", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", words], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        yield
        child.communicate()


def is_whole(job: JobFolder) -> bool:
    return any(job.inputs.glob("*.npy")) and any(job.inputs.glob("*.npz")) and job.results() != {}


def test_the_newest_three_stay_whole_and_older_ones_keep_what_is_small(blobs: BlobStudy, jobs: Path) -> None:
    made = [ended(blobs, jobs, age_s=100 - n) for n in range(5)]
    clean(jobs)
    assert [is_whole(job) for job in made] == [False, False, True, True, True]
    oldest = made[0]
    assert not oldest.checkpoint.exists()
    assert not oldest.weights.exists()
    assert (blobs.study.runs[0] / "model.pt").read_bytes() == b"weights"
    assert oldest.status().state == "done"
    assert oldest.spec().cases


def test_beginning_a_round_cleans_by_itself_and_still_links_from_those_that_stay(blobs: BlobStudy, jobs: Path) -> None:
    made = [ended(blobs, jobs, age_s=100 - n) for n in range(4)]
    new = begin(blobs.study, jobs)
    assert not is_whole(made[0])
    for path in new.job.inputs.glob("*.npy"):
        assert path.stat().st_nlink >= 2


@pytest.mark.parametrize(
    ("state", "collect", "age_s"),
    [("running", True, 0.0), ("queued", True, 0.0), ("done", False, 1e9), ("stopped", True, 3600.0),
     ("failed", True, 3600.0)],
)  # fmt: skip
def test_what_runs_waits_or_may_be_resumed_is_never_touched(
    blobs: BlobStudy, jobs: Path, state: str, collect: bool, age_s: float
) -> None:
    job = ended(blobs, jobs, state, collect, age_s)
    assert clean(jobs, keep=0) == {}
    assert is_whole(job)


def test_a_job_that_stopped_a_month_ago_is_over(blobs: BlobStudy, jobs: Path) -> None:
    job = ended(blobs, jobs, "stopped", age_s=31 * 86400)
    assert job.root.name in clean(jobs, keep=0)


def test_what_came_of_downloads_that_broke_off_goes_too(blobs: BlobStudy, jobs: Path) -> None:
    job = ended(blobs, jobs)
    parts = [folder / f".{name}.{'a' * 32}.part" for folder, name in (
        (job.root, "model.pt"), (job.outputs, "c001.2.npz"))]
    for path in parts:
        path.write_bytes(b"half")
    clean(jobs, keep=0)
    assert not any(path.exists() for path in parts)


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_job_that_died_without_a_word_a_month_ago_is_over(blobs: BlobStudy, jobs: Path, state: str) -> None:
    job = ended(blobs, jobs, state, age_s=31 * 86400)
    assert job.root.name in clean(jobs, keep=0)


def test_a_job_that_never_said_a_word_is_over_after_a_month(blobs: BlobStudy, jobs: Path) -> None:
    job = ended(blobs, jobs)
    job.status_path.unlink()
    assert clean(jobs, keep=0) == {}
    os.utime(job.spec_path, (time.time() - 31 * 86400,) * 2)
    assert job.root.name in clean(jobs, keep=0)


@pytest.mark.parametrize("state", ["stopped", "done", "failed"])
def test_what_learned_while_somebody_drew_is_over_when_it_ends(blobs: BlobStudy, jobs: Path, state: str) -> None:
    this = Round.live(blobs.study, Training(), jobs=jobs)
    write_json(this.job.status_path, Status(state, heartbeat=time.time()).to_dict())
    assert clean(jobs, keep=0) == {}, "not collected yet"
    this.collect()
    assert list(clean(jobs, keep=0)) == [this.id]


def test_weights_that_their_study_does_not_have_yet_stay(blobs: BlobStudy, jobs: Path) -> None:
    job = ended(blobs, jobs)
    job.weights.write_bytes(b"newer weights")
    os.utime(job.weights, (time.time() + 60,) * 2)
    assert clean(jobs, keep=0)
    assert job.weights.read_bytes() == b"newer weights"


def test_what_killed_writers_left_goes_too(blobs: BlobStudy, jobs: Path) -> None:
    job = ended(blobs, jobs)
    drafts = [job.root / ".0a1b2c3d.tmp.model.ckpt", job.outputs / ".0a1b2c3d.tmp.c001.2.npz",
              job.inputs / ".0a1b2c3d.tmp.labels-1.npz"]  # fmt: skip
    for path in drafts:
        path.write_bytes(b"half")
    clean(jobs, keep=0)
    assert not any(path.exists() for path in drafts)


def test_jobs_that_were_emptied_are_not_read_again(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(4):
        ended(blobs, jobs, age_s=100 - n)
    assert len(clean(jobs, keep=1)) == 3
    read, plain = [], JobFolder.status
    monkeypatch.setattr(JobFolder, "status", lambda job, *known: (read.append(job.root.name), plain(job, *known))[1])
    assert clean(jobs, keep=1) == {}
    assert len(read) == 1


def test_a_result_that_came_after_the_last_collecting_is_kept(blobs: BlobStudy, jobs: Path) -> None:
    job = ended(blobs, jobs)
    shape = blobs.cases[0].grid.shape
    job.put_result("c002", np.ones(shape, np.uint8), np.zeros(shape, np.uint8))
    assert clean(jobs, keep=0) == {}
    assert is_whole(job)


def test_results_of_cases_that_were_removed_hold_nothing_up(blobs: BlobStudy, jobs: Path) -> None:
    this = ended(blobs, jobs, collect=False)
    blobs.study.remove_case(blobs.cases[0].id)
    latest = Round.latest(blobs.study, jobs)
    assert latest is not None
    latest.collect()
    assert this.root.name in clean(jobs, keep=0)


def test_a_job_that_a_process_holds_is_left_alone(blobs: BlobStudy, jobs: Path) -> None:
    job = ended(blobs, jobs)
    with held_by_another(job.root / "process.lock"):
        assert clean(jobs, keep=0) == {}
        assert is_whole(job)
    with FileLock(job.root / "process.lock") as lock:
        assert lock.try_acquire()


def test_a_damaged_note_of_what_was_collected_keeps_everything(blobs: BlobStudy, jobs: Path) -> None:
    job = ended(blobs, jobs)
    (job.root / "collected.json").write_text("[1")
    assert clean(jobs, keep=0) == {}
    (job.root / "collected.json").write_text("[1]")
    assert clean(jobs, keep=0) == {}
    assert is_whole(job)


def test_a_job_whose_results_cannot_be_read_holds_up_neither_the_others_nor_a_training(
    blobs: BlobStudy, jobs: Path
) -> None:
    whole, broken = ended(blobs, jobs), ended(blobs, jobs)
    shutil.rmtree(broken.outputs)
    assert list(clean(jobs, keep=0)) == [whole.root.name]
    assert any(broken.inputs.glob("*.npy"))
    assert begin(blobs.study, jobs).job.submitted


def test_the_command_says_what_it_freed(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SEMISEG_JOBS", str(jobs))
    first = ended(blobs, jobs, age_s=50)
    for n in range(3):
        ended(blobs, jobs, age_s=n)
    assert run(["jobs", "--clean"]) == 0
    assert f"{first.root.name}" in capsys.readouterr().out
    assert run(["jobs", "--clean"]) == 0
    assert "Nothing to clean" in capsys.readouterr().out
