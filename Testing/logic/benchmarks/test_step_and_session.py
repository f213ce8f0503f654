"""The benchmarks of the step, at a size for seconds: they run whole, count right, and go on where they were stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.nets import NETWORKS
from SemiSegLogic.methods.base import Task
from Testing.benchmarks import equal_quality, gpu_pieces, gpu_session
from Testing.benchmarks.cold_start import stages
from Testing.benchmarks.floor import Amount, Speeds, amount_of, measure_device
from Testing.benchmarks.hippocampus import Hippocampus
from Testing.benchmarks.plain_recipe import PlainProcess, PlainRecipe, write_compressed
from Testing.benchmarks.steady import pace
from Testing.benchmarks.step import cases_of, compare, table
from Testing.support.engine import CPU
from Testing.support.pretended_gpu import pretended_gpu

TINY = replace(gpu_pieces.SMALL, patch=(8, 8, 8), slice=(1, 16, 16), recipe_3d=6, timed=1, phantom=(10, 12, 14),
               scan=(8, 16, 16))
HOST = torch.device("cpu")


def test_arithmetic_and_bytes_of_a_convolution_by_hand() -> None:
    image, kernel = torch.ones(1, 2, 4, 4, 4), torch.ones(3, 2, 1, 1, 1)
    amount = amount_of(lambda: F.relu(F.conv3d(image, kernel)))
    assert amount.flops == 2 * 64 * 2 * 3
    assert amount.bytes == 4 * (2 * 64 + 6 + 3 * 64)
    assert amount.traffic == amount.bytes + 4 * 2 * 3 * 64


def test_the_floor_is_the_longer_of_arithmetic_and_memory() -> None:
    device = Speeds({"float32": 100.0}, 10.0)
    assert Amount(400, 20, 0).floor(device, "float32") == 4.0
    assert Amount(400, 20, 0).bound(device, "float32") == "arithmetic"
    assert Amount(100, 20, 0).floor(device, "float32") == 2.0
    assert Amount(100, 20, 0).bound(device, "float32") == "memory"


def test_a_device_is_measured() -> None:
    can = measure_device(HOST, 64)
    assert can.flops.keys() == {"float32", "bfloat16"}
    assert all(value > 1e6 for value in (*can.flops.values(), can.bytes))


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


def test_the_whole_session_at_a_small_size(tmp_path: Path) -> None:
    session = gpu_session.Session(CPU, TINY, None, tmp_path / "out", float("inf"))
    assert gpu_session.run(session)
    page = (tmp_path / "out" / "session.md").read_text()
    assert "still to do" not in page
    assert "phantoms instead" in page
    for figure in ("recorded, ms", "times the floor", "recipe of 30000 steps, s", "warm, s", "together, s", "Dice"):
        assert f"| {figure} |" in page
    assert "convolution" in (tmp_path / "out" / "profile.txt").read_text()


def test_a_later_call_does_only_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    broken = {"yes": True}

    def piece(name: str) -> object:
        def work(session: object) -> dict[str, object] | None:
            done.append(name)
            return None if name == "b" and broken.pop("yes", False) else {"figure": name}
        return work

    monkeypatch.setattr(gpu_session, "PIECES", {name: piece(name) for name in "abc"})
    late = gpu_session.Session(CPU, TINY, None, tmp_path, 0.0)
    assert not gpu_session.run(late)
    assert done == []
    session = replace(late, until=float("inf"))
    assert not gpu_session.run(session)
    assert gpu_session.run(session)
    assert done == ["a", "b", "c", "b"]


def test_the_recipe_goes_on_from_its_last_state(tmp_path: Path) -> None:
    calls = iter([1.0, 1.0, -1.0])
    state = tmp_path / "state"
    assert gpu_pieces.atrium(CPU, TINY, None, state, lambda: next(calls)) is None
    figures = gpu_pieces.atrium(CPU, TINY, None, state, lambda: 1.0)
    assert figures is not None
    assert figures["steps"] == TINY.recipe_3d
    straight = gpu_pieces.atrium(CPU, TINY, None, tmp_path / "other", lambda: 1.0)
    assert straight is not None
    assert straight["Dice"] == figures["Dice"]
    assert figures["training, s"] > 0


def test_the_long_pieces_run_on_a_pretended_card(tmp_path: Path) -> None:
    with pretended_gpu():
        card = Device(torch.device("cuda"), half=True, memory=8 << 30)
        figures = gpu_pieces.atrium(card, TINY, None, tmp_path / "state", lambda: 1.0)
        assert figures is not None
        assert figures["steps were recorded"]
        assert gpu_pieces.prediction(card, TINY)["volume"] == "x".join(map(str, TINY.scan))


def test_stages_of_a_cold_start_come_from_the_log() -> None:
    log = "2026-01-02 03:04:05,500 Reading the volumes.\n2026-01-02 03:04:06,000 Training: first mask.\n"
    begun = 1767323045.0 + _offset()
    parts = stages(log, begun, 1.25)
    assert parts == pytest.approx({"imports and device": 0.5, "volumes and plan": 0.5, "first step": 0.25})
    with pytest.raises(ValueError, match="does not say 'Training"):
        stages(log.splitlines()[0], begun, 1.0)


def _offset() -> float:
    """Seconds that local time is behind the world's on that day: logs are in local time."""
    from datetime import datetime

    return datetime(2026, 1, 2, 3, 4, 5).timestamp() - 1767323045.0


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
