"""Doing runs, one after the other, until the queue is empty or the piece of time is over.

Any number of workers may share a queue, started together or by hand: a run belongs to the process that holds its lock,
and the operating system takes the lock back however that process ends. What a run left behind (weights, optimisers,
generators; the cases measured so far) lies in the work folder, so the next worker goes on where it stopped.
"""

from __future__ import annotations

import dataclasses
import datetime
import logging
import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from SemiSegLogic.engine.hardware.device import Device, DeviceLost, is_device_lost
from SemiSegLogic.engine.hardware.tuning import processor_name
from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.job.locks import FileLock

from ..data.training_set import TrainingSet, benchmark_device, prepare
from ..definitions.datasets import Collection
from ..definitions.protocol import Protocol
from ..definitions.recipe import Recipe, Schedule
from ..definitions.runs import Row, Run, todo
from ..evaluation.evaluation import COLUMNS, Evaluation, Scores
from ..training.training import Done, Training, legs_of, load
from .conditions import ROOT
from .rows import Rows

Tell = Callable[[str], None]


@dataclass
class Worker:
    """``results`` the rows, ``work`` the folder for what is unfinished, ``device`` "auto", "cpu" or "cuda"; ``go_on()``
    says whether time is left.
    """

    protocol: Protocol
    recipe: Recipe
    cases: Collection
    results: Rows
    work: Path
    device: str
    go_on: Callable[[], bool]
    tell: Tell
    save_seconds: float = 20.0
    commit: str = field(default_factory=lambda: commit())

    def work_off(self, wanted: list[Run]) -> list[str]:
        """Do what is to be done; returns what went wrong, in words: a run that fails does not hold up the others.
        Raises what PyTorch raises when the device is lost.
        """
        failures: list[str] = []
        self.work.mkdir(parents=True, exist_ok=True)
        for run in todo(wanted, self.results.read()):
            if not self.go_on():
                break
            lock = FileLock(self.work / f"{run.key}.lock")
            if not lock.try_acquire():
                continue  # another worker has it
            with lock:
                if todo([run], self.results.read()):  # it may have finished it meanwhile
                    failures += self._tried(run)
        return failures

    def _tried(self, run: Run) -> list[str]:
        try:
            self._do(run)
        except Exception as error:  # out of memory too, or a fault of one method
            if isinstance(error, DeviceLost) or is_device_lost(error):
                raise  # every other run of this process would fail as well
            if not isinstance(error, SemiSegError):
                logging.error("%s failed.", run.words(), exc_info=error)
            why = str(error) or type(error).__name__
            self.tell(f"{run.words()} failed: {why}")
            return [f"{run.words()}: {why}"]
        return []

    def _do(self, run: Run) -> None:
        state = self.work / f"{run.key}.pt"
        dims = self.protocol.data.dims
        schedule, legs = self.recipe.schedule(run.method, dims), legs_of(self.recipe, run.method, dims)
        done = load(state, torch.device("cpu"))
        device = self._device(done)
        done = done or Done(half=device.half, channels_last=device.channels_last)
        done.commits += [self.commit] if self.commit not in done.commits[-1:] else []
        self.tell(f"{run.words()}: {_standing(done, sum(leg.steps for leg in legs))}")
        taught = prepare(self.protocol, run.cell, run.seed, schedule, self.cases, device)
        finer = self._finer(run, schedule, device)
        training = Training(taught, self.recipe, legs, run, state, done, self.go_on, self.save_seconds, finer)
        if not training.finish():
            return
        beside = Evaluation(finer, training.members(finer=True), self.recipe) if finer else None
        cases = self._measured(run, Evaluation(taught, training.members(), self.recipe, beside))
        if cases is None:
            return
        row = self._row(run, taught, done, cases)
        self.results.append(row)
        for left_behind in self.work.glob(f"*{run.key}.*"):
            left_behind.unlink()
        self.tell(f"{run.words()}: mean Dice {row['mean_dice']:.4f}")

    def _finer(self, run: Run, schedule: Schedule, device: Device) -> TrainingSet | None:
        share = self.recipe.finer
        return prepare(self.protocol, run.cell, run.seed, schedule, self.cases, device, share) if share else None

    def _device(self, done: Done | None) -> Device:
        """A run keeps its arithmetic: which one is faster is measured, and may come out otherwise another time."""
        if done is None:
            return benchmark_device(self.device, self.recipe.precision)
        again = benchmark_device(self.device, "bfloat16" if done.half else "float32")
        return dataclasses.replace(again, channels_last=done.channels_last)

    def _measured(self, run: Run, evaluation: Evaluation) -> list[Row] | None:
        """The scores of every test case, or None when time is over."""
        kept = self._cases_file(run)
        known = {row["case"]: row for row in kept.read()}
        names = self.protocol.data.test
        for name in names[: self.recipe.test_cases or None]:
            if name in known:
                continue
            if not self.go_on():
                return None
            begun = time.perf_counter()
            scores = evaluation.scores(self.cases.case(name))
            known[name] = {"case": name, "scores": scores, "seconds": time.perf_counter() - begun}
            kept.append(known[name])
        return list(known.values())

    def _cases_file(self, run: Run) -> Rows:
        return Rows(self.work / f"{run.key}.cases.jsonl")

    def _row(self, run: Run, taught: TrainingSet, done: Done, cases: list[Row]) -> Row:
        scores = {case["case"]: case["scores"] for case in cases}
        device, plan = taught.device, taught.plan
        return {
            **vars(run), "when": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%MZ}",
            "commit": " then ".join(done.commits),
            "device": device.name, "torch": torch.__version__,
            "computer": f"{platform.system()} {platform.machine()}, {processor_name()}",
            "data": self.protocol.data.name, "test_cases": len(scores),
            "steps": done.steps, "undone": done.undone, "training_s": round(done.seconds, 1),
            "training_clock": "processor" if device.torch.type == "cpu" else "wall",
            "evaluation_s": round(sum(case["seconds"] for case in cases), 1),
            "plan": {"dims": plan.dims, "patch": plan.patch, "spacing": plan.spacing, "depth_axis": plan.depth_axis,
                     "network": plan.network, "mirror": plan.mirror},
            "values": self.recipe.everything(run.method, self.protocol.data.dims), "mean_dice": mean_dice(scores),
            "columns": COLUMNS, "cases": scores,
        }


def mean_dice(scores: dict[str, Scores]) -> float:
    """Mean over cases and structures, in [0, 1]."""
    numbers = [row[0] for case in scores.values() for row in case.values()]
    return round(sum(number or 0.0 for number in numbers) / len(numbers), 6)


def commit() -> str:
    """The version of the code, with a + when files of it were changed since. Where git cannot tell, as in a copy of the
    code without .git, the environment variable SEMISEG_COMMIT does; "unknown" without that.
    """
    told = os.environ.get("SEMISEG_COMMIT") or "unknown"
    if not (ROOT / ".git").exists():  # git would describe whatever repository the copy lies in
        return told
    try:
        words = ["git", "-C", str(ROOT), "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
        return subprocess.run(words, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return told


def _standing(done: Done, steps: int) -> str:
    so_far = done.steps + (int(done.trainer["progress"]["step"]) if done.trainer else 0)
    return f"goes on at step {so_far} of {steps}" if so_far else f"begins, {steps} steps"
