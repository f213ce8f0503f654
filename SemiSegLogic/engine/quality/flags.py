"""Which cases are probably good, which need a look: from how their suggestions look, numpy alone.

The doubt of a suggestion (summed uncertainty per voxel found) foretells its Dice within a study; how strongly was
fitted on simulated studies other than those on which the flags were then checked
(Testing/benchmarks/results/simulated_studies.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .estimate import Estimate

GOOD = 0.7  # the Dice that "probably good" promises
SLOPE = 0.5  # logits of Dice lost per unit of log doubt, within a study
SPREAD = 0.4  # logits: how far the Dice of cases lies from what is foretold
SURE = 1.28  # deviations: nine of ten
WIDEST = 0.45  # an interval of the study wider than this tells nothing about a case
ODD_SIZE = 2.0  # times larger or smaller than the cases that were measured


@dataclass(frozen=True)
class Looks:
    """``doubt`` summed uncertainty (0..1 per voxel) over the voxels found; ``size`` voxels found; infinite doubt where
    nothing was.
    """

    doubt: float
    size: int


def looks_of(label: NDArray[np.uint8], uncertainty: NDArray[np.uint8]) -> Looks:
    """Of a suggestion: ``label`` and ``uncertainty`` (255 undecided), both of one shape."""
    size = int(np.count_nonzero(label))
    doubt = float(uncertainty.sum(dtype=np.int64)) / 255
    return Looks(doubt / size if size else math.inf, size)


@dataclass(frozen=True)
class Judge:
    """What flags are given by: the study's expected ``dice`` and ``low`` bound (None: never measured) and the usual log
    ``doubt`` of suggestions where that was measured; ``size`` voxels of a usual case.
    """

    dice: float | None = None
    low: float = 0.0
    high: float = 1.0
    doubt: float = 0.0
    size: float = 0.0

    @classmethod
    def of(cls, estimate: Estimate | None, looks: Sequence[Looks]) -> Judge:
        """From the measurement and the looks of the volumes in which it was made."""
        known = [item for item in looks if item.size]
        if estimate is None or not known:
            return cls()
        doubt = float(np.mean([math.log(max(item.doubt, 1e-4)) for item in known]))
        size = float(np.median([item.size for item in known]))
        return cls(estimate.dice, estimate.low, estimate.high, doubt, size)

    def expected(self, looks: Looks) -> float | None:
        """The Dice that a suggestion with these looks probably has; None without a measurement."""
        centre = self._centre(looks)
        return None if centre is None else 1 / (1 + math.exp(-centre))

    def flag(self, looks: Looks) -> dict[str, Any]:
        """{"state": "good" | "look" | "unknown", "words", "expected_dice"}."""
        if not looks.size:
            return {"state": "look", "words": "Nothing was found here.", "expected_dice": None}
        centre = self._centre(looks)
        if centre is None or self.high - self.low > WIDEST:
            return {"state": "unknown", "words": "Not enough labels to know how good this is.", "expected_dice": None}
        expected = round(1 / (1 + math.exp(-centre)), 3)
        if not 1 / ODD_SIZE <= looks.size / self.size <= ODD_SIZE:
            smaller = "smaller" if looks.size < self.size else "larger"
            words = f"Look here: much {smaller} than in the cases that were measured."
            return {"state": "look", "words": words, "expected_dice": expected}
        if 1 / (1 + math.exp(SURE * SPREAD - centre)) >= GOOD:
            words = f"Probably good: Dice {expected:.2f} expected, above {GOOD:g} in 9 of 10 such cases."
            return {"state": "good", "words": words, "expected_dice": expected}
        return {"state": "look", "words": f"Look here: Dice {expected:.2f} expected.", "expected_dice": expected}

    def to_dict(self) -> dict[str, Any]:
        """Plain data that ``Judge(**data)`` takes back."""
        return asdict(self)

    def _centre(self, looks: Looks) -> float | None:
        if self.dice is None or not looks.size:
            return None
        usual = math.log(self.dice / (1 - self.dice))  # within (0, 1) always: it comes from logits
        return usual - SLOPE * (math.log(max(looks.doubt, 1e-4)) - self.doubt)
