"""What a client is told that does not get what it asked for."""

from __future__ import annotations

from ..job import JobError

NOT_FOUND, SLOW, CONFLICT, TOO_LARGE, WRONG, BUSY, AWAY, FULL = 404, 408, 409, 413, 422, 429, 503, 507


class Refused(JobError):
    """``code`` is HTTP's: one of those above."""

    def __init__(self, code: int, text: str, remedy: str) -> None:
        super().__init__(text, remedy)
        self.code = code
