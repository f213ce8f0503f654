"""From profiles to a ranked list of slices, each with its reason."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...geometry import SliceIndex
from .field import Field
from .maps import Profile
from .spread import Board
from .strategies import DEFAULT, STRATEGIES, Strategy, strided
from .words import reason

PER_CASE = 3


@dataclass(frozen=True)
class Candidate:
    """A slice worth a look: ``score`` its doubt in voxels of full doubt, ``reason`` for the person."""

    case: str
    place: SliceIndex
    score: float
    reason: str


def next_slices(
    profiles: Sequence[Profile], names: Mapping[int, str], strategy: str = DEFAULT, seed: int = 0,
    count: int | None = None,
) -> list[Candidate]:
    """The slices to judge next, best first: ``count``, or PER_CASE of each case.

    Where the strategy finds nothing worth a look, slices far from the judged ones follow, so that a model that is sure
    of everything is still checked. Empty when no slice is free. The same ``seed`` gives the same list.
    """
    if not profiles:
        return []
    field = Field.of(profiles)
    board = Board(profiles, field)
    wanted = count if count is not None else PER_CASE * len(profiles)
    found: list[Candidate] = []
    for way, doubted in ((STRATEGIES[strategy], strategy not in ("strided", "random")), (strided, False)):
        for case, index in _choose(field, board, way, seed, profiles, wanted - len(found)):
            item = profiles[case]
            text = reason(item, index, names, doubted)
            place = SliceIndex(item.axis, index)
            found.append(Candidate(item.case, place, float(item.doubt[index]), text))
    return found


def seed_of(run: str, turn: int) -> int:
    """A seed from a run's name and the number of its round, the same on every computer."""
    return zlib.crc32(f"{run}/{turn}".encode())


def _choose(
    field: Field, board: Board, way: Strategy, seed: int, profiles: Sequence[Profile], wanted: int
) -> Iterator[tuple[int, int]]:
    judged = sum(len(item.judged) for item in profiles)
    for turn in range(wanted):
        scores = way(field, board, turn, judged, seed)
        scores[board.turns >= PER_CASE] = -np.inf
        best = board.best(scores)
        if best is None:
            return
        board.take(*best)
        yield best
