"""What a run tells of itself, as a person reads it: how good, and how the error on the slices went down."""

from __future__ import annotations

from typing import Any

from .words import _


def agreement(scores: dict[str, Any]) -> str:
    """The honest quality: agreement with slices kept aside, or that there are too few to know."""
    told = scores.get("quality") if isinstance(scores, dict) else None
    if isinstance(told, dict) and told.get("words"):
        return str(told["words"])
    found = scores.get("held_out") if isinstance(scores, dict) else None
    known = [value for value in found.values() if isinstance(value, (int, float))] if isinstance(found, dict) else []
    if known:
        return _("agreement with slices kept aside: {score:.0%}").format(score=max(known))
    return _("not enough slices yet to judge the quality") if scores else ""


def error_on_my_slices(curves: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """(seconds, loss) for the losses that a run has from its first to its last method: those on the labels.

    Other losses come and grow while a method trains, so their sum would seem to get worse; and what a second runner
    trains at the same time, or a model that only measures, is another line.
    """
    own = [point for point in curves if not (point.get("beside") or point.get("apart"))]
    points = [point for point in own if "losses" in point and "seconds" in point]
    if not points:
        return []
    keys = set(points[0]["losses"]) & set(points[-1]["losses"])
    if not keys:  # another kind of method took over: only its own part can be compared
        points = [point for point in points if point.get("leg") == points[-1].get("leg")]
        keys = set(points[0]["losses"]) & set(points[-1]["losses"])
    return [
        (float(p["seconds"]), sum(float(p["losses"][key]) for key in keys)) for p in points if keys <= set(p["losses"])
    ]


def columns(curves: list[dict[str, Any]]) -> dict[str, list[float]]:
    """The curve as columns for a plot."""
    points = error_on_my_slices(curves)
    return {
        _("seconds"): [seconds for seconds, _loss in points],
        _("error on my slices"): [loss for _s, loss in points],
    }
