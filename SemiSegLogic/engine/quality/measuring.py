"""Counting agreement on judged slices that training did not see, and whether structures come in one piece."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from ...geometry import SliceIndex
from ..data.volumes import Volume
from .flags import Looks
from .found import Found, Parts
from .one_piece import Evidence, undecided
from .reliability import Reliability, reliability_of
from .scores import SliceScore, score_of

Probabilities: TypeAlias = Mapping[SliceIndex, Tensor]
"""(K,a,b) of slices of a volume."""
WITNESSES = 3  # volumes, at most, that are predicted only to learn whether structures come in one piece


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
    WITNESSES that show structures of which the first tell too little of that.
    """
    volumes = list(volumes)
    found = [Found.of(parts_of(volume), volume, classes) for volume in volumes if volume.held_out]
    others = [volume for volume in volumes if not volume.held_out]
    one_piece = _one_piece(found, parts_of, others, classes) if may_leave_out else ()
    planes = [pair for item in found for pair in item.planes]
    return Measured(
        tuple(score for item in found for score in item.scores(one_piece)), reliability_of(planes) if planes else None,
        tuple((item.volume.name, item.looks(one_piece)) for item in found), one_piece)


def scores_of(
    predict: Callable[[Volume, Sequence[SliceIndex]], Probabilities], volumes: Iterable[Volume], classes: int
) -> tuple[SliceScore, ...]:
    """The scores alone, for which nothing but the held-out slices need be predicted."""
    held = [volume for volume in volumes if volume.held_out]
    return tuple(score for volume in held for score in _scores(volume, predict(volume, volume.held_out), classes))


def _one_piece(
    found: Sequence[Found], parts_of: Callable[[Volume], Parts], others: Sequence[Volume], classes: int
) -> tuple[int, ...]:
    """The classes 1..K-1 that come in one piece, as far as what was ``found`` shows, and up to WITNESSES of the
    ``others``.
    """
    evidence = [sum((item.evidence[number] for item in found), Evidence()) for number in range(classes - 1)]
    for _ in range(WITNESSES):
        witness = _witness(others, undecided(evidence))
        if witness is None:
            break
        others = [volume for volume in others if volume is not witness]
        more = Found.of(parts_of(witness), witness, classes).evidence
        evidence = [one + other for one, other in zip(evidence, more, strict=True)]
    return tuple(number for number, item in enumerate(evidence, 1) if item.shows_one_piece)


def _witness(others: Sequence[Volume], wanted: Collection[int]) -> Volume | None:
    """The first of those with most judged slices that show one of the classes ``wanted``; None where none does: of
    forty structures most may be in no volume that is left.
    """
    shown = [sum(not values.keys().isdisjoint(wanted) for values in volume.foreground.values()) for volume in others]
    return others[shown.index(max(shown))] if any(shown) else None


def _scores(volume: Volume, probabilities: Probabilities, classes: int) -> Iterator[SliceScore]:
    for place in volume.held_out:
        found = probabilities[place].argmax(0).cpu().numpy()
        yield score_of(volume, place, [found == number for number in range(1, classes)])
