"""From a few held-out slices to the Dice to expect on other cases, with an interval that means something.

In logits, the true Dice of other cases has a normal prior, and what the slices measured is the truth plus a shift and
normal noise: how far slices stand for volumes, how much cases differ (or what a Bayesian bootstrap of the cases shows,
Rubin 1981, where that is more), how much slices differ. The posterior is the estimate: one slice hardly moves it,
twenty slices of six cases do. The constants were fitted by hand on eight simulated studies, other ones than those on
which the coverage was then measured (Testing/benchmarks/results/simulated_studies.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...naming import counted
from .logits import dice_of, logit

PRIOR, PRIOR_DEVIATION = 0.8, 0.9  # logits: Dice about 0.69, between 0.34 and 0.91 in 9 of 10
SHIFT = -0.75  # true Dice of whole volumes against that of drawn slices, which seldom show the ends
UNKNOWN = 0.1  # variance that more slices do not take away
BETWEEN_CASES = 0.2  # variance, over the number of cases
BETWEEN_SLICES = 0.9  # variance, over the number of slices
WIDTH = 1.64  # deviations to either side: 9 of 10
DRAWS = 400
EDGE = 0.05  # Dice is kept this far from 0 and 1 where logits are taken


class Score(Protocol):
    """Counts on one slice of ``case``, in voxels of structure 1..K-1 each; see scores.SliceScore."""

    @property
    def case(self) -> str: ...
    @property
    def overlap(self) -> tuple[int, ...]: ...
    @property
    def found(self) -> tuple[int, ...]: ...
    @property
    def truth(self) -> tuple[int, ...]: ...


@dataclass(frozen=True)
class Estimate:
    """``dice`` expected on other cases of the kind, mean over the structures; ``low`` to ``high`` contains the true
    value in 9 of 10 studies. ``measured`` the plain Dice on the ``slices`` held out, of ``cases``.
    """

    dice: float
    low: float
    high: float
    measured: float
    slices: int
    cases: int

    def words(self) -> str:
        """The number with its meaning."""
        slices = f"{counted(self.slices, 'slice')} of {counted(self.cases, 'case')}"
        return (f"Expected Dice on other cases: {self.dice:.2f}. In 9 of 10 studies like this one, the true value lies "
                f"between {self.low:.2f} and {self.high:.2f}. Measured on slices that training had not seen: {slices}.")


def estimate(scores: Sequence[Score]) -> Estimate | None:
    """What held-out slices say; None where they show no structure."""
    if not any(any(score.truth) for score in scores):
        return None
    cases = sorted({score.case for score in scores})
    counts = np.array([_counts(scores, case) for case in cases], float).reshape(len(cases), 3, -1)
    measured = _dice(counts.sum(0))
    between = max(BETWEEN_CASES / len(cases), _resampled(counts))
    noise = UNKNOWN + between + BETWEEN_SLICES / len(scores)
    trust = PRIOR_DEVIATION**2 / (PRIOR_DEVIATION**2 + noise)
    centre = PRIOR + trust * (logit(_inside(measured)) + SHIFT - PRIOR)
    deviation = math.sqrt(trust * noise)
    dice, low, high = (dice_of(centre + side * WIDTH * deviation) for side in (0, -1, 1))
    return Estimate(dice, low, high, measured, len(scores), len(cases))


def _counts(scores: Sequence[Score], case: str) -> NDArray[np.float64]:
    """(3, K-1) voxels: overlap, predicted, drawn."""
    mine = [(score.overlap, score.found, score.truth) for score in scores if score.case == case]
    return np.array(mine, float).sum(0)


def _resampled(counts: NDArray[np.float64]) -> float:
    """Variance of the pooled Dice, in logits, under reweighting of the cases ``counts`` (cases, 3, K-1)."""
    if len(counts) < 2:
        return 0.0
    weights = np.random.default_rng(0).dirichlet(np.ones(len(counts)), DRAWS)
    return float(np.var([logit(_inside(_dice(np.tensordot(draw, counts, 1)))) for draw in weights]))


def _dice(counts: NDArray[np.float64]) -> float:
    """Mean over the structures that are drawn anywhere; ``counts`` (3, K-1)."""
    overlap, found, truth = counts[:, counts[2] > 0]
    return float((2 * overlap / (found + truth)).mean())


def _inside(dice: float) -> float:
    """Away from 0 and 1, where logits are infinite."""
    return min(max(dice, EDGE), 1 - EDGE)
