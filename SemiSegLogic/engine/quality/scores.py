"""Dice on judged slices, one by one and together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry import SliceIndex
from ..data.volumes import Volume


@dataclass(frozen=True)
class SliceScore:
    """One held-out slice of ``case``, in voxels of structure 1..K-1 each: ``overlap`` of truth and prediction,
    ``found`` predicted, ``truth`` drawn.
    """

    case: str
    place: SliceIndex
    overlap: tuple[int, ...]
    found: tuple[int, ...]
    truth: tuple[int, ...]

    @property
    def dice(self) -> float | None:
        """Mean over the structures that are drawn or predicted here; None where there are none."""
        pairs = [(o, f + t) for o, f, t in zip(self.overlap, self.found, self.truth, strict=True) if f + t]
        return sum(2 * o / both for o, both in pairs) / len(pairs) if pairs else None


def score_of(volume: Volume, place: SliceIndex, guessed: Sequence[NDArray[np.bool_]]) -> SliceScore:
    """Of a judged slice; ``guessed`` (a, b) where each class 1..K-1 is suggested on it."""
    truth = volume.plane(place).cpu().numpy()
    drawn = [truth == number for number in range(1, len(guessed) + 1)]
    return SliceScore(
        volume.name, place, tuple(int((a & b).sum()) for a, b in zip(drawn, guessed, strict=True)),
        tuple(int(mask.sum()) for mask in guessed), tuple(int(mask.sum()) for mask in drawn),
    )


def pooled_dice(scores: Sequence[SliceScore], classes: int) -> list[float]:
    """Dice per structure (K-1 numbers) over all slices together; NaN for a structure that is drawn in none of them."""
    dice = []
    for number in range(classes - 1):
        truth = sum(score.truth[number] for score in scores)
        both = sum(score.found[number] for score in scores) + truth
        dice.append(2 * sum(score.overlap[number] for score in scores) / both if truth else float("nan"))
    return dice


def mean_dice(per_structure: Sequence[float]) -> float | None:
    """Mean over the structures that could be judged; None when there is none."""
    known = [value for value in per_structure if value == value]
    return sum(known) / len(known) if known else None
