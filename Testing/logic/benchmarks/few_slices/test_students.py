"""Students: what they are shown by hand, which legs a recipe has, and that an interrupted run is the same run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods import make
from Testing.benchmarks.few_slices import students as benchmark
from Testing.benchmarks.few_slices.students import Row, run, table
from Testing.benchmarks.runner.data.training_set import benchmark_device, prepare
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.definitions.protocol import Choice
from Testing.benchmarks.runner.definitions.recipe import Recipe
from Testing.benchmarks.runner.training.students import known, teach
from Testing.benchmarks.runner.training.training import legs_of
from Testing.logic.benchmarks.runner.test_runner import after, plain, work_off
from Testing.support.made_up_set import MadeUp

TAUGHT = Choice(("3x2",), ("supervised",), (0,))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def test_what_is_unsure_is_unknown_and_of_a_structure_the_largest_piece_is_taught() -> None:
    there = np.array([[[0.9, 0.95, 0.7, 0.1, 0.0, 0.85]]], np.float32)
    shares = np.stack([1 - there, there])
    assert known(shares, one_piece=False).tolist() == [[[1, 1, IGNORE, 0, 0, 1]]]
    assert known(shares, one_piece=True).tolist() == [[[1, 1, IGNORE, 0, 0, IGNORE]]]


def test_a_recipe_has_its_members_its_partner_and_their_students() -> None:
    recipe = Recipe("trial", "clinical", "", 40, 10, carried=0.5, members=2, partner="c3s3", students=2,
                    student_steps=30)
    legs = legs_of(recipe, "mean_teacher", 3)
    told = [(leg.member, leg.method, leg.steps, leg.first, leg.student) for leg in legs]
    assert told == [
        (0, "supervised", 10, True, False), (0, "mean_teacher", 40, False, False),
        (1, "supervised", 10, True, False), (1, "mean_teacher", 40, False, False),
        (2, "supervised", 10, True, False), (2, "c3s3", 40, False, False),
        (3, "supervised", 30, False, True), (4, "supervised", 30, False, True)]  # fmt: skip
    assert [leg.carried for leg in legs] == pytest.approx([1, 15 / 40] * 3 + [0, 0])


def test_partner_and_students_count_and_a_recipe_without_them_has_the_hash_that_it_had() -> None:
    plain = Recipe("trial", "clinical", "", 40)
    assert "beside" not in plain.everything("mean_teacher", 3)
    others = [Recipe("trial", "clinical", "", 40, partner="c3s3"), Recipe("trial", "clinical", "", 40, students=1),
              Recipe("trial", "clinical", "", 40, students=1, consensus=0.6),
              Recipe("trial", "clinical", "", 40, partner="c3s3", changes={"c3s3": {"batch": 4}})]  # fmt: skip
    hashes = {recipe.settings_hash("mean_teacher", 3) for recipe in [plain, *others]}
    assert len(hashes) == 5


def test_only_volumes_that_nobody_drew_in_are_taught(blobs: MadeUp) -> None:
    about = blobs.protocol()
    recipe = about.recipe("taught")
    cases = Collection(about.data, blobs.data)
    study = prepare(about, "3x2", 0, recipe.schedule("supervised", 3), cases, benchmark_device("cpu", "float32"))
    before = {volume.name: (volume.judged, volume.slices) for volume in study.volumes}
    teacher = make("supervised", recipe.schedule("supervised", 3).values, study.task())
    for weight in (0.0, 0.5):
        teach(study, [teacher], weight, one_piece=True)
        for volume in study.volumes:
            if volume.name in study.drawn:
                assert (volume.judged, volume.slices) == before[volume.name]
            else:
                assert len(volume.slices) == volume.grid.shape[0]


def test_a_run_with_students_that_is_stopped_again_and_again_is_the_same_run(blobs: MadeUp, tmp_path: Path) -> None:
    (undisturbed,) = work_off(blobs, tmp_path / "at once", TAUGHT, recipe="taught")
    assert undisturbed["steps"] == 4 + 4 + 3 + 3
    told: list[str] = []
    for _ in range(40):
        rows = work_off(blobs, tmp_path / "pieces", TAUGHT, recipe="taught", go_on=after(2), told=told)
        if rows:
            break
    assert plain(rows[0]) == plain(undisturbed)
    steps = [int(line.split("step ")[1].split()[0]) for line in told if "goes on" in line]
    assert max(steps) > 11  # stopped within the last student, too


@pytest.mark.parametrize("way", benchmark.WAYS)
def test_every_way_gives_a_row(way: str, blobs: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
    about = blobs.protocol()
    monkeypatch.setattr(benchmark, "protocol", lambda name: about)
    monkeypatch.setattr(benchmark, "STEPS", 3)
    monkeypatch.setitem(benchmark.TRIALS, "blobs", ("blobs", "3x2"))
    monkeypatch.setitem(benchmark.ORGANS, "blobs", ("blobs", 1))
    row = run("blobs", way, 0, Collection(about.data, blobs.data))
    assert (row.trial, row.way, row.seed) == ("blobs", way, 0)
    assert 0 <= row.worst <= row.dice <= 1
    assert row.seconds > 0


def test_the_table_shows_every_seed() -> None:
    name = next(iter(benchmark.TRIALS))
    rows = [Row(name, "student", 1, 0.8, 0.6, 100), Row(name, "student", 0, 0.7, 0.5, 120),
            Row(name, "supervised", 0, 0.65, 0.4, 70)]  # fmt: skip
    assert table(rows).splitlines()[2:] == [
        f"| {name} | 0.650 (0.400; 70 s) |  | 0.700, 0.800 (0.550; 110 s) |  |"]
