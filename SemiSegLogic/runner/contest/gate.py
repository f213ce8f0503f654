"""Which of two models is kept: what the slices held out from both say, and when they say nothing.

Two models are compared slice by slice (paired), because slices differ far more than models do. The mean difference is
held against its standard error: on four slices a difference of 0.02 is mostly noise. Who has to prove what depends on
what is known before: longer training is better unless shown to be worse; a semi-supervised candidate, which on average
did not beat the baseline in our benchmarks, is not better until shown to be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...engine.quality import SliceScore
from ...geometry import SliceIndex
from ...naming import counted

USUAL_DEVIATION = 0.05  # of paired differences of Dice between slices, known before any is seen
WORTH = 2  # slices that this knowledge counts for
FEWEST = 3  # slices below which nothing is shown to be better
PROOF = 1.0  # standard errors


@dataclass(frozen=True)
class Comparison:
    """Of a model with the one before, over ``slices`` held out from both: mean ``difference`` of Dice (positive: the
    new one is better) and its standard ``error``.
    """

    difference: float
    error: float
    slices: int

    @property
    def shows_better(self) -> bool:
        """Better by more than its error."""
        return self.slices >= FEWEST and self.difference > PROOF * self.error

    @property
    def shows_worse(self) -> bool:
        """Worse by more than its error."""
        return self.slices > 0 and self.difference < -PROOF * self.error

    @property
    def shows_harm(self) -> bool:
        """Worse by more than twice its error, on more than a few slices: for what did good everywhere else."""
        return self.slices >= FEWEST and self.difference < -2 * PROOF * self.error

    def words(self) -> str:
        """For the card."""
        return (f"{self.difference:+.3f} ± {self.error:.3f} Dice, slice by slice, on {counted(self.slices, 'slice')} "
                "kept aside from both")


def compare(new: Sequence[SliceScore], before: Sequence[SliceScore]) -> Comparison:
    """Both models on the slices that both were measured on, as they were drawn then and now."""
    known = {_drawn(score): score.dice for score in before}
    pairs = [(score.dice, known.get(_drawn(score))) for score in new]
    gaps = [mine - theirs for mine, theirs in pairs if mine is not None and theirs is not None]
    if not gaps:
        return Comparison(0.0, math.inf, 0)
    mean = sum(gaps) / len(gaps)
    squares = sum((gap - mean) ** 2 for gap in gaps) + WORTH * USUAL_DEVIATION**2
    deviation = math.sqrt(squares / (len(gaps) - 1 + WORTH))
    return Comparison(mean, deviation / math.sqrt(len(gaps)), len(gaps))


def takes_over(role: str, found: Comparison, stopped: bool) -> bool:
    """Whether a leg's model takes the place of the one before."""
    if role == "candidate":
        return found.shows_better
    if not found.slices:
        return not stopped  # half a leg without a proof is not trusted
    return not found.shows_worse


def verdict(name: str, role: str, score: float | None, found: Comparison | None, taken: bool) -> str:
    """The judgement, in words for the person."""
    if role == "fold":
        return "The quality was also measured on other slices."
    if score is None:
        rest = "" if taken else " It was stopped before its end, so the earlier suggestions are kept."
        return f"{name}: no slice was kept aside, so its quality is not known.{rest}"
    if found is None:
        return f"First suggestion: Dice {score:.3f} on slices kept aside."
    kept = "its suggestions replace the earlier ones" if taken else "the earlier ones are kept"
    return f"{name}: {found.words()} compared with the earlier model; {kept}."


def _drawn(score: SliceScore) -> tuple[str, SliceIndex, tuple[int, ...]]:
    """Which slice, and how much of each structure was drawn there: another truth is another measurement."""
    return score.case, score.place, score.truth
