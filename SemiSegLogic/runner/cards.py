"""The model card: what a model is, what it learned from, how good it is; for programs and for people."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..files import FileError, read_json, write_json, write_text
from ..job import JobError, JobFolder, JobSpec, Status
from ..markdown import table
from ..naming import counted
from ..settings import Training
from ..settings.recommended import BASELINE
from .model import Model

UNDERWAY = "had not ended when this was written; this is the best model until then"
STOPPED = "was stopped before its end; this is the best model until then"
FAILED = "failed before its end; this is the best model until then"


def publish(job: JobFolder, model: Model, status: Status, ending: str = UNDERWAY) -> None:
    """Leave the model and its cards, for programs and for people, in the job; ``ending`` says how the training ended.
    Raises FileError where the disk refuses.
    """
    model.save(job.weights)
    write(job, facts_of(job.spec(), model, status, ending))


def as_ordered(training: Training) -> str:
    """How a training ended that came to its end."""
    return f"as ordered, after {counted(training.steps, 'step') if training.steps else f'{training.seconds:g} s'}"


def note_failure(job: JobFolder) -> None:
    """Let the cards of a model, if the training left one before it failed, say that it did. A disk that refuses is
    logged: it may be why the training failed, which is told elsewhere.
    """
    try:
        if job.card.exists():
            write(job, {**read_json(job.card), "ending": FAILED})
    except FileError as error:
        logging.warning("The card does not say that the training failed: %s", error)


def facts_of(spec: JobSpec, model: Model, status: Status, ending: str) -> dict[str, Any]:
    """Plain data for model.json."""
    slices, cases = model.learned or _ordered(spec)
    return {
        "method": model.method, "settings": model.settings, "asked_for": spec.method, "training": spec.training,
        "structures": [{"value": item.value, "name": item.name} for item in spec.structures],
        "cases": len(spec.cases), "annotated_cases": cases, "annotated_slices": slices,
        "went_on_from": spec.start_from if status.scores.get("goes_on", True) else None,
        "one_piece": [item.name for item in spec.structures if item.value in model.one_piece],
        "views": {"mirror": model.mirror is not None, "zooms": list(model.zooms)},
        "patch": list(model.plan.patch), "spacing_mm": list(model.plan.spacing), "dimensions": model.plan.dims,
        "frame_mm": model.plan.frame,
        "network": model.plan.network, "scores": status.scores, "quality": model.quality, "device": status.device,
        "ending": ending, "seconds": round(status.elapsed, 1), "created": spec.created,
    }


def write(job: JobFolder, facts: Mapping[str, Any]) -> None:
    """Leave model.json and model.md in the job. Raises FileError where the disk refuses."""
    write_json(job.card, dict(facts))
    write_text(job.card.with_suffix(".md"), "\n".join(readable(facts, _points(job))) + "\n")


def readable(facts: Mapping[str, Any], curve: list[dict[str, Any]]) -> Iterator[str]:
    """The lines of model.md."""
    names = ", ".join(item["name"] for item in facts["structures"])
    yield f"# Model for {names}"
    yield ""
    yield str(facts["quality"].get("words", "Nothing has been measured yet."))
    calibration = facts["quality"].get("calibration")
    if calibration:
        yield calibration["words"]
    yield ""
    yield from _about(facts)
    yield from _contest(facts["scores"], facts["method"])
    yield from _curve(curve)


def semi_supervision(scores: Mapping[str, Any], kept: str) -> str:
    """What learning from unlabelled volumes gave, in words."""
    held_out = scores.get("held_out", {})
    tried = sorted({name.split(",")[0] for name in held_out if not name.startswith((BASELINE, "fold"))})
    if not tried:
        return "No semi-supervised method was tried in this training."
    measured = {name.split(",")[0] for name, value in held_out.items() if value is not None}
    if kept in tried and kept not in measured:
        return f"The model of {kept} was kept. No slices were kept aside from it, so its benefit was not measured."
    if not measured.intersection(tried):
        return (f"{', '.join(tried)} was tried, but its result could not be compared, so the supervised baseline was "
                "kept: see below.")
    if kept in tried:
        return f"Semi-supervision helped, or did no harm that could be shown: the model of {kept} was kept."
    return (f"Semi-supervision did not help here: {', '.join(tried)} was not better than the supervised baseline on "
            "slices kept aside from both, so the baseline was kept.")


def _about(facts: Mapping[str, Any]) -> Iterator[str]:
    views, one_piece = facts["views"], facts.get("one_piece")  # cards of before have none
    seen = ("mirror images, " if views["mirror"] else "") + ("three sizes, " if views["zooms"] else "")
    rows = {
        "Learned from": f"{counted(facts['annotated_slices'], 'slice')} of "
                        f"{counted(facts['annotated_cases'], 'case')}, {counted(facts['cases'], 'case')} in all",
        "Method": f"{facts['method']} (asked for: {facts['asked_for']})",
        "Continued from an earlier model": "yes" if facts["went_on_from"] else "no",
        "Predicts from": f"{seen}averaged" if seen else "one view",
        "Small fragments": f"left out of {', '.join(one_piece)} (drawn in one piece)" if one_piece else "kept",
        "Network": f"{facts['network']}, {facts['dimensions']}D, patches of {_by(facts['patch'])} voxels of "
                   f"{_by(round(side, 3) for side in facts['spacing_mm'])} mm",
        "Device": facts["device"], "Time": f"{facts['seconds']:.0f} s in all", "End of the training": facts["ending"],
        "Made": facts["created"],
    }
    if frame := facts["frame_mm"]:
        rows["Pictures"] = (f"each treated as {frame:.0f} x {frame:.0f} mm, because what was drawn varies less as a "
                            "share of the picture than in mm")
    yield from table(["", ""], rows.items())
    settings = ", ".join(f"{name} {value}" for name, value in facts["settings"].items())
    yield from ("", f"Settings: {settings}.", "")


def _contest(scores: Mapping[str, Any], kept: str) -> Iterator[str]:
    yield from ("## What was compared", "", semi_supervision(scores, kept), "")
    known = {name: value for name, value in scores.get("held_out", {}).items() if value is not None}
    if known:
        head = ["model", "Dice on the slices kept aside from it, taken together"]
        yield from table(head, ((name, f"{value:.3f}") for name, value in known.items()))
        yield ""
    yield from (f"- {reason}" for reason in scores.get("reasons", ()))


def _curve(curve: list[dict[str, Any]]) -> Iterator[str]:
    points = [point for point in curve if point.get("held_out_dice") is not None]
    if points:
        yield from ("", "## Learning curve", "")
        head = ["seconds of training", "leg", "Dice on slices kept aside"]
        rows = ((f"{p['training_seconds']:.0f}", p["leg"], f"{p['held_out_dice']:.3f}") for p in points)
        yield from table(head, rows)


def _ordered(spec: JobSpec) -> tuple[int, int]:
    """Slices and cases that were judged when the job was ordered: for models of before, which do not tell more."""
    return sum(len(case.slices) for case in spec.cases), sum(bool(case.slices) for case in spec.cases)


def _by(sides: Iterable[float]) -> str:
    """``40 x 40 x 56``."""
    return " x ".join(f"{side:g}" for side in sides)


def _points(job: JobFolder) -> list[dict[str, Any]]:
    """The learning curve; none where its file is damaged, for a card without a curve is still a card."""
    try:
        return job.curves()
    except JobError as error:
        logging.warning("The card has no curve: %s", error)
        return []
