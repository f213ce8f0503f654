"""Ways to choose the next slice. Each scores all slices anew for every choice; minus infinity is "not worth a look".

ClaSP PE: C. T. Lueth, J. Traub, K.-C. Kahl et al.: Finally Outshining the Random Baseline: A Simple and Effective
Solution for Active Learning in 3D Biomedical Imaging, TMLR 2026 (arXiv 2601.13677), written there for 3D patches.
Foreground-aware random: the same group's nnActive (TMLR 2025). Strided slices are hard to beat: Less is More (arXiv
2207.00845).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from .field import Field, Matrix
from .spread import Board

Strategy = Callable[[Field, Board, int, int, int], Matrix]
"""(field, board, number of the choice from 0, slices judged so far, seed) -> scores (N, n) by case and slice. What is
left to chance is drawn once for a list, not anew for every choice of it.
"""

STRATIFIED = 2  # of three choices look at one structure's doubt, the third at all doubt (paper: 66 %)
ENOUGH = 0.5  # presence of structure that is worth drawing without any doubt to settle
FARTHEST_MM = 1e4  # a case without a judged slice comes before all others
SHARPEST = 100.0  # the noise's inverse scale grows from 1 to this (paper)
SHARP_AFTER = 40  # judged slices; the paper anneals over a fixed number of rounds, which a person at work has not


def random_slices(field: Field, board: Board, turn: int, judged: int, seed: int) -> Matrix:
    """Any slice, structure or not: the yardstick."""
    return np.random.default_rng(seed).random(field.doubt.shape)


def strided(field: Field, board: Board, turn: int, judged: int, seed: int) -> Matrix:
    """Far from what is judged, where there is structure, with some chance: foreground-aware strided random. In a case
    without a judged slice any slice through the structure is as good as another.
    """
    away = np.minimum(board.distance, FARTHEST_MM)
    score = away * field.presence * (0.5 + np.random.default_rng(seed).random(field.doubt.shape))
    return np.where(field.presence >= ENOUGH, score, -np.inf)


def entropy(field: Field, board: Board, turn: int, judged: int, seed: int) -> Matrix:
    """Most doubt first: predictive entropy near the structures, summed over the slice."""
    return _log(field.doubt)


def disagreement(field: Field, board: Board, turn: int, judged: int, seed: int) -> Matrix:
    """Where two rounds, or two members of an ensemble, name most voxels differently."""
    return _log(field.changed)


def clasp_pe(field: Field, board: Board, turn: int, judged: int, seed: int) -> Matrix:
    """Class-stratified scheduled power predictive entropy, for slices.

    Two choices in three look at the doubt that belongs to one structure (pe p_c), each structure in its turn, the third
    at all doubt. The score is log(doubt) + Gumbel(0, 1/beta): early on a wide choice among doubtful slices, later the
    most doubtful ones.
    """
    beta = SHARPEST ** min(judged / SHARP_AFTER, 1.0)
    noise = np.random.default_rng((seed, 1)).gumbel(0.0, 1 / beta, field.doubt.shape)
    round_of_three, third = divmod(turn, 3)
    present = [doubt for doubt in field.doubts if doubt.any()]
    if third < STRATIFIED and present:
        return _log(present[(round_of_three * STRATIFIED + third) % len(present)]) + noise
    return _log(field.doubt) + noise


STRATEGIES: Mapping[str, Strategy] = MappingProxyType({
    "random": random_slices, "strided": strided, "entropy": entropy, "disagreement": disagreement,
    "clasp_pe": clasp_pe,
})
DEFAULT = "clasp_pe"


def _log(values: Matrix) -> Matrix:
    return np.log(values, out=np.full(values.shape, -np.inf), where=values > 0)
