"""Recipes: what the papers did, by name, against numbers written down from the papers."""

from __future__ import annotations

from typing import Any

import pytest

from SemiSegLogic.engine.nets import NETWORKS
from SemiSegLogic.methods import METHODS, make
from SemiSegLogic.methods.base import Task
from SemiSegLogic.settings import METHOD_SETTINGS, PAPER, RECIPES, SettingsError, published, recipe

ROWS = [(method, dims) for method, by_dims in PAPER.items() for dims in by_dims]


def test_every_method_has_a_paper_recipe_in_some_dimension() -> None:
    assert PAPER.keys() == METHOD_SETTINGS.keys()


@pytest.mark.parametrize(("method", "dims"), ROWS)
def test_the_clinical_recipe_is_the_defaults_and_the_paper_changes_them(method: str, dims: int) -> None:
    assert recipe(method, "clinical", dims) == METHOD_SETTINGS[method]()
    assert recipe(method, "paper", dims) != METHOD_SETTINGS[method]()
    assert RECIPES == ("clinical", "paper")


@pytest.mark.parametrize(("method", "dims", "field", "value"), [
    ("bcp", 3, "pairs", 2),  # a batch of 8: 4 labelled, 4 unlabelled
    ("bcp", 2, "pairs", 6),  # a batch of 24
    ("bcp", 3, "schedule", "steps"),
    ("bcp", 2, "schedule", "constant"),
    ("m3hl", 3, "pretraining", 0.0),
    ("m3hl", 2, "pairs_per_step", 6),
    ("medl", 3, "ramp_pseudo", False),
    ("c3s3", 3, "views", "same"),
    ("cad", 2, "ramp", 0.0),
    ("spcl", 2, "contrasted_first", 30),
    ("spcl", 2, "optimiser", "radam"),
    ("spcl", 2, "learning_rate", 6e-5),  # of the second phase on ACDC, whose epochs these are
    ("ersr", 2, "whole_slice", True),
    ("mn", 3, "batch", 5),
    ("mn", 3, "learning_rate", 1e-4),
    ("mn", 3, "slice_rate", 1e-3),
])
def test_the_paper_recipe_has_the_published_value(method: str, dims: int, field: str, value: Any) -> None:
    assert getattr(recipe(method, "paper", dims), field) == value


@pytest.mark.parametrize(("method", "dims", "phase", "steps"), [
    ("bcp", 3, 0, 2000), ("bcp", 3, 1, 15_000), ("bcp", 2, 0, 10_000), ("bcp", 2, 1, 30_000),
    ("cad", 2, 0, 10_000), ("spcl", 2, 0, 16_000), ("spcl", 2, 1, 12_000), ("ersr", 2, 0, 10_000),
    ("mn", 3, 0, 4000), ("mn", 3, 1, 2 * 28_000), ("m3hl", 3, 0, 15_000), ("medl", 3, 0, 6000), ("c3s3", 3, 0, 2500),
])
def test_phases_have_the_published_number_of_steps(method: str, dims: int, phase: int, steps: int) -> None:
    values: dict[str, Any] = recipe(method, "paper", dims).to_dict()
    if method == "mn":
        values["slice_network"] = "fast"  # its weights are the user's
    task = Task(1, 2, dims, (16, 16, 16) if dims == 3 else (1, 32, 32), "fast", (0.8, 0.2))
    phases = make(method, values, task).phases()
    assert round(phases[phase].share * published(method, dims).steps) == steps


@pytest.mark.parametrize(("method", "dims"), ROWS)
def test_networks_of_the_papers_exist_and_fit_their_patches(method: str, dims: int) -> None:
    row = published(method, dims)
    assert row.network in NETWORKS
    assert (row.patch[0] == 1) is (dims == 2)
    assert row.steps > 0
    assert row.source


def test_what_does_not_exist_is_named_with_what_does() -> None:
    with pytest.raises(SettingsError, match="no method 'nnunet'; there are supervised, mean_teacher"):
        recipe("nnunet", "paper", 3)
    with pytest.raises(SettingsError, match="no recipe 'fast'; there are clinical and paper"):
        recipe("bcp", "fast", 3)
    with pytest.raises(SettingsError, match=r"ersr works in 2D only\. In 3D choose m3hl or bcp"):
        recipe("ersr", "paper", 3)
    with pytest.raises(SettingsError, match=r"mn works in 3D only\. In 2D choose m3hl or bcp"):
        recipe("mn", "clinical", 2)


def test_every_method_that_can_be_made_has_a_recipe() -> None:
    assert METHODS.keys() == PAPER.keys()
