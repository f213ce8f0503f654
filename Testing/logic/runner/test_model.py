"""Models as they are kept: what predicts, and nothing that was for training alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.methods import METHODS, Method, make
from SemiSegLogic.methods.base import Task
from SemiSegLogic.runner.model import OF_ALL_NETWORKS, Model
from Testing.support.data.segformer import save_tiny_segformer

PATCH = (8, 16, 16)
TASK = Task(1, 3, 3, PATCH, "fast", (0.9, 0.07, 0.03))
PLAN = Plan(3, 0, (1.0, 1.0, 1.0), PATCH)
HOST = torch.device("cpu")


def trained(name: str, settings: dict[str, object]) -> Method:
    torch.manual_seed(1)
    task = replace(TASK, dims=2, patch=(1, 16, 16)) if name == "ersr" else TASK
    return make(name, settings, task).eval()


def answer(network: torch.nn.Module) -> torch.Tensor:
    image = torch.rand(1, 1, 8, 32, 32, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        return network(image)


@pytest.mark.parametrize("name", METHODS)
def test_a_model_holds_the_network_that_predicts_and_no_other(name: str, tmp_path: Path) -> None:
    method = trained(name, {"slice_network": "unet"} if name == "mn" else {})
    Model.of(method, name, PLAN, (1, 2), 0.5).save(tmp_path / "model.pt")
    kept = Model.load(tmp_path / "model.pt")
    assert set(kept.weights) == set(method.predictor().state_dict())
    assert torch.equal(answer(kept.predictor(HOST)), answer(method.predictor()))


@pytest.mark.parametrize("name", ["mean_teacher", "medl", "mn"])
def test_models_of_before_that_hold_every_network_predict_as_they_did(name: str, tmp_path: Path) -> None:
    method = trained(name, {"slice_network": "unet"} if name == "mn" else {})
    state = Model.of(method, name, PLAN, (1, 2), 0.5).to_state()
    checkpoint.save(tmp_path / "model.pt", {**state, "format": OF_ALL_NETWORKS, "weights": checkpoint.snapshot(method)})
    assert torch.equal(answer(Model.load(tmp_path / "model.pt").predictor(HOST)), answer(method.predictor()))


def test_a_model_predicts_on_a_computer_without_the_weights_that_its_training_began_with(tmp_path: Path) -> None:
    weights = save_tiny_segformer(tmp_path / "weights")
    method = trained("mn", {"slice_network": "segformer", "weights": weights, "rank": 4, "alpha": 4.0})
    Model.of(method, "mn", PLAN, (1, 2), 0.5).save(tmp_path / "model.pt")
    shutil.rmtree(weights)
    assert torch.equal(answer(Model.load(tmp_path / "model.pt").predictor(HOST)), answer(method.predictor()))


def test_a_model_knows_the_label_values_of_its_classes_and_predicts_whatever_its_settings_name(tmp_path: Path) -> None:
    method = trained("ersr", {"elliptical": "2"})  # as the second class was named before values were meant
    model = Model.of(method, "ersr", PLAN, (1, 3), 0.5)
    assert "values" not in model.to_state()["task"]  # earlier versions read it as well
    model.save(tmp_path / "model.pt")
    kept = Model.load(tmp_path / "model.pt")
    assert kept.task.values == (1, 3)
    assert torch.equal(answer(kept.predictor(HOST)), answer(method.predictor()))
