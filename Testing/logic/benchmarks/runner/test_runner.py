"""The queue: nothing is done twice, whatever interrupts it, and the numbers are those of an undisturbed run."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data.pool import Pool
from SemiSegLogic.engine.hardware.device import Device, DeviceLost
from SemiSegLogic.engine.planning.patches import budget_of
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods.base import Need
from Testing.benchmarks.runner.command import main
from Testing.benchmarks.runner.data.crops import TurningSampler
from Testing.benchmarks.runner.data.training_set import MEMORY, benchmark_device, prepare, refined
from Testing.benchmarks.runner.definitions.checked import BenchmarkError
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.definitions.protocol import Choice
from Testing.benchmarks.runner.definitions.runs import runs, todo
from Testing.benchmarks.runner.evaluation.evaluation import COLUMNS, Evaluation, windows
from Testing.benchmarks.runner.queue import throughput, worker
from Testing.benchmarks.runner.queue.conditions import Conditions
from Testing.benchmarks.runner.queue.rows import Rows
from Testing.benchmarks.runner.queue.worker import Worker
from Testing.support.made_up_set import CASES, MadeUp
from Testing.support.pretended_gpu import pretended_gpu

ROOT = Path(__file__).resolve().parents[4]
ONE = Choice(("3x2",), ("mean_teacher",), (0,))
STEPS = 3 + 5
Rowlike = dict[str, Any]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def work_off(
    made: MadeUp, results: Path, choice: Choice = ONE, recipe: str = "short", go_on: Callable[[], bool] = lambda: True,
    told: list[str] | None = None, save_seconds: float = 20,
) -> list[Rowlike]:
    """One piece of work; the rows there are then."""
    about, rows = made.protocol(), Rows(results / "blobs.jsonl")
    tell = (lambda words: None) if told is None else told.append
    chosen = about.recipe(recipe)
    one = Worker(about, chosen, Collection(about.data, made.data), rows, results / "work", "cpu", go_on, tell,
                 save_seconds, commit="test")
    failures = one.work_off(runs(about, chosen, choice))
    assert not failures, failures
    return rows.read()


def after(count: int) -> Callable[[], bool]:
    """Says go on ``count`` times."""
    left = iter(range(count))
    return lambda: next(left, None) is not None


def plain(row: Rowlike) -> Rowlike:
    """A row without what may differ between two runs of the same."""
    return {key: value for key, value in row.items() if key not in ("when", "training_s", "evaluation_s")}


def test_a_row_says_all_that_is_needed_to_do_it_again(blobs: MadeUp, tmp_path: Path) -> None:
    (row,) = work_off(blobs, tmp_path)
    about = blobs.protocol()
    assert (row["protocol"], row["cell"], row["method"], row["seed"]) == ("blobs", "3x2", "mean_teacher", 0)
    assert row["split"] == about.split_hash("3x2", 0)
    assert row["settings"] == about.recipe("short").settings_hash("mean_teacher", 3)
    assert (row["steps"], row["commit"], row["training_clock"]) == (STEPS, "test", "processor")
    assert row["values"]["values"]["confidence"] == 0.9
    assert sorted(row["cases"]) == CASES[6:]
    assert list(row["columns"]) == list(COLUMNS)
    dice = [numbers[0] for case in row["cases"].values() for numbers in case.values()]
    assert row["mean_dice"] == pytest.approx(np.mean(dice), abs=1e-6)
    assert not list((tmp_path / "work").glob("*mean_teacher*"))


def test_what_is_done_is_not_done_again(blobs: MadeUp, tmp_path: Path) -> None:
    work_off(blobs, tmp_path)
    told: list[str] = []
    assert len(work_off(blobs, tmp_path, told=told)) == 1
    assert told == []


@pytest.mark.parametrize("change", ["settings", "split"])
def test_a_changed_setting_or_split_is_done_again(blobs: MadeUp, tmp_path: Path, change: str) -> None:
    before = work_off(blobs, tmp_path)
    if change == "split":
        blobs.change_set(test=CASES[6:7])
    else:
        short = blobs.protocol().recipe("short")
        blobs.change(recipes={"short": {
            "settings": "clinical", "why": "", "first_steps": 3, "steps": 5, "methods": short.methods,
            "changes": {"mean_teacher": {"confidence": 0.8}}, "cells": short.cells, "precision": "float32",
        }})
    rows = work_off(blobs, tmp_path)
    assert len(rows) == 2
    assert rows[0] == before[0]
    assert rows[1][change] != before[0][change]


def test_stopped_at_every_step_and_case_it_ends_with_the_same_numbers(blobs: MadeUp, tmp_path: Path) -> None:
    (undisturbed,) = work_off(blobs, tmp_path / "at once")
    told: list[str] = []
    for _ in range(2 * STEPS + 10):
        rows = work_off(blobs, tmp_path / "pieces", go_on=after(2), told=told)
        if rows:
            break
    assert plain(rows[0]) == plain(undisturbed)
    begun = [line for line in told if "begins" in line]
    assert len(begun) == 1
    steps = [int(line.split("step ")[1].split()[0]) for line in told if "goes on" in line]
    assert steps == sorted(steps)
    assert len(set(steps)) >= 3  # stopped in the first mask, and more than once in the method


def test_a_killed_process_costs_no_more_than_the_time_since_its_last_saving(blobs: MadeUp, tmp_path: Path) -> None:
    (undisturbed,) = work_off(blobs, tmp_path / "at once")
    results = tmp_path / "killed"
    words = [sys.executable, "-m", "Testing.benchmarks", "run", "--protocols", str(blobs.protocols), "--protocol",
             "blobs", "--recipe", "short", "--cell", "3x2", "--method", "mean_teacher", "--seeds", "0", "--data",
             str(blobs.data), "--results", str(results), "--work", str(results / "work"), "--device", "cpu",
             "--save-seconds", "0"]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while not list((results / "work").glob("blobs-*.pt")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert process.returncode != 0
    (results / "blobs.jsonl").write_text('{"half a li')  # as if it had died while writing a row
    told: list[str] = []
    (row,) = work_off(blobs, results, told=told)
    assert "goes on at step" in told[0]
    ignored = {"commit"}  # the process names the version it ran with
    assert {k: v for k, v in plain(row).items() if k not in ignored} == {
        k: v for k, v in plain(undisturbed).items() if k not in ignored}


def test_all_methods_of_a_seed_start_from_one_first_mask(blobs: MadeUp, tmp_path: Path) -> None:
    choice = Choice(("3x2",), ("supervised", "mean_teacher"), (0,))
    rows = work_off(blobs, tmp_path, choice)
    (first,) = (tmp_path / "work").glob("first-*.pt")
    first.unlink()
    alone = work_off(blobs, tmp_path / "alone", ONE)
    assert [row["steps"] for row in rows] == [STEPS, STEPS]
    assert plain(rows[1]) == plain(alone[0])


def test_members_are_averaged_with_their_mirror_images(blobs: MadeUp, tmp_path: Path) -> None:
    choice = Choice(("3x2",), ("supervised",), (0,))
    (row,) = work_off(blobs, tmp_path, choice, recipe="pair")
    assert (row["steps"], row["values"]["members"], row["values"]["flips"]) == (8, 2, True)


def test_a_finer_member_sees_smaller_voxels_and_is_averaged_with_the_others(blobs: MadeUp) -> None:
    about, recipe = blobs.protocol(), blobs.protocol().recipe("two sizes")
    cases, device = Collection(about.data, blobs.data), benchmark_device("cpu", "float32")
    schedule = recipe.schedule("supervised", 3)
    coarse, fine = (prepare(about, "3x2", 0, schedule, cases, device, share) for share in (1.0, 0.5))
    assert fine.plan.spacing == pytest.approx([side / 2 for side in coarse.plan.spacing])
    assert fine.plan.patch == tuple(2 * side for side in coarse.plan.patch)
    flat = refined(dataclasses.replace(coarse.plan, dims=2, patch=(1, 8, 8)), 0.5)
    assert (flat.spacing[0], flat.patch) == (coarse.plan.spacing[0], (1, 16, 16)), "slices stay as far apart"

    def always(value: float) -> torch.nn.Module:
        class Answer(torch.nn.Module):
            def forward(self, image: torch.Tensor) -> torch.Tensor:
                share = torch.tensor([1 - value, value / 2, value / 2])[None, :, None, None, None]
                return share.log().expand(-1, -1, *image.shape[2:])

        return Answer()

    beside = Evaluation(fine, [], recipe)
    both = Evaluation(coarse, [], recipe, beside)
    beside.networks, both.networks = [always(0.9)], [always(0.3), always(0.3)]
    case = cases.case("case7")
    volume = coarse.unseen(case)
    shares = both._with_beside(case, volume, both._probabilities(volume))
    assert torch.allclose(shares[0], torch.full_like(shares[0], 0.5), atol=1e-3)


def test_a_run_with_a_finer_member_that_is_stopped_again_and_again_is_the_same_run(
    blobs: MadeUp, tmp_path: Path
) -> None:
    choice = Choice(("3x2",), ("supervised",), (0,))
    (undisturbed,) = work_off(blobs, tmp_path / "at once", choice, recipe="two sizes")
    assert (undisturbed["steps"], undisturbed["values"]["finer"]) == (2 * (3 + 4), 0.5)
    for _ in range(40):
        rows = work_off(blobs, tmp_path / "pieces", choice, recipe="two sizes", go_on=after(2))
        if rows:
            break
    assert plain(rows[0]) == plain(undisturbed)


def test_a_run_that_another_process_holds_is_left_to_it(blobs: MadeUp, tmp_path: Path) -> None:
    about = blobs.protocol()
    (run,) = runs(about, about.recipe("short"), ONE)
    (tmp_path / "work").mkdir()
    holder = subprocess.Popen(
        [sys.executable, "-c", "import sys, time; from pathlib import Path\n"
         "from SemiSegLogic.job.locks import FileLock\n"
         f"assert FileLock(Path({str(tmp_path / 'work' / f'{run.key}.lock')!r})).try_acquire()\n"
         "print('held', flush=True); sys.stdin.read()"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert work_off(blobs, tmp_path) == []
    holder.communicate("")
    assert len(work_off(blobs, tmp_path)) == 1


def test_two_processes_share_a_queue_and_do_nothing_twice(blobs: MadeUp, tmp_path: Path) -> None:
    words = ["run", "--protocols", str(blobs.protocols), "--protocol", "blobs", "--recipe", "short", "--data",
             str(blobs.data), "--results", str(tmp_path), "--work", str(tmp_path / "work"), "--device", "cpu",
             "--method", "supervised", "--jobs", "2"]
    command = [sys.executable, "-m", "Testing.benchmarks", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "4 of 4 runs done." in done.stdout
    rows = Rows(tmp_path / "blobs.jsonl").read()
    assert sorted((row["cell"], row["seed"]) for row in rows) == [("1x1", 0), ("1x1", 1), ("3x2", 0), ("3x2", 1)]


def test_a_damaged_state_is_named_with_the_remedy_and_does_not_hold_up_the_others(
    blobs: MadeUp, tmp_path: Path
) -> None:
    work_off(blobs, tmp_path, go_on=after(2))
    (state,) = (tmp_path / "work").glob("blobs-*.pt")
    state.write_bytes(b"nonsense")
    with pytest.raises(AssertionError, match=r"mean_teacher .*\.pt cannot be read.*Delete it"):
        work_off(blobs, tmp_path, Choice(("3x2",), ("mean_teacher", "supervised"), (0,)))
    assert [row["method"] for row in Rows(tmp_path / "blobs.jsonl").read()] == ["supervised"]


class Once:
    """Raises ``error`` in the place of one function of the worker, the first time only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception):
        self.error: Exception | None = error
        self.honest = worker.prepare
        monkeypatch.setattr(worker, "prepare", self)

    def __call__(self, *arguments: Any) -> Any:
        error, self.error = self.error, None
        if error:
            raise error
        return self.honest(*arguments)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("a fault"), KeyError()])
def test_a_fault_of_one_run_is_told_and_does_not_hold_up_the_others(
    error: Exception, blobs: MadeUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    Once(monkeypatch, error)
    choice = Choice(("3x2",), ("mean_teacher", "supervised"), (0,))
    with pytest.raises(AssertionError, match=f"mean_teacher .*: {str(error) or 'KeyError'}"):
        work_off(blobs, tmp_path, choice)
    assert [row["method"] for row in Rows(tmp_path / "blobs.jsonl").read()] == ["supervised"]
    assert "Traceback" in caplog.text
    assert len(work_off(blobs, tmp_path, choice)) == 2


def test_a_lost_device_ends_the_work(blobs: MadeUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (RuntimeError("CUDA error: an illegal memory access was encountered"), DeviceLost("It failed.")):
        Once(monkeypatch, error)
        with pytest.raises(type(error), match=str(error)):
            work_off(blobs, tmp_path)


def test_a_copy_without_git_is_told_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMISEG_COMMIT", "abc")
    if (ROOT / ".git").exists():
        assert worker.commit() != "abc"
    monkeypatch.setattr(worker, "ROOT", tmp_path)
    assert worker.commit() == "abc"
    monkeypatch.delenv("SEMISEG_COMMIT")
    assert worker.commit() == "unknown"


# --- the parts ------------------------------------------------------------------------------------------------


def test_windows_average_what_overlaps_and_cover_every_voxel() -> None:
    image = torch.rand(1, 1, 5, 9, 7)
    seen: list[tuple[int, ...]] = []

    def run(patch: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(patch.shape[2:]))
        return torch.cat([patch, 1 - patch], 1)

    shares = windows(run, image, (8, 4, 4), (4, 3, 2))
    assert torch.allclose(shares[0], image[0, 0])  # padded along the first axis and cut back
    assert torch.allclose(shares.sum(0), torch.ones(5, 9, 7))
    assert seen == [(8, 4, 4)] * (1 * 3 * 3)  # starts 0, 3, 5 and 0, 2, 3


def test_windows_weigh_every_window_alike() -> None:
    calls = iter((0.0, 1.0))

    def run(patch: torch.Tensor) -> torch.Tensor:
        return torch.full((1, 1, *patch.shape[2:]), next(calls))

    shares = windows(run, torch.zeros(1, 1, 1, 1, 6), (1, 1, 4), (1, 1, 2))
    assert shares[0, 0, 0].tolist() == [0, 0, 0.5, 0.5, 1, 1]


def test_mirroring_is_undone_before_averaging(blobs: MadeUp) -> None:
    """A network that knows left from right answers the mirror image with the mirror image of its answer undone."""
    about = blobs.protocol()
    recipe = about.recipe("pair")
    cases = Collection(about.data, blobs.data)
    study = prepare(about, "3x2", 0, recipe.schedule("supervised", 3), cases, benchmark_device("cpu", "float32"))

    class Ramp(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            ramp = torch.linspace(-1, 1, image.shape[-1]).expand(image.shape)
            return torch.cat([ramp, -ramp, ramp * 0 - 9], 1)

    evaluation = Evaluation(study, [], recipe)
    evaluation.networks = [Ramp()]
    shares = evaluation._probabilities(study.unseen(cases.case("case7")))
    assert torch.allclose(shares[0], shares[1], atol=1e-3)  # both directions cancel


def test_the_papers_patches_are_crops_turned_by_right_angles(blobs: MadeUp) -> None:
    """Every patch is a part of its volume, turned and mirrored in the plane; its label went with it."""
    about = blobs.protocol()
    recipe = about.recipe("pair")
    cases = Collection(about.data, blobs.data)
    study = prepare(about, "all", 0, recipe.schedule("supervised", 3), cases, benchmark_device("cpu", "float32"))
    draws, shape = TurningSampler(study.volumes, study.plan), (6, 8, 8)
    torch.manual_seed(0)
    turned = set()
    for _ in range(20):
        patches, free = draws.draw(Need(2, 1, shape))
        assert (free.label == IGNORE).all()
        for image, label, number in zip(patches.image[:, 0], patches.label, patches.volume, strict=True):
            volume = study.volumes[int(number)]
            places = volume.image[0].float().unfold(0, 6, 1).unfold(1, 8, 1).unfold(2, 8, 1)
            labels = volume.label.all_voxels().long().unfold(0, 6, 1).unfold(1, 8, 1).unfold(2, 8, 1)
            found = [
                (turn, axis) for turn in range(4) for axis in (1, 2)
                if ((places == torch.rot90(image.flip(axis), -turn, (1, 2))).all(-1).all(-1).all(-1)
                    & (labels == torch.rot90(label.flip(axis), -turn, (1, 2))).all(-1).all(-1).all(-1)).any()
            ]
            assert found
            turned.update(found)
    assert len(turned) == 8


def test_a_slow_computer_is_planned_for_as_a_fast_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patch of a row is no smaller where a voxel takes a hundred times longer, nor where memory is short."""
    budgets = {}
    for seconds in (3e-7, 3e-5):
        found = Device(torch.device("cpu"), False, 1 << 24, voxel_seconds=seconds)
        monkeypatch.setattr("Testing.benchmarks.runner.data.training_set.choose", lambda *_, found=found: found)
        budgets[seconds] = budget_of(benchmark_device("cpu", "float32"), "fast", 3)
        assert budget_of(found, "fast", 3) < budgets[seconds]
    assert len(set(budgets.values())) == 1


def test_on_a_card_a_study_lies_together_and_the_papers_patches_make_nobody_wait(blobs: MadeUp) -> None:
    about = blobs.protocol()
    cases, schedule = Collection(about.data, blobs.data), about.recipe("pair").schedule("supervised", 3)
    with pretended_gpu() as gpu:
        study = prepare(about, "all", 0, schedule, cases, Device(torch.device("cuda"), True, MEMORY))
        assert Pool.of(study.volumes) is not None
        draws, need = TurningSampler(study.volumes, study.plan), Need(2, 2, (6, 8, 8))
        draws.draw(need)
        before = len(gpu.waits)
        patches, _ = draws.draw(need)
        assert gpu.waits[before:] == []
        assert patches.position.device.type == patches.volume.device.type == patches.image.device.type == "cuda"


def test_a_volume_smaller_than_the_papers_patch_is_padded_with_background(blobs: MadeUp) -> None:
    about = blobs.protocol()
    study = prepare(about, "all", 0, about.recipe("pair").schedule("supervised", 3), Collection(about.data, blobs.data),
                    benchmark_device("cpu", "float32"))
    patches, _ = TurningSampler(study.volumes, study.plan).draw(Need(1, 0, (20, 20, 20)))
    assert patches.label.unique().tolist() == [0, 1, 2]
    assert (patches.image[0, 0, :2] == 0).all()
    with pytest.raises(BenchmarkError, match="whole slices"):
        TurningSampler(study.volumes, study.plan).draw(Need(1, 0, (1, 8, 8), whole_slice=True))


def test_rows_survive_a_torn_line_and_name_a_damaged_one(tmp_path: Path) -> None:
    rows = Rows(tmp_path / "rows.jsonl")
    rows.append({"n": 1})
    with rows.path.open("a") as file:
        file.write('{"n": 2, "ca')
    assert rows.read() == [{"n": 1}]
    rows.append({"n": 3})
    assert rows.read() == [{"n": 1}, {"n": 3}]
    rows.path.write_text('{"n": 1}\nnonsense\n{"n": 2}\n')
    with pytest.raises(BenchmarkError, match="line 2 is damaged"):
        rows.read()


def test_the_queue_goes_by_method_then_seed_then_cell(blobs: MadeUp) -> None:
    about = blobs.protocol()
    queue = runs(about, about.recipe("short"), Choice())
    order = [(run.method, run.seed, run.cell) for run in queue]
    assert order[:4] == [("supervised", 0, "3x2"), ("supervised", 0, "1x1"), ("supervised", 1, "3x2"),
                         ("supervised", 1, "1x1")]
    assert len(order) == 12
    assert todo(queue, [vars(queue[0]), {"foreign": 1}]) == queue[1:]


@pytest.mark.parametrize(("paces", "wanted"), [
    ({1: 10.0, 2: 12.0, 4: 20.0}, 4), ({1: 10.0, 2: 10.5}, 1), ({1: 10.0}, 1), ({1: 10.0, 2: 19.0, 4: 20.0}, 2),
])
def test_as_many_processes_as_do_clearly_more(paces: dict[int, float], wanted: int) -> None:
    assert throughput.chosen(paces) == wanted


def test_the_number_of_processes_is_measured_once(
    blobs: MadeUp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    about = blobs.protocol()
    (run,) = runs(about, about.recipe("short"), Choice(("3x2",), ("supervised",), (0,)))
    on = Conditions(blobs.data, blobs.protocols, tmp_path, tmp_path, "cpu")
    assert throughput.best_jobs(run, on) == 1
    (paces,) = json.loads((tmp_path / "jobs.json").read_text()).values()
    assert list(paces) == ["1"]
    assert paces["1"] > 0
    monkeypatch.setattr(throughput, "_measured", lambda run, on: pytest.fail("measured again"))
    assert throughput.best_jobs(run, on) == 1


def test_errors_are_one_line_for_people(blobs: MadeUp, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--data", str(blobs.data), "--protocols", str(blobs.protocols)]) == 1
    assert "Name a protocol with --protocol: one of blobs." in capsys.readouterr().err
    assert main(["run", "--data", "nowhere", "--protocol", "blobs", "--protocols", str(blobs.protocols)]) == 1
    assert "semiseg benchmark: nowhere is no folder" in capsys.readouterr().err
