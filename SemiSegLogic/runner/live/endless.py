"""Training without an end: patches mostly from the case on screen, a learning rate that rises with news."""

from __future__ import annotations

from collections.abc import Sequence

from ...engine.data.patches import Sampler
from ...engine.data.volumes import Volume
from ...engine.hardware.device import Device
from ...engine.planning.plan import Plan
from ...engine.training.trainer import Budget, Means, Trainer
from ...methods.base import Method, Step

ENDLESS = Budget(float("inf"))
FULL, STEADY = 0.15, 0.9
"""Where on its curve a method's learning rate is right after news, and once it has been taken in: on one cycle the
top and about a thirtieth of it. Ramps of unlabelled losses see the same.
"""
SETTLES_S = 8.0  # of training between the two


class Favouring(Sampler):
    """Draws every second labelled patch from the case on screen: what was just drawn should be seen at once."""

    def __init__(self, volumes: Sequence[Volume], plan: Plan):
        super().__init__(volumes, plan)
        self.favourite: str | None = None

    def labelled(self) -> list[int]:
        """Indices of the labelled volumes; the favourite as often as all others together."""
        known = super().labelled()
        mine = [number for number in known if self.volumes[number].name == self.favourite]
        return known + mine * (len(known) - 2)


class Endless(Trainer):
    """A trainer whose methods see where they are by the age of the newest labels, not by a budget."""

    def __init__(self, method: Method, sampler: Favouring, device: Device, means: Means):
        super().__init__(method, sampler, device, ENDLESS, means=means)
        self._favouring, self._news_at = sampler, 0.0

    def favour(self, case: str | None) -> None:
        """Draw every second labelled patch from this case, the one on screen."""
        self._favouring.favourite = case

    def news(self) -> None:
        """New labels came: learn faster again for a while."""
        self._news_at = self.progress.elapsed

    @property
    def settled(self) -> float:
        """How far the newest labels have been taken in, in [0, 1]."""
        return min((self.progress.elapsed - self._news_at) / SETTLES_S, 1.0)

    def where(self) -> Step:
        """The step, its progress between FULL and STEADY."""
        progress = FULL + (STEADY - FULL) * self.settled
        index = self.progress.step
        return Step(self.phases[-1].name, index, max(round(index / progress), index + 1))
