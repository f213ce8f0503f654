"""Where a server listens, and whether that is safe."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

from ..backends.https import is_this_computer
from ..job import JobError


@dataclass(frozen=True)
class Listening:
    """Where to listen: ``host``, ``port``; files of ``certificate`` and ``key``; ``behind_proxy``: another program in
    front of it speaks https.
    """

    host: str = "127.0.0.1"
    port: int = 8443
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False

    def open(self) -> socket.socket:
        """A socket that listens there. Raises JobError when it cannot."""
        try:
            (family, _, _, _, place), *_ = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
            return socket.create_server(place[:2], family=family)
        except OSError as error:
            raise JobError(f"{self.host}, port {self.port}, cannot be listened on: {error.strerror or error}.",
                           "Choose another --port, or end the program that has it.") from error

    def address(self, port: int) -> str:
        """As clients write it, unless a proxy is in front."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{port}"

    def require_safe(self) -> None:
        """Raises JobError when a token could be read on its way, or the key by others."""
        if (self.certificate is None) is not (self.key is None):
            raise JobError("A certificate needs its key, and a key its certificate.", "Give --certificate and --key.")
        for path in filter(None, (self.certificate, self.key)):
            if not path.is_file():
                raise JobError(f"There is no file {path}.", "Name the PEM files of certificate and key.")
        if self.key is not None and os.name == "posix" and self.key.stat().st_mode & 0o077:
            raise JobError(f"Others on this computer can read the key {self.key}.", f"Run: chmod 600 {self.key}")
        if self.key is not None and _is_locked(self.key):
            raise JobError(f"The key {self.key} has a passphrase, which nobody can type each time it is read.",
                           f"Run: openssl pkey -in {self.key} -out open.pem && chmod 600 open.pem. Then give open.pem.")
        if not (is_this_computer(self.host) or self.certificate or self.behind_proxy):
            raise JobError(
                f"On {self.host} anybody in between could read the tokens: there is no certificate.",
                "Give --certificate and --key; or listen on 127.0.0.1, for an SSH tunnel; or say --behind-proxy where "
                "a proxy in front speaks https.")


def _is_locked(key: Path) -> bool:
    try:
        return b"ENCRYPTED" in key.read_bytes()
    except OSError:
        return False  # that is told where it is used
