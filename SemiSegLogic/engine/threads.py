"""How many processor threads to compute with: tried out while training, not guessed.

On an idle computer all cores are best. Beside a busy program (Slicer rendering, another job) threads that wait for each
other at every operation can be twenty times slower than half as many; so both are tried, again and again.
"""

from __future__ import annotations

import torch

FIRST_TRIAL, LATER_TRIALS = 2, 40  # steps before the first trial, and between the first and the second
CLEARLY = 1.15  # all threads must be this much slower before half of them are taken


class Threads:
    """Told how long each step took, it decides how many threads the next one gets. Inactive on a GPU."""

    def __init__(self, active: bool):
        full = torch.get_num_threads()
        self._choices = (full, max(1, full // 2)) if active and full > 1 else ()
        self._times: list[float] = []
        self._wait, self._pause = FIRST_TRIAL, LATER_TRIALS

    def took(self, seconds: float) -> None:
        """Note the duration of the step that just ended and set the threads for the next."""
        if not self._choices:
            return
        if self._wait > 0:
            self._wait -= 1
            if self._wait == 0:
                self._times = []
                torch.set_num_threads(self._choices[0])
            return
        self._times.append(seconds)
        if len(self._times) == 1:
            torch.set_num_threads(self._choices[1])
        else:
            self._decide()

    def _decide(self) -> None:
        full, half = self._times
        torch.set_num_threads(self._choices[1] if full > CLEARLY * half else self._choices[0])
        # what lost clearly is tried less often: one slow step costs as much as many fast ones
        self._pause = min(self._pause * 2, 400) if full > 2 * half else LATER_TRIALS
        self._wait = self._pause
