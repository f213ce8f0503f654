"""A piece of a queue's work: in this process, or in several side by side on one device."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import torch

from .datasets import Collection
from .protocol import Protocol
from .recipe import Recipe
from .rows import Rows
from .runs import Run
from .worker import Worker, work_folder


def work_off(
    about: Protocol, recipe: Recipe, wanted: list[Run], options: argparse.Namespace, results: Rows,
    go_on: Callable[[], bool],
) -> int:
    """Do ``wanted`` until ``go_on()`` says stop; returns how many runs are left."""
    torch.set_num_threads(options.threads)
    cases = Collection(about.data, options.data)
    cases.check([*about.data.train, *about.data.test])
    work = options.work or work_folder()
    worker = Worker(about, recipe, cases, results, work, options.device, go_on, _tell)
    return worker.work_off(wanted)


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
