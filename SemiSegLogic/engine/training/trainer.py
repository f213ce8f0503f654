"""The training loop: draw, losses, step, after_step, until the budget is spent.

The trainer knows budgets, interruptions and faults; it knows nothing of any method. One trainer runs one *leg*: a
method from its first phase to its last. The process (runner/course) strings legs together.
"""

from __future__ import annotations

import copy
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...errors import SemiSegError
from ...methods.base import Method, Optimiser, Phase, Step
from ..data.patches import Sampler
from ..hardware.device import Device
from ..hardware.threads import Threads
from . import compiling
from .checkpoint import restore_training_state, training_state
from .recording import CudaGraphs, Graphs, Recorder
from .stepping import Work
from .watch import Watch

KEEP_GOOD_SECONDS = 10.0  # a divergence costs at most this much training
PATIENCE = 3  # divergences undone before the run is called off


class Diverged(SemiSegError):
    """The loss became infinite or undefined again and again; the method holds the last good weights."""


@dataclass(frozen=True)
class Budget:
    """``seconds`` of training, or ``steps`` when that is positive."""

    seconds: float
    steps: int = 0

    def share(self, step: int, elapsed: float) -> float:
        """How much of the budget is spent, 1 at its end."""
        return step / self.steps if self.steps else elapsed / max(self.seconds, 1e-9)


@dataclass
class Progress:
    """Where a leg is: ``step`` steps done, ``elapsed`` seconds spent training; ``phase`` the phase's number, with the
    share of the budget and the step at which it began; ``undone`` how often a divergence was taken back.
    """

    step: int = 0
    elapsed: float = 0.0
    phase: int = 0
    phase_start: float = 0.0
    phase_step: int = 0
    undone: int = 0


@dataclass(frozen=True)
class Means:
    """How steps are carried out; none of it is to change a result. ``compile`` (auto, off, on): see compiling.py.
    ``record``: whether a GPU's steps are recorded, by ``graphs`` if given. ``notify`` is called with
    what a person should know.
    """

    compile: str = "off"
    record: bool = True
    graphs: Graphs | None = None
    notify: Callable[[str], None] = logging.info


class Trainer:
    """Trains ``method`` on what ``sampler`` draws.

    ``after(progress, share)`` is called behind every step and returns False to stop; the time it takes is not counted
    as training time. :meth:`state` and :meth:`restore` make a leg resumable; with a step budget on a CPU the rest is
    bit-identical.
    """

    def __init__(
        self, method: Method, sampler: Sampler, device: Device, budget: Budget,
        clock: Callable[[], float] = time.perf_counter, means: Means | None = None,
    ):
        self.method, self.sampler, self.device, self.budget, self.clock = method, sampler, device, budget, clock
        self.means = means or Means()
        self.phases: list[Phase] = method.phases()
        self.progress = Progress()
        self.losses: dict[str, Tensor] = {}
        self._watch = Watch(device.torch)
        device.lay_out(method)
        self.optimisers: list[Optimiser] = []
        self._rates: list[list[float]] = []
        # a step budget promises the same numbers again, and those depend on the number of threads
        self.threads = Threads(active=device.torch.type == "cpu" and not budget.steps)
        self._begin_phase()
        self._keep_good()
        self._compiled = False

    def fit(self, after: Callable[[Progress, float], bool]) -> None:
        """Run to the end of the budget or until ``after`` says stop. Raises Diverged, or PyTorch's out-of-memory."""
        self.method.train()
        self._compile()
        with self.threads:
            while (share := self.share()) < 1:
                self._advance_phase(share)
                begun = self.clock()
                self._step(self.where())
                took = self.clock() - begun
                self.progress.elapsed += took
                self.threads.took(took)
                if self.progress.elapsed - self._good_at > KEEP_GOOD_SECONDS:
                    self._settle()
                    self._keep_good()
                if not after(self.progress, min(self.share(), 1.0)):
                    break
        self._settle()

    def state(self) -> dict[str, Any]:
        """All that is needed to go on from here in another process."""
        self._settle()
        return training_state(self.method, self.optimisers) | {"progress": dict(vars(self.progress))}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`."""
        self.progress = Progress(**state["progress"])
        self._begin_phase()
        restore_training_state(state, self.method, self.optimisers)
        self._keep_good()

    def last_losses(self) -> dict[str, float]:
        """The weighted losses of the latest step, by name."""
        return {name: float(value) for name, value in self.losses.items()}

    @property
    def refusal(self) -> str:
        """Why steps are not recorded; empty when they are, or may be."""
        return self._work.refusal

    def share(self) -> float:
        """How much of the budget is spent, 1 at its end."""
        return self.budget.share(self.progress.step, self.progress.elapsed)

    def continue_at(self, progress: Progress) -> None:
        """Go on at ``progress`` of an earlier trainer of the same method, with fresh optimisers."""
        self.progress = Progress(**vars(progress))
        self._begin_phase()
        self._keep_good()

    def where(self) -> Step:
        """The step as a method sees it; under a time budget ``total`` is extrapolated from the pace so far."""
        phase, now, share = self.phases[self.progress.phase], self.progress, self.share()
        index = now.step - now.phase_step
        within = (share - now.phase_start) / phase.share
        total = round(phase.share * self.budget.steps) if self.budget.steps else round(index / max(within, 1e-6))
        return Step(phase.name, index, max(total, index + 1))

    def _advance_phase(self, share: float) -> None:
        end = sum(phase.share for phase in self.phases[: self.progress.phase + 1])
        if share >= end - 1e-9 and self.progress.phase + 1 < len(self.phases):
            self.progress.phase += 1
            self.progress.phase_start, self.progress.phase_step = end, self.progress.step
            self._begin_phase()

    def _begin_phase(self) -> None:
        self._fresh_optimisers()
        self._rates = [[group["lr"] for group in optimiser.param_groups] for optimiser in self.optimisers]

    def _fresh_optimisers(self) -> None:
        self.optimisers = self.method.optimisers(self.phases[self.progress.phase].name)
        on_gpu = self.device.torch.type == "cuda"
        graphs = self.means.graphs or (CudaGraphs() if on_gpu and self.means.record else None)
        self._work = Recorder(Work(self.method, self.optimisers, self.device, checked=not on_gpu), graphs)

    def _compile(self) -> None:
        seconds = 0.0 if self.budget.steps else self.budget.seconds
        if not self._compiled and compiling.wanted(self.means.compile, seconds, self.device):
            self._compiled = True
            need = self.method.need(self.where())
            count = max(need.labelled + need.unlabelled, 1)
            sample = torch.zeros(count, self.method.task.channels, *need.shape, device=self.device.torch)
            compiling.compile_networks(self.method, sample, self.device, self.means.notify)

    def _keep_good(self) -> None:
        self._good = copy.deepcopy(self.method.state_dict())
        self._good_at = self.progress.elapsed

    def _go_back(self) -> None:
        """Undo a divergence: the last good state, other patches, half the learning rate."""
        self.progress.undone += 1
        self._watch.forget()
        self.method.load_state_dict(self._good)
        if self.progress.undone > PATIENCE:
            raise Diverged(
                f"The loss became undefined {PATIENCE + 1} times. The earlier model is kept. Lower the learning rate "
                "or set the arithmetic to float32 under Advanced."
            )
        self._fresh_optimisers()
        torch.manual_seed(torch.initial_seed() + self.progress.undone)

    def _settle(self) -> None:
        """Wait for a GPU that is behind, and undo what turns out not to have been a number."""
        if self._watch.broken(all_of_them=True):
            self._go_back()

    def _step(self, step: Step) -> None:
        for optimiser, rates in zip(self.optimisers, self._rates, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * self.method.rate(step) * 0.5**self.progress.undone
        outcome = self._work(*self.sampler.draw(self.method.need(step)), step)
        if outcome.updated:
            self.progress.step += 1
            self.losses = outcome.losses
        self._watch.note(outcome.health)
        if self._watch.broken():
            self._go_back()
