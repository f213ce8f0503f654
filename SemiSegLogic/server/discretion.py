"""What clients are told of this computer: never where anything lies on it, nor what other computers it speaks to. Its
own log has the whole of it.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import IO

from ..home import NoHomeError, home
from ..job import Status

_PLACE = re.compile(r"""(?<![\w/\\.:~-])(?:~|[A-Za-z]:)?[/\\]+[^\s'"`<>|*?,;()\[\]]*[^\s'"`<>|*?,;()\[\].:]""")
"""A path from the root, the home or a drive on, as far as a blank."""
_ADDRESS = re.compile(r"""https?://[^\s'",;()]*[^\s'",;().:]""")
PACKAGE = Path(__file__).resolve().parents[2]


def _home() -> list[Path]:
    """A service may have none."""
    with contextlib.suppress(NoHomeError):
        return [home()]
    return []


class Discretion:
    """Keeps ``folders`` to itself, and every other path that it recognises: of each only the last name is told."""

    def __init__(self, folders: Iterable[Path]) -> None:
        known = {str(folder.absolute()) for folder in (*folders, PACKAGE, Path(sys.prefix), *_home())}
        self._known = sorted(known - {Path(path).anchor for path in known}, key=len, reverse=True)

    def words(self, text: str) -> str:
        """``text`` as a client may hear it."""
        for path in self._known:  # which may have blanks in them
            text = text.replace(path, f"/{re.sub(r'[^A-Za-z0-9._-]', '_', Path(path).name)}")
        text = _ADDRESS.sub("its address", text)
        return _PLACE.sub(lambda found: re.split(r"[/\\]", found[0].rstrip("/\\"))[-1], text)

    def log(self, stream: IO[bytes]) -> IO[bytes]:
        """What a job's process printed, as a client may read it; ``stream`` is closed."""
        with stream:
            return io.BytesIO(self.words(stream.read().decode(errors="replace")).encode())

    def status(self, status: Status) -> Status:
        """How a job stands, as a client may hear it."""
        error = status.error and {key: self.words(said) for key, said in status.error.items()}
        if error and status.state == "lost":  # its client has a process, a log and a disk, too
            error = {**error, "text": f"On the server: {error['text']}"}
        return replace(status, message=self.words(status.message), error=error)
