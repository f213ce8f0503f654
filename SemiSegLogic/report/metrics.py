"""How close a mask is to the expert's: Dice overlap and surface distances in millimetres.

Rule for empty masks. Both empty: Dice 1 and distances 0, for there was nothing to find and nothing was found. One
empty: Dice 0, and the distances do not exist (None); averages of distances leave such cases out and say how many.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
EMPTY_RULE = (
    "Both masks empty: Dice 1, distances 0. One empty: Dice 0, distances undefined; means of distances leave out such "
    "cases and say so."
)


@dataclass(frozen=True)
class Score:
    """One structure of one case. ``dice`` in [0, 1]. ``hd95`` mm: the larger of the two directed 95th percentiles of
    surface distances. ``asd`` mm: the mean over both surfaces. The distances are None when one mask is empty.
    """

    dice: float
    hd95: float | None
    asd: float | None


@dataclass(frozen=True)
class Summary:
    """Mean and sample standard deviation over the ``count`` cases where the value exists, of ``total`` cases."""

    mean: float
    sd: float
    count: int
    total: int


def evaluate(
    prediction: NDArray[np.integer], reference: NDArray[np.integer], spacing: tuple[float, float, float],
    values: Iterable[int],
) -> dict[int, Score]:
    """The score of every structure value in ``values``. Both arrays (k, j, i), ``spacing`` (k, j, i) mm.

    Raises ValueError when the shapes differ.
    """
    if prediction.shape != reference.shape:
        raise ValueError(f"The prediction has shape {prediction.shape}, the reference {reference.shape}.")
    return {value: compare(prediction == value, reference == value, spacing) for value in values}


def compare(found: Mask, true: Mask, spacing: tuple[float, float, float]) -> Score:
    """The score of mask ``found`` against ``true`` (k, j, i)."""
    if not found.any() or not true.any():
        return Score(1.0, 0.0, 0.0) if found.any() == true.any() else Score(0.0, None, None)
    there, back = surface_distances(found, true, spacing)
    hd95 = max(np.percentile(there, 95), np.percentile(back, 95))
    return Score(dice(found, true), float(hd95), float(np.concatenate([there, back]).mean()))


def dice(found: Mask, true: Mask) -> float:
    """Twice the overlap over the sum of both volumes (k, j, i), in [0, 1]; 1 when both are empty."""
    total = int(found.sum()) + int(true.sum())
    return 2 * int((found & true).sum()) / total if total else 1.0


def surface_distances(
    found: Mask, true: Mask, spacing: tuple[float, float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """mm, (n,) each, from every surface voxel of ``found`` (k, j, i) to the surface of ``true``, and back; none empty.

    A surface voxel is one with a face neighbour outside the mask; what lies outside the volume counts as outside.
    """
    from scipy.ndimage import distance_transform_edt

    both = _box(found | true)
    here, target = _surface(found[both]), _surface(true[both])
    to_target = distance_transform_edt(~target, sampling=spacing)
    to_here = distance_transform_edt(~here, sampling=spacing)
    return np.asarray(to_target[here]), np.asarray(to_here[target])


def summarise(numbers: Sequence[float | None]) -> Summary:
    """Mean and standard deviation of those that exist; NaN where there are none."""
    there = [number for number in numbers if number is not None]
    mean = float(np.mean(there)) if there else math.nan
    sd = float(np.std(there, ddof=1)) if len(there) > 1 else math.nan
    return Summary(mean, sd, len(there), len(numbers))


def mean_dice(scores: Mapping[str, Mapping[int, Score]]) -> float:
    """Mean over cases of the mean over structures; NaN without cases."""
    means = [float(np.mean([score.dice for score in case.values()])) for case in scores.values() if case]
    return float(np.mean(means)) if means else math.nan


def _surface(mask: Mask) -> Mask:
    from scipy.ndimage import binary_erosion

    return np.asarray(mask & ~binary_erosion(mask))


def _box(mask: Mask) -> tuple[slice, ...]:
    """The smallest box around ``mask``: distances between surfaces inside it are those of the whole volume."""
    ranges = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    return tuple(slice(int(r[0]), int(r[-1]) + 1) for r in ranges)
