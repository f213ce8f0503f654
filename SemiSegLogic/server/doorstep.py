"""Connections of which nobody knows yet what they want: before both sides have agreed on TLS, and before a request."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lines import Line

MOST_SILENT = 250
"""So that any number of them leaves room for those that are answered."""
GREETING_S = 20.0
"""In which a client has to agree on TLS."""


class Hall:
    """Where connections wait until somebody says what they want. When there are too many, that one is let go which has
    waited for longest: who is in earnest says it at once.
    """

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Transport, None] = {}  # in the order in which they came

    def enter(self, transport: asyncio.Transport) -> None:
        """It waits, from now on."""
        self.leave(transport)
        self._waiting[transport] = None
        while len(self._waiting) > MOST_SILENT:
            longest = next(iter(self._waiting))
            self.leave(longest)
            longest.abort()

    def leave(self, transport: asyncio.Transport) -> None:
        """It waits no longer."""
        self._waiting.pop(transport, None)


class Doorstep(asyncio.Protocol):
    """A connection until both sides have agreed on TLS, with the certificate that ``shown`` gives; from then on it is
    ``line``'s.
    """

    def __init__(self, line: Line, hall: Hall, shown: Callable[[], ssl.SSLContext]) -> None:
        self._line, self._hall, self._shown = line, hall, shown
        self._early, self._lost = bytearray(), False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has come."""
        self._hall.enter(transport)
        self._greeting = self._line.loop.create_task(self._greet(transport))

    def data_received(self, data: bytes) -> None:
        """A request that came together with the last word about TLS."""
        self._early += data

    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone again."""
        self._lost = True

    async def _greet(self, transport: asyncio.Transport) -> None:
        try:
            safe = await self._line.loop.start_tls(transport, self, self._shown(), server_side=True,
                                                   ssl_handshake_timeout=GREETING_S)
        except OSError:  # it says nothing, or nothing of TLS
            return
        finally:
            self._hall.leave(transport)
        if safe is None or self._lost:
            return
        safe.set_protocol(self._line)
        self._line.connection_made(safe)
        if self._early:
            self._line.data_received(bytes(self._early))
