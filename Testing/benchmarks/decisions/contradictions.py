"""How often are crossing slices called contradictory?

    python -m Testing.benchmarks.decisions.contradictions LABELS_FOLDER

Three slices in each of two views of every expert's label are judged, four times over. As the expert drew them none
contradicts another; then those of the second view are emptied, or moved by some voxels, as if another person had drawn
them last.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import plane
from SemiSegLogic.study import AnnotatedSlice, read_mask
from SemiSegLogic.study.contradictions import worst_crossing

TIMES, SLICES, MOVES = 4, 3, (1, 2, 3, 5)


def main(folder: Path) -> None:
    rng, told, tried = np.random.default_rng(0), Counter[str](), 0
    for path in sorted(folder.glob("*.nii.gz")):
        label = read_mask(path, None).array
        for _ in range(TIMES):
            slices = [*_chosen(label, *rng.permutation(3)[:2], rng)]
            tried += 1
            told.update(name for name, drawn in _drawn(label, slices) if worst_crossing(slices, lambda d=drawn: d))
    print(f"Of {tried}: " + ", ".join(f"{told[name]} {name}" for name in ("as drawn", "emptied", *map(_moved, MOVES))))


def _chosen(label: NDArray[np.uint8], one: int, other: int, rng: np.random.Generator) -> Iterator[AnnotatedSlice]:
    for axis, author in ((int(one), "Ann"), (int(other), "Bob")):
        shown = np.flatnonzero((label > 0).any(axis=tuple(a for a in range(3) if a != axis)))
        for index in rng.choice(shown, SLICES, replace=False):
            yield AnnotatedSlice(axis, int(index), "drawn", author, "2026-01-01T00:00:00+00:00")


def _drawn(label: NDArray[np.uint8], slices: list[AnnotatedSlice]) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Ann's slices, then Bob's from another label."""
    theirs = {"as drawn": label, "emptied": np.zeros_like(label)}
    theirs |= {_moved(far): np.roll(label, (far, far, far), (0, 1, 2)) for far in MOVES}
    for name, source in theirs.items():
        drawn = np.zeros_like(label)
        for item in slices:
            plane(drawn, item.place)[...] = plane(label if item.author == "Ann" else source, item.place)
        yield name, drawn


def _moved(far: int) -> str:
    return f"moved by {far}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
