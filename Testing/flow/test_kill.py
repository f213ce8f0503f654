"""Signal 9 at random moments: nothing half-written, nothing lost, the same numbers in the end."""

from __future__ import annotations

import random
import time
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.files import digest_file
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.model import Model
from SemiSegLogic.study import Study
from Testing.support.blobs import BlobStudy, label_files, tiny
from Testing.support.processes import check_every_file, ended, kill, wait_for
from Testing.support.rounds import begin

KILLS = 10
AT_WORK = ("Training", "First", "Suggesting", "mean_teacher")  # no longer starting or reading


def inputs(this: Round) -> dict[str, str]:
    return {path.name: digest_file(path) for path in this.job.inputs.iterdir()}


def test_ten_kills_at_random_moments_and_still_the_same_model_as_without(
    blobs: BlobStudy, backend: LocalBackend, tmp_path: Path
) -> None:
    training = tiny(60, 8, checkpoint_seconds=0.2)
    this, moments = begin(blobs.study, backend.root, training), random.Random(3)
    before, given, reached = label_files(blobs.study), inputs(this), [0]
    backend.submit(this.job)
    for number in range(KILLS):
        if number % 3 == 0:  # from the very start of the process on, else from its training on
            time.sleep(moments.uniform(0.1, 1.4))
        else:
            wait_for(backend, this.id, lambda status: status.state == "running" and status.message.startswith(AT_WORK))
            time.sleep(moments.uniform(0.0, 1.5))
        kill(this.job)
        status = wait_for(backend, this.id, lambda status: status.ended)
        assert status.state == "lost"
        assert status.error is not None
        assert "Resume" in status.error["remedy"]
        check_every_file(this.job)
        reached.append(status.step)
        backend = LocalBackend(backend.root)  # the client is another one each time
        this = Round.latest(Study.open(blobs.study.folder), backend.root) or this
        backend.resume(this.id)
    assert len(reached) == KILLS + 1, reached
    status = ended(backend, this)
    assert (status.state, status.phase, status.step) == ("done", "all slices", 12)
    check_every_file(this.job)
    assert not list(this.job.root.rglob("*.tmp.*"))
    assert len(this.collect()) == 3
    assert inputs(this) == given
    assert label_files(blobs.study) == before
    for case in blobs.cases:
        drawn = case.sparse_labels()
        assert np.array_equal(case.suggestion()[drawn != IGNORE], drawn[drawn != IGNORE])
    _same_as_without(this, begin(blobs.study, backend.root, training), backend)


def _same_as_without(killed: Round, whole: Round, backend: LocalBackend) -> None:
    backend.submit(whole.job)
    assert ended(backend, whole).state == "done"
    one, two = (Model.load(run.job.weights) for run in (killed, whole))
    assert [name for name in one.weights if not torch.equal(one.weights[name], two.weights[name])] == []
    assert one.held_out == two.held_out
