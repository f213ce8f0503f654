"""Supervised learning from partly annotated volumes: the baseline that every method must beat.

O. Cicek, A. Abdulkadir, S. Lienkamp, T. Brox, O. Ronneberger: 3D U-Net: Learning Dense Volumetric Segmentation from
Sparse Annotation, MICCAI 2016. K. Gotkowski et al.: Embarrassingly Simple Scribble Supervision, 2024 (partial loss).

Idea: a voxel that nobody judged has weight 0; everything else is ordinary supervision.

    (1)  L = CE(f(x), y) + Dice(f(x), y)          over judged voxels only
    (2)  f~ <- decay f~ + (1 - decay) f           the averaged weights are what predicts

Where we differ: Dice beside cross-entropy and averaged weights (Polyak and Juditsky 1992), because the first mask is
wanted after seconds; Muon and one cycle, for the same reason (SGD by the ``paper`` recipe).
"""

from __future__ import annotations

from torch import Tensor, nn

from ..engine.blocks.ema import copy_of, ema_update, warm_decay
from ..engine.blocks.losses import cross_entropy_and_dice
from ..engine.blocks.optim import build_optimisers, rate_factor
from ..engine.nets import build
from ..settings import Supervised as SupervisedSettings
from .base import Method, Need, Optimiser, Patches, Step, Task


class Supervised(Method):
    """Partial-label cross-entropy and Dice."""

    def __init__(self, settings: SupervisedSettings, task: Task):
        super().__init__()
        self.settings, self.task = settings, task
        self.network = build(task.network, task)
        self.average = copy_of(self.network)

    def optimisers(self, phase: str) -> list[Optimiser]:
        """Muon for inner kernels and AdamW for the rest, or SGD."""
        s = self.settings
        return build_optimisers(s.optimiser, self.network, s.learning_rate, s.weight_decay)

    def rate(self, step: Step) -> float:
        """The chosen curve."""
        return rate_factor(self.settings.schedule, step.progress, step.index)

    def need(self, step: Step) -> Need:
        """Labelled patches only."""
        return Need(self.settings.batch, 0, self.task.patch)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equation (1)."""
        entropy, dice = cross_entropy_and_dice(self.network(labelled.image), labelled.label)
        return {"cross_entropy": entropy, "dice": dice}

    def after_step(self, step: Step) -> None:
        """Equation (2)."""
        ema_update(self.average, self.network, warm_decay(self.settings.ema, step.index))

    def predictor(self) -> nn.Module:
        """The averaged network."""
        return self.average
