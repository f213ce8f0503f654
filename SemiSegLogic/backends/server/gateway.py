"""What a client says to a server (see server/app.py for the other end)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlencode

from ...job import JobError, JobSpec, Status
from ...job.travel import PIECE, PROGRAM, PROTOCOL, Mark, marks
from ..description import PlaceError, Unreachable
from ..https import Answer, Https
from .backend import PORT, Server
from .bringing import Part

TIMEOUT_S = 20.0
SMALLEST_PIECE = 1 << 16
QUICK_S = 2.0
SLOWEST = 50_000
"""Bytes in a second that a line must carry for labels and orders, which are sent at once."""
_TORN = (408, 502, 503, 504)
"""What a proxy says of a server that is down, and a server that has too many guests or waited for us in vain. What is
no plain data is the word of a proxy as well, but for _BROKEN.
"""
_CONFLICT, _TOO_LARGE, _BROKEN, _FULL = 409, 413, 500, 507
_RAW = "application/octet-stream"
_UPDATE = "Update SemiSeg on both computers."

Told = Callable[[int], None]
"""Hears a number of bytes."""


class NoRoom(PlaceError):
    """The server takes nothing more at present; what runs there goes on."""


class Gateway:
    """The server as a client speaks to it. Raises PlaceError on an address to which no token may be sent. Every method
    raises PlaceError in the server's words when it refuses, Unreachable when it gives no answer.
    """

    def __init__(self, server: Server) -> None:
        self._https = Https(server.server, server.token_file, server.authority_file, kind="server", port=PORT,
                            timeout_s=TIMEOUT_S)
        self._piece = PIECE

    @property
    def address(self) -> str:
        """Of the server."""
        return self._https.address

    def one_connection(self) -> AbstractContextManager[None]:
        """All that is said meanwhile goes over one connection."""
        return self._https.one_connection()

    def check(self) -> str:
        """The version of the server's SemiSeg, once it is known to take our token and to mean the same by it."""
        said = self._say("GET", "/v1")
        if not isinstance(said, dict) or said.get("program") != PROGRAM:
            raise PlaceError(f"{self.address} does not answer like a SemiSeg server.",
                             "Ask the person who runs the server for its address, and correct the file that "
                             "describes it.")
        if said.get("protocol") != PROTOCOL:
            raise PlaceError(f"The server at {self.address} has SemiSeg {said.get('version')}, which uses another "
                             "protocol.", _UPDATE)
        return str(said.get("version"))

    def send(self, path: Path, digest: str, told: Told) -> None:
        """Have the server hold the file ``path``, whose bytes have the SHA-256 ``digest``; what it has of it already is
        not sent again. ``told`` hears how much is there. OSError when the file cannot be read.
        """
        total, where = path.stat().st_size, f"/v1/files/{digest}"
        with path.open("rb") as stream, self.one_connection():
            there, whole = self._size(self._say("GET", where))
            while not whole:
                stream.seek(there)
                placed = f"{where}?{urlencode({'offset': there, 'total': total})}"
                answer = self._send_piece(placed, stream.read(self._piece))
                if answer.code in (_CONFLICT, _TOO_LARGE):  # another courier sends the same; the piece was halved
                    answer = self._https.ask("GET", where)
                there, whole = self._size(self._checked(answer))
                told(there)

    def _send_piece(self, placed: str, piece: bytes) -> Answer:
        """What the server says to a piece. The next one is half as long where this did not get through in time, or was
        too large for a proxy, and a little longer where it was quick.
        """
        began = time.monotonic()
        try:
            answer = self._https.ask("PUT", placed, piece, _RAW)
        except Unreachable:
            self._piece = max(self._piece // 2, SMALLEST_PIECE)
            raise
        if answer.code == _TOO_LARGE and self._piece > SMALLEST_PIECE:
            self._piece = max(self._piece // 2, SMALLEST_PIECE)
        elif answer.code == _TOO_LARGE:
            self._checked(answer)
        elif time.monotonic() - began < QUICK_S:
            self._piece = min(self._piece + SMALLEST_PIECE, PIECE)
        return answer

    def order(self, job: str, spec: JobSpec, files: Mapping[str, str]) -> None:
        """Hand the order over; ``files`` name in in/ -> digest of all that it needs, which was sent before. Harmless to
        repeat.
        """
        content = json.dumps({"spec": spec.to_dict(), "files": dict(files)}, allow_nan=False).encode()
        self._say("PUT", f"/v1/jobs/{job}", content)

    def look(self, job: str) -> tuple[Status, Mapping[str, Mark], int] | None:
        """How a job stands, what it has given back, and the number of the newest labels that the server has of it; None
        when it knows no such job.
        """
        answer = self._https.ask("GET", f"/v1/jobs/{job}")
        if answer.code == 404 and isinstance(answer.plain, dict):  # not the word of a proxy
            return None
        said = self._checked(answer)
        try:
            return Status.from_dict(said["status"]), marks(said["files"]), int(said["labels"])
        except (KeyError, TypeError, ValueError, JobError) as error:
            raise PlaceError(f"The server at {self.address} says nothing about its job: {error}", _UPDATE) from error

    def bring(self, job: str, name: str, target: Path, told: Told = lambda more: None) -> bool:
        """Put a file that the job gave back at ``target``, once it is whole: of one that broke off on the way before,
        the rest is brought. ``told`` hears of each piece how many bytes it has. False when it is there no more: a newer
        one is listed then. FileError, OSError where this computer's disk refuses.
        """
        part = Part(target)

        def begin(rest: bool, tag: str) -> IO[bytes]:
            stream, there = part.begin(rest, tag)
            told(there)
            return stream

        answer = self._https.download(f"/v1/jobs/{job}/files/{quote(name)}", part.wish, begin, told)
        if answer.code == 404 and isinstance(answer.plain, dict):  # not the word of a proxy
            return False
        if answer.code not in (200, 206):
            self._checked(answer)
        part.put_in_place()
        return True

    def add_labels(self, job: str, number: int, content: bytes) -> None:
        """Hand over the file of labels of that number."""
        self._say("PUT", f"/v1/jobs/{job}/labels/{number}", content, _RAW)

    def show(self, job: str, case: str | None) -> None:
        """Say which case is on the person's screen; None: no case."""
        self._say("PUT", f"/v1/jobs/{job}/open" + (f"?{urlencode({'case': case})}" if case else ""))

    def stop(self, job: str, patience_s: float) -> None:
        """Have the job save and stop; the server ends it by force after ``patience_s`` seconds."""
        self._say("POST", f"/v1/jobs/{job}/stop?{urlencode({'patience': patience_s})}")

    def resume(self, job: str) -> None:
        """Go on with a job that stopped, failed or was lost."""
        self._say("POST", f"/v1/jobs/{job}/resume")

    def _size(self, said: Any) -> tuple[int, bool]:
        try:
            return int(said["size"]), bool(said["whole"])
        except (KeyError, TypeError, ValueError) as error:
            raise PlaceError(f"The server at {self.address} does not say its size.", _UPDATE) from error

    def _say(self, method: str, path: str, content: bytes | None = None, kind: str = "application/json") -> Any:
        nothing = None if method == "GET" else b""  # which some proxies want to be told
        more_s = len(content or b"") / SLOWEST
        return self._checked(self._https.ask(method, path, content or nothing, kind, more_s=more_s))

    def _checked(self, answer: Answer) -> Any:
        """The plain data of an answer that is no refusal."""
        said = answer.plain
        if answer.code == 200 and said is not None:
            return said
        if answer.code == 401:
            raise PlaceError(f"The server at {self.address} does not accept the token in {self._https.token_file}.",
                             "Ask the person who runs the server for a new one.")
        if answer.code == _TOO_LARGE and said is None:
            raise PlaceError(f"What is in front of the server at {self.address} lets nothing as large through (413).",
                             "Ask the person who runs the server to let its proxy take 256 MB at once (nginx: "
                             "client_max_body_size 256m). Then resume the job.")
        told = said if isinstance(said, dict) else {}
        if answer.code in _TORN or (said is None and answer.code != _BROKEN):
            text = told.get("text") or f"The server at {self.address} is not available just now ({answer.code})."
            raise Unreachable(str(text), "SemiSeg asks again soon.")
        kind = NoRoom if answer.code == _FULL else PlaceError
        raise kind(str(told.get("text") or f"The server at {self.address} answered {answer.code}."),
                   str(told.get("remedy") or _UPDATE))
