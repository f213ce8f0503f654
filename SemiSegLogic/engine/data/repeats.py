"""How much more often patches are aimed at structures that are drawn in few of many volumes.

Volumes are drawn alike, and in each its structures are (see patches.py; nnU-Net does the same, F. Isensee et al. 2021).
Where n_c of V judged volumes show structure c, and m_v structures are drawn in volume v, the share of labelled patches
that is aimed at c is

    (1)  p_c = a / V  sum 1 / m_v over the v that show c        a = TOWARDS_STRUCTURE

What is drawn in one of fifty volumes, with nine others, is one patch in 746: it is hardly learned. So it is repeated:

    (2)  r_c = floor(sqrt(V / n_c))
    (3)  P(v) = R_v / sum of all R,      R_v = max r_c over the c that v shows; 1 where nothing is drawn
    (4)  P(c | v) = r_c / sum of r_d over the d that v shows

and comes in one patch of 27. (2) and (3) are the repeat factors of A. Gupta, P. Dollar, R. Girshick: LVIS, CVPR 2019.
There whole images are learned; a patch is to be aimed, too, hence (4). What follows from them:

- What is drawn in more than a quarter of the volumes is not repeated. Where that holds for all, every draw is the one
  that (1) describes, number by number.
- The root is taken twice, and r_c^2 makes up for V / n_c at most: alone in being rare, c is aimed at less often than
  a / m, which is what a structure has that every volume shows, beside m - 1 others.
- No volume is drawn more than sqrt(V) times as often as another: one of fifty in an eighth of the patches, at most.
- A slip of the hand (volumes.SPECK) is not repeated.
- Volumes judged to show nothing keep their place, and say that it is not there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from math import isqrt

Shown = tuple[frozenset[int], ...]
"""The classes that each of the judged volumes shows."""


@dataclass(frozen=True)
class Repeats:
    """``times``: class index -> r_c among the volumes ``shown``, 1 where it is not named."""

    shown: Shown = ()
    times: Mapping[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, shown: Shown) -> Repeats:
        """Equation (2)."""
        counts = Counter(chain.from_iterable(shown))
        return cls(shown, {number: isqrt(len(shown) // count) for number, count in counts.items()})

    @cached_property
    def volumes(self) -> list[int]:
        """Which of the volumes, 0, 1, ..., each as often as equation (3) has it: to be picked from."""
        return [place for place, numbers in enumerate(self.shown)
                for _ in range(max((self.times.get(number, 1) for number in numbers), default=1))]

    def repeated(self, classes: Sequence[int]) -> list[int]:
        """The classes of a volume, each as often as equation (4) has it: to be picked from."""
        return [number for number in classes for _ in range(self.times.get(number, 1))]
