"""A line to a server that breaks: bytes are passed on between a client and a real server, as many as it is told."""

from __future__ import annotations

import contextlib
import socket
import threading


class TornLine:
    """Listens on ``port`` of 127.0.0.1 and speaks to the server on ``there``. Each connection breaks after ``lasts``
    bytes of what the server says; ``carried`` counts them all.
    """

    def __init__(self, there: int) -> None:
        self._there, self.lasts, self.carried = there, 1 << 40, 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _take(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection(("127.0.0.1", self._there))
                threading.Thread(target=self._pass_on, args=[near, far, False], daemon=True).start()
                threading.Thread(target=self._pass_on, args=[far, near, True], daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, answer: bool) -> None:
        left = self.lasts
        with contextlib.suppress(OSError), source, target:
            while left > 0 and (piece := source.recv(min(1 << 14, left))):
                target.sendall(piece)
                if answer:
                    left -= len(piece)
                    self.carried += len(piece)
            for side in (source, target) if left == 0 else (target,):
                side.shutdown(socket.SHUT_RDWR if left == 0 else socket.SHUT_WR)
            source.recv(1)  # until the other side is done
