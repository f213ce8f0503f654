"""Counting agreement on judged slices that training did not see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from ...geometry import SliceIndex
from ...methods.base import entropy
from ..data.volumes import Volume
from ..prediction.regrid import Cut
from .flags import Looks
from .reliability import Reliability, reliability_of

Parts: TypeAlias = Iterable[tuple[int, Tensor]]
"""Shares (K,n,H,W) of a volume in consecutive parts along D, each with its first row."""
Planes: TypeAlias = Mapping[SliceIndex, Tensor]
"""Shares (K,a,b) of slices of a volume."""


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


@dataclass(frozen=True)
class Measured:
    """A model on held-out slices: their ``scores``, whether its confidence there was right (``reliability``), and how
    its predictions of the whole volumes look (``looks``, by case).
    """

    scores: tuple[SliceScore, ...] = ()
    reliability: Reliability | None = None
    looks: tuple[tuple[str, Looks], ...] = ()

    def __add__(self, other: Measured) -> Measured:
        both = [part for part in (self.reliability, other.reliability) if part is not None]
        together = both[0] + both[1] if len(both) == 2 else both[0] if both else None
        return Measured(self.scores + other.scores, together, self.looks + other.looks)


def measure(parts_of: Callable[[Volume], Parts], volumes: Iterable[Volume], classes: int) -> Measured:
    """What is predicted of volumes against what was drawn on their held-out slices; ``parts_of`` a volume are all of
    it. Others are not predicted.
    """
    found = Measured()
    for volume in volumes:
        if volume.held_out:
            looks, planes = _looked_through(parts_of(volume), volume)
            drawn = [(planes[place], volume.plane(place).cpu()) for place in volume.held_out]
            found += Measured(_scores(volume, planes, classes), reliability_of(drawn), ((volume.name, looks),))
    return found


def scores_of(
    planes_of: Callable[[Volume, Sequence[SliceIndex]], Planes], volumes: Iterable[Volume], classes: int
) -> tuple[SliceScore, ...]:
    """The scores alone, for which nothing but the held-out slices need be predicted."""
    held = [volume for volume in volumes if volume.held_out]
    return tuple(score for volume in held for score in _scores(volume, planes_of(volume, volume.held_out), classes))


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


def _looked_through(parts: Parts, volume: Volume) -> tuple[Looks, dict[SliceIndex, Tensor]]:
    """How a prediction looks, from the very bytes that a suggestion is saved as, and its held-out slices; of the rest
    no more than one part is in memory at a time.
    """
    cuts = {place: Cut(place, volume.shape, volume.shape) for place in volume.held_out}
    size = doubt = 0
    for start, shares in parts:
        size += int((shares[1:].amax(0) > shares[0]).sum())
        doubt += int((entropy(shares[None]) * 255).round().sum(dtype=torch.float64))
        for cut in cuts.values():
            cut.take(start, shares)
    return Looks.of(doubt / 255, size), {place: cut.plane().cpu() for place, cut in cuts.items()}


def _scores(volume: Volume, planes: Planes, classes: int) -> tuple[SliceScore, ...]:
    return tuple(_score(volume, place, planes[place].cpu(), classes) for place in volume.held_out)


def _score(volume: Volume, place: SliceIndex, shares: Tensor, classes: int) -> SliceScore:
    truth, found = volume.plane(place).cpu(), shares.argmax(0)
    drawn = [truth == value for value in range(1, classes)]
    guessed = [found == value for value in range(1, classes)]
    return SliceScore(
        volume.name, place, tuple(int((a & b).sum()) for a, b in zip(drawn, guessed, strict=True)),
        tuple(int(mask.sum()) for mask in guessed), tuple(int(mask.sum()) for mask in drawn),
    )
