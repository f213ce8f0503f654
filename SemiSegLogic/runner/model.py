"""A trained model as it is kept: weights with everything needed to use them again, and a card for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..engine import checkpoint
from ..engine.plan import Plan
from ..methods import make
from ..methods.base import Method, Task

FORMAT = 1


@dataclass(frozen=True)
class Model:
    """``weights`` the method's whole state in host memory; ``values`` label values of the classes 1..K-1;
    ``held_out`` mean Dice on held-out slices, None when there were none.
    """

    method: str
    settings: dict[str, Any]
    task: Task
    plan: Plan
    values: tuple[int, ...]
    weights: dict[str, Tensor]
    held_out: float | None = None

    @classmethod
    def of(cls, method: Method, name: str, plan: Plan, values: tuple[int, ...], held_out: float | None) -> Model:
        """``method`` as it is now."""
        settings = method.settings.to_dict()
        return cls(name, settings, method.task, plan, values, checkpoint.snapshot(method), held_out)

    def build(self, device: torch.device) -> Method:
        """The method with these weights, ready to predict."""
        method = make(self.method, self.settings, self.task).to(device)
        method.load_state_dict(self.weights)
        return method.eval()

    def to_state(self) -> dict[str, Any]:
        """Plain data and tensors."""
        return {
            "format": FORMAT, "method": self.method, "settings": self.settings, "task": asdict(self.task),
            "plan": asdict(self.plan), "values": list(self.values), "weights": self.weights, "held_out": self.held_out,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], source: Path) -> Model:
        """The inverse of :meth:`to_state`. Raises CheckpointError when ``source`` holds something else."""
        if state.get("format") != FORMAT:
            raise checkpoint.CheckpointError(
                f"{source} is not a model of format {FORMAT}. Update SemiSeg, or train anew."
            )
        return cls(
            state["method"], state["settings"], Task(**state["task"]), Plan(**state["plan"]), tuple(state["values"]),
            state["weights"], state["held_out"],
        )

    def save(self, path: Path) -> None:
        """Write the model, whole or not at all. Raises FileError where the disk refuses."""
        checkpoint.save(path, self.to_state())

    @classmethod
    def load(cls, path: Path) -> Model:
        """Read a model into host memory. Raises CheckpointError naming the file."""
        return cls.from_state(checkpoint.load(path, torch.device("cpu")), path)
