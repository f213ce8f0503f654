"""What a leg came to: a model, and what the slices held out from it say."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ...engine.quality import Looks, Measured, Reliability, SliceScore
from ...engine.training import checkpoint
from ...engine.training.checkpoint import CheckpointError
from ...geometry import SliceIndex
from ..model import Model

FORMAT = 1


@dataclass(frozen=True)
class Outcome:
    """``model`` with the views it is to predict from, ``measured`` with them on the slices held out, and the mean Dice
    there from ``one_view`` of each volume (None: nothing was held out).
    """

    model: Model
    measured: Measured
    one_view: float | None

    @property
    def several_views(self) -> bool:
        """Whether the model predicts from more than each volume as it is."""
        return self.model.mirror is not None or bool(self.model.zooms)


@dataclass(frozen=True)
class Delivery:
    """The ``outcome`` of a leg that another runner trained, for ``seconds`` of training on ``device`` (in words)."""

    outcome: Outcome
    device: str
    seconds: float

    def save(self, path: Path) -> None:
        """Write it, whole or not at all. Raises FileError where the disk refuses."""
        checkpoint.save(path, {
            "format": FORMAT, "model": self.outcome.model.to_state(), "measured": asdict(self.outcome.measured),
            "one_view": self.outcome.one_view, "device": self.device, "seconds": self.seconds,
        })

    @classmethod
    def load(cls, path: Path) -> Delivery:
        """Read it into host memory. Raises CheckpointError naming the file."""
        state = checkpoint.load(path, torch.device("cpu"))
        if not isinstance(state, dict) or state.get("format") != FORMAT:
            raise CheckpointError(f"{path} holds no outcome of a leg of format {FORMAT}. {checkpoint.START_AGAIN}")
        model = Model.from_state(state["model"], path)
        outcome = Outcome(model, measured_from(state["measured"]), state["one_view"])
        return cls(outcome, state["device"], state["seconds"])


def measured_from(plain: dict[str, Any]) -> Measured:
    """The inverse of ``asdict`` on what was measured."""
    scores = tuple(SliceScore(**{**score, "place": SliceIndex(**score["place"])}) for score in plain["scores"])
    reliability = Reliability(**plain["reliability"]) if plain["reliability"] else None
    return Measured(scores, reliability, tuple((name, Looks(**looks)) for name, looks in plain["looks"]),
                    tuple(plain.get("one_piece", ())))
