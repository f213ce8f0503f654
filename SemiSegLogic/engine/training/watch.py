"""Was every step a number? On a GPU the answer is read some steps later, so that nobody waits for it."""

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor

LAG = 4  # steps that a GPU may be behind the host


class Watch:
    """Told a scalar of every step, it says whether one of them was infinite or undefined.

    With a ``lag`` the host runs at most so many steps ahead of the device, and hears of a bad step that late.
    """

    def __init__(self, device: torch.device, lag: int | None = None):
        self._lag = (LAG if device.type == "cuda" else 0) if lag is None else lag
        self._cuda = device.type == "cuda"
        # written in turn and reused: no step allocates memory on the host
        self._slots = torch.ones(self._lag + 1, dtype=torch.bool, pin_memory=self._cuda)
        self._events = [torch.cuda.Event() for _ in self._slots] if self._cuda else []
        self._open: deque[int] = deque()
        self._next = 0

    def note(self, health: Tensor) -> None:
        """``health`` a scalar on the device, finite when the step was. Ask :meth:`broken` after every note."""
        self._slots[self._next].copy_(torch.isfinite(health), non_blocking=True)
        if self._cuda:
            self._events[self._next].record()
        self._open.append(self._next)
        self._next = (self._next + 1) % len(self._slots)

    def broken(self, all_of_them: bool = False) -> bool:
        """Whether a step at least ``lag`` notes ago, or any so far with ``all_of_them``, was not finite."""
        bad = False
        while len(self._open) > (0 if all_of_them else self._lag):
            slot = self._open.popleft()
            if self._cuda:
                self._events[slot].synchronize()
            bad = bad or not bool(self._slots[slot])
        return bad

    def forget(self) -> None:
        """The steps noted so far have been undone."""
        self.broken(all_of_them=True)
