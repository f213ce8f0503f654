"""This computer's job folder and the server's, kept alike."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from ..backends.description import PlaceError
from ..backends.server.backend import STOP_PATIENCE_S
from ..backends.server.gateway import Gateway, NoRoom
from ..files import FileError, read_json
from ..job import JobFolder, Status
from ..job.travel import Mark, is_result
from ..patience import remove

SERVER_PATIENCE_S = 90.0
"""Until the server ends a runner by force that was asked to stop; before the courier itself would be."""
PASS_ON_EVERY_S = 1.0
"""While files come, which takes long on a slow line."""
_NOTHING_SAID = object()
_NAMED_HERE = {"log.txt": "log-server.txt"}
"""The courier's own words go to log.txt."""


class Mirror:
    """``job`` here and ``name`` on the server behind ``gateway``, which has it. ``say`` hears how much has come."""

    def __init__(self, job: JobFolder, gateway: Gateway, name: str, say: Callable[[str], None]) -> None:
        self._job, self._gateway, self._name, self._say = job, gateway, name, say
        self._brought: dict[str, Mark] = {}
        self._shown: object = _NOTHING_SAID
        self._stopped = False
        self._labels = 0
        self._unread: list[int] = []
        self._unread_there: set[int] = set()
        self._sent_again: set[int] = set()
        self._passed_on = 0.0
        self._no_room = ""

    def exchange(self) -> Status:
        """Pass on what is new here, bring what is new there; how the job stands. The status comes last: it never tells
        of a result that is not here. Raises PlaceError, Unreachable, FileError.
        """
        self._pass_on()
        seen = self._gateway.look(self._name)
        if seen is None:
            raise PlaceError("The server no longer knows the job.", "Resume the job: it starts again there.")
        status, files, self._labels = seen
        self._unread_there = set(status.labels_unread)
        self._bring({name: mark for name, mark in files.items() if not self._is_here(name, mark)})
        self._forget_older(files)
        unread = sorted({*status.labels_unread, *self._unread})
        return replace(status, message=(status.message + self._no_room)[:4000], labels_unread=unread)

    def _pass_on(self) -> None:
        """What is wished here; new labels last, for which the server may have no room."""
        if self._job.stop_requested() and not self._stopped:
            self._gateway.stop(self._name, SERVER_PATIENCE_S)
            self._stopped = True
        self._pass_on_screen()
        self._no_room = ""
        try:
            self._pass_on_labels()
            self._send_again()
        except NoRoom as error:
            self._no_room = f" New slices could not be sent: {error.text}"
        self._passed_on = time.monotonic()

    def _pass_on_labels(self) -> None:
        self._unread = []
        for number in self._job.added_labels():
            if number > self._labels:  # those that are there already are left as they are
                if self._job.is_damaged(number):  # its turn comes when the panel has replaced it
                    self._unread = [number]
                    break
                self._send_labels(number)
                self._labels = number

    def _send_again(self) -> None:
        """Those that cannot be read there, once they are whole here: the server takes them in place of damaged ones."""
        self._sent_again &= self._unread_there
        for number in sorted(self._unread_there - self._sent_again):
            if number <= self._labels and not self._job.is_damaged(number):
                self._send_labels(number)
                self._sent_again.add(number)

    def _send_labels(self, number: int) -> None:
        self._gateway.add_labels(self._name, number, (self._job.inputs / f"labels-{number}.npz").read_bytes())

    def _pass_on_meanwhile(self) -> None:
        """While files come: nobody waits for all of them to be heard, and whoever asked to stop waits for those that
        still come.
        """
        if time.monotonic() - self._passed_on >= PASS_ON_EVERY_S:
            self._pass_on()
            if self._stopped:
                self._job.request_stop(STOP_PATIENCE_S)

    def _pass_on_screen(self) -> None:
        try:
            shown = read_json(self._job.open_path)["case"]
        except (FileError, KeyError, TypeError):
            return  # nothing was said yet
        if shown != self._shown:
            self._gateway.show(self._name, shown)
            self._shown = shown

    def _bring(self, newer: Mapping[str, Mark]) -> None:
        came, whole = 0, sum(size for size, _ in newer.values())

        def told(more: int) -> None:
            nonlocal came
            came += more
            self._say(f"Downloading results from the server: {came / 1e6:.0f} of {whole / 1e6:.0f} MB.")
            self._pass_on_meanwhile()

        for name, mark in newer.items():
            if self._gateway.bring(self._name, name, self._job.root / _NAMED_HERE.get(name, name), told):
                self._brought[name] = mark

    def _is_here(self, name: str, mark: Mark) -> bool:
        """Whether a file need not be brought; of a result that an earlier courier brought its number says so."""
        if not is_result(name):
            return self._brought.get(name) == mark
        try:
            return (self._job.root / name).stat().st_size == mark[0]
        except OSError:
            return False

    def _forget_older(self, files: Mapping[str, Mark]) -> None:
        """Of every case the newest result stays, as on the server."""
        newest = {path for _, path in self._job.results().values()}
        for path in self._job.outputs.glob("c*.npz"):
            if path not in newest and f"out/{path.name}" not in files:
                try:
                    remove(path)
                except OSError:
                    continue  # a reader holds it; it goes the next time
        for path in self._job.outputs.glob(".c*.part"):  # of one whose line broke, and which is there no more
            if f"out/{path.name[1:].rpartition('.npz')[0]}.npz" not in files:
                with contextlib.suppress(OSError):
                    remove(path)
