"""A process that sets something up while the person goes on working: its log, its end, its cancelling."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from SemiSegLogic.environment.builds import no_window

from ..words import _

PROBLEM = "PROBLEM: "
"""A set-up program ends with this word and a sentence when it cannot go on."""

_DOWNLOAD = re.compile(r"^\s*Downloading (?:\S*/)?([A-Za-z0-9_.]+?)-\d\S*\s*(?:\(([^)]+)\))?")
_PROGRESS = re.compile(r"^Progress (\d+) of (\d+)$")


@dataclass(frozen=True)
class State:
    """``kind``: "absent", "ready", "unfinished", "outdated", "installing" or "failed"; ``text`` for the person;
    ``fraction`` 0..1 of what goes on just now, -1 when that is not known.
    """

    kind: str
    text: str = ""
    fraction: float = -1.0


class SetupProcess:
    """One program at a time, with what it prints in ``log``. Every call returns at once."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.problem = ""
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at = 0

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Begin. Raises OSError when the log cannot be written or the program not be started."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.problem = ""
        with self.log.open("ab") as log:
            self._began_at = log.tell()
            self._process = subprocess.Popen(
                list(command),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=dict(environment),
                cwd=self.log.parent,
                start_new_session=os.name == "posix",
                creationflags=no_window(),
            )

    @property
    def running(self) -> bool:
        """True while it works; afterwards ``problem`` says why it failed, "" when it did not."""
        if self._process is None:
            return False
        code = self._process.poll()
        if code is None:
            return True
        self._process = None
        if code:
            self.problem = self._why()
        return False

    def cancel(self) -> bool:
        """End it with everything that it started. False when nothing was running."""
        from SemiSegLogic.backends.processes import Process, kill_tree

        if self._process is None:
            return False
        kill_tree(Process.of(self._process.pid))
        self._process = None
        return True

    def text(self, size: int = 60_000) -> str:
        """The end of the log, without lines that only count bytes."""
        return "\n".join(line for line in self._lines(size) if not _PROGRESS.match(line))

    def doing(self) -> State:
        """What goes on just now, in words."""
        return doing(self._lines(8000))

    def _lines(self, size: int) -> list[str]:
        if not self.log.exists():
            return []
        with self.log.open("rb") as stream:
            stream.seek(max(stream.seek(0, os.SEEK_END) - size, self._began_at))
            return stream.read().decode(errors="replace").splitlines()

    def _why(self) -> str:
        lines = self._lines(8000)
        found = [n for n, line in enumerate(lines) if line.startswith(PROBLEM)]
        if found:
            return "\n".join(lines[found[-1] :])[len(PROBLEM) :]
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return _("It stopped too early. Its last line was: {line}").format(line=last) if last else _(
            "It stopped too early."
        )


def doing(lines: Sequence[str]) -> State:
    """The step that the newest of pip's ``lines`` tell of, and how far it is."""
    fraction = -1.0
    for line in reversed(lines):
        counted, download = _PROGRESS.match(line), _DOWNLOAD.match(line)
        if counted and fraction < 0:
            fraction = int(counted[1]) / max(int(counted[2]), 1)
        elif download:
            size = f" ({download[2]})" if download[2] else ""
            return State("installing", _("Downloading {name}").format(name=download[1]) + size, fraction)
        elif line.startswith("Installing collected packages"):
            return State("installing", _("Unpacking the packages; this takes a few minutes"))
        elif line.startswith("SemiSeg: "):
            return State("installing", line[len("SemiSeg: ") :])
    return State("installing", _("Starting"))
