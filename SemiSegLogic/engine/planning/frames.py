"""Single images: whether their structures are alike in millimetres, or in their share of the picture.

Whoever takes an ultrasound image zooms until the organ fills it: the heads of HC18 differ by a factor of eight in mm,
by half of that on the screen. A network that has to find them from few examples learns far more where they look alike
(Testing/benchmarks/results/frames.md). Other pictures, tiles of one magnification say, are alike in millimetres. What
was drawn tells them apart.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from .facts import CaseFacts
from .plan import NATIVE, frame_side

FEWEST = 3
"""Images in which a structure has to be drawn before its sizes are compared."""


def common_frame(cases: Sequence[CaseFacts]) -> float | None:
    """mm: the side of the square that every picture is to be taken for, the median of theirs; None where pictures stay
    as large as they are, since they are no single images, hardly differ, or show structures that differ less in mm.
    """
    if any(case.grid.shape.count(1) != 1 for case in cases):
        return None
    frames = [frame_side(case.grid) for case in cases]
    if np.std(np.log(frames)) < math.log(NATIVE):
        return None
    in_mm, in_shares = _spreads(cases)
    return float(np.median(frames)) if in_shares < in_mm else None


def framed(case: CaseFacts, frame: float) -> CaseFacts:
    """``case`` as if its picture were as large as a square of ``frame`` mm."""
    times = frame / frame_side(case.grid)
    k, j, i = (step if side == 1 else step * times
               for step, side in zip(case.grid.spacing, case.grid.shape, strict=True))
    sides = {value: side * times for value, side in case.sides.items()}
    return dataclasses.replace(case, grid=dataclasses.replace(case.grid, spacing=(k, j, i)), sides=sides)


def _spreads(cases: Sequence[CaseFacts]) -> tuple[float, float]:
    """How much the sizes of a structure differ, in mm and in shares of the picture: sums of squares of logarithms,
    about the mean of each structure; nothing where too few images show it.
    """
    in_mm = in_shares = 0.0
    for value in {value for case in cases for value in case.sides}:
        shown = [(case.sides[value], frame_side(case.grid)) for case in cases if value in case.sides]
        if len(shown) >= FEWEST:
            sides, frames = np.log(shown).T
            in_mm += len(shown) * float(np.var(sides))
            in_shares += len(shown) * float(np.var(sides - frames))
    return in_mm, in_shares
