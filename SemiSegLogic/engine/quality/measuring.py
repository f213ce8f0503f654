"""Counting agreement on judged slices that training did not see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...geometry import SliceIndex
from ..volumes import Volume
from .flags import Looks, looks_of
from .reliability import Reliability, reliability_of


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


def measure(probabilities: Callable[[Volume], Tensor], volumes: Sequence[Volume], classes: int) -> Measured:
    """``probabilities`` (K,D,H,W) of a volume against what was drawn on its held-out slices."""
    found = Measured()
    for volume in volumes:
        if not volume.held_out:
            continue
        shares = probabilities(volume).cpu()
        scores = tuple(_score(volume, place, shares, classes) for place in volume.held_out)
        planes = [(shares.select(place.axis + 1, place.index), volume.plane(place).cpu()) for place in volume.held_out]
        found += Measured(scores, reliability_of(planes), ((volume.name, looks_of_shares(shares)),))
    return found


def looks_of_shares(shares: Tensor) -> Looks:
    """How a prediction (K,D,H,W) looks, from the very maps that a suggestion is saved as."""
    entropy = -(shares * shares.clamp_min(1e-8).log()).sum(0) / torch.log(torch.tensor(float(len(shares))))
    doubt = (entropy.clamp(0, 1) * 255).round().to(torch.uint8)
    return looks_of(shares.max(0).indices.to(torch.uint8).numpy(), doubt.numpy())


def held_out_dice(probabilities: Callable[[Volume], Tensor], volumes: Sequence[Volume], classes: int) -> list[float]:
    """Dice per structure (K-1 numbers) over all held-out slices together; NaN for a structure that is in none of them.

    ``probabilities`` gives (K,D,H,W) of a volume.
    """
    return pooled_dice(measure(probabilities, volumes, classes).scores, classes)


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


def _score(volume: Volume, place: SliceIndex, shares: Tensor, classes: int) -> SliceScore:
    truth, found = volume.plane(place).cpu(), shares.select(place.axis + 1, place.index).argmax(0)
    drawn = [truth == value for value in range(1, classes)]
    guessed = [found == value for value in range(1, classes)]
    return SliceScore(
        volume.name, place, tuple(int((a & b).sum()) for a, b in zip(drawn, guessed, strict=True)),
        tuple(int(mask.sum()) for mask in guessed), tuple(int(mask.sum()) for mask in drawn),
    )
