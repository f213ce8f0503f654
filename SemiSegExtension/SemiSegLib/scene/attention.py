"""Which slice a person means: the one in the view that they work in, not in every view that moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from SemiSegLogic.geometry import Grid, SliceIndex

from . import views
from .nodes import Observers


class Attention:
    """The view where the person drew, scrolled or was taken last; ``told`` is called when another slice is meant.

    Views move by themselves, too: when the window is resized, or with Shift pressed, when they follow the mouse in
    another view. So a view counts when its slice changes, and then the one under the mouse counts before it. A view
    that the layout does not show any more counts for nothing.
    """

    def __init__(self, told: Callable[[], None]) -> None:
        self._told = told
        self._grid: Grid | None = None
        self._view: Any = None
        self._seen: dict[str, tuple[SliceIndex | None, bool]] = {}  # its slice, whether the layout shows it
        self._quiet = False
        self._observers = Observers()

    def follow(self, grid: Grid) -> None:
        """Watch the slice views from now on, for a case on ``grid``."""
        self.stop()
        self._grid = grid
        self._watch_new(grid)

    def _watch_new(self, grid: Grid) -> None:
        """A layout makes its views when it is chosen for the first time."""
        for view in views.slice_nodes():
            if view.GetID() not in self._seen:
                self._seen[view.GetID()] = _as_seen(view, grid)
                self._observers.watch(view, "ModifiedEvent", self._on_view)

    def stop(self) -> None:
        self._observers.clear()
        self._grid, self._view, self._seen = None, None, {}

    def worked(self) -> None:
        """The person just drew: in the view under the mouse."""
        self._view = views.under_mouse() or self._view

    def place(self) -> SliceIndex | None:
        """The slice that is meant; None when its view is tilted, or nothing is followed."""
        if self._grid is None:
            return None
        self._watch_new(self._grid)
        shown = views.on_screen()
        view = self._view if self._view in shown else next(iter(shown), None)
        return views.slice_in(view, self._grid) if view is not None else None

    def jump(self, place: SliceIndex, centre: Sequence[float] | None = None) -> bool:
        """Show a slice and mean it; False when no view on screen looks along its axis."""
        if self._grid is None:
            return False
        with self.paused():
            view = views.jump(self._grid, place, None if centre is None else np.array(centre, float))
        self._view = view or self._view
        self._told()
        return view is not None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Views that move meanwhile are not moved by the person."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _on_view(self, view: Any, _event: str) -> None:
        if self._grid is None:
            return
        now = _as_seen(view, self._grid)
        before = self._seen.get(view.GetID(), now)
        self._seen[view.GetID()] = now
        if now[0] != before[0] and not self._quiet:
            self._view = views.under_mouse() or view
            self._told()
        elif now[1] != before[1]:
            self._told()


def _as_seen(view: Any, grid: Grid) -> tuple[SliceIndex | None, bool]:
    return views.slice_in(view, grid), bool(view.IsMappedInLayout())
