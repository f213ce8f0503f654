"""How long a live run stays at a computer that others need too."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..workplace import Workplace

LOOK_EVERY_S = 0.25
Clock = Callable[[], float]


class Stay:
    """Lasts until the run is stopped, ``others_wait()`` for this computer, or nobody draws any more; ``farewell`` says
    which it was, and is empty until then.
    """

    def __init__(self, workplace: Workplace, others_wait: Callable[[], bool], clock: Clock = time.monotonic):
        self.workplace, self.others_wait, self.clock = workplace, others_wait, clock
        self.farewell = ""

    def is_over(self, rested: float = 0.0) -> bool:
        """Whether it is time to go home, after so many seconds of rest."""
        if self.workplace.job.stop_requested():
            self.farewell = "Stopped; what was learned is kept."
        elif self.others_wait():
            self.farewell = "Stopped for a training that was waiting; what was learned is kept."
        elif rested > self.workplace.training.live_rest_seconds:
            self.farewell = "Nothing new was drawn for a while; what was learned is kept."
        return bool(self.farewell)

    def rest(self, until: Callable[[], object]) -> None:
        """Leave the computer to others until ``until()``, or until it is time to go home."""
        self.workplace.device.give_back_memory()
        begun = self.clock()
        while not self.is_over(self.clock() - begun) and not until():
            time.sleep(LOOK_EVERY_S)
