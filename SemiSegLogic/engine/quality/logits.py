"""Dice in logits, where what disturbs it is about normal and no interval leaves 0 to 1."""

from __future__ import annotations

import math


def logit(dice: float) -> float:
    """Of ``dice`` in (0, 1). Raises ValueError or ZeroDivisionError at its ends, where it is infinite."""
    return math.log(dice / (1 - dice))


def dice_of(logit: float) -> float:
    """The inverse of :func:`logit`, in (0, 1)."""
    return 1 / (1 + math.exp(-logit))
