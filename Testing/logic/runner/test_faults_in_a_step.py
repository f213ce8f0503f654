"""Faults put into every part of a step: memory that runs out, numbers that are none, a card that fails."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from SemiSegLogic.engine.blocks.optimisers import Descent
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.methods.mean_teacher import MeanTeacher
from SemiSegLogic.methods.supervised import Supervised
from SemiSegLogic.runner.model import Model
from Testing.support.blobs import BlobStudy, make_study, tiny
from Testing.support.rounds import begin, run_here

PLACES: dict[str, tuple[type, str]] = {
    "forward of the first leg": (Supervised, "losses"),
    "average of the first leg": (Supervised, "after_step"),
    "teacher": (MeanTeacher, "pseudo_label"),
    "forward of the second leg": (MeanTeacher, "losses"),
    "backward": (torch.Tensor, "backward"),
    "optimiser": (Descent, "apply"),
    "teacher's update": (MeanTeacher, "after_step"),
}


def _fault(
    monkeypatch: pytest.MonkeyPatch, place: tuple[type, str], error: Exception, at: int = 2, times: int = 1
) -> None:
    """The calls of a method from number ``at`` on raise ``error``, ``times`` times."""
    owner, name = place
    plain: Callable[..., Any] = getattr(owner, name)
    seen = [0]

    def faulty(*arguments: Any, **more: Any) -> Any:
        seen[0] += 1
        if at <= seen[0] < at + times:
            raise error
        return plain(*arguments, **more)

    monkeypatch.setattr(owner, name, faulty)


@pytest.mark.parametrize("place", PLACES)
def test_memory_that_runs_out_anywhere_in_a_step_costs_no_run(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    this = begin(make_study(tmp_path, shape=(16, 16, 31)).study, jobs, tiny(8, 4))
    _fault(monkeypatch, PLACES[place], torch.cuda.OutOfMemoryError("CUDA out of memory."))
    status = run_here(this)
    assert (status.state, status.error) == ("done", None)
    assert len(this.collect()) == 3
    assert all(bool(value.isfinite().all()) for value in Model.load(this.job.weights).weights.values())


def test_memory_that_runs_out_while_a_leg_is_evaluated_costs_no_run(
    tmp_path: Path, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = begin(make_study(tmp_path, shape=(16, 16, 31)).study, jobs, tiny(8, 4))
    _fault(monkeypatch, (Predictor, "probabilities"), MemoryError(), at=1)
    status = run_here(this)
    assert status.state == "done"
    assert len(this.collect()) == 3


@pytest.mark.parametrize("place", ["forward of the second leg", "optimiser"])
def test_a_card_that_fails_is_told_and_the_run_goes_on_when_resumed(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    this = begin(blobs.study, jobs, tiny(8, 4, checkpoint_seconds=0.0))
    lost = RuntimeError("CUDA error: unspecified launch failure")
    with monkeypatch.context() as patch:
        _fault(patch, PLACES[place], lost, at=2 if "second" in place else 12)
        status = run_here(this)
    assert status.state == "failed"
    assert status.error is not None
    assert "graphics card stopped working" in status.error["text"]
    assert "Resume the job" in status.error["remedy"]
    assert Model.load(this.job.weights).method == "supervised"
    assert run_here(this).state == "done"
    assert len(this.collect()) == 3


def test_gradients_that_are_no_numbers_are_undone(
    blobs: BlobStudy, jobs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, seen = torch.Tensor.backward, [0]

    def backward(self: torch.Tensor, *arguments: Any, **more: Any) -> None:
        seen[0] += 1
        plain(self * float("nan") if seen[0] in (2, 7) else self, *arguments, **more)

    monkeypatch.setattr(torch.Tensor, "backward", backward)
    this = begin(blobs.study, jobs, tiny(8, 4))
    status = run_here(this)
    assert (status.state, status.error) == ("done", None)
    assert seen[0] == 10  # eight steps and the two that were undone
    assert all(bool(value.isfinite().all()) for value in Model.load(this.job.weights).weights.values())
