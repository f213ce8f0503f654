"""A full disk: the training goes on, and what could not be written is written later, or said in words."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic import files, run
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.job import JobFolder, arrays
from SemiSegLogic.runner.model import Model
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.rounds import at_step, begin, run_here

Full = Callable[[str], Any]


@pytest.fixture
def full_disk_for(monkeypatch: pytest.MonkeyPatch) -> Full:
    """From then on the disk is full for every file whose name ends so; called with nothing, it has room again."""
    endings: set[str] = set()
    plain = files.replace_file

    def replace_file(path: Path, write: Callable[[Path], None]) -> None:
        if any(path.name.endswith(ending) for ending in endings):
            with files.disk_errors(path):
                raise OSError(errno.ENOSPC, "No space left on device")
        plain(path, write)

    for module in (files, checkpoint, arrays):
        monkeypatch.setattr(module, "replace_file", replace_file)
    return lambda ending="": endings.add(ending) if ending else endings.clear()


@pytest.mark.parametrize("ending", ["status.json", "model.ckpt", "ranking.json"])
def test_training_goes_on_while_the_disk_is_full(blobs: BlobStudy, jobs: Path, full_disk_for: Full, ending: str,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    this = begin(blobs.study, jobs, tiny(8, 4, checkpoint_seconds=0.0))
    full_disk_for(ending)
    at_step(monkeypatch, 7, lambda trainer: full_disk_for(""))
    assert run_here(this).state == "done"
    assert len(this.collect()) == 3
    assert Model.load(this.job.weights)


def test_a_disk_that_stays_full_fails_the_job_in_words_and_resuming_gives_all(
    blobs: BlobStudy, jobs: Path, full_disk_for: Full, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs, tiny(8, 4))
    full_disk_for(".npz")
    status = run_here(this)
    assert (status.state, status.phase) == ("failed", "all slices")
    assert status.error is not None
    assert "the disk is full" in status.error["text"]
    assert "resume" in status.error["remedy"]
    full_disk_for("")
    monkeypatch.setattr(Trainer, "_step", lambda *_: pytest.fail("what was trained is not trained again"))
    assert run_here(this).state == "done"
    assert len(this.collect()) == 3


def test_a_curve_that_cannot_be_written_does_not_matter(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(blobs.study, jobs, tiny(4, 2))
    (this.job.root / "curves.jsonl").mkdir()
    assert run_here(this).state == "done"


def test_a_read_only_job_says_so_in_its_log(
    blobs: BlobStudy, jobs: Path, full_disk_for: Full, caplog: pytest.LogCaptureFixture
) -> None:
    this = begin(blobs.study, jobs, tiny(4, 2))
    for ending in (".json", ".npz", ".pt", ".ckpt"):
        full_disk_for(ending)
    assert not run.work(JobFolder(this.job.root))
    assert "status could not be written" in caplog.text
    assert "the disk is full" in caplog.text
