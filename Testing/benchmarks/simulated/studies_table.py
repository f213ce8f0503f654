"""The rows of simulated studies as a table, with the estimate and the flags as the product gives them now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from SemiSegLogic.engine.quality import Estimate, FlagRule, Looks, SliceScore, estimate
from SemiSegLogic.engine.quality.flags import GOOD
from SemiSegLogic.geometry import SliceIndex

Row = dict[str, Any]


def table(rows: Sequence[Row]) -> str:
    """Markdown: one line per training, and what they come to."""
    lines = ["| study | training | structures | slices per case | axis | measured on | expected (interval) | true | "
             "inside | supervised | difference | flagged good | of these right |", "|---" * 13 + "|"]
    return "\n".join([*lines, *(_line(row) for row in sorted(rows, key=_order)), "", _summary(rows)])


def _order(row: Row) -> tuple[int, int]:
    return row["number"], row.get("again", 0)


def estimated(row: Row) -> Estimate | None:
    """What the product says of the study."""
    return estimate([SliceScore(**{**score, "place": SliceIndex(**score["place"])}) for score in row["slice_scores"]])


def flags(row: Row) -> list[tuple[str, float]]:
    """State and true Dice of every held-out case."""
    rule = FlagRule.of(estimated(row), [Looks(**looks) for looks in row["measured_looks"]])
    return [(rule.flag(Looks(**case["looks"]))["state"], float(np.mean(case["dice"]))) for case in row["recommended"]]


def true_dice(row: Row, method: str) -> float:
    """Mean over held-out cases and structures."""
    return float(np.mean([np.mean(case["dice"]) for case in row[method]]))


def _inside(row: Row) -> bool | None:
    found = estimated(row)
    return None if found is None else found.low <= true_dice(row, "recommended") <= found.high


def _line(row: Row) -> str:
    found, true, base = estimated(row), true_dice(row, "recommended"), true_dice(row, "supervised")
    told = "not known" if found is None else f"{found.dice:.2f} ({found.low:.2f} to {found.high:.2f})"
    good = [dice >= GOOD for state, dice in flags(row) if state == "good"]
    held = len(row["slice_scores"])
    cases = len({score["case"] for score in row["slice_scores"]})
    inside = {None: "", True: "yes", False: "**no**"}[_inside(row)]
    axis = "broadest" if row["axis"] is None else "kji"[row["axis"]]
    cells = (row["number"], 1 + row.get("again", 0), row["structures"], " ".join(map(str, row["slices"])), axis,
             f"{held} of {cases}", told, f"{true:.3f}", inside, f"{base:.3f}",
             f"{true - base:+.3f}", len(good), sum(good))
    return "| " + " | ".join(map(str, cells)) + " |"


def _summary(rows: Sequence[Row]) -> str:
    inside = [answer for answer in map(_inside, rows) if answer is not None]
    states = [pair for row in rows for pair in flags(row)]
    good = [dice >= GOOD for state, dice in states if state == "good"]
    right = f"{sum(good)} ({np.mean(good):.1%})" if good else "0"
    gains = _gains(rows)
    errors = [row["calibration"]["error"] for row in rows if row["calibration"]]
    widths = [found.high - found.low for found in map(estimated, rows) if found]
    share = {state: sum(found == state for found, _ in states) for state in ("good", "look", "unknown")}
    return "\n".join([
        f"- {len(gains)} studies, {len(rows)} trainings; an interval in {len(inside)}, which contains the true Dice in "
        f"{sum(inside)} ({np.mean(inside):.0%}); its median width is {np.median(widths):.2f}.",
        f"- \"Probably good\" (true Dice of the case at least {GOOD:g}): given to {len(good)} of {len(states)} cases, "
        f"right in {right}; {np.mean([dice >= GOOD for _, dice in states]):.0%} of all cases "
        f"reach it. Look here: {share['look']}, not enough labels to know: {share['unknown']}.",
        f"- Recommended against supervised, mean of a study's trainings: {np.mean(gains):+.3f} ± "
        f"{np.std(gains) / len(gains)**0.5:.3f} (standard error) on average, {min(gains):+.3f} at worst, "
        f"{max(gains):+.3f} at best.",
        *([f"- Confidence near the structures is off by {np.mean(errors):.3f} on average (expected calibration error)."]
          if errors else []),
    ])


def _gains(rows: Sequence[Row]) -> list[float]:
    """Of each study: how far recommended is ahead of supervised, mean over its trainings."""
    gains: dict[int, list[float]] = {}
    for row in rows:
        gains.setdefault(row["number"], []).append(true_dice(row, "recommended") - true_dice(row, "supervised"))
    return [float(np.mean(found)) for found in gains.values()]
