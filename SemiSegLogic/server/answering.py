"""The program that speaks http for the server, set to what the server needs."""

from __future__ import annotations

import functools
import logging
import ssl
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from ..job import JobError
from .doorstep import Doorstep, Hall
from .lines import Line
from .listening import Listening

MOST_AT_ONCE = 500
"""Connections, each of which takes one of the files that a process may have open."""
BACKLOG = 100
"""Connections that are taken in at one go, before any of those that wait is let go."""


def serving(app: FastAPI, listening: Listening) -> uvicorn.Server:
    """What serves ``app``. Raises JobError naming a certificate or key that cannot be used."""
    config = uvicorn.Config(
        app, http=_door(listening), ws="none", log_level="warning", access_log=False, server_header=False,
        proxy_headers=False, lifespan="off", limit_concurrency=MOST_AT_ONCE, backlog=BACKLOG,
        timeout_graceful_shutdown=5)
    return uvicorn.Server(config)


def _door(listening: Listening) -> Any:
    """What makes a protocol for each connection."""
    hall = Hall()
    if not (listening.certificate and listening.key):
        return functools.partial(Line, hall)
    try:
        certificate = Certificate(listening.certificate, listening.key)
    except OSError as error:  # ssl.SSLError is one, and has no words for people
        raise JobError(f"{listening.certificate} and {listening.key} cannot be used as certificate and key: {error}.",
                       "Name two PEM files that belong together.") from error
    return lambda **given: Doorstep(Line(hall, **given), hall, certificate.newest)


class Certificate:
    """A certificate that may be renewed while the server runs, as they are every few months: whoever connects is shown
    the one that lies in the files now; the one before where the new one is only half there. Raises OSError.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self._written, self._context = self._times(), self._loaded()

    def newest(self) -> ssl.SSLContext:
        """For a connection that begins now."""
        try:
            written = self._times()
            if written != self._written:
                self._context, self._written = self._loaded(), written
        except OSError as error:
            logging.warning("The new certificate %s cannot be used yet: %s", self._files[0], error)
        return self._context

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._files, password="")  # else it asks on the terminal, and everybody waits
        return context

    def _times(self) -> list[int]:
        return [path.stat().st_mtime_ns for path in self._files]
