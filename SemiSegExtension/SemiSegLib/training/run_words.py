"""What is said of a run: what it does just now, how good it is, how its error went down, and how it ended."""

from __future__ import annotations

from typing import Any

from ..words import _
from .connection import Look

TRAINED = {
    "done": (_("Training is finished. Suggestions are in the list of cases."), "good"),
    "stopped": (_("Training was stopped; the best model so far was kept."), "good"),
    "failed": (_("Training failed."), "error"),
    "lost": (_("The training process ended unexpectedly."), "error"),
}
USED = {
    "done": (_("The model has been used. Its suggestions are in the list of cases."), "good"),
    "stopped": (_("Stopped. The suggestions made so far are in the list of cases."), "good"),
    "failed": (_("The model could not be used."), "error"),
    "lost": (_("The process that used the model ended unexpectedly."), "error"),
}
"""What is said at the end of a run, and how."""


def headline(look: Look) -> str:
    """What a run does just now, in a few words."""
    status = look.status
    if making_masks(look):
        return _("Suggesting case {n} of {count}").format(n=status.suggesting, count=status.to_suggest)
    ahead = _("Waiting for other jobs to finish first: {n}").format(n=status.queue_position)
    return {
        "queued": ahead if status.queue_position else _("Starting"),
        "running": _("Using a model") if look.applied else _("Training"),
        "done": _("Finished"),
        "failed": _("Failed"),
        "stopped": _("Stopped"),
        "lost": _("Lost"),
    }[status.state]


def unread(look: Look) -> str:
    """That drawings which were handed over cannot be read; "" when all can."""
    files = ", ".join(f"labels-{n}.npz" for n in look.status.labels_unread)
    text = _("Drawings that were handed over to the training are damaged on the disk: {files}. They are not learned; "
             "what was drawn in their case before is. SemiSeg hands them over once more. If this is still said in a "
             "minute, stop the training, then start it again.")  # fmt: skip
    return text.format(files=files) if files and not look.status.ended else ""


def making_masks(look: Look) -> bool:
    """Whether masks are being made just now, one case after the other."""
    return look.status.state == "running" and look.status.to_suggest > 0


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


def ending(look: Look) -> tuple[str, str]:
    """How a run ended, in words, and the level at which that is said; of a live run only what went wrong is said."""
    status = look.status
    if look.live and status.state in ("done", "stopped"):
        return "", ""  # its row says so; nobody has to do anything
    text, level = (USED if look.applied else TRAINED)[status.state]
    if status.error:
        text = sentences(text, status.error["text"], status.error["remedy"])
    return text, level


def sentences(*parts: str) -> str:
    """One after the other, each with its full stop: what a library says of an error has none."""
    return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)
