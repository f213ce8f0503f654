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
    """First slices of ``study``. An image is read once, however often :meth:`slices` is asked."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._views: dict[tuple[str, int], Overview] = {}

    def slices(self, count: int = 12) -> list[FirstSlice]:
        """Up to ``count`` slices to draw, best first; empty when there is no case that can be read, or nothing left.

        In a study of more than MOST_READ cases, those with judged slices are looked at and some others, evenly spread.
        """
        cases = {case.id: case for case in _some(self._study.cases)}
        judged = {name: case.annotated for name, case in cases.items()}
        grids = {name: case.grid for name, case in cases.items()}
        axes = drawing_axes(grids, judged)
        views = {name: view for name, case in cases.items() if (view := self._view(case, axes[name])) is not None}
        return first_slices(views, grids, judged, count)

    def _view(self, case: Case, axis: int) -> Overview | None:
        """None where the image cannot be read: the list of cases says why."""
        key = (case.id, axis)
        if key not in self._views:
            try:
                self._views[key] = overview(case.image(), axis)
            except SemiSegError as error:
                logging.info("No first slice for %s: %s", case.id, error)
                return None
        return self._views[key]


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
