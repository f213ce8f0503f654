"""What a study must hold after any sequence of work, kept as plain arrays: slow, and simple enough to be right."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import IGNORE, Grid, SliceIndex
from SemiSegLogic.study import Case

Label = NDArray[np.uint8]


@dataclass
class PlainCase:
    """A case: ``label`` (k, j, i) 0 where nobody judged; ``versions`` name -> label and judged slices as they were."""

    image: NDArray[np.generic]
    grid: Grid
    label: Label
    judged: frozenset[SliceIndex] = frozenset()
    suggestion: Label | None = None
    accepted: bool = False
    versions: dict[str, tuple[Label, frozenset[SliceIndex]]] = field(default_factory=dict)

    def judge(self, label: Label, places: list[SliceIndex]) -> None:
        """These slices of ``label`` count now."""
        mask = self.mask(places)
        self.label = np.where(mask, label, self.label)
        self.judged, self.accepted = self.judged.union(places), False

    def take_back(self, places: list[SliceIndex]) -> None:
        """They count no more, except where another judged slice crosses them."""
        self.judged, self.accepted = self.judged.difference(places), False
        self.label = np.where(self.mask(self.judged), self.label, np.uint8(0))

    def suggest(self, label: Label) -> None:
        """A model proposes this; what is judged now is written into it for good."""
        self.suggestion = np.where(self.mask(self.judged), self.label, label)

    def mask(self, places: frozenset[SliceIndex] | list[SliceIndex]) -> NDArray[np.bool_]:
        """True on every voxel of the slices."""
        found = np.zeros(self.label.shape, bool)
        for place in places:
            found[(slice(None),) * place.axis + (place.index,)] = True
        return found

    def result(self) -> Label | None:
        """The whole segmentation; None while there is none."""
        for axis, side in enumerate(self.label.shape):
            if all(SliceIndex(axis, n) in self.judged for n in range(side)):
                return self.label
        return None if self.suggestion is None else np.where(self.mask(self.judged), self.label, self.suggestion)

    def remember(self, case: Case) -> None:
        """Note the version that ``case`` has made of this state."""
        self.versions[case.version] = (self.label, self.judged)

    def require_same(self, case: Case) -> None:
        """Raises AssertionError where ``case`` on disk differs in anything."""
        assert np.array_equal(case.image(), self.image)
        assert case.grid.agrees(self.grid, 1e-2)
        assert np.array_equal(case.labels(), self.label)
        assert set(case.places) == self.judged
        for item in case.annotated:
            drawn = np.take(self.label, item.index, item.axis).any()
            assert item.state == ("drawn" if drawn else "empty")
        assert np.array_equal(case.sparse_labels(), np.where(self.mask(self.judged), self.label, np.uint8(IGNORE)))
        assert case.has_suggestion == (self.suggestion is not None)
        assert (case.status == "accepted") == self.accepted
        wanted = self.result()
        if wanted is not None:
            assert np.array_equal(case.result(), wanted)

    def require_history(self, case: Case) -> None:
        """Raises AssertionError where a version of ``case`` differs from what it was when it was made."""
        assert {version.name for version in case.versions()} == set(self.versions)
        for version in case.versions():
            label, judged = self.versions[version.name]
            assert {item.place for item in version.slices} == judged
            assert np.array_equal(case.history.read(version, case.grid), label)
