"""The server as a process: where it may listen, what it does by itself, what it writes down."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..job import FileLock, JobError
from .absence import Watch
from .audit import Audit
from .desk import Desk, Works
from .listening import Listening
from .shelf import Shelf, days_ago
from .users import Users

LOOK_EVERY_S = 10.0
CLEAR_EVERY_S = 3600.0


@dataclass(frozen=True)
class Keeping:
    """How much is kept: gigabytes of what each user sent, days for files that nobody asks for and jobs that ended."""

    gigabytes: float = 100.0
    days: float = 14.0


class Serving:
    """The server in ``folder``, whose jobs ``backend`` runs. Raises JobError when another works there already, or when
    nobody was invited.
    """

    def __init__(self, folder: Path, backend: Works, keeping: Keeping) -> None:
        self.folder, self._keeping = folder, keeping
        self.users, self.desk = Users(folder / "users.json"), Desk(backend)
        self._shelves: dict[str, Shelf] = {}
        self._lock, self._watch = FileLock(folder / "server.lock"), Watch(folder / "looked.json")
        self._over = threading.Event()

    def run(self, listening: Listening, ready: Callable[[str], None]) -> None:
        """Serve until the process is ended. ``ready`` hears the address as soon as it answers. Raises JobError."""
        from .answering import serving
        from .app import make_app

        listening.require_safe()
        self._require_alone()
        app = make_app(self.users, self.desk, self.shelf_of, Audit(self.folder / "requests.log"))
        keeper = threading.Thread(target=self._keep_house, daemon=True)
        try:
            with listening.open() as opened:
                server = serving(app, listening)
                self.desk.go_on()
                keeper.start()
                ready(listening.address(opened.getsockname()[1]))
                server.run(sockets=[opened])
        finally:
            self._over.set()
            self._lock.release()

    def shelf_of(self, user: str) -> Shelf:
        """Where the files of a user lie; one object for each, for it holds a lock."""
        room = int(self._keeping.gigabytes * 1e9)
        made = Shelf(self.folder / "files" / user, room, beside=lambda: self.desk.labels_of(user))
        return self._shelves.setdefault(user, made)

    def clear(self) -> None:
        """Take away what is older than is kept, by the time in which it could be asked for."""
        folder, absence = self.folder / "files", self._watch.absence()
        shelves = [self.shelf_of(user.name) for user in (folder.iterdir() if folder.is_dir() else ())]
        kept: list[Desk | Shelf] = [self.desk, *shelves]
        if absence is not None:
            for place in kept:
                place.excuse(absence)
        for place in kept:
            place.clear(days_ago(self._keeping.days))

    def _require_alone(self) -> None:
        if not self.users.names:
            raise JobError(f"Nobody may use the server in {self.folder} yet.", "Invite somebody: semiseg serve invite.")
        if not self._lock.try_acquire():
            raise JobError(f"A server works in {self.folder} already.", "Stop it first, or choose another folder.")
        if self._lock.here_only:
            raise JobError(f"The disk of {self.folder} knows no locks: whether another computer's server works there "
                           "cannot be told.", "Choose a folder on a disk of this computer.")

    def _keep_house(self) -> None:
        cleared = 0.0
        while not self._over.wait(LOOK_EVERY_S):
            try:
                self.desk.see_to_stops()
                if time.monotonic() - cleared > CLEAR_EVERY_S or not cleared:
                    cleared = time.monotonic()
                    self.clear()
            except Exception:  # a sick disk must not end the looking after
                logging.exception("Looking after the jobs failed; it is tried again.")
