"""Who asked for what, in ``requests.log``: a line for each answer, without anything of its content. What is asked again
and again is counted in between: a courier looks once a second, and whoever has no token may ask as often as they like,
and would push out of the log what it is kept for.
"""

from __future__ import annotations

import logging
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TypeAlias

LOG_BYTES, LOGS = 10_000_000, 5
LOOKS_EVERY_S, STRANGERS_EVERY_S = 3600.0, 60.0
MOST_KNOWN = 10_000
STRANGER = "-"
"""In place of a user, where there was no token that is known."""
_Asked: TypeAlias = tuple[str, str, int]


class Audit:
    """Writes to the file ``path``. Called by one thread."""

    def __init__(self, path: Path) -> None:
        self._log = logging.getLogger(f"{__name__}.requests")
        self._log.propagate = False
        self._log.setLevel(logging.INFO)
        handler = RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOGS, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self._log.handlers = [handler]
        self._known: dict[_Asked, tuple[float, int]] = {}
        """When it was last written, and how often it was asked since; the one written last comes last."""

    def __call__(self, user: str, method: str, path: str, code: int) -> None:
        """Hear of an answer."""
        line = f"{user} {method} {path.encode('unicode_escape').decode()[:200]} {code}"
        if user == STRANGER:
            self._tell_at_times((user, "", code), line, STRANGERS_EVERY_S)
        elif method == "GET":
            self._tell_at_times((user, path, code), line, LOOKS_EVERY_S)
        else:
            self._log.info(line)

    def _tell_at_times(self, asked: _Asked, line: str, every_s: float) -> None:
        told, since = self._known.get(asked, (-every_s, 0))
        if time.monotonic() - told < every_s:
            self._known[asked] = told, since + 1
            return
        self._known.pop(asked, None)
        self._known[asked] = time.monotonic(), 0
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._log.info(f"{line} and {since} before" if since else line)
