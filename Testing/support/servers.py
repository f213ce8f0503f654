"""A real server on 127.0.0.1 in a thread of the test, whose jobs a fake runner does, or the real one."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.backends.server.backend import Server
from SemiSegLogic.backends.server.gateway import Gateway
from SemiSegLogic.server.answering import serving
from SemiSegLogic.server.app import make_app
from SemiSegLogic.server.desk import Desk
from SemiSegLogic.server.listening import Listening
from SemiSegLogic.server.shelf import Shelf
from SemiSegLogic.server.users import Users

from .running import RUNNER


class RunningServer:
    """The server in ``folder``; it may be stopped and started again on the same port. ``told`` keeps what was
    answered: user, method, path, code.
    """

    def __init__(self, folder: Path, pem: tuple[Path, Path] | None = None, runner: str = RUNNER) -> None:
        self.folder, self._pem = folder, pem
        (folder / "jobs").mkdir(parents=True)
        self.backend = LocalBackend(folder / "jobs", module=runner)
        self.users, self.desk = Users(folder / "users.json"), Desk(self.backend)
        self.told: list[tuple[str, str, str, int]] = []
        self.shelves: dict[str, Shelf] = {}
        self.room = 10**9
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.start()

    @property
    def address(self) -> str:
        return f"{'https' if self._pem else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        app = make_app(self.users, self.desk, self.shelf_of, lambda *line: self.told.append(line))
        listening = Listening("127.0.0.1", self.port, *(self._pem or ()))
        self._server = serving(app, listening)
        self._server.config.timeout_graceful_shutdown = 1
        self._thread = threading.Thread(target=self._serve, args=[listening.open()], daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 30
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.01)

    def _serve(self, opened: socket.socket) -> None:
        with opened:
            self._server.run(sockets=[opened])

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive()

    def close(self) -> None:
        """Stop it and every job it has."""
        self.stop()
        for job_id in self.backend.jobs():
            self.backend.stop(job_id, patience_s=0)

    def shelf_of(self, account: str) -> Shelf:
        made = Shelf(self.folder / "files" / account, self.room, beside=lambda: self.desk.labels_of(account))
        return self.shelves.setdefault(account, made)

    def shelf(self, name: str) -> Shelf:
        """Of the user of that name."""
        return self.shelf_of(self.users.account(name))

    def describe(self, folder: Path, name: str = "ada", token: str | None = None) -> Path:
        """The file that a user gets, with a token that the server knows, or with ``token``."""
        folder.mkdir(exist_ok=True)
        secret = folder / "server.token"
        secret.touch(mode=0o600)
        secret.write_text(token or self.users.invite(name))
        authority = {"authority": str(self._pem[0])} if self._pem else {}
        path = folder / "server.json"
        path.write_text(json.dumps({"server": self.address, "token": "server.token", **authority}))
        return path

    def gateway(self, folder: Path, name: str = "ada") -> Gateway:
        return Gateway(Server.read(self.describe(folder, name)))
