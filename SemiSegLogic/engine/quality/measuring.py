"""Counting agreement on judged slices that training did not see, and whether structures come in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import SliceIndex, planes_of
from ...methods.base import entropy
from ..data.volumes import Volume
from ..prediction.fragments import leave_out
from ..prediction.predict import two_best
from ..prediction.regrid import Cut
from .flags import Looks
from .one_piece import Evidence, enough, evidence_of
from .reliability import Reliability, reliability_of

Parts: TypeAlias = Iterable[tuple[int, Tensor]]
"""Shares (K,n,H,W) of a volume in consecutive parts along D, each with its first row."""
Planes: TypeAlias = Mapping[SliceIndex, Tensor]
"""Shares (K,a,b) of slices of a volume."""
WITNESSES = 3  # volumes, at most, that are predicted only to learn whether structures come in one piece


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
    its predictions of the whole volumes look (``looks``, by case). ``one_piece``: of which classes 1..K-1 fragments are
    left out; scores and looks are without them.
    """

    scores: tuple[SliceScore, ...] = ()
    reliability: Reliability | None = None
    looks: tuple[tuple[str, Looks], ...] = ()
    one_piece: tuple[int, ...] = ()

    def __add__(self, other: Measured) -> Measured:
        """Both; what is left out stays that of the first."""
        both = [part for part in (self.reliability, other.reliability) if part is not None]
        together = both[0] + both[1] if len(both) == 2 else both[0] if both else None
        return Measured(self.scores + other.scores, together, self.looks + other.looks, self.one_piece)


def measure(
    parts_of: Callable[[Volume], Parts], volumes: Iterable[Volume], classes: int, may_leave_out: bool = False
) -> Measured:
    """What is predicted of volumes against what was drawn on their held-out slices; ``parts_of`` a volume are all of
    it. ``may_leave_out``: fragments, of structures that come in one piece. Others are not predicted, except up to
    WITNESSES labelled ones where the first tell too little of that.
    """
    volumes = list(volumes)
    found = [_Found.of(parts_of(volume), volume, classes) for volume in volumes if volume.held_out]
    evidence = [sum((item.evidence[number] for item in found), Evidence()) for number in range(classes - 1)]
    for volume in _witnesses(volumes) if may_leave_out else ():
        if enough(evidence):
            break
        more = _Found.of(parts_of(volume), volume, classes).evidence
        evidence = [one + other for one, other in zip(evidence, more, strict=True)]
    one_piece = tuple(n for n, item in enumerate(evidence, 1) if may_leave_out and item.shows_one_piece)
    planes = [pair for item in found for pair in item.planes]
    return Measured(
        tuple(score for item in found for score in item.scores(one_piece)), reliability_of(planes) if planes else None,
        tuple((item.volume.name, item.looks(one_piece)) for item in found), one_piece)


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


@dataclass(frozen=True)
class _Suggested:
    """What would be suggested of a volume: ``sizes`` (K,) voxels of each class, and the ``slices`` held out, (a, b)
    uint8 class index.
    """

    sizes: NDArray[np.int64]
    slices: dict[SliceIndex, NDArray[np.uint8]]

    @classmethod
    def of(cls, label: NDArray[np.uint8], volume: Volume, classes: int) -> _Suggested:
        """Of all of it, ``label`` (D,H,W) class index."""
        sizes = np.array([np.count_nonzero(label == number) for number in range(classes)])
        return cls(sizes, planes_of(label, volume.held_out))


@dataclass(frozen=True)
class _Found:
    """What is predicted of ``volume``: ``everything``, and what is ``whole``: the same without fragments of any
    structure. The summed ``doubt``; ``planes`` shares (K,a,b) and truth (a,b) of the held-out slices; ``evidence`` by
    class 1..K-1.
    """

    volume: Volume
    everything: _Suggested
    whole: _Suggested
    doubt: float
    planes: list[tuple[Tensor, Tensor]]
    evidence: list[Evidence]

    @classmethod
    def of(cls, parts: Parts, volume: Volume, classes: int) -> _Found:
        """From shares that come in ``parts``: of these no more than one is in memory at a time."""
        label, second = (np.empty(volume.shape, np.uint8) for _ in range(2))
        cuts = {place: Cut(place, volume.shape, volume.shape) for place in volume.held_out}
        doubt = 0
        for start, shares in parts:
            best, following = two_best(shares)
            here = slice(start, start + shares.shape[1])
            label[here], second[here] = best.cpu().numpy(), following.cpu().numpy()
            doubt += int((entropy(shares[None]) * 255).round().sum(dtype=torch.float64))
            for cut in cuts.values():
                cut.take(start, shares)
        whole = label.copy()
        leave_out(whole, second, range(1, classes))
        evidence = [evidence_of(volume, label, whole, number) for number in range(1, classes)]
        planes = [(cut.plane().cpu(), volume.plane(place).cpu()) for place, cut in cuts.items()]
        everything, without = (_Suggested.of(item, volume, classes) for item in (label, whole))
        return cls(volume, everything, without, doubt / 255, planes, evidence)

    def scores(self, one_piece: Sequence[int]) -> Iterator[SliceScore]:
        """Of the held-out slices, without fragments of the classes ``one_piece``."""
        for place in self.volume.held_out:
            yield _score(self.volume, place, [item.slices[place] == n for n, item in self._suggested(one_piece)])

    def looks(self, one_piece: Sequence[int]) -> Looks:
        """Of the same."""
        return Looks.of(self.doubt, sum(int(item.sizes[number]) for number, item in self._suggested(one_piece)))

    def _suggested(self, one_piece: Sequence[int]) -> Iterator[tuple[int, _Suggested]]:
        """By class from 1."""
        for number in range(1, len(self.evidence) + 1):
            yield number, self.whole if number in one_piece else self.everything


def _witnesses(volumes: Sequence[Volume]) -> list[Volume]:
    """Labelled volumes with nothing held out, those first in which most was drawn."""
    drawn = {volume.name: sum(bool(values) for values in volume.foreground.values()) for volume in volumes}
    others = [volume for volume in volumes if drawn[volume.name] and not volume.held_out]
    return sorted(others, key=lambda volume: -drawn[volume.name])[:WITNESSES]
def _scores(volume: Volume, planes: Planes, classes: int) -> Iterator[SliceScore]:
    for place in volume.held_out:
        found = planes[place].argmax(0).cpu().numpy()
        yield _score(volume, place, [found == number for number in range(1, classes)])


def _score(volume: Volume, place: SliceIndex, guessed: Sequence[NDArray[np.bool_]]) -> SliceScore:
    """``guessed`` where each class 1..K-1 is suggested on the plane."""
    truth = volume.plane(place).cpu().numpy()
    drawn = [truth == number for number in range(1, len(guessed) + 1)]
    return SliceScore(
        volume.name, place, tuple(int((a & b).sum()) for a, b in zip(drawn, guessed, strict=True)),
        tuple(int(mask.sum()) for mask in guessed), tuple(int(mask.sum()) for mask in drawn),
    )
