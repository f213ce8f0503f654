"""A queue's work in this process, or in several side by side on one device."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import torch

from ..definitions.checked import BenchmarkError
from ..definitions.datasets import Collection
from ..definitions.protocol import Choice, Protocol
from ..definitions.recipe import Recipe
from ..definitions.runs import Run, runs, todo
from .conditions import ROOT, Conditions
from .rows import rows_of
from .throughput import best_jobs
from .worker import Worker


def work_off(
    about: Protocol, recipe: Recipe, choice: Choice, on: Conditions, jobs: str, go_on: Callable[[], bool]
) -> int:
    """Do what ``choice`` asks of ``recipe`` until ``go_on()`` says stop, in so many ``jobs`` side by side (or "auto");
    returns how many runs are left. Raises BenchmarkError.
    """
    torch.set_num_threads(on.threads)
    cases, results, wanted = Collection(about.data, on.data), rows_of(on.results, about), runs(about, recipe, choice)
    cases.check([*about.data.train, *about.data.test])
    left = todo(wanted, results.read())
    count = min(_count(jobs, left[0], on), len(left)) if left else 1
    others = [subprocess.Popen(_words(about, recipe, choice, on), cwd=ROOT) for _ in range(count - 1)]
    try:
        worker = Worker(about, recipe, cases, results, on.work, on.device, go_on, _tell, on.save_seconds)
        failures = worker.work_off(wanted)
    finally:
        codes = _ended(others, go_on)
    if failures or any(codes):
        raise BenchmarkError("Not every run could be done; the messages stand above. Remedy what they name and give "
                             "the command again: what is done stays done.")
    return len(todo(wanted, results.read()))


def _count(jobs: str, first: Run, on: Conditions) -> int:
    """Of processes, of which each begins with a run like ``first``."""
    if jobs == "auto":
        return best_jobs(first, on)
    if not jobs.isdigit() or int(jobs) < 1:
        raise BenchmarkError(f"--jobs is '{jobs}'; it takes a number from 1, or auto.")
    return int(jobs)


def _words(about: Protocol, recipe: Recipe, choice: Choice, on: Conditions) -> list[str]:
    """The command of a helper: the same queue, alone."""
    words = [sys.executable, "-m", "Testing.benchmarks", "run", "--protocol", about.name, "--recipe", recipe.name,
             "--data", str(on.data.resolve()), "--protocols", str(on.protocols.resolve()),
             "--results", str(on.results.resolve()), "--work", str(on.work.resolve()), "--device", on.device,
             "--threads", str(on.threads), "--minutes", str(on.minutes), "--save-seconds", str(on.save_seconds)]
    for name, chosen in (("--cell", choice.cells), ("--method", choice.methods), ("--seeds", choice.seeds)):
        words += [name, *map(str, chosen)] if chosen else []
    return words


def _ended(others: list[subprocess.Popen[bytes]], go_on: Callable[[], bool]) -> list[int]:
    """The exit codes. When somebody asked to stop, the helpers are asked too: they save and end."""
    if not go_on():
        for process in others:
            process.terminate()
    return [process.wait() for process in others]


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
