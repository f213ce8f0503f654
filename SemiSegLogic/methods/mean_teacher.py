"""Mean teacher.

A. Tarvainen, H. Valpola: Mean teachers are better role models, NeurIPS 2017 (arXiv 1703.01780).

Idea: the average of the student's past weights predicts better than the student; let it teach on images that nobody
labelled.

    (1)  L_s = CE(f(x), y) + Dice(f(x), y)                  judged voxels of labelled patches
    (2)  y^ = argmax f'(u),  c = max f'(u)                  teacher on the clean unlabelled patch
    (3)  L_u = mean over [c > t] of CE(f(perturbed u), y^)  student on the perturbed one
    (4)  L = L_s + w(progress) L_u                          w ramps up as exp(-5 (1 - progress/ramp)^2)
    (5)  f' <- decay f' + (1 - decay) f

Where we differ and why (the paper's choice in brackets):
- (2) and (3) are confident hard pseudo-labels, as in FixMatch (Sohn 2020) [squared differences of probabilities]: with
  K classes and mostly background the squared difference is all but flat.
- The teacher sees the patch as it was drawn, without dropout [noise and dropout of its own]: what it says is a label.
- Dice beside cross-entropy in (1), for small structures. What nobody judged of a labelled patch is in no loss.
- decay 0.97 by default [0.99, then 0.999], Muon and one cycle: runs last minutes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..engine.blocks.ema import ema_update, warm_decay
from ..engine.blocks.losses import cross_entropy_and_dice, partial_cross_entropy
from ..engine.blocks.optim import sigmoid_ramp
from ..engine.blocks.perturb import strong
from ..geometry import IGNORE
from ..settings import MeanTeacher as MeanTeacherSettings
from .base import Need, Patches, Step
from .student_teacher import StudentTeacher


class MeanTeacher(StudentTeacher):
    """A student, and its running average as teacher."""

    settings: MeanTeacherSettings

    def need(self, step: Step) -> Need:
        """Labelled and unlabelled patches of one shape."""
        return Need(self.settings.batch, self.settings.unlabelled, self.task.patch)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Equations (1) to (4), one forward pass of each network."""
        pseudo = self.pseudo_label(unlabelled.image)
        logits = self.student(torch.cat([labelled.image, strong(unlabelled.image)]))
        known, guessed = logits[: len(labelled.image)], logits[len(labelled.image) :]
        weight = self.settings.consistency * sigmoid_ramp(step.progress, self.settings.ramp)
        entropy, dice = cross_entropy_and_dice(known, labelled.label)
        return {
            "cross_entropy": entropy,
            "dice": dice,
            "consistency": weight * partial_cross_entropy(guessed, pseudo),
        }

    @torch.no_grad()
    def pseudo_label(self, image: Tensor) -> Tensor:
        """Equation (2): (B,C,D,H,W) -> (B,D,H,W) int64, IGNORE where the teacher is not confident."""
        self.teacher.eval()  # its BatchNorm averages follow equation (5), not its own batches
        confidence, label = self.probabilities(image).max(1)
        return label.masked_fill(confidence <= self.settings.confidence, IGNORE)

    def after_step(self, step: Step) -> None:
        """Equation (5)."""
        ema_update(self.teacher, self.student, warm_decay(self.settings.ema, step.index))

    def predictor(self) -> nn.Module:
        """The teacher."""
        return self.teacher
