"""How many processor threads to compute with: tried out on the way, not guessed.

On an idle computer all cores are best. Beside a busy program (Slicer rendering, another job) threads that wait for each
other at every operation can be many times slower than half as many; so both are tried, again and again. A CT of 105
million voxels, predicted on two cores beside other programs, took 14 s with one thread and 243 s with two.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import torch

Given = TypeVar("Given")
Made = TypeVar("Made")

FIRST_TRIAL, LATER_TRIALS = 2, 40  # steps before the first trial, and between the first and the second
CLEARLY = 1.15  # all threads must be this much slower before half of them are taken


class Threads:
    """Told how long each step took, it decides how many threads the next one gets. Inactive on a GPU.

    It acts between ``with`` and its end, which gives all threads back.
    """

    def __init__(self, active: bool):
        self._full = torch.get_num_threads()
        self._half = max(1, self._full // 2)
        self._active = active and self._full > 1
        self._slow: float | None = None  # the step with half of the threads, during a trial
        self._wait, self._pause = FIRST_TRIAL, LATER_TRIALS

    def __enter__(self) -> Threads:
        if self._active:
            torch.set_num_threads(self._half)
        return self

    def __exit__(self, *_: object) -> None:
        if self._active:  # else the next leg would take half for all
            torch.set_num_threads(self._full)

    def took(self, seconds: float) -> None:
        """Note the duration of the step that just ended and set the threads for the next."""
        if not self._active:
            return
        self._wait -= 1
        if self._wait == 0:
            torch.set_num_threads(self._half)
        elif self._wait == -1:
            self._slow = seconds
            torch.set_num_threads(self._full)
        elif self._wait == -2 and self._slow is not None:
            self._decide(self._slow, seconds)

    def timed(self, act: Callable[[Given], Made]) -> Callable[[Given], Made]:
        """``act``, each call of which is a step."""

        def step(given: Given) -> Made:
            begun = time.perf_counter()
            made = act(given)
            self.took(time.perf_counter() - begun)
            return made

        return step

    def _decide(self, half: float, full: float) -> None:
        torch.set_num_threads(self._half if full > CLEARLY * half else self._full)
        # what lost clearly is tried less often: one slow step costs as much as many fast ones
        self._pause = min(self._pause * 2, 400) if full > 2 * half else LATER_TRIALS
        self._wait = self._pause
