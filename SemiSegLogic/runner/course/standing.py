"""How far a course is: what a restart needs beside the state within a leg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ...engine.hardware.device import Device
from ...engine.hardware.generators import random_state
from ...engine.hardware.tuning import has
from ...engine.planning.plan import Plan
from ...engine.quality import Measured
from ...engine.training import checkpoint
from ...engine.training.checkpoint import CheckpointError
from ...engine.training.trainer import Budget
from ..contest.outcome import measured_from
from ..data import Data
from ..model import Model
from .legs import Leg
from .opening import Opening
from .parts import Parts

FORMAT = 2


@dataclass
class Standing:
    """The ``leg`` to run, the training ``seconds`` of those before, the model ``kept`` so far, the ``scores`` by leg;
    ``to_suggest`` while the kept model's suggestions are not all out.

    ``first`` the model of the first mask, from which a candidate starts; ``measured`` held-out slices by what was
    measured there; ``kept_as`` which of these the kept model is (or was, before it learned from all slices);
    ``verdicts`` what was decided on the way, for the card.
    """

    leg: int = 0
    seconds: float = 0.0
    kept: Model | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    to_suggest: bool = False
    first: Model | None = None
    measured: dict[str, Measured] = field(default_factory=dict)
    kept_as: str = ""
    verdicts: list[str] = field(default_factory=list)

    def name_of(self, leg: Leg) -> str:
        """What ``leg`` is called among the scores."""
        number = sum(name.startswith("fold") for name in self.measured)
        own = f"fold {number + 1}" if leg.role == "fold" else leg.name
        return own if own not in self.scores else f"{own}, longer"

    def to_plain(self) -> dict[str, Any]:
        """Plain data and tensors."""
        models = {name: model.to_state() if model else None for name, model in
                  (("kept", self.kept), ("first", self.first))}
        measured = {name: asdict(found) for name, found in self.measured.items()}
        return {**vars(self), **models, "measured": measured}

    @classmethod
    def from_plain(cls, plain: dict[str, Any], source: Path) -> Standing:
        """The inverse of :meth:`to_plain`. Raises CheckpointError naming ``source``."""
        models = {name: Model.from_state(plain[name], source) if plain[name] else None for name in ("kept", "first")}
        measured = {name: measured_from(found) for name, found in plain["measured"].items()}
        return cls(**{**plain, **models, "measured": measured})


@dataclass(frozen=True)
class Saved:
    """A checkpoint: the standing, the legs, the plan trained with, ``half`` the arithmetic and ``channels_last`` the
    layout by type of device, the generators, the ``parts`` of slices to hold out, ``notes`` of what was
    decided at the start, and the trainer's state when it was saved within a leg.
    """

    standing: Standing
    legs: list[Leg]
    plan: Plan
    half: dict[str, bool]
    channels_last: dict[str, bool]
    parts: list[dict[str, list[list[int]]]]
    notes: dict[str, Any]
    random: dict[str, Any]
    trainer: dict[str, Any] | None

    @classmethod
    def load(cls, path: Path) -> Saved | None:
        """The checkpoint of an interrupted run, in host memory: a method takes its own from there, and the rest, which
        is kept as long as the run goes on, takes no room on a GPU. None when there is none. Raises CheckpointError
        naming the file.
        """
        if not path.exists():
            return None
        state = checkpoint.load(path, torch.device("cpu"))
        if not isinstance(state, Mapping) or state.get("format") != FORMAT:
            raise CheckpointError(f"{path} is no checkpoint of format {FORMAT}. {checkpoint.START_AGAIN}")
        legs = [Leg(**{**leg, "budget": Budget(**leg["budget"])}) for leg in state["legs"]]
        return cls(
            Standing.from_plain(state["standing"], path), legs, Plan(**state["plan"]), state["half"],
            state.get("channels_last", {}), state["parts"], state["notes"], state["random"], state["trainer"],
        )

    def opening(self, data: Data) -> Opening:
        """How this run began."""
        return Opening.resumed(self.legs, Parts.from_plain(data, self.parts), self.notes)

    def on(self, device: Device) -> Device:
        """``device`` as this run began with it: what was measured then may come out otherwise now. It may be another
        one, though, which has no bfloat16.
        """
        kind = device.torch.type
        return replace(
            device, half=self.half.get(kind, device.half) and has("bfloat16", device.torch),
            channels_last=self.channels_last.get(kind, device.channels_last),
        )


def save(path: Path, standing: Standing, opening: Opening, device: Device, trainer: dict[str, Any] | None) -> None:
    """Write a checkpoint. Raises FileError where the disk refuses."""
    checkpoint.save(path, {
        "format": FORMAT,
        "standing": standing.to_plain(),
        "legs": [asdict(leg) for leg in opening.legs],
        "plan": asdict(opening.parts.data.plan),
        "half": {device.torch.type: device.half},
        "channels_last": {device.torch.type: device.channels_last},
        "parts": opening.parts.to_plain(),
        "notes": opening.notes(),
        "random": random_state(),
        "trainer": trainer,
    })
