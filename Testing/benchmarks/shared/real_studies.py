"""Studies on disk with a real worker: what a person does in them, and how good the suggestions are that come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.report import dice
from SemiSegLogic.rounds import Round
from SemiSegLogic.study import Case, Study
from Testing.benchmarks.runner.definitions.datasets import Collection

LOOK_S = 0.1


@dataclass(frozen=True)
class Drawn:
    """One slice of the session: its case, the truth (k, j, i) of the case, and all its slices up to this one."""

    case: Case
    truth: NDArray[np.uint8]
    places: tuple[SliceIndex, ...]


def study_of(folder: Path, cases: Collection, names: Sequence[str]) -> Study:
    """A study of the cases ``names`` in which nothing is drawn."""
    listed = cases.about.structures
    study = Study.create(folder, structures=[listed[value] for value in sorted(listed, key=int)])
    for name in names:
        study.add_case(cases.image_file(name), copy=False, name=name)
    return study


def quality(case: Case, truth: NDArray[np.uint8]) -> float:
    """Mean Dice of all structures of a case's present suggestion."""
    found = case.suggestion()
    return float(np.mean([dice(found == value, truth == value) for value in np.unique(truth[truth > 0])]))


def call_done(this: Round, drawn: Drawn) -> None:
    """The newest slice of ``drawn`` is drawn and marked as done."""
    drawn.case.set_slices(drawn.truth, drawn.places[-1:], "expert")
    this.add_labels(drawn.case)


def wait_for_suggestion(backend: LocalBackend, this: Round) -> None:
    """Wait until a suggestion that has learned from everything drawn is in the study, as the panel does."""
    def known() -> bool:
        status = backend.poll(this.id)
        assert not status.ended, status
        newest = len(list(this.job.inputs.glob("labels-*.npz")))
        return status.labels_shown == newest

    until(known)
    this.collect()


def draw_on(this: Round, moment: float) -> None:
    """The person draws the next slice; suggestions come and go meanwhile."""
    while time.monotonic() < moment:
        time.sleep(0.5)
        this.collect()


def until(condition: Callable[[], bool]) -> None:
    """Wait."""
    while not condition():
        time.sleep(LOOK_S)
