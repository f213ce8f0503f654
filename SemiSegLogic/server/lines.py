"""Connections on which nothing moves are let go. Otherwise a few that were begun without a token, or whose computers
fell asleep, would take every place that the server has, for good.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from .doorstep import Hall

SILENT_S = 20.0
"""In which a client has to say what it wants; what comes with it has a time of its own (see bodies.py)."""
UNREAD_S = 120.0
"""In which a client has to take some of what is on its way to it."""


class Line(H11Protocol):
    """One connection, as uvicorn holds it, which waits in ``hall`` until it is known what is wanted."""

    def __init__(self, hall: Hall, **given: Any) -> None:
        super().__init__(**given)
        self._hall = hall
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """It waits for a request."""
        super().connection_made(transport)
        self._wait(SILENT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._stay()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some of a request has come: it stays once all of its head has."""
        super().data_received(data)
        if self._answering:
            self._stay()

    def on_response_complete(self) -> None:
        """It waits for the next request, unless that is here already."""
        super().on_response_complete()
        if not self._answering:
            self._wait(UNREAD_S if self.transport.get_write_buffer_size() else SILENT_S)

    def pause_writing(self) -> None:
        """The client does not take what it asked for as quickly as that is read."""
        super().pause_writing()
        self._end_in(UNREAD_S)

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        super().resume_writing()
        if self._answering:
            self._stay()
        else:
            self._wait(SILENT_S)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait(self, seconds: float) -> None:
        self._end_in(seconds)
        self._hall.enter(self.transport)

    def _end_in(self, seconds: float) -> None:
        self._stay()
        self._end = self.loop.call_later(seconds, self.transport.abort)

    def _stay(self) -> None:
        self._hall.leave(self.transport)
        if self._end is not None:
            self._end.cancel()
            self._end = None
