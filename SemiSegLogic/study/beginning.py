"""A study without a model: which slices to draw first, from its images."""

from __future__ import annotations

import logging

from ..errors import SemiSegError
from ..geometry import Grid
from .case import Case
from .first_slices import FirstSlice, Overview, drawing_axes, first_slices, overview
from .store import Study

MOST_READ = 24
"""Images looked at in a large study: reading one takes up to seconds, and a beginning needs few."""


class Beginning:
    """First slices of ``study``. An image is read once; those that cannot be read are passed over.

    In a study of more than MOST_READ cases, those with judged slices are looked at and some others, evenly spread.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._views: dict[tuple[str, int], Overview | None] = {}

    def look_at_more(self, images: int = 1) -> bool:
        """Read that many images more; False when there were no more to read."""
        cases = _some(self._study.cases)
        axes = _axes(cases)
        unread = [case for case in cases if (case.id, axes[case.id]) not in self._views][:images]
        for case in unread:
            self._views[case.id, axes[case.id]] = _view(case, axes[case.id])
        return bool(unread)

    def slices(self, count: int = 12) -> list[FirstSlice]:
        """Up to ``count`` slices to draw, best first, in the cases looked at so far; empty when nothing is left."""
        cases = _some(self._study.cases)
        axes = _axes(cases)
        seen = {case.id: view for case in cases if (view := self._views.get((case.id, axes[case.id]))) is not None}
        judged = {case.id: case.annotated for case in cases}
        return first_slices(seen, {case.id: case.grid for case in cases}, judged, count)


def _view(case: Case, axis: int) -> Overview | None:
    """None where the image cannot be read: the list of cases says why."""
    try:
        return overview(case.image(), axis)
    except SemiSegError as error:
        logging.info("No first slice for %s: %s", case.id, error)
        return None


def _axes(cases: list[Case]) -> dict[str, int]:
    return drawing_axes({case.id: case.grid for case in cases}, {case.id: case.annotated for case in cases})


def _some(cases: list[Case]) -> list[Case]:
    """The readable ones, at most MOST_READ: first those with judged slices, then others evenly spread by id."""
    usable = [case for case in cases if _grid(case) is not None]
    drawn = [case for case in usable if case.annotated][:MOST_READ]
    rest = [case for case in usable if not case.annotated]
    room = MOST_READ - len(drawn)
    if len(rest) > room:
        rest = [rest[n * len(rest) // room] for n in range(room)]
    return drawn + rest


def _grid(case: Case) -> Grid | None:
    try:
        return case.grid if case.annotated is not None else None
    except SemiSegError:
        return None  # a damaged case is a line of the list of cases that says so
