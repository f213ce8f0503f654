"""What trials have in common that train for a number of steps and look at cases of no test list."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import numpy as np
import torch
from numpy.typing import NDArray

from SemiSegLogic.engine.data.carrying import Carrying
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.report import dice
from Testing.benchmarks.runner.data.training_set import TrainingSet, benchmark_device, prepare, seeded
from Testing.benchmarks.runner.definitions.datasets import CaseData, Collection
from Testing.benchmarks.runner.definitions.protocol import Protocol, protocol
from Testing.benchmarks.runner.definitions.recipe import Recipe
from Testing.benchmarks.runner.training.training import sampler
from Testing.benchmarks.shared.row_files import Row, RowFile


@dataclass(frozen=True)
class Comparison(Generic[Row]):
    """Ways of learning side by side on the same trials and seeds. ``protocols``: trial -> protocol of its data;
    ``ways(trial)`` of which each ``run(trial, way, seed, cases)`` gives a row, ``way_of(row)`` is its own; ``table`` of
    all rows.
    """

    file: RowFile[Row]
    protocols: Mapping[str, str]
    ways: Callable[[str], Iterable[Any]]
    way_of: Callable[[Row], Any]
    run: Callable[[str, Any, int, Collection], Row]
    table: Callable[[list[Row]], str]

    def command(self, description: str | None) -> None:
        """What a command line asks for: the table, or the rows that are not there yet."""
        chosen = options(description, self.protocols)
        if chosen.table:
            print(self.table(self.file.read()))
            return
        kinds = {name: (about, Collection) for name, about in self.protocols.items()}
        for name, seed, cases in selected(chosen, kinds):
            for way in self.ways(name):
                if (name, way, seed) not in map(self._key, self.file.read()):
                    self.file.add(self.run(name, way, seed, cases))

    def _key(self, row: Any) -> tuple[str, Any, int]:
        return row.trial, self.way_of(row), row.seed


def trained(
    about: Protocol, cell: str, method: str, recipe: Recipe, seed: int, cases: Collection
) -> tuple[TrainingSet, Trainer]:
    """``method`` after the recipe's steps on ``cell``, from scratch, on the CPU."""
    schedule = recipe.schedule(method, about.data.dims)
    taught = prepare(about, cell, seed, schedule, cases, benchmark_device("cpu", "auto"))
    seeded(seed, 0, 1)
    learner = make(method, schedule.values, taught.task())
    trainer = Trainer(learner, sampler(taught, False), taught.device, Budget(0, schedule.steps), time.process_time)
    carrying = Carrying(taught.volumes, recipe.carried)
    carrying.at(0.0)
    trainer.fit(carrying.then(lambda progress, share: True))
    return taught, trainer


def unseen(about: Protocol, taught: TrainingSet) -> list[str]:
    """Cases to measure on: never of the test list."""
    return about.data.validation or [name for name in reversed(about.data.train) if name not in taught.drawn]


def selected(
    chosen: argparse.Namespace, trials: Mapping[str, tuple[str, type[Collection]]]
) -> Iterator[tuple[str, int, Collection]]:
    """(name, seed, cases), seed by seed, of the trials that a command line chose; ``trials``: name -> protocol, kind of
    cases.
    """
    read: dict[tuple[str, type[Collection]], Collection] = {}
    for seed in range(chosen.seeds):
        for name, (about, kind) in trials.items():
            if name.startswith(tuple(chosen.only)):
                if (about, kind) not in read:
                    read[about, kind] = kind(protocol(about).data, chosen.data)
                yield name, seed, read[about, kind]


def mean_dice(label: NDArray[np.uint8], case: CaseData, values: Iterable[int]) -> float:
    """Over the structures with these ``values``; ``label`` (k, j, i) what was found."""
    return float(np.mean([dice(label == value, case.label == value) for value in values]))


def options(description: str | None, names: Iterable[str]) -> argparse.Namespace:
    """``data``, ``seeds``, ``only`` (how the names of trials begin) and ``table`` of a command line."""
    words = argparse.ArgumentParser(description=description)
    words.add_argument("--data", type=Path)
    words.add_argument("--seeds", type=int, default=1)
    words.add_argument("--only", nargs="*", default=list(names), help="names of trials, or how they begin")
    words.add_argument("--table", action="store_true")
    torch.set_num_threads(1)
    return words.parse_args()
