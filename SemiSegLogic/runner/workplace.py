"""What a runner works with: a job, a device, and somebody to tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from ..engine.hardware.device import Device, choose
from ..engine.hardware.memory import keep_freed_memory
from ..engine.training.trainer import Means
from ..job import JobFolder
from ..settings import Training
from .reporting import Reporter


@dataclass(frozen=True)
class Workplace:
    """The ``job`` to do, the ``device`` to do it on, the ``training`` that it orders, the ``reporter`` who tells how it
    stands.
    """

    job: JobFolder
    device: Device
    training: Training
    reporter: Reporter

    def with_device(self, device: Device) -> Workplace:
        """The same, at another device, or at the same one used in another way."""
        return replace(self, device=device)

    def means(self) -> Means:
        """How its steps are carried out."""
        return Means(self.training.compile, self.training.record, notify=self.reporter.say)


@contextmanager
def workplace_of(job: JobFolder, reporter: Reporter) -> Iterator[Workplace]:
    """That of this process while it works on ``job``; chance begins with the seed that was ordered. Raises DeviceLost,
    in words, when the device fails.
    """
    keep_freed_memory()
    training = Training.from_dict(job.spec().training)
    torch.manual_seed(training.seed)
    device = choose(training.device, training.precision)
    with device.at_work():
        yield Workplace(job, device, training, reporter)
