"""Whole jobs on a pretended graphics card: trained, applied, and kept learning while a person draws."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from SemiSegLogic import run
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.course.course import Course
from SemiSegLogic.runner.course.standing import Saved
from Testing.support.blobs import make_study, tiny
from Testing.support.pretended_gpu import PretendedGpu, pretended_gpu
from Testing.support.pretended_gpu.places import tensors_in
from Testing.support.rounds import at_step, begin, kill_at_step, run_here

ON_A_CARD = {"device": "auto", "precision": "auto"}


@pytest.fixture
def gpu() -> Iterator[PretendedGpu]:
    with pretended_gpu() as card:
        yield card


def test_a_contest_and_its_model_on_a_card(tmp_path: Path, gpu: PretendedGpu) -> None:
    study = make_study(tmp_path, slices=5).study
    this = Round.begin(study, tiny(24, **ON_A_CARD), "recommended", jobs=tmp_path / "jobs")
    assert run_here(this).state == "done"
    this.collect()
    assert this.job.status().device == "Pretended card, bfloat16"
    assert {graph.replays > 0 for graph in gpu.graphs} == {True}
    assert all(case.suggestion() is not None for case in study.cases)
    assert this.model is not None
    again = Round.apply(study, this.model, jobs=tmp_path / "jobs")
    assert run_here(again).state == "done"
    assert len(again.collect()) == len(study.cases)


def test_a_killed_training_goes_on_without_the_card(tmp_path: Path) -> None:
    """The graphics card of a laptop may be gone when it wakes up."""
    study = make_study(tmp_path).study
    this = begin(study, tmp_path / "jobs", tiny(**ON_A_CARD))
    with pretended_gpu(), pytest.MonkeyPatch.context() as patch:
        at_step(patch, 8, lambda trainer: this.job.request_stop())
        assert run_here(this).state == "stopped"
    (this.job.root / "stop").unlink()
    assert not torch.cuda.is_available()
    assert run_here(this).state == "done"
    assert this.job.status().device.startswith("CPU")


def test_a_killed_training_goes_on_on_its_card(tmp_path: Path, gpu: PretendedGpu) -> None:
    """What a checkpoint holds beside the method, the models of before among it, stays in host memory."""
    this, kept = begin(make_study(tmp_path).study, tmp_path / "jobs", tiny(checkpoint_seconds=0.0, **ON_A_CARD)), []
    kill_at_step(this, 12)
    with pytest.MonkeyPatch.context() as patch:
        plain = Course.__init__

        def begun(course: Course, place: Any, data: Any, saved: Saved, *more: Any) -> None:
            kept.extend([saved, saved.standing.kept])
            plain(course, place, data, saved, *more)

        patch.setattr(Course, "__init__", begun)
        assert run_here(this).state == "done"
    saved, model = kept
    assert saved.trainer is not None
    everything = [model.weights, saved.trainer["method"], *(one["state"] for one in saved.trainer["optimisers"])]
    assert {value.device.type for value in tensors_in(everything)} == {"cpu"}


def test_learning_while_a_person_draws_on_a_card(
    tmp_path: Path, gpu: PretendedGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study(tmp_path).study
    this = Round.live(study, tiny(**ON_A_CARD), jobs=tmp_path / "jobs", open_case=study.cases[2].id)
    at_step(monkeypatch, 12, lambda trainer: this.job.request_stop())
    assert run.work(this.job)
    assert this.job.status().state == "stopped"
    assert this.collect()
