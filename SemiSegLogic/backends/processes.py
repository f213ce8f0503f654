"""Processes of the operating system, without psutil, which Slicer does not have.

A process is known by its id and the moment it began: an id that was given to a new process is not mistaken for ours.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..job import JobError
from ..lives import before_boot, birth, group_lives

FOREIGN = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONPLATLIBDIR",
    "PYTHONSAFEPATH", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV", "QT_PLUGIN_PATH", "QT_QPA_PLATFORM_PLUGIN_PATH",
)
"""Variables by which one Python leads another astray (Slicer's launcher sets the first two)."""

NICENESS = 5
_BELOW_NORMAL_PRIORITY = 0x4000
NO_SUCH_PROCESS = 128  # says taskkill


@dataclass(frozen=True)
class Process:
    """A process: ``pid``, ``started`` a word for the moment it began, ``host`` the computer it runs on."""

    pid: int
    started: str
    host: str

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has ``pid`` now; one that has ended already is never found alive."""
        return cls(pid, birth(pid) or "ended", platform.node())

    @classmethod
    def from_dict(cls, values: Any) -> Process:
        """The process in plain data. Raises KeyError, TypeError or ValueError when the data is no such thing."""
        return cls(int(values["pid"]), str(values["started"]), str(values["host"]))

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` takes back."""
        return asdict(self)

    @property
    def here(self) -> bool:
        """True when it belongs to this computer, so that its id means something."""
        return self.host == platform.node()

    @property
    def alive(self) -> bool:
        """True while this very process runs on this computer."""
        return self.here and self.pid > 0 and birth(self.pid) == self.started


def start_detached(
    command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start ``command`` in ``folder`` so that it outlives this process: own session (POSIX) or process group
    (Windows), no pipes, what it prints appended to ``log``. Raises JobError when it cannot be started.
    """
    try:
        with log.open("ab") as output:
            return subprocess.Popen(
                list(command), cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=os.name != "nt", creationflags=_creation_flags(),
            )
    except OSError as error:
        remedy = "Choose a Python that has the packages SemiSeg needs, and check that the disk can be written to."
        raise JobError(f"{command[0]!r} cannot be started: {error.strerror or error}.", remedy) from error


def kill_tree(process: Process, patience_s: float = 5.0) -> bool:
    """End a process that :func:`start_detached` began and all that it started, at once. True when it is gone.

    Nothing happens when the id belongs to another process by now, or to another computer.
    """
    found = birth(process.pid) if process.here else "elsewhere"
    if found not in (None, process.started) or process.pid <= 1 or before_boot(process.started):
        return not process.alive
    if sys.platform == "win32":
        _taskkill(process.pid)
    else:
        _kill_group(process.pid)
    deadline = time.monotonic() + patience_s
    while not (gone := not (process.alive or group_lives(process.pid))) and time.monotonic() < deadline:
        time.sleep(0.02)
    return gone


def yield_to_others() -> None:
    """Let every other program go before this process, for as long as it lives."""
    if os.name == "nt":
        import ctypes

        kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), _BELOW_NORMAL_PRIORITY)
    else:
        os.nice(NICENESS)


def child_environment(base: Mapping[str, str], import_root: Path, own_python: bool) -> dict[str, str]:
    """A copy of ``base`` for a runner: ``import_root`` can be imported from, output is UTF-8 and unbuffered.

    With a Python that is not the one running here (``own_python`` False) the variables in FOREIGN are left out. Inside
    Slicer give ``slicer.util.startupEnvironment()`` as ``base`` then, which also lacks Slicer's library paths.
    """
    clean = {key: value for key, value in base.items() if own_python or key.upper() not in FOREIGN}
    inherited = clean.get("PYTHONPATH")
    clean["PYTHONPATH"] = os.pathsep.join([str(import_root), *([inherited] if inherited else [])])
    return {**clean, "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}


def _kill_group(pid: int) -> None:
    """The group goes even when its leader has died and left children; a runner started by hand leads none."""
    if sys.platform == "win32":
        return
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(pid, signal.SIGKILL)


def _creation_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    return 0


def _taskkill(pid: int) -> None:
    """Windows' own tool knows the children; where it is missing or forbidden the process itself goes all the same."""
    command = ["taskkill", "/PID", str(pid), "/T", "/F"]
    with contextlib.suppress(OSError):
        done = subprocess.run(command, capture_output=True, check=False, creationflags=_creation_flags())
        if done.returncode in (0, NO_SUCH_PROCESS):
            return
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGTERM)  # which on Windows nobody can catch
