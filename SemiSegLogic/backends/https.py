"""Requests to one address with the standard library alone, with a token that goes only where it is meant to: read from
a file for every request, never to a plain address beyond this computer, never along a redirect or to a proxy.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from pathlib import Path
from typing import IO, Any, TypeVar
from urllib.parse import urlsplit

from ..files import plain_data
from .description import PlaceError, Unreachable, read_token

Made = TypeVar("Made")

TIMEOUT_S = 5.0
LARGEST_ANSWER = 16 << 20
PIECE = 1 << 18
_OUT_OF_TIME = (9, 10)
"""OpenSSL's words for a certificate that is not valid yet, or no longer."""


@dataclass(frozen=True)
class Answer:
    """``code`` and ``body`` of an answer."""

    code: int
    body: bytes

    @property
    def plain(self) -> Any:
        """Its plain data; None when it holds none."""
        try:
            return plain_data(self.body)
        except ValueError:
            return None


class Https:
    """The place of that ``kind`` ("cluster", "server") at ``address``, which usually listens at ``port``. Raises
    PlaceError on an address to which no token may be sent, and on a certificate that cannot be read.
    """

    def __init__(
        self, address: str, token_file: Path, authority: Path | None, *, kind: str, port: int,
        timeout_s: float | None = None,
    ) -> None:
        self.address, self.token_file = _checked(address, kind, port), token_file
        self._kind, self._timeout_s = kind, timeout_s or TIMEOUT_S
        self._trusted = _trusted(authority)
        self._keeping = False
        self._kept: HTTPConnection | None = None

    @contextmanager
    def one_connection(self) -> Iterator[None]:
        """All that is asked meanwhile goes over one connection, which is made anew where the other side closed it in
        between. For one thread; what is asked once in a while takes no place there in between.
        """
        outermost, self._keeping = not self._keeping, True
        try:
            yield
        finally:
            if outermost:
                self._keeping = False
                self._let_go()

    def ask(
        self, method: str, path: str, content: bytes | None = None, kind: str = "application/json", *,
        with_token: bool = True, more_s: float = 0.0,
    ) -> Answer:
        """The answer, whatever its code; it may take ``more_s`` seconds longer than others. Raises Unreachable, without
        a word of the token; PlaceError when that cannot be read.
        """
        headers = {"Content-Type": kind} if content else {}
        with self._answer(method, path, content, headers, with_token, more_s) as answer:
            return Answer(answer.status, _whole(answer))

    def download(
        self, path: str, headers: Mapping[str, str], into: Callable[[bool, str], IO[bytes]], told: Callable[[int], None]
    ) -> Answer:
        """Write what ``path`` gives as it comes to the stream that ``into`` opens, which hears whether it is only the
        rest that was asked for, and the header ETag; ``told`` hears of each piece how many bytes it has. Returns the
        answer, without what was written. Raises Unreachable when it breaks off, PlaceError, OSError where the disk
        refuses.
        """
        with self._answer("GET", path, None, headers, with_token=True) as answer:
            if answer.status not in (200, 206):
                return Answer(answer.status, _whole(answer))
            with _ours(lambda: into(answer.status == 206, answer.headers.get("ETag", ""))) as stream:
                for piece in _pieces(answer):
                    _ours(lambda: stream.write(piece))  # noqa: B023 (it is called at once)
                    told(len(piece))
                _ours(stream.flush)
            return Answer(answer.status, b"")

    @contextmanager
    def _answer(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str], with_token: bool,
        more_s: float = 0.0,
    ) -> Iterator[Any]:
        token = {"Authorization": f"Bearer {read_token(self.token_file)}"} if with_token else {}
        stays = {"Connection": "keep-alive" if self._keeping else "close"}
        request = _Request(method, path, content, {**headers, **token, **stays})
        try:
            line, answer = self._begun(request, self._timeout_s + more_s)
            try:
                yield answer
                if self._keeping and answer.isclosed() and not answer.will_close:  # it was read to its end
                    self._kept, line = line, None
            finally:
                answer.close()
                if line is not None:
                    line.close()
        except _DiskRefuses as error:
            raise error.reason from None
        except (OSError, ValueError, HTTPException) as error:  # refused, timed out, an untrusted certificate, torn off
            why = "the connection broke" if isinstance(error, IncompleteRead) else error
            raise Unreachable(f"The {self._kind} at {self.address} cannot be reached: {why}.",
                              _remedy(why, self._kind)) from None

    def _begun(self, request: _Request, timeout_s: float) -> tuple[HTTPConnection | None, HTTPResponse]:
        """The connection, and the answer that comes over it, whatever its code: its body can break off."""
        kept, self._kept = self._kept, None
        if kept is not None:
            try:
                return kept, request.over(kept, timeout_s)
            except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError):  # the other side closed it in between
                kept.close()
        made = self._connection()
        try:
            return made, request.over(made, timeout_s)
        except BaseException:
            made.close()
            raise

    def _connection(self) -> HTTPConnection:
        parts = urlsplit(self.address)
        if parts.scheme == "https":
            return HTTPSConnection(str(parts.hostname), parts.port, context=self._trusted)
        return HTTPConnection(str(parts.hostname), parts.port)

    def _let_go(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


@dataclass(frozen=True)
class _Request:
    method: str
    path: str
    content: bytes | None
    headers: Mapping[str, str]

    def over(self, line: HTTPConnection, timeout_s: float) -> HTTPResponse:
        """What is answered to it over ``line``; each of its steps may take ``timeout_s``."""
        line.timeout = timeout_s
        if line.sock is not None:
            line.sock.settimeout(timeout_s)
        line.request(self.method, self.path, self.content, dict(self.headers))
        return line.getresponse()


class _DiskRefuses(Exception):
    """What this computer's disk said while an answer was read; not to be taken for the network's word."""

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason)
        self.reason = reason


def _ours(act: Callable[[], Made]) -> Made:
    """What ``act`` gives, which is done to this computer's disk."""
    try:
        return act()
    except OSError as error:
        raise _DiskRefuses(error) from error


def _pieces(answer: Any) -> Iterator[bytes]:
    """The body as it comes. Raises IncompleteRead when the connection was closed before its end, which Python does not
    say.
    """
    told, came = answer.headers.get("Content-Length", ""), 0
    while piece := answer.read1(PIECE):  # what has come, for the line may break before more does
        came += len(piece)
        yield piece
    if told.isdecimal() and came < int(told):
        raise IncompleteRead(b"", int(told) - came)


def _whole(answer: Any) -> bytes:
    """The body, of which no more than LARGEST_ANSWER bytes are taken. Raises IncompleteRead as :func:`_pieces`."""
    found: bytes = answer.read(LARGEST_ANSWER)
    told = answer.headers.get("Content-Length", "")
    missing = min(int(told), LARGEST_ANSWER) - len(found) if told.isdecimal() else 0
    if missing > 0:
        raise IncompleteRead(found, missing)
    return found


def _remedy(why: object, kind: str) -> str:
    """For an address that gave no answer."""
    if isinstance(why, ssl.SSLCertVerificationError) and why.verify_code in _OUT_OF_TIME:
        return (f"Ask the person who runs the {kind} to renew its certificate, and check that the clock of this "
                "computer is right. What runs there goes on.")
    if isinstance(why, ssl.SSLCertVerificationError):
        return (f'Name the file of the certificate that signed the {kind}\'s own as "authority", and the host as the '
                "certificate names it.")
    if isinstance(why, ssl.SSLError):
        return "Something answers there, but not over https. Over an SSH tunnel the address begins with http://."
    return f"Check that the {kind} runs, the network and the SSH tunnel. What runs there goes on."


def _trusted(authority: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise PlaceError(f"The certificate {authority} cannot be read: {error}.", "Give a PEM file.") from error
    if authority is not None:
        _trust_what_was_given(context)
    return context


def _trust_what_was_given(context: ssl.SSLContext) -> None:
    """The same on every Python: the place's own certificate will do where another one signed it, which Python took from
    3.13 on only; and an authority of a hospital's own making, to which the same Python became strict.
    """
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT


def _checked(address: str, kind: str, port: int) -> str:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:  # half an IPv6 address, a port that is none
        parts = urlsplit("")
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.username or parts.query or parts.path.strip("/"):
        raise PlaceError(f"'{address}' is not the address of a {kind}.", f"Write it as https://host:{port}.")
    if parts.scheme == "http" and not is_this_computer(host):
        tunnel = f"ssh -N -L {port}:127.0.0.1:{port} HOST, then http://127.0.0.1:{port}"
        raise PlaceError(f"{address} is plain http to another computer: anybody in between could read the token.",
                         f"Use https, or an SSH tunnel: {tunnel}.")
    return f"{parts.scheme}://{parts.netloc}"


def is_this_computer(host: str) -> bool:
    """Whether ``host`` names this very computer, whatever the network."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
