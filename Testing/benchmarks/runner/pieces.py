"""A piece of a queue's work: in this process, or in several side by side on one device."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from .checked import BenchmarkError
from .datasets import Collection
from .pace import ROOT, best_jobs
from .protocol import Protocol
from .recipe import Recipe
from .rows import Rows
from .runs import Run, todo
from .worker import Worker, work_folder


def work_off(
    about: Protocol, recipe: Recipe, wanted: list[Run], options: argparse.Namespace, results: Rows,
    go_on: Callable[[], bool],
) -> int:
    """Do ``wanted`` until ``go_on()`` says stop; returns how many runs are left. Raises BenchmarkError."""
    torch.set_num_threads(options.threads)
    cases = Collection(about.data, options.data)
    cases.check([*about.data.train, *about.data.test])
    work = options.work or work_folder()
    left = todo(wanted, results.read())
    jobs = _jobs(options, left, work) if left else 1
    others = [subprocess.Popen(_words(about, recipe, options), cwd=ROOT) for _ in range(min(jobs, len(left)) - 1)]
    try:
        worker = Worker(about, recipe, cases, results, work, options.device, go_on, _tell, options.save_seconds)
        failures = worker.work_off(wanted)
    finally:
        codes = _ended(others, go_on)
    if failures or any(codes):
        raise BenchmarkError("Not every run could be done; the messages stand above. Remedy what they name and give "
                             "the command again: what is done stays done.")
    return len(todo(wanted, results.read()))


def _jobs(options: argparse.Namespace, left: list[Run], work: Path) -> int:
    if options.jobs == "auto":
        return best_jobs(left[0], options, work)
    if not options.jobs.isdigit() or int(options.jobs) < 1:
        raise BenchmarkError(f"--jobs is '{options.jobs}'; it takes a number from 1, or auto.")
    return int(options.jobs)


def _words(about: Protocol, recipe: Recipe, options: argparse.Namespace) -> list[str]:
    """The command of a helper: the same queue, alone."""
    words = [sys.executable, "-m", "Testing.benchmarks", "run", "--protocol", about.name, "--recipe", recipe.name,
             "--data", str(options.data.resolve()), "--device", options.device, "--threads", str(options.threads),
             "--results", str(options.results.resolve()), "--minutes", str(options.minutes),
             "--protocols", str(options.protocols.resolve()), "--save-seconds", str(options.save_seconds)]
    words += ["--work", str(options.work.resolve())] if options.work else []
    for name, chosen in (("--cell", options.cell), ("--method", options.method), ("--seeds", options.seeds)):
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
