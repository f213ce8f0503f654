"""Outlines as signed distances (Raya and Udupa 1990): how far they reach, how two are mixed, what they decide.

Equations (1), (3) and (4) of carrying.py, and its reach. Planes are (a, b) uint8 class indices, or IGNORE; distances
(a,b) float32 mm, of one class, positive inside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from ...geometry import IGNORE

REACH = 0.5  # times the side: a ball drawn through its middle ends there
DEEP = 2.0  # times the distance from the middle of a piece to its outline; no atrium or hippocampus comes to it


def outlines(
    masks: Sequence[NDArray[np.bool_]], spacing: tuple[float, float]
) -> list[NDArray[np.float32]]:
    """Equation (1) for one class, drawn where ``masks`` (a, b) are, on some of them. A slice without it has no outline:
    there the structure is as far away as it is deep elsewhere, so that it tapers off between the two, and ends halfway.
    """
    found = [signed_distances(mask, spacing) for mask in masks]
    deepest = np.max([distances.max() for distances in found])
    return [distances if mask.any() else np.full_like(distances, -deepest)
            for mask, distances in zip(masks, found, strict=True)]


def signed_distances(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> NDArray[np.float32]:
    """Equation (1), (a,b) mm, positive where ``mask`` (a, b) is."""
    def distance(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
        if inside.all():  # no outline within the slice: as far as it is wide
            return np.full(inside.shape, max(np.array(inside.shape) * spacing))
        return np.asarray(ndimage.distance_transform_edt(inside, sampling=spacing))

    return (distance(mask) - distance(~mask)).astype(np.float32)


def reach_of(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> float:
    """mm to either side to which a class that was drawn where ``mask`` (a, b) is, is carried."""
    if not mask.any():
        return 0.0
    drawn = np.pad(mask[ndimage.find_objects(mask.astype(np.uint8))[0]], 1)  # what fills the slice has an outline too
    pieces, count = ndimage.label(drawn)
    sizes = np.bincount(pieces.ravel())[1:]
    depths = ndimage.maximum(ndimage.distance_transform_edt(drawn, sampling=spacing), pieces, np.arange(1, count + 1))
    side = math.sqrt(sizes.sum() * math.prod(spacing))
    return min(REACH * side, DEEP * float(np.average(depths, weights=sizes)))


def mixed(fields: Sequence[Tensor], apart: Sequence[float]) -> Tensor:
    """Equation (3) for ``fields`` (a,b) that come from ``apart`` (mm, above 0)."""
    weights = torch.tensor([1 / distance for distance in apart])
    return torch.stack([field * weight for field, weight in zip(fields, weights / weights.sum(), strict=True)]).sum(0)


@dataclass(frozen=True)
class Near:
    """Where a class may be on a slice: its ``distances`` (a,b) mm in the ``window`` of the slice, rows and columns;
    outside of it is far away. ``value`` its class index, or IGNORE where it is followed no longer.
    """

    value: int
    window: tuple[slice, slice]
    distances: Tensor


def decided(near: Sequence[Near], shape: tuple[int, ...], doubt: float) -> NDArray[np.uint8]:
    """Equation (4) for all classes ``near``: (a, b) class indices of a slice of ``shape``, IGNORE where the best class
    is not ``doubt`` mm ahead of what else the pixel could be, background included.
    """
    device = near[0].distances.device
    best = torch.full(shape, torch.inf, device=device)  # background: as far in as all else is out
    for one in near:
        best[one.window] = torch.minimum(best[one.window], -one.distances)
    second, label = torch.full_like(best, -torch.inf), torch.zeros_like(best, dtype=torch.uint8)
    for one in near:  # argmax and topk take ten times as long
        first, distance = best[one.window], one.distances
        second[one.window] = torch.maximum(second[one.window], torch.minimum(first, distance))
        label[one.window] = label[one.window].masked_fill(distance > first, one.value)
        best[one.window] = torch.maximum(first, distance)
    # both sides of an outline move: twice the doubt, as the candidates are s and -s
    return label.masked_fill_(best - second < 2 * doubt, IGNORE).cpu().numpy()
