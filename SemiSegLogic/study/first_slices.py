"""Which slices to draw before there is any model: spread over the cases and over what the images show (numpy only).

The first case is the one most like all others, each further one the one least like those chosen before (farthest-first
traversal: Sener and Savarese, Active Learning for Convolutional Neural Networks: A Core-Set Approach, ICLR 2018). Where
in a volume an organ lies is not known, but that it mostly lies in the middle of the body part that was imaged, and
after a first drawn slice: that it lies at about that height in the others too. Slices spread evenly over the organ
taught more than those on which a young model was most in doubt (Testing/benchmarks/results/simulated_clinician.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import GOLDEN_SECTION, Grid, SliceIndex, gap_between
from .annotations import AnnotatedSlice

Judged = Mapping[str, Sequence[AnnotatedSlice]]
"""The judged slices of each case; a case without any may be missing."""

PER_CASE = 3
SAMPLES = 32  # along each side of a volume
BLOCKS = 4
BINS = 16
PADDED = 0.5  # of the range of all other greys: a value this far below them is no tissue, and no air
CONTENT = 0.25  # of the fullest slice's content: with less, a slice lies outside of what was imaged
MIDDLE = (0.2, 0.8)  # of the extent: where an organ is looked for as long as nothing is drawn
FAR, BEYOND = 0.25, 0.1  # of the extent: how far beyond one drawn slice, and beyond many, an organ is looked for
ENDS = 0.15  # of that band: how far from its ends slices are suggested, where little of an organ shows


@dataclass(frozen=True)
class Overview:
    """What a glance at an image tells. ``first`` and ``last`` slice along ``axis`` that show the body; ``features``
    (F,) float: how grey values are distributed, overall and in space.
    """

    axis: int
    first: int
    last: int
    features: NDArray[np.float64]


@dataclass(frozen=True)
class FirstSlice:
    """A slice worth drawing, and why."""

    case: str
    place: SliceIndex
    reason: str


def overview(image: NDArray[np.generic], axis: int) -> Overview:
    """Look at some of the voxels of ``image`` (k, j, i) of any type, along ``axis`` at all slices."""
    steps = [1 if a == axis else max(1, side // SAMPLES) for a, side in enumerate(image.shape)]
    sample = np.moveaxis(image[tuple(slice(None, None, step) for step in steps)], axis, 0).astype(np.float64)
    low, high = _range(sample)
    shades = np.clip((sample - low) / ((high - low) or 1.0), 0, 1)
    content = (shades > _threshold(shades)).mean((1, 2))
    shown = np.flatnonzero(content >= CONTENT * content.max())
    return Overview(axis, int(shown[0]), int(shown[-1]), _features(shades))


def drawing_axes(grids: Mapping[str, Grid], judged: Judged) -> dict[str, int]:
    """For each case the axis (0, 1, 2) to draw along: the patient's direction along which most slices were drawn, else
    across the thickest slices, k among equals. A single image has only one.
    """
    drawn = Counter(
        grids[case].orientation().sources.index(item.axis) for case, items in judged.items() if case in grids
        for item in items if 1 not in grids[case].shape
    )
    usual = drawn.most_common(1)[0][0] if drawn else None
    return {case: _axis(grid, usual) for case, grid in grids.items()}


def _axis(grid: Grid, usual: int | None) -> int:
    if 1 in grid.shape:
        return grid.shape.index(1)
    if usual is not None:
        return grid.orientation().sources[usual]
    thickest = max(grid.spacing)
    return next(axis for axis in range(3) if grid.spacing[axis] >= thickest * 0.99)


def first_slices(
    overviews: Mapping[str, Overview], grids: Mapping[str, Grid], judged: Judged, count: int = 12
) -> list[FirstSlice]:
    """Up to ``count`` slices to draw, in order, at most PER_CASE of a case, none close to a judged one or another.
    Empty when nothing is left.
    """
    band, before = _band(overviews, judged), sum(len(items) for items in judged.values())
    order = _order(overviews, judged)
    taken = {case: [item.index for item in judged.get(case, ()) if item.axis == overviews[case].axis] for case in order}
    found: list[FirstSlice] = []
    for turn in range(PER_CASE):
        for number, case in enumerate(order):
            height = _height(band, before + turn * len(order) + number)
            index = _index(overviews[case], height, band, taken[case], grids[case])
            if index is not None and len(found) < count:
                taken[case].append(index)
                why = _why(number, turn, bool(judged.get(case)), any(judged.values()))
                found.append(FirstSlice(case, SliceIndex(overviews[case].axis, index), why))
    return found


def _range(sample: NDArray[np.float64]) -> tuple[float, float]:
    """Between which greys an image has something to show. What some scanners write around what they saw is dark like
    air: next to -3024 air itself would look bright, and every slice as if it showed the body.
    """
    low, high = np.percentile(sample, (1, 99))
    rest = sample[sample > sample.min()]
    if rest.size and low == sample.min():
        first, last = np.percentile(rest, (1, 99))
        if first - low > PADDED * (last - first):
            return float(first), float(last)
    return float(low), float(high)


def _threshold(shades: NDArray[np.float64]) -> float:
    """Otsu's threshold between dark and bright (IEEE Trans. SMC 1979) of values in [0, 1]."""
    counts, edges = np.histogram(shades, 64, (0, 1))
    middle = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    mass = np.cumsum(counts * middle)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mass[-1] * below / below[-1] - mass) ** 2 / (below * (below[-1] - below))
    return float(edges[1 + int(np.nanargmax(np.where(np.isfinite(between), between, -1)))])


def _features(shades: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.histogram(shades, BINS, (0, 1))[0] / shades.size
    parts = [np.array_split(np.arange(side), min(BLOCKS, side)) for side in shades.shape]
    blocks = np.zeros((BLOCKS, BLOCKS, BLOCKS))
    for a, k in enumerate(parts[0]):
        for b, j in enumerate(parts[1]):
            for c, i in enumerate(parts[2]):
                blocks[a, b, c] = shades[k[0] : k[-1] + 1, j[0] : j[-1] + 1, i[0] : i[-1] + 1].mean()
    return np.concatenate([counts / np.sqrt(BINS), blocks.ravel() / np.sqrt(blocks.size)])


def _band(overviews: Mapping[str, Overview], judged: Judged) -> tuple[float, float]:
    """Relative heights between which the organ is looked for: about the drawn slices, as far as none beyond them was
    found empty; in the middle while nothing is drawn.
    """
    seen = [
        ((item.index - view.first) / max(view.last - view.first, 1), item.state)
        for case, view in overviews.items() for item in judged.get(case, ()) if item.axis == view.axis
    ]
    drawn = [height for height, state in seen if state == "drawn"]
    if not drawn:
        return MIDDLE
    low, high, reach = min(drawn), max(drawn), max(BEYOND, FAR / len(drawn))
    below = [height for height, state in seen if state == "empty" and height < low]
    above = [height for height, state in seen if state == "empty" and height > high]
    return max([0.0, low - reach, *below]), min([1.0, high + reach, *above])


def _order(overviews: Mapping[str, Overview], judged: Judged) -> list[str]:
    """Cases that look least like those drawn or chosen before come first; judged cases last."""
    names = sorted(overviews)
    if not names:
        return []
    features = np.stack([overviews[name].features for name in names])
    apart = np.linalg.norm(features[:, None] - features[None], axis=2)
    chosen = [n for n, name in enumerate(names) if judged.get(name)]
    rest = [n for n in range(len(names)) if n not in chosen]
    last = list(chosen)
    order: list[int] = []
    while rest:
        known = chosen + order
        best = max(rest, key=lambda n: apart[n, known].min()) if known else min(rest, key=lambda n: apart[n].sum())
        rest.remove(best)
        order.append(best)
    return [names[n] for n in [*order, *last]]


def _height(band: tuple[float, float], number: int) -> float:
    """The relative height of the slice ``number`` of all: the middle first, then by the golden section, so that any few
    slices in a row, of whatever cases, are spread over the whole organ.
    """
    within = ENDS + (1 - 2 * ENDS) * ((0.5 + number * GOLDEN_SECTION) % 1)
    return band[0] + within * (band[1] - band[0])


def _index(
    view: Overview, height: float, band: tuple[float, float], taken: Sequence[int], grid: Grid
) -> int | None:
    """The free slice closest to ``height``, within the band if there is one, else within what the image shows."""
    gap = gap_between(grid.spacing[view.axis], grid.shape[view.axis])
    extent = view.last - view.first
    free = [n for n in range(view.first, view.last + 1) if all(abs(n - other) > gap for other in taken)]
    inside = [n for n in free if band[0] * extent <= n - view.first <= band[1] * extent]
    return min(inside or free, key=lambda n: abs(n - view.first - height * extent), default=None)


def _why(number: int, turn: int, drawn: bool, any_drawn: bool) -> str:
    if drawn or turn:
        return "Another part of this volume: slices far from each other teach more than neighbouring slices."
    if number == 0 and not any_drawn:
        return "The image most like all others, and a slice in the middle of what it shows: good to begin with."
    return "Nothing is drawn in this volume yet, and it looks least like the volumes suggested before it."
