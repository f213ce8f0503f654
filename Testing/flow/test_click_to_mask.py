"""The main job: a few slices in, masks for every volume out; a second round goes on from the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.job import JobError
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.model import Model
from SemiSegLogic.study import Study, export_case
from Testing.support.blobs import BlobStudy, label_files, make_study, spread, tiny
from Testing.support.processes import ended, wait_for
from Testing.support.rounds import begin


def test_a_click_becomes_a_mask_and_a_second_click_a_better_one(blobs: BlobStudy, backend: LocalBackend) -> None:
    study, before = blobs.study, label_files(blobs.study)
    this = begin(study, backend.root, tiny(16, 8), open_case="volume2")
    backend.submit(this.job)
    wait_for(backend, this.id, lambda status: status.first_mask)
    first = this.collect()
    status = ended(backend, this)
    this.collect()
    assert sorted(first) == ["volume0", "volume1", "volume2"]
    assert (status.state, status.fraction) == ("done", 1.0)
    for case in study.cases:
        drawn = case.sparse_labels()
        known = drawn != IGNORE
        assert np.array_equal(case.suggestion()[known], drawn[known])
        assert not case.uncertainty()[known].any()
        assert all(file.verified for file in export_case(case, study.exports, ("seg.nrrd", "nrrd", "nii.gz")))
    assert label_files(study) == before
    annotated = {(case.id, place) for case in study.cases for place in case.places}
    assert this.next_slices()
    assert not annotated & {(item.case, item.place) for item in this.next_slices()}
    _second_round(blobs, backend, this)


def _second_round(blobs: BlobStudy, backend: LocalBackend, one: Round) -> None:
    study, added = Study.open(blobs.study.folder), blobs.study.add_structure("third")
    case = study.cases[2]
    label = blobs.truth[case.id].copy()
    label[:, :2, :2] = added.value
    case.set_slices(label, spread(blobs.truth[case.id], 3), "ben")
    before, latest = label_files(study), Round.latest(study, backend.root)
    assert latest is not None
    assert latest.id == one.id
    two = begin(study, backend.root, tiny(8, 4), start_from=latest.model)
    backend.submit(two.job)
    assert ended(backend, two).state == "done"
    assert len(two.collect()) == 3
    assert two.model is not None
    assert Model.load(two.model).values == (1, 2, 3)
    three = Round.apply(study, two.model, jobs=backend.root, device="cpu")
    backend.submit(three.job)
    assert ended(backend, three).state == "done"
    assert len(three.collect()) == 3
    known = case.sparse_labels() != IGNORE
    assert np.array_equal(case.suggestion()[known], case.labels()[known])
    assert case.provenance()["run"] == three.id
    assert label_files(study) == before


def test_labels_drawn_meanwhile_are_taken_in_without_a_restart(blobs: BlobStudy, backend: LocalBackend) -> None:
    case = blobs.cases[2]
    this = begin(blobs.study, backend.root, tiny(5000, 4, checkpoint_seconds=1.0), open_case=case.id)
    backend.submit(this.job)
    started = wait_for(backend, this.id, lambda status: status.first_mask)
    this.collect()
    case.set_slices(blobs.truth[case.id], spread(blobs.truth[case.id], 3), "ann")
    n = this.add_labels(case)
    status = wait_for(backend, this.id, lambda status: status.labels_used == n and status.results["c003"] > 1)
    assert (status.state, status.pid) == ("running", started.pid)
    assert this.collect() == [case.id]
    stopped = backend.stop(this.id)
    assert (stopped.state, stopped.message.split(";")[0]) == ("stopped", "Stopped")
    this.collect()
    assert this.model is not None
    assert Model.load(this.model).weights
    assert all(case.has_suggestion for case in blobs.cases)


def test_two_studies_queue_for_one_computer(tmp_path: Path, backend: LocalBackend) -> None:
    rounds = []
    for name in ("one", "two"):
        study = make_study(tmp_path / name, count=1, annotated=1).study
        rounds.append(begin(study, backend.root, tiny(5000, 2)))
        backend.submit(rounds[-1].job)
    one, two = rounds
    wait_for(backend, one.id, lambda status: status.state == "running")
    status = wait_for(backend, two.id, lambda status: status.queue_position == 1)
    assert (status.state, status.message) == ("queued", "Waiting: 1 job is ahead.")
    backend.stop(one.id)
    wait_for(backend, two.id, lambda status: status.state == "running" and status.first_mask)
    assert backend.poll(one.id).state == "stopped"
    backend.stop(two.id)
    assert two.collect() == ["volume0"]


def test_the_client_may_go_and_come_back(blobs: BlobStudy, backend: LocalBackend) -> None:
    this = begin(blobs.study, backend.root, tiny(5000, 4))
    backend.submit(this.job)
    seen = wait_for(backend, this.id, lambda status: status.first_mask and status.step > 2)
    again, found = LocalBackend(backend.root), Round.latest(Study.open(blobs.study.folder), backend.root)
    assert found is not None
    assert again.submit(found.job) == this.id  # idempotent: it is not started twice
    status = again.poll(found.id)
    assert (status.state, status.pid, status.phase) == ("running", seen.pid, seen.phase)
    assert status.step >= seen.step
    assert len(found.collect()) == 3
    with pytest.raises(JobError, match="is not in"):
        LocalBackend(backend.root.parent / "elsewhere").submit(found.job)
    assert again.stop(found.id).state == "stopped"
