"""Pictures of a recipe's results: every seed a dot, and Dice against the number of annotated slices."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from SemiSegLogic.report.style import GREY, LINE, heading, picture

from ..definitions.protocol import WHOLE, Protocol
from ..definitions.runs import Row
from .summary import Summary, summarise

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOT, MEAN = "#0a7d8c", "#b35900"
COLORS = ("#1b1f24", "#0a7d8c", "#b35900", "#8250df", "#2da44e", "#cf222e", "#9a6700", "#0969da", "#bf3989", "#57606a")
ENOUGH = 4  # few-slice cells with results, before a curve says anything
NARROWEST = 6.8  # inches: a heading fits, with the longest title of a protocol


def draw(about: Protocol, rows: Sequence[Row], folder: Path) -> list[Path]:
    """The PNG files of every recipe that has results, written into ``folder``."""
    made = []
    for recipe in about.recipes.values():
        found = summarise(about, recipe, rows)
        if not recipe.shown or not found.done:
            continue
        made.append(_dots(found, folder / f"{about.name}-{recipe.name}.png"))
        if len(_few_slice_cells(found)) >= ENOUGH:
            made.append(_curves(found, folder / f"{about.name}-{recipe.name}-slices.png"))
    return made


def _dots(found: Summary, path: Path) -> Path:
    cells = [cell for cell in found.cells if any((name, cell) in found.rows for name in found.methods)]
    names = [name for name in found.methods if found.all_rows(name)][::-1]
    height = 1.5 + 0.26 * len(names)
    with picture(path, max(2.0 + 2.4 * len(cells), NARROWEST), height) as figure:
        below = f"recipe {found.recipe.name}; a dot per seed, the line is their mean"
        heading(figure, f"{found.protocol.title}: Dice on the test cases", below)
        left = 1.25 / figure.get_figwidth()
        for number, cell in enumerate(cells):
            width = (0.985 - left) / len(cells)
            box = (left + number * width, 0.5 / height, width * 0.9, (height - 1.5) / height)
            axes = figure.add_axes(box)
            _panel(axes, found, cell, names)
            axes.set_yticks(range(len(names)), names if number == 0 else [""] * len(names))
    return path


def _panel(axes: Axes, found: Summary, cell: str, names: list[str]) -> None:
    axes.set_title(found.protocol.cell(cell).title or cell, size=9)
    axes.grid(axis="x", color=LINE, linewidth=0.6)
    axes.set_ylim(-0.7, len(names) - 0.3)
    for place, name in enumerate(names):
        table = found.table(name, cell, "dice")
        if table is None:
            continue
        seeds = table.mean(1)
        axes.plot(seeds, np.full(len(seeds), place), "o", color=DOT, markersize=4, alpha=0.8)
        axes.plot([seeds.mean()] * 2, [place - 0.3, place + 0.3], color=MEAN, linewidth=2)


def _curves(found: Summary, path: Path) -> Path:
    cells = _few_slice_cells(found)
    totals = {cell: found.protocol.cell(cell).volumes * found.protocol.cell(cell).slices for cell in cells}
    with picture(path, 8.4, 5.2) as figure:
        heading(figure, f"{found.protocol.title}: Dice against annotated slices", f"recipe {found.recipe.name}; "
                "mean of the seeds; n x v: n slices in each of v volumes")
        axes = figure.add_axes((0.085, 0.11, 0.74, 0.7))
        axes.set_xscale("log")
        axes.set_xlabel("annotated slices in all")
        axes.grid(color=LINE, linewidth=0.6)
        for name, color in zip(found.methods, COLORS, strict=False):
            means = {cell: found.table(name, cell, "dice") for cell in cells}
            points = sorted((totals[cell], float(table.mean())) for cell, table in means.items() if table is not None)
            if points:
                axes.plot(*zip(*points, strict=True), "o-", color=color, markersize=3.5, linewidth=1.3, label=name)
        axes.set_xticks(sorted(set(totals.values())), [str(total) for total in sorted(set(totals.values()))])
        axes.minorticks_off()
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=8, labelcolor=GREY)
    return path


def _few_slice_cells(found: Summary) -> list[str]:
    return [cell for cell in found.cells if found.protocol.cell(cell).slices != WHOLE
            and any((name, cell) in found.rows for name in found.methods)]
