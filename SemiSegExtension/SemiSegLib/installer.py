"""Setting up the private Python environment from the panel: in a process of its own, with a log, cancelled at any time.

Slicer's own Python is never changed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from SemiSegLogic.environment import OLDEST_PYTHON, Requirements, default_folder
from SemiSegLogic.environment.folder import BEGUN, MARKER, OURS_TO_DROP, ROOM_GB, EnvironmentFolder, EnvironmentProblem

_WORK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from SemiSegLogic.environment import Requirements, prepare
from SemiSegLogic.environment.folder import EnvironmentProblem
try:
    prepare(Path(sys.argv[2]), Requirements.of_this_copy(), Path(sys.executable))
except EnvironmentProblem as problem:
    sys.exit("PROBLEM: " + str(problem))
print("READY", flush=True)
"""
_SUITABLE = "import sys, venv, ensurepip; sys.exit(not (%r <= sys.version_info[:2] < (3, 15) and sys.maxsize > 2**32))"


@dataclass(frozen=True)
class State:
    """``kind``: "absent", "ready", "unfinished", "installing" or "failed"; ``text`` for the person."""

    kind: str
    text: str = ""


class Installer:
    """The environment in ``folder`` and the process that sets it up. ``start`` and ``look`` return at once."""

    def __init__(self, folder: Path | None = None, surroundings: Mapping[str, str] | None = None) -> None:
        """``surroundings``: the environment variables from before Slicer started; by default those of this process."""
        self.folder = folder or default_folder()
        self.log = self.folder.parent / (self.folder.name + "-setup.log")
        self._surroundings = surroundings
        self._process: subprocess.Popen[bytes] | None = None
        self._problem = ""

    @property
    def python(self) -> list[str]:
        """The environment's interpreter as a command. Raises EnvironmentProblem when it is not set up."""
        if self.look().kind != "ready":
            raise EnvironmentProblem("The computing environment is not set up. Press Set up first.")
        return [str(EnvironmentFolder(self.folder).python)]

    def start(self, base: Sequence[str]) -> None:
        """Set up or repair, with the Python ``base`` as a command. Raises OSError when it cannot be started."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._problem = ""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*base, "-u", "-c", _WORK, str(_package_root()), str(self.folder)],
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
                start_new_session=os.name == "posix",
                **_hidden(),
            )

    def look(self) -> State:
        """How the environment is now."""
        if self._process is not None:
            code = self._process.poll()
            if code is None:
                return State("installing", self.last_line())
            self._process = None
            if code:
                self._problem = self._why()
        if EnvironmentFolder(self.folder).is_ready(Requirements.of_this_copy().digest):
            return State("ready", str(self.folder))
        if self._problem:
            return State("failed", self._problem)
        begun = (self.folder / BEGUN).is_file() or (self.folder / MARKER).is_file()
        return State("unfinished" if begun else "absent")

    def cancel(self) -> None:
        """Stop setting up, with everything that was started for it; what was downloaded is kept by pip."""
        from SemiSegLogic.backends.processes import Process, kill_tree

        if self._process is not None:
            kill_tree(Process.of(self._process.pid))
            self._process = None
            self._problem = "Set-up was cancelled. Press Repair to go on."

    def remove(self) -> None:
        """Delete the environment, if it is ours. Raises EnvironmentProblem otherwise, OSError on a stubborn disk."""
        if not self.folder.exists():
            return
        if not any((self.folder / name).is_file() for name in (BEGUN, MARKER)):
            raise EnvironmentProblem(f"{self.folder} was not made by SemiSeg, so it is left alone.")
        (self.folder / MARKER).unlink(missing_ok=True)
        shutil.rmtree(self.folder)

    def last_line(self) -> str:
        """The newest line of the log."""
        lines = self.log_text(4000).splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def log_text(self, size: int = 60_000) -> str:
        """The end of the log."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as stream:
            stream.seek(max(stream.seek(0, os.SEEK_END) - size, 0))
            return stream.read().decode(errors="replace")

    def environment(self) -> dict[str, str]:
        """What a process outside Slicer inherits: nothing that leads another Python to Slicer's libraries."""
        kept = os.environ if self._surroundings is None else self._surroundings
        return {key: value for key, value in kept.items() if key not in OURS_TO_DROP}

    def _why(self) -> str:
        lines = self.log_text(8000).splitlines()
        found = [n for n, line in enumerate(lines) if line.startswith("PROBLEM: ")]
        return "\n".join(lines[found[-1] :])[9:] if found else f"Set-up ended early. Last line: {self.last_line()}"


def suitable_pythons(surroundings: Mapping[str, str], slicer_python: str = sys.executable) -> list[str]:
    """Interpreters on this computer that can make environments, best first; Slicer's own last. Starts each once."""
    names = ["python3.13", "python3.12", "python3.11", "python3", "python"]
    path = surroundings.get("PATH", os.defpath)
    found = [where for name in names if (where := shutil.which(name, path=path))]
    clean = {key: value for key, value in surroundings.items() if key not in OURS_TO_DROP}
    return [python for python in dict.fromkeys([*found, slicer_python]) if python and _is_suitable(python, clean)]


def _is_suitable(python: str, environment: Mapping[str, str]) -> bool:
    try:
        done = subprocess.run(
            [python, "-c", _SUITABLE % (OLDEST_PYTHON,)],
            env=dict(environment),
            timeout=20,
            capture_output=True,
            **_hidden(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def question(folder: Path) -> str:
    """What the person is asked before anything is downloaded."""
    return (
        f"SemiSeg needs PyTorch and MONAI to train. They will be downloaded (about {ROOM_GB / 2:.0f} GB) into a folder "
        f"of their own:\n\n{folder}\n\nSlicer's own Python stays as it is, and you can remove the folder here at any "
        "time. It takes some minutes; you can go on working meanwhile."
    )


def _package_root() -> Path:
    import SemiSegLogic

    return Path(next(iter(SemiSegLogic.__path__))).parent


def _hidden() -> dict[str, int]:
    """On Windows no console window comes up."""
    return {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {}  # type: ignore[attr-defined,unused-ignore]
