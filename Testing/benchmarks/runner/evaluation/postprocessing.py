"""Structures that are known to come in one piece, or to be ellipses: what a recipe makes of a prediction."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from SemiSegLogic.engine.blocks.ellipse import Guard, fit_ellipse

from ..definitions.checked import BenchmarkError

Label = NDArray[np.uint8]


def largest_piece(label: Label, values: Iterable[int]) -> Label:
    """``label`` (k, j, i) with the largest connected piece (over faces, edges and corners) of every structure alone,
    the post-processing of several papers.
    """
    return heaviest_piece(label, {value: np.ones(label.shape, np.uint8) for value in values})


def heaviest_piece(label: Label, weights: dict[int, NDArray[np.generic]]) -> Label:
    """``label`` (k, j, i) with one connected piece of every structure alone, the one over which the structure's
    ``weights`` (k, j, i) add up to most. With probabilities that is the piece that holds most of the structure as far
    as the network knows: a large one that is half believed yields to a smaller one that is sure.
    """
    kept = np.zeros_like(label)
    for value, weight in weights.items():
        pieces, count = ndimage.label(label == value, ndimage.generate_binary_structure(3, 3))
        if count:
            kept[pieces == 1 + int(np.argmax(np.bincount(pieces.ravel(), weight.ravel())[1:]))] = value
    return kept


def as_ellipses(label: Label, values: Iterable[int]) -> Label:
    """``label`` (1, j, i) with every structure replaced by the ellipse that fits its outline, as ERSR fits it and where
    ERSR would trust it; what other structures claim stays theirs. Raises BenchmarkError for volumes.
    """
    if len(label) != 1:
        raise BenchmarkError(f"Ellipses are fitted to single images, not to {len(label)} slices: take them out of the "
                             "recipe.")
    found = label.copy()
    for value in values:
        mask = label[0] == value
        ellipse = fit_ellipse(mask)
        if ellipse is not None and Guard().accepts(ellipse, mask):
            inside = ellipse.radius((mask.shape[0], mask.shape[1])) <= 1
            found[0][mask & ~inside] = 0
            found[0][inside & (label[0] == 0)] = value
    return found
