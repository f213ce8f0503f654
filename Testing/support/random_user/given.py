"""What real trainings are given, held against plain arrays: images, grids, structures, and all labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from SemiSegLogic.files import digest_array, read_json
from SemiSegLogic.geometry import Grid, Planes
from SemiSegLogic.job import JobFolder
from SemiSegLogic.job.labels import _read_added
from SemiSegLogic.job.numbered import numbers

from .plain import PlainDrawing, window


@dataclass(frozen=True)
class PlainImage:
    """The image of a case as it was made: its digest and where it lies."""

    digest: str
    grid: Grid

    @classmethod
    def of(cls, array: Any, grid: Grid) -> PlainImage:
        return cls(digest_array(array), grid)


@dataclass
class Order:
    """A job: ``cases`` its names for cases -> keys of the study's; ``given`` by name the state of the drawing that it
    was given last, as its number; ``taken`` the number of the newest labels-<n> looked at.
    """

    job: JobFolder
    study: Path
    cases: dict[str, tuple[Path, str]]
    given: dict[str, int] = field(default_factory=dict)
    taken: int = 0


class Audit:
    """Of the jobs in ``root``. ``plain`` and ``images`` by study and case."""

    def __init__(
        self, root: Path, plain: Mapping[tuple[Path, str], PlainDrawing], images: Mapping[tuple[Path, str], PlainImage]
    ) -> None:
        self.root, self.plain, self.images = root, plain, images
        self.orders: dict[str, Order] = {}
        self.begun: dict[tuple[Path, str], int] = {}

    def mark(self) -> None:
        """A run is asked for now: it is given everything that is done by now."""
        for key, plain in self.plain.items():
            plain.note()
            self.begun[key] = len(plain.states) - 1

    def look(self, names: Mapping[Path, Mapping[int, str]]) -> None:
        """Every job that came since, and every label."""
        for plain in self.plain.values():
            plain.note()
        for study, called in names.items():
            for noted in sorted((study / "models").glob("*/cases.json")):
                run = noted.parent.name
                if run not in self.orders and (self.root / run / "job.json").exists():
                    self.orders[run] = self._ordered(run, study, read_json(noted), called)
        for order in self.orders.values():
            self._added(order)

    def _ordered(self, run: str, study: Path, cases: dict[str, str], called: Mapping[int, str]) -> Order:
        job = JobFolder(self.root / run)
        spec = job.spec()
        order = Order(job, study, {name: (study, case) for name, case in cases.items()})
        assert {item.value for item in spec.structures} <= set(called), "structures of the study"
        for case in spec.cases:
            key = order.cases[case.id]
            image = self.images[key]
            assert case.image == image.digest, f"{run}: image of {key}"
            assert case.grid.agrees(image.grid), f"{run}: {case.grid} for {key}, which lies on {image.grid}"
            planes = job.label(case.label) if case.label else {}
            order.given[case.id] = self._state(key, planes, self.begun.get(key, 0), run)
        return order

    def _added(self, order: Order) -> None:
        for n in numbers(order.job.inputs, "labels"):
            if n > order.taken:
                added = _read_added(order.job.inputs / f"labels-{n}.npz", n, order.job.spec())
                key = order.cases[added.case]
                order.given[added.case] = self._state(key, added.planes, order.given[added.case], order.job.root.name)
                order.taken = n

    def _state(self, key: tuple[Path, str], planes: Planes, earliest: int, run: str) -> int:
        """Which state of the drawing these planes are, not before ``earliest``."""
        states = self.plain[key].states
        for number in range(len(states) - 1, earliest - 1, -1):
            if _same(planes, *states[number]):
                return number
        older = [number for number in range(earliest) if _same(planes, *states[number])]
        raise AssertionError(f"{run} was given {sorted(planes)} of {key}: no state from {earliest} on (of "
                             f"{len(states)}, which {older} are); the last is {sorted(states[-1][0])}")

    def behind(self, run: str) -> Iterator[str]:
        """What a run was not told of what is drawn by now."""
        order = self.orders[run]
        known = set(order.job.spec().values)
        for name, key in order.cases.items():
            plain = self.plain.get(key)
            if plain is None or not set(np.unique(plain.on_disk).tolist()) <= {0, *known}:
                continue  # has a structure that the run does not know
            plain.note()
            if not _same(dict(_planes(plain)), *plain.states[order.given[name]]):
                yield f"{run} has not heard of the latest slices of {key[1]}"


def _planes(plain: PlainDrawing) -> Iterator[tuple[Any, Any]]:
    drawn = plain.on_disk
    for place in plain.judged:
        yield place, drawn[window(place)]


def _same(planes: Planes, judged: frozenset[Any], drawn: Any) -> bool:
    return set(planes) == judged and all(np.array_equal(planes[place], drawn[window(place)]) for place in judged)
