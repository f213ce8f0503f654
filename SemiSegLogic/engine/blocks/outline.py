"""How good an outline looks, from the probability map alone. Maps are (H,W) float in [0,1]; lower scores are better."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Map = NDArray[np.floating]


def blank(probability: Map) -> bool:
    """True when nothing, or everything, is above 1/2: there is no outline to judge."""
    mask = probability > 0.5
    return not mask.any() or bool(mask.all())


def edge_score(probability: Map) -> float:
    """Sum of |gradient| (Sobel / 8) over the perimeter of a circle of equal area: about 1 for one smooth piece, more
    for ragged or scattered ones; infinite for an empty or a full map.
    """
    if blank(probability):
        return math.inf
    down, across = _gradient(probability)
    return float(np.hypot(down, across).sum() / (2 * math.sqrt(math.pi * (probability > 0.5).sum())))


def contour_score(probability: Map) -> float:
    """Mean |Laplacian| of the signed distance to the outline of ``p > 0.5``, smoothed over one pixel, within three
    pixels of it: how bent the outline is, whatever its size; infinite for an empty or a full map.
    """
    if blank(probability):
        return math.inf
    mask = probability > 0.5
    signed = ndimage.distance_transform_edt(~mask) - ndimage.distance_transform_edt(mask)
    bent = np.abs(ndimage.laplace(ndimage.gaussian_filter(signed, 1.0)))
    return float(bent[np.abs(signed) <= 3].mean())


def released_scores(probability: Map) -> tuple[float, float]:
    """The two scores as ERSR's authors released them, for comparison only: mean Sobel magnitude, and mean |Laplacian|
    of the background's distance to the mask (exact here, approximate there). They do not rank quality: an empty map
    scores best.
    """
    down, across = _gradient(probability)
    edge = np.sqrt(down**2 + across**2 + 1e-6).mean()
    mask = probability > 0.5
    distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.zeros(mask.shape)
    return float(edge), float(np.abs(ndimage.laplace(distance)).mean())


def _gradient(probability: Map) -> tuple[Map, Map]:
    """Sobel / 8 along H and W."""
    smooth = probability.astype(np.float64)
    return ndimage.sobel(smooth, 0, mode="nearest") / 8, ndimage.sobel(smooth, 1, mode="nearest") / 8
