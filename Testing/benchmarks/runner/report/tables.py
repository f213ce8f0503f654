"""Markdown tables of a recipe's results; what was not run is blank."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .statistics import Mean
from .summary import Summary

BASELINES = ("supervised", "bcp")
CLINICAL = {"dice": "Dice %", "hd95_mm": "HD95", "assd_mm": "ASSD", "surface_dice_1mm": "surface Dice 1 mm %",
            "surface_dice_2mm": "surface Dice 2 mm %"}
LEGACY = {"legacy_dice": "Dice %", "legacy_jaccard": "Jaccard %", "legacy_hd95": "95HD", "legacy_asd": "ASD"}


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def dice_table(found: Summary) -> str:
    """Dice (clinical mode) of each method in each cell, with the time of training and the code's version."""
    head = ["method", *(f"{cell}: Dice %" for cell in found.cells), "training, per run", "code"]
    lines = [
        [name, *(number(found.mean(name, cell, "dice"), 100) for cell in found.cells), _time(found, name),
         ", ".join(sorted({row["commit"] for row in found.all_rows(name)}))]
        for name in found.methods
    ]
    return markdown(head, lines)


def difference_table(found: Summary, baseline: str) -> str:
    """Dice minus that of ``baseline``, paired by seed and case, with 95 % intervals."""
    def cell_of(name: str, cell: str) -> str:
        gap = found.against(name, baseline, cell)
        if gap is None:
            return ""
        return f"{100 * gap.mean:+.1f} [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}] ({gap.seeds})"

    return markdown([f"Dice points against {baseline}", *found.cells], [
        [name, *(cell_of(name, cell) for cell in found.cells)] for name in found.methods if name != baseline
    ])


def detail_table(found: Summary, cell: str, columns: dict[str, str]) -> str:
    """All metrics of one mode in one cell; a bracket says how many values do not exist."""
    def line(name: str) -> list[str]:
        scales = {key: 100 if words.endswith("%") else 1 for key, words in columns.items()}
        return [number(found.mean(name, cell, key), scale) for key, scale in scales.items()]

    return markdown(["method", *columns.values()], [
        [name, *line(name)] for name in found.methods if (name, cell) in found.rows
    ])


def number(value: Mean | None, scale: float) -> str:
    """Mean ± spread over the seeds (their number); blank when it was not run."""
    if value is None:
        return ""
    if math.isnan(value.mean):
        return f"does not exist ({value.missing} of {value.total} cases)"
    digits = 1 if scale == 100 else 2
    spread = "" if math.isnan(value.sd) else f" ± {scale * value.sd:.{digits}f}"
    gone = f", {value.missing} of {value.total} missing" if value.missing else ""
    return f"{scale * value.mean:.{digits}f}{spread} ({value.seeds}{gone})"


def has(found: Summary, name: str) -> bool:
    """Whether there is any row of method ``name``."""
    return bool(found.all_rows(name))


def told(found: Summary, words: Callable[[dict[str, object]], str]) -> str:
    """What differs between the rows, in words, each once."""
    return "; ".join(sorted({words(row) for row in found.all_rows()}))


def _time(found: Summary, name: str) -> str:
    """The mean; on each computer where several have rows of the recipe, for their times do not compare."""
    times: dict[str, list[float]] = {}
    for row in found.all_rows(name):
        times.setdefault(row["computer"], []).append(row["training_s"])
    several = len({row["computer"] for row in found.all_rows()}) > 1
    return ", ".join(f"{np.mean(seconds):.0f} s" + (f" ({computer})" if several else "")
                     for computer, seconds in sorted(times.items()))
