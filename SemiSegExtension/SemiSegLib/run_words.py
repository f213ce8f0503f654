"""What is said of a run: what it does just now, and how it ended."""

from __future__ import annotations

from .connection import Look
from .words import _

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
    return {
        "queued": _("Waiting for other jobs to finish first: {n}").format(n=status.queue_position),
        "running": _("Using a model") if look.applied else _("Training"),
        "done": _("Finished"),
        "failed": _("Failed"),
        "stopped": _("Stopped"),
        "lost": _("Lost"),
    }[status.state]


def making_masks(look: Look) -> bool:
    """Whether masks are being made just now, one case after the other."""
    return look.status.state == "running" and look.status.to_suggest > 0


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
