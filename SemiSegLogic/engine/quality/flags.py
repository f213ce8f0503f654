"""Which cases are probably good, which need a look: from how their suggestions look, numpy alone.

Two witnesses are weighed by how far each can be trusted: the study's estimate, and the doubt of the case's own
suggestion (summed uncertainty per voxel found). The constants were fitted on eight simulated studies, other ones than
those on which the flags were then checked (Testing/benchmarks/results/simulated_studies.md).

The Dice that is weighed together for a case decides its flag and is never shown to people: the one number that they
read is the study's. The words say how the case stands to the usual one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...naming import listed
from .estimate import WIDTH, Estimate
from .logits import dice_of, logit

GOOD = 0.7  # the Dice that "probably good" promises
AT_ONE, SLOPE = 1.54, 1.44  # logit of Dice where the doubt is 1, and what a unit of log doubt takes from it
SPREAD = 0.56  # logits: how far the Dice of cases lies from what their doubt foretells
WITHIN = 0.25  # logits: how far the cases of one study lie apart
SURE = 1.0  # deviations; nominally 5 of 6 cases, on the calibration studies 39 of 40
WIDEST = 0.45  # an interval of the study wider than this tells nothing about a case
ODD_SIZE = 2.0  # times larger or smaller than the cases that were measured
ODD_DOUBT = 1.25  # times the doubt of the cases that were measured: only for the words, not for the flag
NAMED = 2  # structures, at most, that the words of a flag name: names may be long, and a status takes 400 characters


@dataclass(frozen=True)
class Looks:
    """``doubt`` summed uncertainty (0..1 per voxel) over the voxels found; ``size`` voxels found; infinite doubt where
    nothing was.
    """

    doubt: float
    size: int

    @classmethod
    def of(cls, doubt: float, size: int) -> Self:
        """From the summed uncertainty and the voxels found."""
        return cls(doubt / size if size else math.inf, size)


def looks_of(label: NDArray[np.uint8], uncertainty: NDArray[np.uint8]) -> Looks:
    """Of a suggestion: ``label`` structure values and ``uncertainty`` (255 undecided), both uint8 (k, j, i)."""
    return Looks.of(float(uncertainty.sum(dtype=np.int64)) / 255, int(np.count_nonzero(label)))


@dataclass(frozen=True)
class FlagRule:
    """By what flags are given: the study's expected ``dice`` with its interval ``low`` to ``high`` (None: it was never
    measured), and ``size``, the voxels of a usual suggestion, with its ``doubt`` (0: not known). It tells
    nothing of the structures ``unmeasured`` by name, nor of those ``undrawn`` anywhere, value -> name.
    """

    dice: float | None = None
    low: float = 0.0
    high: float = 1.0
    size: float = 0.0
    doubt: float = 0.0
    unmeasured: Sequence[str] = ()
    undrawn: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, estimate: Estimate | None, looks: Sequence[Looks], unmeasured: Sequence[str] = (),
        undrawn: Mapping[int, str] | None = None,
    ) -> FlagRule:
        """From the measurement, the looks of the volumes in which it was made, and the structures not seen there."""
        found = [item for item in looks if item.size]
        if estimate is None or not found:
            return cls()
        size, doubt = (float(np.median(values)) for values in zip(*((it.size, it.doubt) for it in found), strict=True))
        return cls(estimate.dice, estimate.low, estimate.high, size, doubt, unmeasured, undrawn or {})

    def flag(self, looks: Looks, undrawn: Collection[int] = ()) -> dict[str, Any]:
        """{"state": "good" | "look" | "unknown", "words", "expected_dice"} of a suggestion, in which these
        ``undrawn`` structures are found all the same: only then do they leave open how good it is.
        """
        if not looks.size:
            return {"state": "look", "words": "Nothing was found here.", "expected_dice": None}
        if self.dice is None or self.high - self.low > WIDEST:
            return {"state": "unknown", "words": "Not enough labels to know how good this is.", "expected_dice": None}
        centre, deviation = self._weighed(self.dice, looks)
        expected = round(dice_of(centre), 3)
        if not 1 / ODD_SIZE <= looks.size / self.size <= ODD_SIZE:
            smaller = "smaller" if looks.size < self.size else "larger"
            words = f"Look here: much {smaller} than in the cases that were measured."
            return {"state": "look", "words": words + self._remark(), "expected_dice": expected}
        unknown = [*self.unmeasured, *(name for value, name in self.undrawn.items() if value in undrawn)]
        if unknown:
            words = f"Not enough labels to know how good this is: not measured for {listed(unknown, NAMED)}."
            return {"state": "unknown", "words": words, "expected_dice": None}
        if dice_of(centre - SURE * deviation) >= GOOD:
            words = f"Probably good: 9 of 10 suggestions as sure as this one reach a Dice of {GOOD:g}."
            return {"state": "good", "words": words + self._remark(), "expected_dice": expected}
        words = f"Look here: {self._why_look(looks)}."
        return {"state": "look", "words": words + self._remark(), "expected_dice": expected}

    def to_dict(self) -> dict[str, Any]:
        """Plain data that ``FlagRule(**data)`` takes back."""
        return asdict(self)

    def _remark(self) -> str:
        """Of which structures a flag says nothing; "" where it says something of all."""
        names = listed([*self.undrawn.values()], NAMED)
        return f" This says nothing about {names}, not drawn when the model was trained." if names else ""

    def _why_look(self, looks: Looks) -> str:
        """Why a case of ordinary size is not called good."""
        if not self.doubt:  # a model of before this was kept
            return f"it may not reach a Dice of {GOOD:g}"
        if looks.doubt > ODD_DOUBT * self.doubt:
            return "the model is less sure than in a typical case of this study"
        return f"it looks like a typical case of this study, which may fall below a Dice of {GOOD:g}"

    def _weighed(self, dice: float, looks: Looks) -> tuple[float, float]:
        """Logit of the Dice to expect of a case, and its deviation; ``dice`` comes from logits itself, so it is within
        (0, 1).
        """
        own = AT_ONE - SLOPE * math.log(max(looks.doubt, 1e-4))
        study = 1 / (((logit(self.high) - logit(self.low)) / (2 * WIDTH)) ** 2 + WITHIN**2)
        both = study + 1 / SPREAD**2
        return (study * logit(dice) + own / SPREAD**2) / both, both**-0.5
