"""How a course begins: its legs, the slices that no leg may see, the model it goes on from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...engine import quality
from ...engine.data.few_slices import FewSlices
from ...engine.data.repeats import Repeats
from ...engine.hardware.device import Device
from ...job import JobSpec
from ...naming import enumerated
from ...settings import Training
from ...settings.recommended import RECOMMENDED
from ..data import Data
from ..model import Model
from .facts import facts_of, mirror_axis
from .legs import Leg, carrying, legs_of, recommended_legs
from .parts import Parts, SeenSlice, plain_slices, seen_by, seen_slices
from .warm import NO_START, fits

CARRIED = ("Cases with one to three drawn slices along one axis: {count}. At the start of each part of the training, "
           "their outlines were carried to the neighbouring slices, following the image from slice to slice (from a "
           "single slice, only where the model so far agreed); at its end the model learned only from what was drawn.")
RARE = ("Drawn in a quarter of the cases with slices done, or in fewer: {names}. Training looked at them more often, "
        "and at the cases that show them up to {times} times as often as at others. From slices done that do not show "
        "them, the model learned that they are not there.")


@dataclass
class Opening:
    """``legs`` to run (the contest may arrange them anew), ``parts`` to hold out, views (``mirror`` engine axis or
    None, ``zooms``), ``reasons`` of the rules in words, and the slices ``seen`` by the model to go on from (None: any
    may be).
    """

    legs: list[Leg]
    parts: Parts
    mirror: int | None = None
    zooms: tuple[float, ...] = ()
    reasons: tuple[str, ...] = ()
    seen: tuple[SeenSlice, ...] | None = ()

    @property
    def goes_on(self) -> bool:
        """Whether it goes on from an earlier model: each has seen something."""
        return self.seen != ()

    def notes(self) -> dict[str, Any]:
        """Plain data of all but legs and parts."""
        return {"mirror": self.mirror, "zooms": list(self.zooms), "reasons": list(self.reasons),
                "seen": plain_slices(self.seen)}

    @classmethod
    def resumed(cls, legs: list[Leg], parts: Parts, notes: dict[str, Any]) -> Opening:
        """As it was begun by an earlier process."""
        return cls(legs, parts, notes["mirror"], tuple(notes["zooms"]), tuple(notes["reasons"]),
                   seen_slices(notes["seen"]))


def opening(spec: JobSpec, data: Data, training: Training, device: Device, start: Model | None) -> Opening:
    """A new course for ``spec``; ``start`` the model to go on from, which is left aside where it does not fit."""
    if start is not None and not fits(start, data.task(), data.plan):
        fresh = opening(spec, data, training, device, None)
        return replace(fresh, reasons=(NO_START, *fresh.reasons))
    found = _opening(spec, data, training, device, start)
    found = replace(found, reasons=(*found.reasons, *rare_in_words(data)))
    few = sum(FewSlices.of(volume) is not None for volume in data.volumes.values())
    if not few or data.plan.dims != 3 or not training.carry_outlines:
        return found
    return replace(found, legs=carrying(found.legs), reasons=(*found.reasons, CARRIED.format(count=few)))


def _opening(spec: JobSpec, data: Data, training: Training, device: Device, start: Model | None) -> Opening:
    """The same, without carried slices; ``start`` fits."""
    seen, volumes = start.beginning().seen if start is not None else (), list(data.volumes.values())
    images = {case.id: case.image for case in spec.cases}
    parts = [] if seen is None else quality.parts(volumes, training.held_out, seen_by(seen, spec, data), images)
    if spec.method != RECOMMENDED:
        legs = legs_of(training, spec.method, spec.method_settings, bool(parts))
        return Opening(legs, Parts(data, parts[:1]), seen=seen)
    measurable = bool(parts)
    parts = parts or quality.parts(volumes, training.held_out, images=images)
    facts = facts_of(data, training, device, parts[0] if measurable else {})
    legs, found = recommended_legs(training, spec.method_settings, facts, len(parts), measurable)
    mirror = mirror_axis(data) if found.mirror else None
    reasons = (*found.reasons, views_in_words(mirror is not None, bool(found.zooms)))
    return Opening(legs, Parts(data, parts), mirror, found.zooms, reasons, seen)


def rare_in_words(data: Data) -> list[str]:
    """Of structures that are looked at more often because few cases show them, for the card."""
    repeats = Repeats.of(tuple(volume.shown for volume in data.volumes.values() if volume.slices))
    rare = {number: times for number, times in sorted(repeats.times.items()) if times > 1}
    names = enumerated([data.names[value] for value in data.classes.values_of(rare)])
    return [RARE.format(names=names, times=max(rare.values()))] if rare else []


def views_in_words(mirror: bool, zooms: bool) -> str:
    """From what the model predicts, for the card."""
    views = " and ".join(["mirror images"] * mirror + ["three sizes"] * zooms)
    if not views:
        return "Predictions come from one view of each volume."
    return f"Predictions are averaged over {views} of each volume, unless the slices kept aside show that it harms."
