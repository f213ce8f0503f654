"""One step of training: losses, gradients, update, teacher. As written, or with all that changes from step to step on
the device, so that it can be recorded (see recording.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...methods.base import Method, Optimiser, Patches, Step
from ..blocks.optimisers import Descent
from ..hardware.device import Device

LONGEST_GRADIENT = 12.0


@dataclass(frozen=True)
class Outcome:
    """``losses`` by name, detached; ``health`` a scalar, finite when losses and gradients were; ``updated`` whether the
    weights moved.
    """

    losses: dict[str, Tensor]
    health: Tensor
    updated: bool = True


class LiveStep(Step):
    """A step whose ``index``, ``total`` and ``progress`` are 0-dim tensors: what a method computes from them on the
    device follows a replay. What it decides with them on the host raises, or is seen, and the method is not recorded.
    """

    def __init__(self, phase: str, device: torch.device):
        super().__init__(phase, torch.zeros((), device=device), torch.ones((), device=device))  # type: ignore[arg-type]
        object.__setattr__(self, "_progress", torch.zeros((), device=device))

    @property
    def progress(self) -> float:
        """A tensor, whatever the type says."""
        return self._progress  # type: ignore[attr-defined]

    def follow(self, step: Step) -> None:
        """Take the numbers of ``step`` to the device."""
        for mine, value in ((self.index, step.index), (self.total, step.total), (self.progress, step.progress)):
            mine.fill_(value)  # type: ignore[union-attr]


class Work:
    """The step as written. ``checked``: look at the numbers before the weights move, which makes a GPU wait."""

    def __init__(self, method: Method, optimisers: Sequence[Optimiser], device: Device, checked: bool):
        self.method, self.optimisers, self.device, self.checked = method, optimisers, device, checked
        self._learning = [p for one in optimisers for group in one.param_groups for p in group["params"]]

    def __call__(self, labelled: Patches, unlabelled: Patches, step: Step) -> Outcome:
        """One step, with the learning rates that the optimisers have."""
        losses, health = self._gradients(labelled, unlabelled, step)
        if self.checked and not bool(torch.isfinite(health)):
            return Outcome(losses, health, updated=False)
        for optimiser in self.optimisers:
            optimiser.step()
        self.method.after_step(step)
        return Outcome(losses, health)

    def on_device(self, labelled: Patches, unlabelled: Patches, step: LiveStep) -> Outcome:
        """The same without the rates, which :meth:`prepare` has taken to the device before."""
        losses, health = self._gradients(labelled, unlabelled, step)
        for optimiser in self.optimisers:
            assert isinstance(optimiser, Descent)
            optimiser.apply()
        self.method.after_step(step)
        return Outcome(losses, health)

    def prepare(self) -> None:
        """Learning rates to the device."""
        for optimiser in self.optimisers:
            assert isinstance(optimiser, Descent)
            optimiser.prepare()

    def _gradients(self, labelled: Patches, unlabelled: Patches, step: Step) -> tuple[dict[str, Tensor], Tensor]:
        with self.device.one_shape():
            with self.device.arithmetic():
                losses = self.method.losses(labelled, unlabelled, step)
            total = torch.stack(list(losses.values())).sum()
            self.method.zero_grad(set_to_none=True)  # all of it: a phase may leave some networks out of its optimisers
            total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self._learning, LONGEST_GRADIENT, foreach=True)
        health = total.detach() + norm  # a finite loss can have gradients that are not
        return {name: value.detach() for name, value in losses.items()}, health
