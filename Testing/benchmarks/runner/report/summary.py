"""The rows of a recipe as arrays by method and cell: what tables and plots are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..definitions.protocol import Choice, Protocol
from ..definitions.recipe import Recipe
from ..definitions.runs import Row, latest, runs
from .statistics import Difference, Mean, Table, mean_of, paired


@dataclass(frozen=True)
class Summary:
    """``rows`` (method, cell) -> seed -> the newest row with today's settings and split; ``wanted`` how many runs there
    are in all, ``others`` how many further rows the file holds.
    """

    protocol: Protocol
    recipe: Recipe
    rows: dict[tuple[str, str], dict[int, Row]]
    wanted: int
    others: int

    @property
    def methods(self) -> list[str]:
        """Those of the recipe, in its order."""
        return self.recipe.methods

    @property
    def cells(self) -> list[str]:
        """Those of the recipe, in its order."""
        return self.recipe.cells or list(self.protocol.cells)

    @property
    def done(self) -> int:
        """How many runs there are rows of."""
        return sum(len(seeds) for seeds in self.rows.values())

    def all_rows(self, method: str | None = None) -> list[Row]:
        """The rows, of ``method`` alone when named."""
        return [row for (name, _), seeds in self.rows.items() if method in (None, name) for row in seeds.values()]

    def table(self, method: str, cell: str, column: str, seeds: Sequence[int] | None = None) -> Table | None:
        """(seeds, cases) of ``column``, of the mean over structures; None without rows."""
        found = self.rows.get((method, cell), {})
        chosen = [found[seed] for seed in sorted(found if seeds is None else seeds)]
        return np.array([_by_case(row, column) for row in chosen]) if chosen else None

    def mean(self, method: str, cell: str, column: str) -> Mean | None:
        """Mean and spread; None without rows."""
        found = self.table(method, cell, column)
        return None if found is None else mean_of(found)

    def against(self, method: str, other: str, cell: str, column: str = "dice") -> Difference | None:
        """``method`` minus ``other`` over the seeds that both have; None when there are none."""
        mine, theirs = (set(self.rows.get((name, cell), {})) for name in (method, other))
        both = sorted(mine & theirs)
        if not both:
            return None
        first, second = self.table(method, cell, column, both), self.table(other, cell, column, both)
        return None if first is None or second is None else paired(first, second)


def summarise(about: Protocol, recipe: Recipe, rows: Sequence[Row]) -> Summary:
    """The rows that count today."""
    wanted = runs(about, recipe, Choice())
    found: dict[tuple[str, str], dict[int, Row]] = {}
    for run in wanted:
        row = latest(run, rows)
        if row is not None:
            found.setdefault((run.method, run.cell), {})[run.seed] = row
    shown = sum(map(len, found.values()))
    of_recipe = sum((row.get("protocol"), row.get("recipe")) == (about.name, recipe.name) for row in rows)
    return Summary(about, recipe, found, len(wanted), of_recipe - shown)


def _by_case(row: Row, column: str) -> list[float]:
    """The mean over structures of every case, in order of name; NaN where one does not exist."""
    place = row["columns"].index(column)
    found = []
    for name in sorted(row["cases"]):
        numbers = [numbers[place] for numbers in row["cases"][name].values()]
        found.append(float("nan") if None in numbers else float(np.mean(numbers)))
    return found
