"""The rows of one benchmark on disk: a dataclass a line, appended as they are measured, so that it can be interrupted
and continued.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import torch

from Testing.benchmarks.runner.queue.rows import Rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FOLDER = Path(__file__).resolve().parents[1] / "results"
Row = TypeVar("Row", bound="DataclassInstance")


def asked(words: argparse.ArgumentParser, table: Callable[[], str]) -> argparse.Namespace:
    """The options of a script that measures on one thread; with ``--table`` it shows the ``table`` of what is there
    and ends.
    """
    words.add_argument("--table", action="store_true")
    options = words.parse_args()
    if options.table:
        print(table())
        raise SystemExit
    torch.set_num_threads(1)
    return options


class RowFile(Generic[Row]):
    """The rows of the dataclass ``kind`` in results/<name>.jsonl, or in ``folder``. What was a tuple in a row is a list
    when it is read again.
    """

    def __init__(self, name: str, kind: Callable[..., Row], folder: Path = FOLDER):
        self.kind, self._rows = kind, Rows(folder / f"{name}.jsonl")

    def read(self) -> list[Row]:
        """All rows measured so far, the oldest first."""
        return [self.kind(**line) for line in self._rows.read()]

    def add(self, row: Row) -> None:
        """Keep a row that was just measured, and show it."""
        self._rows.append(asdict(row))
        print(row, flush=True)
