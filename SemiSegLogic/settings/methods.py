"""Every number of every method on one page, each with its place in the paper: compare us here."""

from __future__ import annotations

from dataclasses import dataclass

from .fields import Settings, number


@dataclass(frozen=True)
class Supervised(Settings):
    """Partial cross-entropy and Dice on annotated voxels only (Cicek 2016; Gotkowski 2024)."""

    learning_rate: float = number(3e-3, "Learning rate (AdamW)", low=0, high=1)
    weight_decay: float = number(1e-2, "Weight decay", low=0, high=1)
    ema: float = number(0.97, "Decay of the averaged weights", low=0, high=1)
    batch: int = number(2, "Labelled patches per step", low=1, high=64)


@dataclass(frozen=True)
class MeanTeacher(Settings):
    """Tarvainen and Valpola 2017, with confident pseudo-labels of the teacher."""

    learning_rate: float = number(3e-3, "Learning rate (AdamW)", low=0, high=1)
    weight_decay: float = number(1e-2, "Weight decay", low=0, high=1)
    ema: float = number(0.97, "Decay of the teacher", low=0, high=1, source="section 3")
    confidence: float = number(0.9, "Least confidence of a pseudo-label", low=0, high=1)
    consistency: float = number(0.5, "Weight of the unlabelled loss", low=0, high=100, source="section 3")
    ramp: float = number(0.5, "Share of the run until that weight is full", low=0, high=1, source="section 3")
    batch: int = number(2, "Labelled patches per step", low=1, high=64)
    unlabelled: int = number(2, "Unlabelled patches per step", low=1, high=64)


METHOD_SETTINGS: dict[str, type[Settings]] = {
    "supervised": Supervised,
    "mean_teacher": MeanTeacher,
}
"""Settings class of each method, by the name under which the method is asked for."""
