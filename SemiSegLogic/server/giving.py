"""Files on their way to a client: whole, or the rest of one that broke off on the way before."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from fastapi.responses import StreamingResponse

from ..job.travel import tag_of
from .refusal import NOT_FOUND, Refused

READ_AT_ONCE = 1 << 18
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


def opened(path: Path) -> IO[bytes]:
    """The file, to be read. Raises Refused when it is gone."""
    try:
        return path.open("rb")
    except OSError as error:
        raise Refused(NOT_FOUND, f"There is no {path.name} now.", "Ask for what is listed.") from error


def sent(stream: IO[bytes], wish: Wish) -> StreamingResponse:
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
    return StreamingResponse(_pieces(stream, size - start), 206 if start else 200, headers, "application/octet-stream")


def _pieces(stream: IO[bytes], size: int) -> Iterator[bytes]:
    with stream:
        while size > 0 and (piece := stream.read(min(READ_AT_ONCE, size))):
            size -= len(piece)
            yield piece
