"""The learning curve: held-out Dice and training loss over the seconds of the run.

Points are plain dictionaries as the runner writes them into ``curves.jsonl``: ``seconds`` since training began, ``leg``
(which part of the run), and either ``losses`` (name to weighted value) or ``held_out_dice`` (mean Dice in [0, 1] on
annotated slices kept out of training). Keys may be missing or None; others are ignored. Points that are marked
``beside`` (of a second runner, at the same time) or ``apart`` (of a model that only measures) are of another line.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .style import GREY, LINE, heading, picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DICE_COLOR, LOSS_COLOR, MOMENT_COLOR = "#0a7d8c", "#b35900", "#8250df"
WIDTH, HEIGHT = 8.4, 5.2


def learning_curve(
    path: Path, points: Sequence[Mapping[str, Any]], moments: Sequence[tuple[float, str]], *, title: str, below: str,
) -> None:
    """Writes the PNG ``path``. ``moments`` are (seconds, words) such as the first suggestion and the change of method;
    they are marked in both panels. Points without a number are left out; without any, the panel says so.
    """
    with picture(path, WIDTH, HEIGHT) as figure:
        heading(figure, title, below, left=0.085)
        upper = figure.add_axes((0.085, 0.40, 0.89, 0.385))
        lower = figure.add_axes((0.085, 0.095, 0.89, 0.235), sharex=upper)
        _dice_panel(upper, *series(points, "held_out_dice"))
        _loss_panel(lower, *series(points, "losses"))
        _mark(upper, lower, moments)
        upper.tick_params(labelbottom=False)
        lower.set_xlabel("seconds of training")
        lower.set_xlim(left=0)


def changes(points: Sequence[Mapping[str, Any]]) -> list[tuple[float, str]]:
    """(seconds, leg) at every point where another leg of the run begins, but the first."""
    legs = [(float(point["seconds"]), str(point["leg"])) for point in points if "leg" in point and "seconds" in point]
    return [now for before, now in itertools.pairwise(legs) if now[1] != before[1]]


def series(points: Sequence[Mapping[str, Any]], key: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(seconds, values) of the points where ``key`` is a finite number, or a table of numbers, which are summed."""
    own = [point for point in points if not (point.get("beside") or point.get("apart"))]
    pairs = [(point.get("seconds"), _total(point.get(key))) for point in own]
    found = [(float(s), v) for s, v in pairs if isinstance(s, int | float) and v is not None]
    table = np.array(sorted(pair for pair in found if np.isfinite(pair).all()), float).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def smoothed(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """(n,) running median of ``values`` (n,) over ``window`` points, shorter at the ends."""
    half = window // 2
    return np.array([np.median(values[max(0, n - half) : n + half + 1]) for n in range(len(values))])


def _total(value: object) -> float | None:
    if isinstance(value, Mapping):
        return sum((_total(part) or 0.0 for part in value.values()), 0.0)
    return float(value) if isinstance(value, int | float) else None


def _dice_panel(axes: Axes, seconds: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    axes.set_title("Dice on slices kept aside from training", size=9, color=DICE_COLOR, weight="bold")
    axes.set_ylim(0, 1)
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    if not len(seconds):
        _say_nothing(axes)
        return
    axes.plot(seconds, values, color=DICE_COLOR, linewidth=2, marker="o", markersize=3.5, zorder=3)
    axes.annotate(
        f"{values[-1]:.2f}", (seconds[-1], values[-1]), xytext=(7, 0), textcoords="offset points", va="center",
        color=DICE_COLOR, weight="bold", annotation_clip=False,
    )


def _loss_panel(axes: Axes, seconds: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    axes.set_title("Training loss", size=9, color=LOSS_COLOR, weight="bold")
    axes.grid(axis="y", color=LINE, linewidth=0.6)
    if not len(seconds):
        _say_nothing(axes)
        return
    axes.plot(seconds, values, color=LOSS_COLOR, linewidth=0.6, alpha=0.35)
    axes.plot(seconds, smoothed(values, max(3, len(values) // 30)), color=LOSS_COLOR, linewidth=1.8)
    axes.set_ylim(0, float(np.percentile(values, 98)) * 1.1 or 1.0)


def _mark(upper: Axes, lower: Axes, moments: Sequence[tuple[float, str]]) -> None:
    """Dashed lines through both panels, each with its words on the side where there is room."""
    right_end = upper.get_xlim()[1]
    for number, (seconds, words) in enumerate(sorted(moments)):
        for axes in (upper, lower):
            axes.axvline(seconds, color=MOMENT_COLOR, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
        late = seconds > 0.55 * right_end
        upper.annotate(
            f"{words}, {seconds:.0f} s", (seconds, 0.05 + 0.12 * (number % 3)), xytext=(-5 if late else 5, 0),
            textcoords="offset points", color=MOMENT_COLOR, size=8.5, va="bottom", ha="right" if late else "left",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5}, zorder=4,
        )


def _say_nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "nothing was recorded", transform=axes.transAxes, ha="center", va="center", color=GREY)
