"""A trained model as it is kept: weights with everything needed to use them again, and a card for people."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..engine.planning.plan import Plan
from ..engine.prediction.averaging import ViewAveraged
from ..engine.quality import FlagRule
from ..engine.training import checkpoint
from ..methods import make_to_predict
from ..methods.base import Method, Task
from .course.parts import SeenSlice, plain_slices, seen_slices

FORMAT = 2
OF_ALL_NETWORKS = 1
"""The format of before, with the weights of all networks of the method."""
OTHER_MODEL = "Choose another model, or train from scratch."


@dataclass(frozen=True)
class Beginning:
    """What a later round goes on from: the state of the predicting ``network`` in host memory, and the slices ``seen``
    that it has learned from (None: any may be).
    """

    network: dict[str, Tensor]
    seen: tuple[SeenSlice, ...] | None

    def to_state(self) -> dict[str, Any]:
        """Plain data and tensors."""
        return {"network": self.network, "seen": plain_slices(self.seen)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Beginning:
        """The inverse of :meth:`to_state`."""
        return cls(state["network"], seen_slices(state["seen"]))


@dataclass(frozen=True)
class Model:
    """``weights`` the state of the predicting network in host memory; ``values`` label values of the classes 1..K-1;
    ``held_out`` mean Dice on held-out slices, None when there were none.

    ``mirror`` (engine axis or None) and ``zooms``: the views that predictions are averaged over; ``one_piece`` the
    values of structures whose fragments are left out of them. ``quality`` what was measured, for the card;
    ``flag_rule`` by which flags are given, and ``seen`` the slices that the weights have learned from (None: any may
    be). ``judged``: as it was judged, where it has learned from the slices that judged it since. ``learned``: how many
    slices its run learned from, and of how many cases (None: not known).
    """

    method: str
    settings: dict[str, Any]
    task: Task
    plan: Plan
    values: tuple[int, ...]
    weights: dict[str, Tensor]
    held_out: float | None = None
    mirror: int | None = None
    zooms: tuple[float, ...] = ()
    one_piece: tuple[int, ...] = ()
    quality: dict[str, Any] = field(default_factory=dict)
    flag_rule: FlagRule = field(default_factory=FlagRule)
    seen: tuple[SeenSlice, ...] | None = None
    judged: Beginning | None = None
    learned: tuple[int, int] | None = None

    @classmethod
    def of(cls, method: Method, name: str, plan: Plan, values: tuple[int, ...], held_out: float | None) -> Model:
        """``method`` as it is now."""
        settings = method.settings.to_dict()
        return cls(name, settings, method.task, plan, values, checkpoint.snapshot(method.predictor()), held_out)

    def build(self, device: torch.device) -> Method:
        """The method, whose predictor has these weights and is ready to predict."""
        method = _fresh(self.method, self.settings, self.task)
        method.predictor().load_state_dict(self.weights)
        return method.to(device).eval()

    def beginning(self) -> Beginning:
        """What a later round goes on from. A model that has learned from every slice cannot be measured on any of them,
        nor can what goes on from it: therefore as it was judged, where that is kept.
        """
        if self.judged is not None:
            return self.judged
        return Beginning({name: value.clone() for name, value in self.weights.items()}, self.seen)

    def predictor(self, device: torch.device) -> nn.Module:
        """The predicting network, (B,1,D,H,W) -> logits (B,K,D,H,W), averaged over the model's views."""
        network = self.build(device).predictor()
        if self.mirror is None and not self.zooms:
            return network
        return ViewAveraged(network, self.mirror, self.zooms, self.plan.dims == 2).eval()

    def network(self, values: tuple[int, ...], device: torch.device) -> nn.Module:
        """The predicting network with its classes 1..K-1 in the order of the structures ``values``: a study may have
        gained and lost structures since. A structure that the model does not know is never predicted.
        """
        network = self.predictor(device)
        return network if values == self.values else Reordered(network, self.values, values).to(device)

    def to_state(self) -> dict[str, Any]:
        """Plain data and tensors."""
        return {
            "format": FORMAT, "method": self.method, "settings": self.settings, "task": _plain(self.task),
            "plan": asdict(self.plan), "values": list(self.values), "weights": self.weights, "held_out": self.held_out,
            "mirror": self.mirror, "zooms": list(self.zooms), "one_piece": list(self.one_piece),
            "quality": self.quality, "judge": self.flag_rule.to_dict(), "seen": plain_slices(self.seen),
            "judged": self.judged.to_state() if self.judged else None,
            "learned": list(self.learned) if self.learned else None,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], source: Path) -> Model:
        """The inverse of :meth:`to_state`. Raises CheckpointError when ``source`` holds something else."""
        if not isinstance(state, dict) or state.get("format") not in (FORMAT, OF_ALL_NETWORKS):
            raise checkpoint.CheckpointError(
                f"{source} is not a model of format {FORMAT}. Update SemiSeg, or train from scratch."
            )
        judged, learned = state.get("judged"), state.get("learned")  # files of before have none
        return cls(
            state["method"], state["settings"], _task_of(state), Plan(**state["plan"]), tuple(state["values"]),
            _of_predictor(state), state["held_out"], state.get("mirror"), tuple(state.get("zooms", ())),
            tuple(state.get("one_piece", ())), state.get("quality", {}), FlagRule(**state.get("judge", {})),
            seen_slices(state.get("seen")), Beginning.from_state(judged) if judged else None,
            (int(learned[0]), int(learned[1])) if learned else None,
        )

    def save(self, path: Path) -> None:
        """Write the model, whole or not at all. Raises FileError where the disk refuses."""
        checkpoint.save(path, self.to_state())

    @classmethod
    def load(cls, path: Path) -> Model:
        """Read a model into host memory. Raises CheckpointError naming the file."""
        return cls.from_state(checkpoint.load(path, torch.device("cpu"), OTHER_MODEL), path)


def _fresh(name: str, settings: dict[str, Any], task: Task) -> Method:
    """The method before anything is loaded into it. Draws no chance: looking at a model changes no training."""
    with torch.random.fork_rng(devices=[]):
        return make_to_predict(name, settings, task)


def _plain(task: Task) -> dict[str, Any]:
    """``task`` without the label values: a model tells them itself, and earlier versions know of no others."""
    return {name: value for name, value in asdict(task).items() if name != "values"}


def _task_of(state: dict[str, Any]) -> Task:
    """The inverse of :func:`_plain` in the state of a model."""
    return Task(**state["task"], values=tuple(state["values"]))


def _of_predictor(state: dict[str, Any]) -> dict[str, Tensor]:
    """The weights of the predicting network in the state of a model of either format."""
    weights: dict[str, Tensor] = state["weights"]
    if state["format"] == FORMAT:
        return weights
    method = _fresh(state["method"], state["settings"], _task_of(state))
    names = {id(value): name for name, value in method.state_dict(keep_vars=True).items()}
    own = method.predictor().state_dict(keep_vars=True)
    return {name: weights[names[id(value)]] for name, value in own.items()}


class Reordered(nn.Module):
    """``network`` with other classes: those of the structures ``values`` instead of ``own``."""

    def __init__(self, network: nn.Module, own: tuple[int, ...], values: tuple[int, ...]):
        super().__init__()
        self.network = network
        self.known = [number for number, value in enumerate((0, *values)) if value in (0, *own)]
        self.source = [(0, *own).index((0, *values)[number]) for number in self.known]
        self.classes = 1 + len(values)

    def forward(self, image: Tensor) -> Tensor:
        """(B,1,D,H,W) -> logits (B,K,D,H,W); a finite -1e4 where the network knows nothing, safe to blend."""
        logits = self.network(image)
        out = torch.full((len(logits), self.classes, *logits.shape[2:]), -1e4, device=logits.device, dtype=logits.dtype)
        out[:, self.known] = logits[:, self.source]
        return out
