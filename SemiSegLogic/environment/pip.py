"""Running pip with a given interpreter, its words shown as they come. Standard library only."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from .problem import EnvironmentProblem, explain

OURS_TO_DROP = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
PROGRESS = "SEMISEG_SETUP_PROGRESS"
"""Set by the panel: pip then tells how much of a download is there, one line at a time."""

RAW_PROGRESS_SINCE = (24, 1)


class Pip:
    """pip of the interpreter ``command``, for the environment in ``folder``."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self.command, self.folder = [*command, "-m", "pip"], folder

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
        """``pip install arguments``. Raises EnvironmentProblem with the reason and a remedy.

        What was downloaded stays in pip's cache.
        """
        command = [*self.command, "install", "--disable-pip-version-check", *self._progress(), *arguments]
        try:
            code, errors = _run_showing_errors(command)
        except OSError as error:
            text = f"{command[0]} cannot be started: {error}. Delete {self.folder}, then try again."
            raise EnvironmentProblem(text) from error
        if code:
            raise EnvironmentProblem(explain(errors, self.folder), "pip's last words:\n" + "\n".join(errors))

    def uninstall(self, package: str) -> None:
        """Take a package away, if it is there."""
        subprocess.run([*self.command, "uninstall", "-y", package], env=clean(), stderr=subprocess.DEVNULL, check=False)

    def _progress(self) -> list[str]:
        wanted = PROGRESS in os.environ
        return ["--progress-bar", "raw"] if wanted and (self.version or (0, 0)) >= RAW_PROGRESS_SINCE else []


def clean() -> dict[str, str]:
    """The surroundings without what would make one Python load another's libraries."""
    return {key: value for key, value in os.environ.items() if key not in OURS_TO_DROP}


def native() -> list[str]:
    """On a Mac with Apple's processor Slicer runs translated, and so would every Python it starts: this forbids it."""
    if sys.platform != "darwin":
        return []
    done = subprocess.run(["/usr/sbin/sysctl", "-n", "hw.optional.arm64"], capture_output=True, text=True, check=False)
    return ["/usr/bin/arch", "-arm64"] if done.stdout.strip() == "1" else []


def _run_showing_errors(command: Sequence[str]) -> tuple[int, list[str]]:
    """Exit code and the last lines of the error stream; both streams go to the screen as they come."""
    last: deque[str] = deque(maxlen=15)
    with subprocess.Popen(command, env=clean(), stderr=subprocess.PIPE, text=True, errors="replace") as running:
        assert running.stderr is not None
        for line in running.stderr:
            sys.stderr.write(line)
            last.append(line.rstrip())
    return running.returncode, list(last)
