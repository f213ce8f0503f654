"""One run: a protocol's cell, a method by a recipe, a seed; and the queue of those that are still to be done."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from .checked import BenchmarkError, digest
from .protocol import Choice, Protocol
from .recipe import Recipe

Row = dict[str, Any]
"""What came of a run, as it is written down."""


@dataclass(frozen=True)
class Run:
    """``split`` and ``settings`` are hashes: a row counts only while both are the same."""

    protocol: str
    cell: str
    method: str
    recipe: str
    seed: int
    split: str
    settings: str

    @property
    def key(self) -> str:
        """A file name that no other run has."""
        words = f"{self.protocol}-{self.cell}-{self.method}-{self.recipe}-{self.seed}"
        return f"{words.replace('%', 'pct')}-{digest([self.split, self.settings])[:8]}"

    def made(self, row: Row) -> bool:
        """Whether ``row`` is this run's result."""
        return all(row.get(name) == getattr(self, name) for name in self.__dataclass_fields__)

    def words(self) -> str:
        """For a person."""
        return f"{self.protocol} {self.cell} {self.method} ({self.recipe}), seed {self.seed}"


def runs(protocol: Protocol, recipe: Recipe, choice: Choice) -> list[Run]:
    """What ``choice`` asks of ``recipe``, in the order of the methods, then seeds, then cells, as they are named."""
    return list(_runs(protocol, recipe, choice))


def todo(wanted: Iterable[Run], rows: Iterable[Row]) -> list[Run]:
    """The runs without a row."""
    known = {tuple(row.get(name) for name in Run.__dataclass_fields__) for row in rows}
    return [run for run in wanted if tuple(vars(run).values()) not in known]


def latest(run: Run, rows: Iterable[Row]) -> Row | None:
    """The newest row of ``run``."""
    found = [row for row in rows if run.made(row)]
    return found[-1] if found else None


def _runs(protocol: Protocol, recipe: Recipe, choice: Choice) -> Iterator[Run]:
    cells = choice.cells or tuple(recipe.cells) or tuple(protocol.cells)
    methods = choice.methods or tuple(recipe.methods)
    if not methods:
        raise BenchmarkError(f"Recipe {recipe.name} of {protocol.name} names no methods. Name them with --method.")
    for method in methods:
        settings = recipe.settings_hash(method, protocol.data.dims)
        for seed in choice.seeds or tuple(recipe.seeds):
            for cell in cells:
                if method in recipe.cell_methods.get(cell, [method]):
                    split = protocol.split_hash(cell, seed)
                    yield Run(protocol.name, cell, method, recipe.name, seed, split, settings)
