"""How coarse to see: coarse enough to see what was drawn whole, fine enough to see its shape.

A network that sees a part of an organ at a time has to tell it by its texture alone. From few slices and within minutes
it learns far more where it sees all of it, coarsely: see Testing/benchmarks/results/spacing.md, from which the numbers
below are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...geometry import Triple
from .patches import CPU_VOXELS
from .plan import NATIVE, triple_of

SIGHT = {"fast": 88}
DEEPER = 176
"""Side in voxels of a volume that a network can learn to see whole; a deeper one than the fast network, twice that."""
DETAIL = 24
"""Voxels across a structure below which its shape is lost, more than seeing it whole gives."""
PARTS = 4
"""Of as many patches the volume of interest consists at most, whatever detail that costs; and by rule where it need not
be seen whole.
"""
MANY = 200
"""From as many judged slices on it need not be: they teach more than that. It must be where a method pastes."""
COARSE, COARSEST = 3.0, 5.0
"""Times the spacing of the images: at most for the sake of PARTS, and at most where the shape is not lost."""


def spacing_of(
    native: Triple, wanted: NDArray[np.floating], side: float, whole: bool, budget: float, dims: int, network: str
) -> Triple:
    """mm (d, h, w) of the patches: ``native``, or coarser.

    ``wanted`` voxels (d, h, w) of ``native`` should be seen at once, in patches of ``budget`` voxels; ``side`` in mm of
    what was drawn, as in CaseFacts, infinite where nothing was. ``whole``: all of it in one patch, where its shape
    allows; slices that are seen one by one (``dims`` 2) always are, and keep their distance.
    """
    finest = min(native[3 - dims :])
    seen = _voxels_seen(budget, dims, network)
    in_one = _root(np.prod(wanted[3 - dims :]) / seen, dims)
    shape = side / (DETAIL * finest)
    least = min(in_one / _root(PARTS, dims), COARSE)
    wished = min(in_one, shape) if whole or dims == 2 else least
    factor = float(np.clip(max(wished, least), 1.0, COARSEST))
    if factor <= NATIVE:
        return native
    # axes that are already coarse stay: only what is finer than the common spacing is thinned out
    coarse = np.maximum(native, finest * factor)
    return triple_of([native[0], *coarse[1:]] if dims == 2 else coarse)


def _voxels_seen(budget: float, dims: int, network: str) -> float:
    """What is wanted is to be seen in as many voxels: those of a patch, no more than the network sees at once, and no
    fewer than on a usual processor, since a slow one is no reason for less detail.
    """
    sight = float(SIGHT.get(network, DEEPER)) ** dims
    return min(max(budget, CPU_VOXELS), sight)


def _root(number: float, dims: int) -> float:
    return math.pow(number, 1 / dims)
