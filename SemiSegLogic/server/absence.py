"""A time in which a server was down, or which it never had because its clock jumped: what is kept does not age in it,
for nobody could have asked for it.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path

from ..files import FileError, read_json, write_json

LONGEST_S = 86400.0
"""Between two looks of a server that is well; each night it may be switched off."""


@dataclass(frozen=True)
class Absence:
    """``seconds`` from the unix time ``since`` on."""

    since: float
    seconds: float

    def excuse(self, path: Path, touched: float) -> None:
        """Let a file be as old as it was before, which was ``touched`` at that unix time."""
        if touched <= self.since:
            with contextlib.suppress(OSError):  # it has just gone
                os.utime(path, (touched + self.seconds,) * 2)


class Watch:
    """Keeps the time of the last look, for a server that comes later in the file ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last: float | None = None

    def absence(self) -> Absence | None:
        """That since the last look, if there was one to speak of; the next one counts from now."""
        last, now = self._last or self._kept(), time.time()
        self._last = now
        with contextlib.suppress(FileError):  # on a full disk room is made all the same
            write_json(self._path, {"at": now})
        return Absence(last, now - last) if last is not None and now - last > LONGEST_S else None

    def _kept(self) -> float | None:
        try:
            return float(read_json(self._path)["at"])
        except (FileError, KeyError, TypeError, ValueError):
            return None  # it is the first look
