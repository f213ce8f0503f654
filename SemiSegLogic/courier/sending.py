"""Handing an order over: its files first, each once, then the order itself."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from ..backends.server.gateway import Gateway
from ..files import FileError, digest_file, read_json, write_json
from ..job import JobError, JobFolder
from ..job.travel import given

RECORD = "server.json"


class StoppedOnTheWay(Exception):
    """The person does not want the job any more; the server has not heard of it."""


class Sending:
    """``job`` on its way to the server behind ``gateway``; ``say`` hears how far it is."""

    def __init__(self, job: JobFolder, gateway: Gateway, say: Callable[[str], None]) -> None:
        self._job, self._gateway, self._say = job, gateway, say
        self._digests: dict[str, str] = {}
        self._sent, self._all = 0, 0

    @property
    def name(self) -> str:
        """What the server knows the job by: chosen once, before it hears of it, so no order is ever done twice; a word
        that tells nothing of the study. Raises FileError.
        """
        record = self._job.root / RECORD
        try:
            return str(read_json(record)["name"])
        except (FileError, KeyError, TypeError):
            name = secrets.token_hex(16)
            write_json(record, {"server": self._gateway.address, "name": name})
            return name

    def send(self) -> None:
        """Hand over all. Raises StoppedOnTheWay when that was wished meanwhile, PlaceError, Unreachable, JobError on a
        file that is missing.
        """
        spec = self._job.spec()
        for name in given(spec):
            if name not in self._digests:
                self._digests[name] = self._digest(name)
        self._all, self._sent = sum((self._job.inputs / name).stat().st_size for name in self._digests), 0
        with self._gateway.one_connection():
            for name, digest in self._digests.items():
                self._send(name, digest)
        self._require_wanted()
        self._gateway.order(self.name, spec, self._digests)

    def _send(self, name: str, digest: str) -> None:
        path = self._job.inputs / name

        def told(there: int) -> None:
            self._require_wanted()
            self._say(f"Sending to the server: {(self._sent + there) / 1e6:.0f} of {self._all / 1e6:.0f} MB.")

        self._gateway.send(path, digest, told)
        self._sent += path.stat().st_size
        told(0)

    def _digest(self, name: str) -> str:
        self._require_wanted()
        path = self._job.inputs / name
        if not path.is_file():
            raise JobError(f"{path} is missing.", "Start the training again.")
        return digest_file(path)

    def _require_wanted(self) -> None:
        if self._job.stop_requested():
            raise StoppedOnTheWay
