"""From the order to its end, whatever the network does."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from ..backends.description import PlaceError, Unreachable
from ..backends.server.gateway import Gateway
from ..errors import SemiSegError
from ..files import FileError
from ..job import JobError, JobFolder, Status
from .mirror import Mirror
from .sending import Sending, StoppedOnTheWay

LOOK_EVERY_S = 1.0
LONGEST_WAIT_S = 8.0
SILENT_S = 5.0
"""Without a word of its own the server's last one stands; much longer, and the courier would be taken for dead."""
AGAIN = ("queued", "stopped", "failed", "lost")
"""States from which a job that a courier is sent for is to go on; one that waits may never have been begun."""


class Courier:
    """Sees to ``job``, which the server behind ``gateway`` does. ``wait`` is given the seconds between two looks:
    ``look_every_s``, more while the server is not reached.
    """

    def __init__(
        self, job: JobFolder, gateway: Gateway, look_every_s: float = LOOK_EVERY_S,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._job, self._gateway, self._wait = job, gateway, wait
        self._look_every_s = look_every_s
        self._sending = Sending(job, gateway, self._say)
        self._mirror: Mirror | None = None
        self._status, self._told = _beginning(job), 0.0

    def run(self) -> Status:
        """The last status, which is in the job's folder, too."""
        pause = self._look_every_s
        while not self._status.ended:
            try:
                self._go_on()
                pause = self._look_every_s
            except (Unreachable, FileError, OSError) as error:  # the network or our disk: both may come back
                if not self._job.submitted:
                    raise JobError(f"{self._job.root} was deleted.", "What runs on the server goes on.") from error
                logging.info("%s", error)
                self._say(f"{error} SemiSeg tries again.")
                pause = min(2 * pause, LONGEST_WAIT_S)
            except StoppedOnTheWay:
                self._tell(replace(self._status, state="stopped", message="Stopped before it was sent to the server."))
            except SemiSegError as error:  # refused, in words
                self._fail(error)
            if not self._status.ended:
                self._wait(pause)
        return self._status

    def _go_on(self) -> None:
        """One step: hand the order over, or look at it once."""
        if self._mirror is None:
            self._mirror = self._handed_over()
        self._tell(self._mirror.exchange())

    def _handed_over(self) -> Mirror:
        name = self._sending.name
        seen = self._gateway.look(name)
        if seen is None and self._job.results():  # those of a new one would be counted from 1 again
            raise PlaceError("The server has deleted the job, as it does some days after the end of a job.",
                             "Train again: the new training continues from the model of this job.")
        if seen is None:
            self._say("Checking what the server already has.")
            self._sending.send()
        elif seen[0].state in AGAIN:
            self._gateway.resume(name)
        return Mirror(self._job, self._gateway, name, self._say_at_last)

    def _say(self, message: str) -> None:
        self._tell(replace(self._status, message=message[:4000], seconds_left=None))

    def _say_at_last(self, message: str) -> None:
        if time.monotonic() - self._told > SILENT_S:
            self._say(message)

    def _fail(self, error: SemiSegError) -> None:
        logging.error("%s", error)
        text = error.text if isinstance(error, JobError) else str(error)
        remedy = getattr(error, "remedy", "") or "Correct this and resume the job."
        words = {"text": text[:4000], "remedy": remedy[:4000]}
        message = f"Failed: {text}"[:4000]
        self._tell(replace(self._status, state="failed", message=message, seconds_left=None, error=words))

    def _tell(self, status: Status) -> None:
        self._status, self._told = status, time.monotonic()
        with contextlib.suppress(FileError):  # the disk is full: it is told the next time
            self._job.write_status(status)


def _beginning(job: JobFolder) -> Status:
    """What an earlier courier brought, as the status to begin with."""
    try:
        reported = job.reported()
    except JobError:
        reported = Status("queued")
    return replace(reported, state="queued", message="Asking the server.", queue_position=0, seconds_left=None,
                   error=None)
