"""Training one leg to its end, with smaller patches when memory runs out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import torch

from ...engine.data.carrying import Carrying
from ...engine.data.patches import NothingLabelled, Sampler
from ...engine.hardware.device import is_out_of_memory
from ...engine.prediction.predict import Predictor
from ...engine.training.trainer import Trainer
from ...errors import SemiSegError
from ...methods import make
from ...methods.base import Method
from ..data import Data
from ..model import Model
from ..workplace import Workplace
from .legs import Leg
from .warm import start_from

Between = Callable[[Trainer, float], bool]
"""Called between two steps with the share of the leg that is done; False stops."""


class MemoryExhausted(SemiSegError):
    """Not even the smallest patches fit into memory."""


class Fitting:
    """Trainers of one run on its volumes; ``between`` hears of every step."""

    def __init__(self, workplace: Workplace, data: Data, between: Between):
        self.data, self.device, self.reporter, self.between = data, workplace.device, workplace.reporter, between
        self.seed, self.means = workplace.training.seed, workplace.means()

    def method(self, leg: Leg) -> Method:
        """The method of a leg, with fresh weights."""
        return make(leg.name, leg.settings, self.data.task()).to(self.device.torch)

    def fit(self, leg: Leg, source: Model | None, state: dict[str, Any] | None) -> Trainer:
        """Train to the end of the leg or to a stop, from ``state`` when the leg was begun before. It begins with what
        ``source`` knows.

        Raises Diverged, MemoryExhausted, NothingLabelled.
        """
        method = self._begun(leg, source)
        opinion = self._opinion(method, source) if leg.carried else None
        trainer = self._trainer(method, leg)
        if state is not None:
            trainer.restore(state)
        carrying = Carrying(list(self.data.volumes.values()), leg.carried, opinion)
        carrying.at(trainer.share())
        while not self._fits(trainer, carrying):
            # out here nothing holds the activations of the failed step any more
            trainer = self._with_smaller_patches(trainer, leg)
        return trainer

    def _begun(self, leg: Leg, source: Model | None) -> Method:
        """The method at the very beginning of a leg: chance begins anew."""
        torch.manual_seed(leg.seed(self.seed))
        method = self.method(leg)
        if source is not None:
            taken = start_from(method, source, self.data.classes.values[1:], self.data.plan)
            assert taken, f"{leg.name} cannot go on from {source.method}"
        return method

    def _opinion(self, begun: Method, source: Model | None) -> Predictor | None:
        """What the method, ``begun`` from ``source``, thinks before its first step. It knows nothing of a structure
        that is new.
        """
        if source is None or not set(self.data.classes.values[1:]) <= set(source.values):
            return None
        return Predictor(deepcopy(begun.predictor()), self.data.plan, self.device)

    def _trainer(self, method: Method, leg: Leg) -> Trainer:
        sampler = Sampler(list(self.data.volumes.values()), self.data.plan)
        trainer = Trainer(method, sampler, self.device, leg.budget, means=self.means)
        share = sampler.labelled_share(method.need(trainer.where()))
        if share == 0:
            raise NothingLabelled(
                "None of the voxels to train on lies on a slice that is done. Mark the drawn slices as done, then "
                "train again."
            )
        self.reporter.update(labelled_share=share)
        return trainer

    def _fits(self, trainer: Trainer, carrying: Carrying) -> bool:
        """Train; False when memory ran out."""
        try:
            trainer.fit(carrying.then(lambda progress, share: self.between(trainer, share)))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            logging.warning("Out of memory at patch %s: %s", self.data.plan.patch, error)
            return False
        return True

    def _with_smaller_patches(self, trainer: Trainer, leg: Leg) -> Trainer:
        smaller = self.data.plan.smaller()
        if smaller is None:
            raise MemoryExhausted(
                f"Memory ran out with patches of only {self.data.plan.patch} voxels. Close other programs, or choose "
                "a computer with more memory, and start again."
            )
        self.reporter.say(f"Memory ran out: training goes on with patches of {smaller.patch} voxels.")
        self.device.give_back_memory()  # a processor's would be kept for steps as large as the one that failed
        self.data.plan = smaller
        method = self.method(leg)
        method.load_state_dict(trainer.method.state_dict())
        again = self._trainer(method, leg)
        again.continue_at(trainer.progress)
        return again
