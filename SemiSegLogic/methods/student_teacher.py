"""What methods with a student and a teacher have in common, so that their own files tell only what is their own.

The student learns; the teacher begins as its copy and never sees a gradient. How the teacher follows is an equation of
each method.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ..engine.blocks.ema import copy_of
from ..engine.blocks.optim import build_optimisers, rate_factor
from ..engine.nets import Network, build
from .base import PRETRAIN, Method, Need, Optimiser, Phase, Step, Task, after_pretraining

SELF_TRAIN = "self-training"


class StudentTeacher(Method):
    """``student`` and ``teacher``, networks of the task."""

    def __init__(self, settings: Any, task: Task):
        super().__init__()
        self.settings, self.task = settings, task
        self.student = self.new_student()
        self.teacher = copy_of(self.student)

    def new_student(self) -> Network:
        """The task's network, at random."""
        return build(self.task.network, self.task)

    def optimisers(self, phase: str) -> list[Optimiser]:
        """The student's: Muon for inner kernels and AdamW for the rest, or SGD; fresh in each phase."""
        s = self.settings
        return build_optimisers(s.optimiser, self.student, s.learning_rate, s.weight_decay)

    def rate(self, step: Step) -> float:
        """The chosen curve, once per phase."""
        return rate_factor(self.settings.schedule, step.progress, step.index)

    def predictor(self) -> nn.Module:
        """The teacher, or the student as mostly published."""
        return self.student if self.settings.inference == "student" else self.teacher


class PastedPairs(StudentTeacher):
    """Pre-training on labels, unless a model to start from makes it needless (share 0), then self-training on mixes of
    labelled patches a, b with unlabelled u, v.
    """

    def phases(self) -> list[Phase]:
        """See the class."""
        return after_pretraining(self.settings.pretraining, SELF_TRAIN)

    def need(self, step: Step) -> Need:
        """Pairs: half of the labelled patches are a, half are b; u and v likewise."""
        rows = 2 * self.settings.pairs
        return Need(rows, 0 if step.phase == PRETRAIN else rows, self.task.patch)
