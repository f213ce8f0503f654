"""Which slices of a volume a few-slice protocol annotates; deterministic, written into the protocol's file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.sample import broadest_axis, spread_slices
from SemiSegLogic.sample.slices import varied_offset

NUMBERS = (1, 3, 5, 10)


def chosen_slices(label: NDArray[np.uint8], count: int, axis: int | None, number: int) -> list[SliceIndex]:
    """``count`` slices of ``label`` (k, j, i) for the ``number``-th annotated volume: spread over the organ along
    ``axis``, or the axis whose slices show most of it, with another offset for every volume.
    """
    along = broadest_axis(label) if axis is None else axis
    return spread_slices(label, count, along, varied_offset(number))


def ticket_order(names: Sequence[str], seed: int) -> list[str]:
    """``names`` in an order that looks random and is the same on every computer: by SHA-256 of seed and name."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).hexdigest())
