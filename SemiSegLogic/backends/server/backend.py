"""Jobs on a server that shares no disk with this computer, as one small file describes it.

    {"server": "https://gpu.example.org:8443", "token": "server.token", "authority": "certificate.pem"}

Each job has its folder on this computer all the same. In the place of a runner a courier works on it (see courier):
it hands the order to the server and brings back what comes, so whoever looks at the folder sees a job as any other.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from ...job import Status
from ...settings.fields import text
from ..base import JobId
from ..description import Description
from ..local.backend import LocalBackend

PORT = 8443
STOP_PATIENCE_S = 180.0
"""Until a courier is ended by force that was asked to stop: the server's runner saves first, and its model comes."""

UNTOLD = ("Stopped on this computer. The server may not have been told, and may still be working. Resume the job to "
          "get its results, or to stop it there.")


@dataclass(frozen=True)
class Server(Description):
    """Where a server answers. Raises SettingsError on a value out of place."""

    server: str = text("", "Address of the server")

    KIND, NEEDED = "server", ("server", "token")
    EXAMPLE = 'It holds at least {"server": "https://HOST:8443", "token": "TOKEN_FILE"}.'

    @property
    def name(self) -> str:
        """Of the server, as a folder may be called."""
        return re.sub(r"[^A-Za-z0-9.-]+", "-", urlsplit(self.server).netloc) or "server"


class ServerBackend(LocalBackend):
    """Runs jobs on the server that ``file`` describes; their folders lie in ``home/away/<name of the server>``.
    ``python`` and ``environment`` are for the couriers, which need none of the packages that training needs;
    ``look_every_s`` how often they look at the server (None: as couriers do). Raises PlaceError naming what is wrong
    with the file.
    """

    def __init__(
        self, file: Path, home: Path, python: Sequence[str] = (sys.executable,),
        environment: Mapping[str, str] | None = None, *, own_python: bool = True, look_every_s: float | None = None,
    ) -> None:
        self.server = Server.read(file)
        root = home / "away" / self.server.name
        super().__init__(root, python, environment, own_python=own_python, module="SemiSegLogic.courier")
        self._options = ["--server", str(file.absolute())]
        if look_every_s is not None:
            self._options += ["--look-every", str(look_every_s)]

    @property
    def address(self) -> str:
        """Of the server."""
        return self.server.server

    @property
    def sends_images(self) -> bool:
        """Whether images leave this computer and its disks."""
        return True

    def check(self) -> None:
        """Raises PlaceError, Unreachable when the server would not take a job: for whoever does not want to prepare one
        in vain.
        """
        from .gateway import Gateway

        Gateway(self.server).check()

    def poll(self, job_id: JobId) -> Status:
        """As of any job. Where no network could carry the wish to stop to the server in time, that is said."""
        status = super().poll(job_id)
        untold = status.state == "stopped" and not self.folder(job_id).reported().ended
        return replace(status, message=UNTOLD) if untold else status

    def stop(self, job_id: JobId, patience_s: float = STOP_PATIENCE_S, wait: bool = True) -> Status:
        """As of any job; what it saved last is brought home first."""
        return super().stop(job_id, patience_s, wait)
