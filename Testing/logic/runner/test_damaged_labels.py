"""Drawings that arrive damaged: nothing wrong is learned, the training goes on, and they are handed over once more."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner import data as volumes_of
from SemiSegLogic.runner.course import course
from Testing.support.blobs import BlobStudy, spread, tiny
from Testing.support.rounds import at_step, begin, kill_at_step, run_here

CPU = Device(torch.device("cpu"), half=False, memory=8 << 30)
OFTEN = tiny(8, 4, checkpoint_seconds=0.0)


def hand_over_damaged(this: Round, blobs: BlobStudy) -> Path:
    """A third case is drawn, and the file that tells of it is damaged on the disk."""
    case = blobs.cases[2]
    case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 4), "ann")
    path = this.job.inputs / f"labels-{this.add_labels(case)}.npz"
    path.write_bytes(path.read_bytes()[:-40])
    return path


def test_a_training_goes_on_without_them_and_learns_them_once_the_study_hands_them_over_again(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It ended, with words that named the file and no way on."""
    monkeypatch.setattr(course, "LOOK_FOR_LABELS_S", 0.0)
    this = begin(blobs.study, jobs, OFTEN)
    known: list[list[int]] = []
    unread: list[list[int]] = []

    def look(trainer: Trainer) -> None:
        known.append(trainer.sampler.labelled())
        unread.append(this.job.reported().labels_unread)

    def mend(trainer: Trainer) -> None:
        look(trainer)
        assert this.catch_up() == {}

    for step, act in ((2, lambda trainer: hand_over_damaged(this, blobs)), (4, mend), (6, look)):
        at_step(monkeypatch, step, act)
    with caplog.at_level(logging.INFO):
        status = run_here(this)
    assert (status.state, status.labels_unread) == ("done", [])
    assert (known, unread) == ([[0, 1], [0, 1, 2]], [[1], []])
    said = [record.getMessage() for record in caplog.records if "labels-1.npz" in record.getMessage()]
    assert len(said) == 1, said
    assert "They are not learned" in said[0]


def test_a_resumed_training_starts_with_the_labels_it_can_read(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It failed at its start, and failed again whenever it was resumed."""
    this = begin(blobs.study, jobs, OFTEN)
    kill_at_step(this, 3)
    hand_over_damaged(this, blobs)
    known: list[list[int]] = []
    at_step(monkeypatch, 1, lambda trainer: known.append(trainer.sampler.labelled()))
    status = run_here(this)
    assert (status.state, status.error, status.labels_unread) == ("done", None, [1])
    assert known == [[0, 1]]


def test_labels_that_can_be_read_later_on_do_not_take_the_place_of_newer_ones(
    blobs: BlobStudy, jobs: Path
) -> None:
    this = begin(blobs.study, jobs)
    data = volumes_of.load(this.job, CPU, lambda done, of: None)
    path = hand_over_damaged(this, blobs)
    case = blobs.cases[2]
    case.unmark(case.places, "ann")
    assert this.add_labels(case) == 2
    assert [(item.n, item.slices) for item in data.take_new(this.job)] == [(2, ())]
    assert list(data.unread) == [1]
    case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 4), "ann")
    whole = this.job.inputs / f"labels-{this.add_labels(case)}.npz"
    path.write_bytes(whole.read_bytes())
    whole.unlink()
    assert data.take_new(this.job) == []
    assert (data.unread, data.labels_used, data.facts["c003"].slices) == ({}, 2, ())


def test_a_status_of_before_is_read_and_a_new_one_is_shorter_where_all_can_be_read() -> None:
    plain = Status("running").to_dict()
    assert "labels_unread" not in plain
    assert Status.from_dict(plain).labels_unread == []
    assert Status.from_dict(Status("running", labels_unread=[3]).to_dict()).labels_unread == [3]


def test_the_study_replaces_them_even_where_nothing_is_drawn_any_more(blobs: BlobStudy, jobs: Path) -> None:
    this = begin(blobs.study, jobs)
    hand_over_damaged(this, blobs)
    assert this.catch_up() == {}, "nobody has found it damaged yet"
    assert this.job.added_labels() == [1]
    this.job.write_status(Status("running", labels_unread=[1]))
    for case in blobs.cases:
        case.unmark(case.places, "ann")
    assert this.catch_up() == {}
    newest = JobFolder(this.job.root).newest_labels()
    assert {item.case: item.slices for item in newest} == dict.fromkeys(("c001", "c002", "c003"), ())
    count = len(this.job.added_labels())
    assert (this.catch_up(), len(this.job.added_labels())) == ({}, count), "once is enough"
    assert np.array_equal(sorted(this.job.added_labels()), range(1, count + 1))
