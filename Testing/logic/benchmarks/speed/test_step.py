"""The benchmark of the step, at a size for seconds: both sides learn, and what it counts is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from SemiSegLogic.engine.data.pool import Pool
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.nets import NETWORKS
from SemiSegLogic.methods.base import Task
from Testing.benchmarks.shared.hippocampus import Hippocampus
from Testing.benchmarks.speed import equal_quality
from Testing.benchmarks.speed.plain_recipe import PlainProcess, PlainRecipe, write_compressed
from Testing.benchmarks.speed.steady import pace
from Testing.benchmarks.speed.step import cases_of, compare, our_trainer, table
from Testing.support.engine import CPU
from Testing.support.pretended_gpu import pretended_gpu


def test_both_sides_take_turns_and_the_table_says_how_far_apart_they_are() -> None:
    patch = (8, 16, 16)
    sides = compare(cases_of(None, 4, (12, 20, 22)), patch, CPU, rounds=2)
    assert len(sides.plain) == len(sides.ours) == 2
    assert sides.phases.keys() == {"data", "forward", "backward", "update"}
    assert sum(sides.phases.values()) == pytest.approx(sum(sides.plain) / 2)
    assert sides.work.flops > 1e8
    text = table(sides, CPU, patch)
    assert f"{sides.ratio:.1f} times faster" in text


def _recipe(folder: Path, shape: tuple[int, int, int], steps: int = 30) -> PlainRecipe:
    paths = write_compressed(folder, cases_of(None, 2, shape))
    torch.manual_seed(0)
    return PlainRecipe(NETWORKS["fast"], Task(1, 2, 3, (8, 16, 16), "fast", (0.5, 0.5)), paths, paths, steps)


def test_the_plain_recipe_learns(tmp_path: Path) -> None:
    recipe = _recipe(tmp_path, (8, 16, 16))
    with np.load(recipe.labelled[0]) as file:
        image = torch.from_numpy(file["image"])[None, None]
        label = torch.from_numpy(file["label"]).long()[None]

    def loss() -> float:
        with torch.no_grad():
            return float(F.cross_entropy(recipe.student(image), label))

    before = loss()
    for _ in range(30):
        recipe.step()
    assert loss() < 0.6 * before
    assert recipe.done == 30
    same = zip(recipe.student.parameters(), recipe.teacher.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in same)


@pytest.mark.parametrize("shape", [(8, 16, 16), (5, 9, 12), (11, 23, 30)])
def test_patches_of_the_plain_recipe_have_their_size_whatever_the_volume(
    tmp_path: Path, shape: tuple[int, int, int]
) -> None:
    image, label = _recipe(tmp_path, shape)._batch(_recipe(tmp_path, shape).labelled)
    assert image.shape == (2, 1, 8, 16, 16)
    assert label.shape == (2, 8, 16, 16)
    assert set(label.unique().tolist()) <= {0, 1}


def test_what_fails_in_the_other_process_is_told(tmp_path: Path) -> None:
    task = Task(1, 2, 3, (8, 8, 8), "fast", (0.5, 0.5))
    missing = [tmp_path / "none.npz"]
    plain = PlainProcess(NETWORKS["fast"], task, missing, missing, 10)
    with pytest.raises(RuntimeError, match="FileNotFoundError"):
        plain.steps(1)


def test_the_trainer_of_a_step_cuts_its_patches_at_once_on_a_card() -> None:
    """Its volumes lie together, with their own images: what a study's images do in the product."""
    cases, patch = cases_of(None, 3, (10, 12, 14)), (8, 8, 8)
    with pretended_gpu():
        volumes = our_trainer(cases, patch, Device(torch.device("cuda"), True, 8 << 30)).sampler.volumes
        assert Pool.of(volumes) is not None
    alone = our_trainer(cases, patch, CPU).sampler
    assert alone.pool is None
    for volume, other in zip(volumes, alone.volumes, strict=True):
        assert torch.equal(volume.image, other.image)


def test_pace_and_pages_of_steps_are_counted() -> None:
    found = pace(2, 3, (10, 12, 14), (8, 8, 8))
    assert found.milliseconds > 0
    assert found.pages >= 0


def test_equal_quality_runs_both_sides(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = equal_quality.study_of

    def few(data: Path | None, seed: int, network: str) -> Hippocampus:
        study = whole(data, seed, network)
        study.held = study.held[:1]
        return study

    monkeypatch.setattr(equal_quality, "study_of", few)
    monkeypatch.setattr(equal_quality, "PATCH", (16, 16, 16))
    for side in equal_quality.SIDES:
        row = equal_quality.measure(data_folder, side, 0, 1)
        assert row["side"] == side
        assert len(row["dice"]) == 2  # type: ignore[arg-type]
