"""Whole jobs on a pretended graphics card: trained, applied, and kept learning while a person draws."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from SemiSegLogic import run
from SemiSegLogic.rounds import Round
from Testing.support.blobs import make_study, tiny
from Testing.support.pretended_gpu import PretendedGpu, pretended_gpu
from Testing.support.rounds import at_step, begin, run_here

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


def test_learning_while_a_person_draws_on_a_card(
    tmp_path: Path, gpu: PretendedGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("SemiSegLogic.backends.processes.yield_to_others", lambda: None)
    study = make_study(tmp_path).study
    this = Round.live(study, tiny(**ON_A_CARD), jobs=tmp_path / "jobs", open_case=study.cases[2].id)
    at_step(monkeypatch, 12, lambda trainer: this.job.request_stop())
    assert run.work(this.job)
    assert this.job.status().state == "stopped"
    assert this.collect()
