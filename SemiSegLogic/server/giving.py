"""Files on their way to a client: whole, or the rest of one that broke off on the way before."""

from __future__ import annotations

import io
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from weakref import WeakSet

from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ..job.travel import tag_of
from .refusal import AWAY, NOT_FOUND, Refused

READ_AT_ONCE = 1 << 18
MOST_AT_ONCE = 30
"""Files that are on their way to one user: more than they have jobs, and too few to take every place of the server."""
_REST = re.compile(r"bytes=(\d{1,15})-", re.ASCII)


@dataclass(frozen=True)
class Wish:
    """The headers Range and If-Range: from which byte on, if the file is still the one of that tag."""

    range: str = ""
    if_range: str = ""

    def start(self, tag: str, size: int) -> int:
        """Where to begin in a file of ``size`` bytes; at 0 where the client has something else, or has said nothing."""
        rest = _REST.fullmatch(self.range)
        wanted = int(rest[1]) if rest and self.if_range == f'"{tag}"' else 0
        return wanted if wanted < size else 0


class Sent(StreamingResponse):
    """An answer that knows when it is ``over``, also where its client has gone."""

    over = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.over = True


class OnTheWay:
    """What is on its way to whom."""

    def __init__(self) -> None:
        self._answers: defaultdict[str, WeakSet[Sent]] = defaultdict(WeakSet)
        self._lock = threading.Lock()

    def require_place(self, user: str) -> None:
        """Raises Refused when as much as may be is on its way to ``user``."""
        with self._lock:
            count = sum(not answer.over for answer in self._answers[user])
        if count >= MOST_AT_ONCE:
            raise Refused(AWAY, f"{count} files are on their way to you.", "SemiSeg asks again soon.")

    def add(self, user: str, answer: Sent) -> Sent:
        """``answer``, from now on until it is over."""
        with self._lock:
            self._answers[user].add(answer)
        return answer


def opened(path: Path) -> IO[bytes]:
    """The file, to be read. Raises Refused when it is gone."""
    try:
        return path.open("rb")
    except OSError as error:
        raise Refused(NOT_FOUND, f"There is no {path.name} now.", "Ask for what is listed.") from error


def sent(stream: IO[bytes], wish: Wish) -> Sent:
    """``stream`` as long as it is now: a log may grow while it is sent, and a result be replaced by a newer one. Its
    ETag tells the content, so nobody puts parts of two files together.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    tag = tag_of(stream, size)
    start = wish.start(tag, size)
    stream.seek(start)
    headers = {"Content-Length": str(size - start), "ETag": f'"{tag}"', "Accept-Ranges": "bytes"}
    if start:
        headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
    return Sent(_pieces(stream, size - start), 206 if start else 200, headers, "application/octet-stream")


def _pieces(stream: IO[bytes], size: int) -> Iterator[bytes]:
    with stream:
        while size > 0 and (piece := stream.read(min(READ_AT_ONCE, size))):
            size -= len(piece)
            yield piece
