"""Metrics of a benchmark in two modes: ``legacy``, as the papers compute them, and ``clinical``, as a user means them.

Legacy (medpy's dc, jc, hd95 and asd, as the published evaluation code calls them): distances in voxels whatever the
spacing, the 95th percentile over the distances of both surfaces together, the mean distance from the prediction's
surface to the reference's only. An empty prediction has Dice, Jaccard, HD95 and ASD 0, and so has an empty reference:
a perfect distance for a miss, which is why legacy distances flatter weak methods.

Clinical: millimetres, the larger of both directed 95th percentiles, the mean over both surfaces, and the share of both
surfaces that lies within 1 and 2 mm of the other. Both masks empty: Dice and surface Dice 1, distances 0. One empty:
Dice and surface Dice 0, distances undefined (None); means of distances leave such cases out and say how many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.report.metrics import Mask, dice, surface_distances

Triple = tuple[float, float, float]
TOLERANCES = (1.0, 2.0)


@dataclass(frozen=True)
class Legacy:
    """``dice`` and ``jaccard`` in [0, 1]; ``hd95`` and ``asd`` in voxels."""

    dice: float
    jaccard: float
    hd95: float
    asd: float


@dataclass(frozen=True)
class Clinical:
    """``dice`` and the surface Dice at 1 and 2 mm in [0, 1]; ``hd95`` and ``assd`` mm, None when one mask is empty."""

    dice: float
    hd95: float | None
    assd: float | None
    surface_dice_1mm: float
    surface_dice_2mm: float


def legacy(found: Mask, true: Mask) -> Legacy:
    """The score of mask ``found`` against ``true`` (k, j, i) as papers give it."""
    if not found.any() or not true.any():
        return Legacy(0.0, 0.0, 0.0, 0.0)
    overlap = dice(found, true)
    there, back = surface_distances(found, true, (1.0, 1.0, 1.0))
    hd95 = float(np.percentile(np.concatenate([there, back]), 95))
    return Legacy(overlap, overlap / (2 - overlap), hd95, float(there.mean()))


def clinical(found: Mask, true: Mask, spacing: Triple) -> Clinical:
    """The score of mask ``found`` against ``true`` (k, j, i), whose voxels are ``spacing`` (k, j, i) mm."""
    if not found.any() or not true.any():
        same = float(found.any() == true.any())
        return Clinical(same, 0.0 if same else None, 0.0 if same else None, same, same)
    there, back = surface_distances(found, true, spacing)
    both = np.concatenate([there, back])
    hd95 = max(np.percentile(there, 95), np.percentile(back, 95))
    near, nearer = (_share_within(both, tolerance) for tolerance in TOLERANCES)
    return Clinical(dice(found, true), float(hd95), float(both.mean()), near, nearer)


def _share_within(distances: NDArray[np.float64], tolerance: float) -> float:
    """Of all surface voxels of both masks; the hair's breadth absorbs rounding of voxel sides."""
    return float((distances <= tolerance + 1e-9).mean())
