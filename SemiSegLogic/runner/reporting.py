"""The status of a run, kept fresh: a heartbeat every second, whatever the main thread is doing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Any, Protocol, Self

from ..errors import SemiSegError
from ..files import FileError
from ..job import JobError, Status
from ..naming import counted

PERIOD_S = 1.0
LONGEST = 1000  # characters of a message; libraries can be wordy
UNREAD = ("Drawings that arrived cannot be read: {what} They are not learned; what was drawn in their case before is. "
          "SemiSeg's panel hands them over once more; if this is still said in a minute, stop the training, then start "
          "it again.")
READ = "The drawings that could not be read have been replaced."


class Desk(Protocol):
    """Where a runner reports: the job folder, or the files of a second runner in it."""

    def write_status(self, status: Status) -> None:
        """Replace the status. Raises FileError."""

    def append_curve(self, point: Mapping[str, Any]) -> None:
        """Add a point to the learning curve. Raises JobError."""


class Reporter:
    """Writes the status once a second while it is entered, and at once on :meth:`say`.

    A disk that refuses is logged and tried again: a full disk must not end a training.
    """

    def __init__(self, desk: Desk, status: Status):
        self._desk, self._status = desk, status
        self._begun = time.monotonic() - status.elapsed
        self._left_at = time.monotonic()  # when it was last said how many seconds are left
        self._lock, self._over = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        self._write()

    @property
    def status(self) -> Status:
        """The latest status."""
        return self._status

    def update(self, **changes: Any) -> None:
        """Change fields of the status; they are written with the next heartbeat. Seconds that are left count down by
        themselves until others are told.
        """
        with self._lock:
            self._status = replace(self._status, **changes)
            if "seconds_left" in changes:
                self._left_at = time.monotonic()

    def say(self, message: str, **changes: Any) -> None:
        """Change the message (and more) and write it now; it goes to the log too."""
        logging.info(message)
        self.update(message=message[:LONGEST], **changes)
        self._write()

    def unread(self, labels: Mapping[int, JobError]) -> None:
        """Tell which labels that arrived cannot be read, by number: once, and again when they are others."""
        known, now = self._status.labels_unread, sorted(labels)
        if now != known:
            news = [labels[n].text for n in now if n not in known]
            self.say(UNREAD.format(what=" ".join(news)) if news else READ, labels_unread=now)

    @contextmanager
    def tolerating(self, what: str, goes_on: str = "Training") -> Iterator[None]:
        """While ``what`` is being written: a disk that refuses is told of, and must not end a training."""
        try:
            yield
        except FileError as error:
            self.say(f"{what} could not be saved: {error} {goes_on} goes on.")

    def reading(self, done: int, of: int) -> None:
        """Tell how many volumes have been read."""
        self.update(message=f"Reading: {done} of {counted(of, 'volume')}.")

    def curve(self, point: Mapping[str, Any], training_seconds: float, step: int) -> None:
        """Add ``point`` to the learning curve, at the wall clock and at the clock that counts training only."""
        status = self._status
        place = {
            "seconds": round(status.elapsed, 2), "training_seconds": round(training_seconds, 2), "leg": status.phase,
            "step": step,
        }
        try:
            self._desk.append_curve({**place, **point})
        except SemiSegError as error:
            logging.warning("A point of the curve is lost: %s", error)

    def _beat(self) -> None:
        while not self._over.wait(PERIOD_S):
            self._write()

    def _write(self) -> None:
        with self._lock:
            now, left = time.monotonic(), self._status.seconds_left
            self._status = replace(self._status, elapsed=now - self._begun)
            left = None if left is None else max(left - (now - self._left_at), 0.0)
            try:
                self._desk.write_status(replace(self._status, seconds_left=left))
            except SemiSegError as error:
                logging.warning("The status could not be written: %s", error)
