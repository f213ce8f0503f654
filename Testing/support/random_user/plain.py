"""What a person drew, kept as plain arrays beside the panel: slow, and simple enough to be right."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Case

Label = NDArray[np.int16]
NEWCOMER = 1000
"""Keys from here on stand for segments that are no structures yet: their values are given when they are saved."""


def window(place: SliceIndex) -> tuple[slice | int, ...]:
    """The slice as an index into an array (k, j, i)."""
    return (slice(None),) * place.axis + (place.index,)


def stored_suggestion(case: Case, label: NDArray[np.integer]) -> Label:
    """The suggestion in its file: the ``label`` that a model made, but for what was judged until then."""
    stored = case._suggestion.label(case.grid, case.structures).astype(np.int16)
    judged = np.zeros(label.shape, bool)
    for axis, index in case.provenance()["judged"]:
        judged[window(SliceIndex(axis, index))] = True
    assert np.array_equal(stored[~judged], label[~judged])
    return stored


@dataclass
class PlainDrawing:
    """One case: ``shown`` int16 (k, j, i), the value of each voxel on screen; ``judged`` the slices marked as done;
    ``suggestion`` as the model made it; ``versions`` name -> what was judged then and where; ``undo`` what was shown
    before each stroke since the case came on screen, None when that is not known; ``states`` the slices that were
    judged, and what was on them, at every moment, oldest first: what a training may be given.
    """

    shown: Label
    judged: set[SliceIndex] = field(default_factory=set)
    suggestion: Label | None = None
    versions: dict[str, tuple[Label, set[SliceIndex]]] = field(default_factory=dict)
    undo: list[Label | None] = field(default_factory=list)
    states: list[tuple[frozenset[SliceIndex], Label]] = field(default_factory=list)

    def note(self) -> None:
        """How it stands now is one of its states."""
        now = frozenset(self.judged), self.on_disk
        if not self.states or self.states[-1][0] != now[0] or not np.array_equal(self.states[-1][1], now[1]):
            self.states.append(now)

    @property
    def on_disk(self) -> Label:
        """What is judged; 0 elsewhere."""
        return np.where(self.mask(self.judged), self.shown, np.int16(0))

    def mask(self, places: set[SliceIndex]) -> NDArray[np.bool_]:
        """True on every voxel of the slices."""
        found = np.zeros(self.shown.shape, bool)
        for place in places:
            found[window(place)] = True
        return found

    def change(self, after: Label) -> None:
        """A stroke, that can be undone."""
        self.undo.append(self.shown)
        del self.undo[:-20]
        self.shown = after

    def replace(self, label: Label, judged: set[SliceIndex], touched: set[SliceIndex]) -> None:
        """Something else was judged, as one step that can be undone: what is ``touched`` and not judged stays."""
        self.judged = set(judged)
        drawn = np.where(self.mask(touched), self.shown, np.int16(0))
        self.change(np.where(self.mask(self.judged), label, drawn))

    def proposed(self) -> Label:
        """The suggestion with what was judged on top."""
        assert self.suggestion is not None
        return np.where(self.mask(self.judged), self.shown, self.suggestion)
