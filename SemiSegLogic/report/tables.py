"""Scores as Markdown tables and as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..markdown import table
from ..study.structures import Structure
from .metrics import Score, Summary, summarise

Scores = Mapping[str, Mapping[int, Score]]
"""Case name to structure value to score."""

MEASURES = (("dice", "Dice", 3), ("hd95", "HD95 mm", 2), ("asd", "mean distance mm", 2))


def summary_table(scores: Scores, structures: Sequence[Structure]) -> str:
    """Mean and standard deviation over all cases, a line per structure and one for the mean of the structures."""
    values = [item.value for item in structures]
    rows = [[item.name, *_spreads(scores, [item.value])] for item in structures]
    rows.append([f"**{cell}**" for cell in ("mean of the structures", *_spreads(scores, values))])
    return "\n".join(table(["structure", *(name for _, name, _ in MEASURES)], rows))


def case_table(scores: Scores, structures: Sequence[Structure]) -> str:
    """A line per case, worst first, with every measure of every structure."""
    heads = [f"{item.name}: {name}" for item in structures for _, name, _ in MEASURES]
    rows = []
    for name, mean in ranked(scores):
        found = [scores[name][item.value] for item in structures]
        cells = [_number(getattr(score, key), digits) for score in found for key, _, digits in MEASURES]
        rows.append([name, f"{mean:.3f}", *cells])
    return "\n".join(table(["case", "mean Dice", *heads], rows))


def ranked(scores: Scores) -> list[tuple[str, float]]:
    """(case, mean Dice over its structures), worst first."""
    means = [(name, sum(score.dice for score in case.values()) / len(case)) for name, case in scores.items()]
    return sorted(means, key=lambda pair: (pair[1], pair[0]))


def spread_over_ranks(scores: Scores, count: int) -> list[str]:
    """``count`` cases at even steps from the best to the worst: an honest choice for a picture."""
    names = [name for name, _ in reversed(ranked(scores))]
    if count >= len(names) or count < 2:
        return names[:count]
    return [names[round(n * (len(names) - 1) / (count - 1))] for n in range(count)]


def summary(scores: Scores, values: Sequence[int], key: str) -> Summary:
    """Over cases: the mean of measure ``key`` over structure ``values``; a case counts when all of them exist."""
    numbers: list[float | None] = []
    for case in scores.values():
        found = [getattr(case[value], key) for value in values]
        numbers.append(None if None in found else sum(found) / len(found))
    return summarise(numbers)


def as_data(scores: Scores, structures: Sequence[Structure]) -> dict[str, Any]:
    """All of it for ``report.json``; what does not exist is None."""
    values = [item.value for item in structures]
    groups = {**{item.name: [item.value] for item in structures}, "mean": values}
    return {
        "summary": {
            name: {key: _plain(summary(scores, group, key)) for key, _, _ in MEASURES} for name, group in groups.items()
        },
        "cases": {
            name: {str(value): {key: getattr(case[value], key) for key, _, _ in MEASURES} for value in values}
            for name, case in scores.items()
        },
    }


def _plain(found: Summary) -> dict[str, float | int | None]:
    mean, sd = (None if math.isnan(number) else number for number in (found.mean, found.sd))
    return {"mean": mean, "sd": sd, "count": found.count, "total": found.total}


def _spreads(scores: Scores, values: Sequence[int]) -> list[str]:
    return [_spread(summary(scores, values, key), digits) for key, _, digits in MEASURES]


def _spread(found: Summary, digits: int) -> str:
    if not found.count:
        return f"none of {found.total}"
    sd = "" if math.isnan(found.sd) else f" ± {found.sd:.{digits}f}"
    missing = "" if found.count == found.total else f" ({found.count} of {found.total})"
    return f"{found.mean:.{digits}f}{sd}{missing}"


def _number(value: float | None, digits: int) -> str:
    return "none" if value is None else f"{value:.{digits}f}"
