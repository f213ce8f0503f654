"""Everything at once: real runs, and a world that does not keep still."""

from __future__ import annotations

from .mishaps import Mishaps
from .user import ACTS, HARMLESS

UNHEARD = ("result_comes",)
"""What only a scripted run does."""
RUNS = {
    "draw_slice": 8, "time_passes": 4, "wait_for_the_end": 1.5, "wait_for_a_suggestion": 2, "go_on": 1,
    "kill_worker": 1, "choose_manner": 1, "use_model": 0.7, "go_on_from_model": 0.7, "delete_model": 0.5, "train": 3,
    "keep_learning": 1.5,
}  # fmt: skip
WORLD = {
    "disk_fills_up": 0.7, "disk_is_read_only": 0.5, "clock_jumps": 0.7, "add_case": 0.7, "image_moves": 0.7,
    "colleague_judges": 0.7, "colleague_crashes": 0.5,
}  # fmt: skip
TOLD_OF_RUNS = (
    "The training process ended unexpectedly", "The process that used the model ended unexpectedly",
    "already training or using a model", "No slice is done yet", "No slice is done in", "Nothing is drawn on any",
    "all slices done lie across them", "all slices that are done lie across them",  # of volumes with thick slices
)  # fmt: skip


OPENING = ("click_case", "draw_slice", "draw_slice", "click_case", "draw_slice")
"""There is something to learn from soon."""


class WildUser(Mishaps):
    """Who does all of it."""

    def choose(self, number: int) -> str:
        if number < len(OPENING):
            return OPENING[number]
        return str(self._some_of("train", "keep_learning")) if number == len(OPENING) else super().choose(number)

    @property
    def acts(self) -> dict[str, float]:
        return {**{name: often for name, often in ACTS.items() if name not in UNHEARD}, **RUNS, **WORLD}

    @property
    def harmless(self) -> tuple[str, ...]:
        return (*HARMLESS, *TOLD_OF_RUNS)
