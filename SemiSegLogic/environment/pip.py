"""Running pip with a given interpreter, its words shown as they come. Standard library only."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..patience import remove_folder
from .problem import ROOM_GB, EnvironmentProblem, explain, free_gb, may_pass

OURS_TO_DROP = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
ASTRAY = ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_PYTHON")
HERE = {"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0", "PIP_DRY_RUN": "0", "PIP_NO_DEPS": "0"}
"""A person's settings of pip hold, such as an index, a proxy or certificates; but not those by which packages would go
elsewhere than into our folder, or not at all. These words count for more than pip's configuration files.
"""

TRIES, PAUSE_S = 3, 3.0
DOWNLOADS = "semiseg-downloads"
PROGRESS = "SEMISEG_SETUP_PROGRESS"
"""Set by the panel: pip then tells how much of a download is there, one line at a time."""

RAW_PROGRESS_SINCE = (24, 1)


class Pip:
    """pip of the interpreter ``command``, for the environment in ``folder``."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.command, self.folder = [*command, "-m", "pip"], folder
        self._trusts_system = False

    @property
    def version(self) -> tuple[int, int] | None:
        """(major, minor); None when there is no pip, or the interpreter does not start."""
        try:
            command = [*self.command, "--version"]
            done = subprocess.run(
                command, env=clean(), capture_output=True, text=True, errors="replace", check=False
            )
        except OSError:
            return None
        found = re.match(r"pip (\d+)\.(\d+)", done.stdout)
        return (int(found[1]), int(found[2])) if found and done.returncode == 0 else None

    def install(self, arguments: Sequence[str]) -> None:
        """``pip install arguments``, tried again where what went wrong may pass. Raises EnvironmentProblem with the
        reason and a remedy.

        What was downloaded stays in pip's cache.
        """
        from .trust import is_distrusted  # here, for the panel imports this file when it opens

        command = [*self.command, "install", "--disable-pip-version-check", *self._progress(), *arguments]
        code, errors = self._run(command)
        if code and not self._trusts_system and is_distrusted(errors):
            print("SemiSeg: trying again with the certificates that this computer trusts ...", flush=True)
            self._trusts_system = True
            code, errors = self._run(command)
        for _ in range(TRIES - 1):
            if not code or not may_pass(errors):
                break
            print("SemiSeg: trying again ...", flush=True)
            time.sleep(PAUSE_S)
            code, errors = self._run(command)
        if code:
            raise EnvironmentProblem(explain(errors, self.folder), "pip's last words:\n" + "\n".join(errors))

    def _run(self, command: Sequence[str]) -> tuple[int, list[str]]:
        from .trust import of_the_system

        try:
            with room_for_downloads(self.folder) as room, of_the_system(self._trusts_system) as certificates:
                return _run_showing_errors(command, {**clean(), **room, **certificates})
        except OSError as error:
            text = f"{command[0]} cannot be started: {error}. Delete {self.folder}, then try again."
            raise EnvironmentProblem(text) from error

    def uninstall(self, package: str) -> None:
        """Take a package away, if it is there."""
        subprocess.run([*self.command, "uninstall", "-y", package], env=clean(), stderr=subprocess.DEVNULL, check=False)

    def _progress(self) -> list[str]:
        wanted = PROGRESS in os.environ
        return ["--progress-bar", "raw"] if wanted and (self.version or (0, 0)) >= RAW_PROGRESS_SINCE else []


def clean() -> dict[str, str]:
    """The surroundings without what would make one Python load another's libraries, or pip install elsewhere."""
    kept = {key: value for key, value in os.environ.items() if key not in (*OURS_TO_DROP, *ASTRAY)}
    return {**kept, **HERE}


@contextlib.contextmanager
def room_for_downloads(folder: Path) -> Iterator[dict[str, str]]:
    """Variables by which files of up to some gigabytes do not fill a small disk for temporary files, as many systems
    have: where that of the environment has more room, they come onto it. Empty when there is room enough.
    """
    room = free_gb(Path(tempfile.gettempdir()))
    if room >= min(ROOM_GB, free_gb(folder)):
        yield {}
        return
    place = folder / DOWNLOADS
    place.mkdir(parents=True, exist_ok=True)
    try:
        yield dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(place))
    finally:
        with contextlib.suppress(OSError):  # what is left goes with the environment
            remove_folder(place)


def native() -> list[str]:
    """On a Mac with Apple's processor Slicer runs translated, and so would every Python it starts: this forbids it."""
    if sys.platform != "darwin":
        return []
    done = subprocess.run(["/usr/sbin/sysctl", "-n", "hw.optional.arm64"], capture_output=True, text=True, check=False)
    return ["/usr/bin/arch", "-arm64"] if done.stdout.strip() == "1" else []


def _run_showing_errors(command: Sequence[str], variables: Mapping[str, str]) -> tuple[int, list[str]]:
    """Exit code and the last lines of the error stream; both streams go to the screen as they come."""
    last: deque[str] = deque(maxlen=15)
    with subprocess.Popen(command, env=variables, stderr=subprocess.PIPE, text=True, errors="replace") as running:
        assert running.stderr is not None
        for line in running.stderr:
            sys.stderr.write(line)
            last.append(line.rstrip())
    return running.returncode, list(last)
