"""What goes wrong with a job, in words."""

from __future__ import annotations

from ..errors import SemiSegError


class JobError(SemiSegError):
    """Something about a job is wrong. ``text`` names the file or key and the value, ``remedy`` what to do about it."""

    def __init__(self, text: str, remedy: str = "") -> None:
        super().__init__(f"{text} {remedy}".rstrip())
        self.text = text
        self.remedy = remedy

    def within(self, place: str) -> JobError:
        """The same complaint with the file (or the object) it was found in put before it."""
        return JobError(f"{place}: {self.text}", self.remedy)
