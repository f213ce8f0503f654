"""Table and figure of the simulated clinician's rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from Testing.benchmarks.simulated.clinician import Row

CEILING = "all labels"
SHARE = 0.95
COLOURS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#787774", "#c14c8a", "#cb912f", "#6b4226")
Measure = Callable[["Row"], float]


def mean_dice(row: Row) -> float:
    """Over the structures, as this way of working predicts: from one view, or from several."""
    return float(np.mean(row.several if row.views else row.dice))


def several_views(row: Row) -> float:
    """Over the structures, from several views, whether this way of working predicts so or not."""
    return float(np.mean(row.several))


def goal(rows: Sequence[Row], dice: Measure = mean_dice) -> float:
    """SHARE of the Dice that all labels give, mean over its seeds. Raises ValueError where that was not measured."""
    found = [dice(row) for row in rows if row.arm == CEILING]
    if not found:
        raise ValueError("The rows hold no run with all labels: run the arm 'all labels' first.")
    return SHARE * float(np.mean(found))


def runs(rows: Sequence[Row]) -> dict[tuple[str, str], list[list[Row]]]:
    """(arm, method) -> for each seed its rounds in order; without the ceiling."""
    found: dict[tuple[str, str], dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.arm != CEILING:
            found[row.arm, row.method][row.seed].append(row)
    return {key: [sorted(run, key=lambda row: row.round) for run in seeds.values()] for key, seeds in found.items()}


def needed(run: Sequence[Row], wanted: float, measure: Measure, dice: Measure = mean_dice) -> float:
    """``measure`` (slices, voxels, minutes) at which the run first reaches the Dice ``wanted``, between two rounds by
    interpolation; infinite when it never does.
    """
    if dice(run[0]) >= wanted:
        return float(measure(run[0]))
    for before, after in pairwise(run):
        if dice(after) >= wanted:
            share = (wanted - dice(before)) / (dice(after) - dice(before))
            return float(measure(before) + share * (measure(after) - measure(before)))
    return float("inf")


def table(rows: Sequence[Row]) -> str:
    """Markdown: Dice at each round, and what it took to reach the goal."""
    wanted, viewed = goal(rows), goal(rows, several_views)
    ends = [*(f"{name} to the goal" for name in MEASURES), "slices, several views for all"]
    lines = [f"| way of working | method | seeds | Dice at slices (mean ± spread) | {' | '.join(ends)} |",
             "|---|---|---|---|" + "---|" * len(ends)]
    for (arm, method), seeds in runs(rows).items():
        ends = [_cell([needed(run, wanted, measure) for run in seeds]) for measure in MEASURES.values()]
        ends.append(_cell([needed(run, viewed, MEASURES["slices"], several_views) for run in seeds]))
        lines.append(f"| {arm} | {method} | {len(seeds)} | {_curve(seeds)} | " + " | ".join(ends) + " |")
    return "\n".join(lines)


MEASURES: dict[str, Measure] = {
    "slices": lambda row: row.slices, "voxels changed": lambda row: row.voxels,
    "modelled minutes": lambda row: row.minutes,
}


def _curve(seeds: list[list[Row]]) -> str:
    cells = []
    for number in range(min(len(run) for run in seeds)):
        dice = [mean_dice(run[number]) for run in seeds]
        slices = round(float(np.mean([run[number].slices for run in seeds])))
        cells.append(f"{slices}: {np.mean(dice):.3f}" + (f" ± {np.std(dice):.3f}" if len(dice) > 1 else ""))
    return ", ".join(cells)


def _cell(values: list[float]) -> str:
    """Mean of the seeds that reach the goal, and how many do not."""
    reached = [value for value in values if np.isfinite(value)]
    if not reached:
        return "not reached"
    text = f"{np.mean(reached):.0f}" + (f" ({min(reached):.0f} to {max(reached):.0f})" if len(reached) > 1 else "")
    return text + (f", {len(values) - len(reached)} of {len(values)} seeds not" if len(reached) < len(values) else "")


def figure(rows: Sequence[Row], path: Path) -> None:
    """Dice against annotated slices and against changed voxels, a line per way of working, the seeds' range shaded."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    canvas, axes = plt.subplots(1, 2, figsize=(11, 4.4), sharey=True)
    for colour, ((arm, method), seeds) in zip(COLOURS * 2, runs(rows).items(), strict=False):
        for axis, measure in zip(axes, ("slices", "voxels changed"), strict=True):
            _line(axis, seeds, MEASURES[measure], f"{arm}, {method}", colour)
    for axis, words in zip(axes, ("annotated slices", "voxels changed by hand"), strict=True):
        axis.axhline(goal(rows), color="#37352f", linestyle=":", linewidth=1, label=f"{SHARE:.0%} of all labels' Dice")
        axis.set_xscale("log")
        axis.set_xlabel(words)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_ylabel("mean Dice of the held-out cases")
    axes[1].legend(fontsize=8, frameon=False, loc="lower right")
    canvas.tight_layout()
    canvas.savefig(path, dpi=130)
    plt.close(canvas)


def _line(axis: Any, seeds: list[list[Row]], measure: Measure, name: str, colour: str) -> None:
    rounds = range(min(len(run) for run in seeds))
    x = [np.mean([measure(run[n]) for run in seeds]) for n in rounds]
    y = np.array([[mean_dice(run[n]) for run in seeds] for n in rounds])
    axis.plot(x, y.mean(1), marker="o", markersize=4, linewidth=1.6, label=name, color=colour)
    axis.fill_between(x, y.min(1), y.max(1), alpha=0.15, linewidth=0, color=colour)


def write(rows: Sequence[Row], folder: Path) -> None:
    """The figure into ``folder``; the table to the terminal, to be put into the words around it."""
    figure(rows, folder / f"simulated_clinician-{rows[0].set}.png")
    print(f"Goal: {goal(rows):.4f}; several views for all: {goal(rows, several_views):.4f}\n\n{table(rows)}")
