"""How far a course is: what a restart needs beside the state within a leg."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..engine import checkpoint
from ..engine.checkpoint import CheckpointError
from ..engine.device import Device
from ..engine.plan import Plan
from .data import Data
from .model import Model

FORMAT = 1


@dataclass
class Standing:
    """The ``leg`` to run, the training ``seconds`` of those before, the model ``kept`` so far, the ``scores`` by leg;
    ``to_suggest`` while the kept model's suggestions are not all out.
    """

    leg: int = 0
    seconds: float = 0.0
    kept: Model | None = None
    scores: dict[str, float | None] = field(default_factory=dict)
    to_suggest: bool = False

    def name_of(self, method: str) -> str:
        """What a leg of ``method`` is called among the scores."""
        return method if method not in self.scores else f"{method}, longer"


@dataclass(frozen=True)
class Saved:
    """A checkpoint: the standing, the plan trained with, ``half`` the arithmetic and ``channels_last`` the layout by
    type of device, the generators, the slices held out, and the trainer's state when it was saved within a leg.
    """

    standing: Standing
    plan: Plan
    half: dict[str, bool]
    channels_last: dict[str, bool]
    held_out: dict[str, list[list[int]]]
    random: dict[str, Any]
    trainer: dict[str, Any] | None

    @classmethod
    def load(cls, path: Path, device: torch.device) -> Saved | None:
        """The checkpoint of an interrupted run; None when there is none. Raises CheckpointError naming the file."""
        if not path.exists():
            return None
        state = checkpoint.load(path, device)
        if not isinstance(state, Mapping) or state.get("format") != FORMAT:
            raise CheckpointError(f"{path} is no checkpoint of format {FORMAT}. {checkpoint.START_AGAIN}")
        kept = Model.from_state(state["kept"], path) if state["kept"] else None
        return cls(
            Standing(**{**state["standing"], "kept": kept}), Plan(**state["plan"]), state["half"],
            state.get("channels_last", {}), state["held_out"], state["random"], state["trainer"],
        )

    def on(self, device: Device) -> Device:
        """``device`` as this run began with it: what was measured then may come out otherwise now."""
        kind = device.torch.type
        return replace(
            device, half=self.half.get(kind, device.half),
            channels_last=self.channels_last.get(kind, device.channels_last),
        )


def save(path: Path, standing: Standing, data: Data, device: Device, trainer: dict[str, Any] | None) -> None:
    """Write a checkpoint. Raises FileError where the disk refuses."""
    kept = standing.kept
    checkpoint.save(path, {
        "format": FORMAT,
        "standing": {**vars(standing), "kept": None},
        "kept": kept.to_state() if kept else None,
        "plan": asdict(data.plan),
        "half": {device.torch.type: device.half},
        "channels_last": {device.torch.type: device.channels_last},
        "held_out": data.held_out(),
        "random": checkpoint.random_state(),
        "trainer": trainer,
    })
