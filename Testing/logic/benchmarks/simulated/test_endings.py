"""Every ending of a contest, on phantoms and at a tiny size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Task
from SemiSegLogic.runner.model import Model
from SemiSegLogic.sample.phantom import write_phantoms
from SemiSegLogic.settings import recommended
from Testing.benchmarks.simulated import endings as simulated_endings
from Testing.benchmarks.simulated import study as simulated_study
from Testing.support.stand_ins.narrow import narrow


def predicting(seed: int, name: str) -> Model:
    torch.manual_seed(seed)
    method = make(name, {}, Task(1, 2, 3, (8, 16, 16), "fast", (0.5, 0.5)))
    return Model.of(method, name, Plan(3, 0, (1.0, 1.0, 1.0), (8, 16, 16)), (1,), None)


def test_an_average_predicts_with_the_mean_of_what_predicts_in_both() -> None:
    one, two, cpu = predicting(1, "supervised"), predicting(2, "mean_teacher"), torch.device("cpu")
    mine, theirs = (model.build(cpu).predictor().state_dict() for model in (one, two))
    for name, value in simulated_endings.averaged(one, two, cpu).predictor().state_dict().items():
        assert torch.equal(value, (mine[name] + theirs[name]) / 2 if value.is_floating_point() else mine[name]), name


def test_a_study_is_trained_to_each_of_its_endings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_study, "MEASURED_ON", 2)
    monkeypatch.setattr(simulated_endings, "STEPS", 16)
    monkeypatch.setattr(recommended, "CONTEST_STEPS", 2)
    narrow(monkeypatch)
    endings = simulated_endings.Endings(write_phantoms(tmp_path, 24), 0, 3)
    found = endings.row()
    assert tuple(found) == simulated_endings.COLUMNS
    assert all(0 <= value <= 1 for value in found.values())
    row = {"number": 0, "seed": 3, "slices": endings.study.drawn.slices, "structures": "posterior", "dice": found}
    assert f"| 0 | 3 | 4 4 1 4 | posterior | {found['supervised']:.3f} |" in simulated_endings.table([row])
