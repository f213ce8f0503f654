"""The program that speaks http for the server, set to what the server needs."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from ..job import JobError
from .lines import Line
from .listening import Listening

MOST_AT_ONCE = 500
"""Connections, each of which takes one of the files that a process may have open."""


def serving(app: FastAPI, listening: Listening) -> uvicorn.Server:
    """What serves ``app``. Raises JobError naming a certificate or key that cannot be used."""
    config = uvicorn.Config(
        app, http=Line, ws="none", log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        lifespan="off", limit_concurrency=MOST_AT_ONCE, timeout_graceful_shutdown=5,
        ssl_certfile=listening.certificate, ssl_keyfile=listening.key)
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one, and has no words for people
        raise JobError(f"{listening.certificate} and {listening.key} cannot be used as certificate and key: {error}.",
                       "Name two PEM files that belong together.") from error
    if config.ssl and listening.certificate and listening.key:
        config.ssl.sni_callback = Renewed(config.ssl, listening.certificate, listening.key).choose
    return uvicorn.Server(config)


class Renewed:
    """A certificate that may be renewed while the server runs, as they are every few months: whoever connects is shown
    the one that lies in the files now; the one before where the new one is only half there.
    """

    def __init__(self, context: ssl.SSLContext, certificate: Path, key: Path) -> None:
        self._context, self._files = context, (certificate, key)
        self._written = self._times()

    def choose(self, line: ssl.SSLObject, name: str | None, first: ssl.SSLContext) -> None:
        """Show on ``line`` what is newest; called for each connection."""
        try:
            written = self._times()
            if written != self._written:
                newer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                newer.load_cert_chain(*self._files)
                self._context, self._written = newer, written
        except OSError as error:
            logging.warning("The new certificate %s cannot be used yet: %s", self._files[0], error)
        line.context = self._context

    def _times(self) -> list[int]:
        return [path.stat().st_mtime_ns for path in self._files]
