"""How many processes side by side get most done on one device: measured on the real data, kept per computer.

A large card is idle most of the time under one small network; a processor is not. So the throughput of 1, 2, 4, ...
processes that train the same run is measured for some seconds each, until more of them do no more.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import torch

from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.files import read_json, write_json
from SemiSegLogic.methods import make

from ..data.training_set import benchmark_device, prepare, seeded
from ..definitions.checked import BenchmarkError
from ..definitions.datasets import Collection
from ..definitions.protocol import protocol
from ..definitions.runs import Run
from ..training.training import sampler
from .conditions import ROOT, Conditions

SECONDS, WARM_UP = 6.0, 4
WORTH_IT = 1.1  # more processes must do so many times as much
MODULE = "Testing.benchmarks.runner.queue.throughput"


def best_jobs(run: Run, on: Conditions) -> int:
    """The number of processes, from a file in the work folder or measured now."""
    known, device = on.work / "jobs.json", benchmark_device(on.device, "float32")
    name = f"{device.name}, {run.protocol}, {run.recipe}, {run.method}, {on.threads} threads"
    found = read_json(known) if known.exists() else {}
    if name not in found:
        on.work.mkdir(parents=True, exist_ok=True)
        found[name] = _measured(run, on)
        write_json(known, found)
    paces = {int(count): pace for count, pace in found[name].items()}
    return chosen(paces)


def chosen(paces: dict[int, float]) -> int:
    """Of steps per second by number of processes, the smallest number that is worth it."""
    best = min(paces)
    for count in sorted(paces):
        if paces[count] > WORTH_IT * paces[best]:
            best = count
    return best


def _measured(run: Run, on: Conditions) -> dict[int, float]:
    most = max(1, (os.cpu_count() or 1) // on.threads)
    paces: dict[int, float] = {}
    count = 1
    while count <= most:
        pace = _steps_per_second(run, on, count)
        if pace is None:
            break  # so many do not fit into the device's memory
        paces[count] = pace
        print(f"{count} processes: {pace:.2f} steps per second together", file=sys.stderr, flush=True)
        if count > 1 and pace < WORTH_IT * paces[count // 2]:
            break
        count *= 2
    if not paces:
        raise BenchmarkError(f"{run.words()} did not train for a moment. Try --jobs 1 to see why.")
    return paces


def _steps_per_second(run: Run, on: Conditions, count: int) -> float | None:
    words = [sys.executable, "-m", MODULE, run.protocol, run.recipe, run.cell, run.method, str(run.seed),
             str(on.data.resolve()), on.device, str(on.threads), str(on.protocols.resolve())]
    workers = [
        subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    try:
        ready = [_line(worker) == "ready" for worker in workers]
        for worker in workers if all(ready) else []:
            print("go", file=worker.stdin, flush=True)
        paces = [_line(worker) for worker in workers] if all(ready) else []
        return sum(map(float, paces)) if paces and all(paces) else None
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def _line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def _train(options: argparse.Namespace) -> None:
    """In the child: prepare, warm up, wait for the word, train for some seconds, tell the steps per second."""
    torch.set_num_threads(options.threads)
    about = protocol(options.protocol, options.protocols)
    schedule = about.recipe(options.recipe).schedule(options.method, about.data.dims)
    recipe = about.recipe(options.recipe)
    device, turns = benchmark_device(options.device, recipe.precision), recipe.augmentation == "turns"
    taught = prepare(about, options.cell, options.seed, schedule, Collection(about.data, options.data), device)
    seeded(options.seed, 0, 0)
    method = make(options.method, schedule.values, taught.task()).to(device.torch)
    trainer = Trainer(method, sampler(taught, turns), device, Budget(0, 10**6))
    trainer.fit(lambda progress, share: progress.step < WARM_UP)
    print("ready", flush=True)
    sys.stdin.readline()
    begun, before = time.perf_counter(), trainer.progress.step
    trainer.fit(lambda progress, share: time.perf_counter() - begun < SECONDS)
    if device.torch.type == "cuda":
        torch.cuda.synchronize()
    print((trainer.progress.step - before) / (time.perf_counter() - begun), flush=True)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    for word in ("protocol", "recipe", "cell", "method"):
        asked.add_argument(word)
    asked.add_argument("seed", type=int)
    asked.add_argument("data", type=Path)
    asked.add_argument("device")
    asked.add_argument("threads", type=int)
    asked.add_argument("protocols", type=Path)
    _train(asked.parse_args())
