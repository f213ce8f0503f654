"""Outlines as signed distances (Raya and Udupa 1990): how far they reach, how two are mixed, what they decide.

Equations (1), (3) and (4) of carrying.py, and its reach. Planes are (a, b) uint8 class indices, or IGNORE; distances
(K,a,b) float32 mm, one for each class, positive inside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from ...geometry import IGNORE

REACH = 0.5  # times the side: a ball drawn through its middle ends there
DEEP = 2.0  # times the distance from the middle of a piece to its outline; no atrium or hippocampus comes to it


def outlines(
    planes: Sequence[NDArray[np.uint8]], values: Sequence[int], spacing: tuple[float, float]
) -> list[NDArray[np.float32]]:
    """Equation (1) for each of ``planes``. A slice without a class that another one shows has no outline of it: there
    the structure is as far away as it is deep elsewhere, so that it tapers off between the two, and ends halfway.
    """
    found = [signed_distances(plane, values, spacing) for plane in planes]
    deepest = np.max([distances.max((1, 2)) for distances in found], 0)
    for plane, distances in zip(planes, found, strict=True):
        for number, value in enumerate(values):
            if not (plane == value).any():
                distances[number] = -deepest[number]
    return found


def signed_distances(
    plane: NDArray[np.uint8], values: Sequence[int], spacing: tuple[float, float]
) -> NDArray[np.float32]:
    """Equation (1), (K,a,b) mm for each of ``values`` of ``plane`` (a, b); what is IGNORE there is outside."""
    def distance(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
        if inside.all():  # no outline within the slice: as far as it is wide
            return np.full(inside.shape, max(np.array(inside.shape) * spacing))
        return np.asarray(ndimage.distance_transform_edt(inside, sampling=spacing))

    return np.stack([distance(plane == value) - distance(plane != value) for value in values]).astype(np.float32)


def reach_of(plane: NDArray[np.uint8], spacing: tuple[float, float]) -> float:
    """mm to either side to which what is drawn on ``plane`` (a, b) is carried."""
    drawn = np.pad((plane > 0) & (plane < IGNORE), 1)  # what fills the slice has an outline too
    if not drawn.any():
        return 0.0
    pieces, count = ndimage.label(drawn)
    sizes = np.bincount(pieces.ravel())[1:]
    depths = ndimage.maximum(ndimage.distance_transform_edt(drawn, sampling=spacing), pieces, np.arange(1, count + 1))
    side = math.sqrt(sizes.sum() * math.prod(spacing))
    return min(REACH * side, DEEP * float(np.average(depths, weights=sizes)))


def mixed(fields: Sequence[Tensor], apart: Sequence[float]) -> Tensor:
    """Equation (3) for ``fields`` (K,a,b) that come from ``apart`` (mm, above 0)."""
    weights = torch.tensor([1 / distance for distance in apart])
    return torch.stack([field * weight for field, weight in zip(fields, weights / weights.sum(), strict=True)]).sum(0)


def decided(distances: Tensor, values: Sequence[int], doubt: float) -> NDArray[np.uint8]:
    """Equation (4) for (K,a,b) ``distances`` of the classes ``values``: (a, b) class indices, IGNORE where the best
    class is not ``doubt`` mm ahead of what else the pixel could be, background included.
    """
    best = -distances.amax(0)  # background: as far in as all else is out
    second, label = torch.full_like(best, -torch.inf), torch.zeros_like(best, dtype=torch.uint8)
    for value, distance in zip(values, distances, strict=True):  # argmax and topk take ten times as long
        second = torch.maximum(second, torch.minimum(best, distance))
        label = label.masked_fill_(distance > best, value)
        best = torch.maximum(best, distance)
    # both sides of an outline move: twice the doubt, as the candidates are s and -s
    return label.masked_fill_(best - second < 2 * doubt, IGNORE).cpu().numpy()
