"""One environment folder: its interpreter, its marker, and how pip fills it. Standard library only."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

MARKER = "semiseg-ready"
BEGUN = "semiseg-begun"
ROOM_GB = 6
WAITING = "SemiSeg: another process is setting up the environment; waiting for it ..."
OURS_TO_DROP = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")


class EnvironmentProblem(RuntimeError):
    """The environment cannot be set up; the message says why and what to do."""


class EnvironmentFolder:
    """A virtual environment in ``root``.

    ``semiseg-begun`` is written first and says that the folder is ours to repair; ``semiseg-ready`` is written last,
    in one piece, and holds the digest of the lists that were installed and the extras among them.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    @property
    def python(self) -> Path:
        """Where the environment's interpreter is, or will be."""
        return self.root / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def is_ready(self, digest: str, extras: Sequence[str] = ()) -> bool:
        """True when the environment was finished with these requirements and its interpreter is still there."""
        marker = self.root / MARKER
        if not (marker.is_file() and self.python.exists()):
            return False
        installed, *having = marker.read_text().split()
        return installed == digest and set(extras) <= set(having)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time sets up; the system lets go of the lock when the process dies."""
        lock = self.root.parent / (self.root.name + ".lock")
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            file = open(lock, "a+b")  # noqa: SIM115  (closed by the with below)
        except OSError as error:
            raise EnvironmentProblem(f"Cannot write to {lock.parent}: {error}. {_elsewhere()}") from error
        with file:
            _wait_for(file.fileno())
            yield

    def check_usable(self) -> None:
        """Raises EnvironmentProblem when the folder holds something that is neither ours nor a working environment."""
        if not self.root.exists() or (self.root.is_dir() and not any(self.root.iterdir())):
            return
        if not any((self.root / name).is_file() for name in (BEGUN, MARKER)) and not self._has_pip():
            raise EnvironmentProblem(
                f"{self.root} exists and is not an environment that SemiSeg made, so it is left alone. {_elsewhere()}"
            )

    def make(self, base: Path) -> None:
        """A working interpreter with pip in ``root``, made with the Python ``base``.

        Raises EnvironmentProblem when ``root`` holds something else, or ``base`` cannot make environments.
        """
        if self._has_pip():
            return
        self.check_usable()
        _check_can_make(base)
        self._warn_of_space()
        print(f"SemiSeg: setting up a private Python environment in {self.root} (once, some minutes) ...", flush=True)
        self._empty()
        done = subprocess.run([str(base), "-m", "venv", str(self.root)], env=_clean(), capture_output=True, text=True)
        if done.returncode:
            detail = (done.stdout + done.stderr).strip()
            raise EnvironmentProblem(f"Python could not make an environment in {self.root}:\n{detail}\n{_venv_help()}")

    def install(self, arguments: Sequence[str], digest: str, extras: Sequence[str] = ()) -> None:
        """Runs ``pip install arguments`` with its progress on the screen, then writes the marker.

        Raises EnvironmentProblem with the reason and a remedy. What was downloaded stays in pip's cache.
        """
        (self.root / MARKER).unlink(missing_ok=True)
        command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
        code, errors = _run_showing_errors(command)
        if code:
            raise EnvironmentProblem(explain(errors, self.root))
        fresh = self.root / (MARKER + ".new")
        fresh.write_text(" ".join((digest, *extras)) + "\n")
        os.replace(fresh, self.root / MARKER)

    def _empty(self) -> None:
        """Removes what a broken set-up left, the sign that the folder is ours last."""
        self.root.mkdir(parents=True, exist_ok=True)
        (self.root / BEGUN).write_text("SemiSeg began to make this environment and may repair or delete it.\n")
        for entry in self.root.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != BEGUN:
                entry.unlink()

    def _has_pip(self) -> bool:
        if not (self.python.exists() and (self.root / "pyvenv.cfg").is_file()):
            return False
        command = [str(self.python), "-m", "pip", "--version"]
        return subprocess.run(command, env=_clean(), capture_output=True).returncode == 0

    def _warn_of_space(self) -> None:
        there = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        free = shutil.disk_usage(there).free / 1e9
        if free < ROOM_GB:
            need = f"only {free:.1f} GB are free at {there}; the set-up may need about {ROOM_GB} GB"
            print(f"SemiSeg: {need}. {_elsewhere()}", file=sys.stderr, flush=True)


def explain(errors: Sequence[str], folder: Path) -> str:
    """pip's last lines, and below them what they mean, in words, with the remedy."""
    text = "\n".join(errors)
    signs = ("NewConnectionError", "name resolution", "ConnectTimeout", "ReadTimeout", "Max retries", "ProxyError",
             "Network is unreachable", "Connection refused", "(from versions: none)")
    if "No space left on device" in text or "Errno 28" in text:
        meaning = f"The disk is full (environment {folder}). Free about {ROOM_GB} GB, or: {_elsewhere()}"
    elif any(sign in text for sign in signs):
        meaning = ("pip could not reach the Python package index. Connect to the internet; behind a proxy set "
                   "HTTPS_PROXY or pip's own configuration.")
    elif "No matching distribution" in text:
        meaning = (f"A required package has no version for this computer's system and Python {sys.version.split()[0]}. "
                   "Try another Python (3.11 to 3.13, 64 bit).")
    else:
        meaning = f"pip could not install what SemiSeg needs into {folder}."
    return f"pip's last words:\n{text}\n\n{meaning} Then run the same command again: it goes on where it stopped."


def _run_showing_errors(command: Sequence[str]) -> tuple[int, list[str]]:
    """Exit code and the last lines of the error stream; both streams go to the screen as they come."""
    last: deque[str] = deque(maxlen=15)
    with subprocess.Popen(command, env=_clean(), stderr=subprocess.PIPE, text=True, errors="replace") as running:
        assert running.stderr is not None
        for line in running.stderr:
            sys.stderr.write(line)
            last.append(line.rstrip())
    return running.returncode, list(last)


def _check_can_make(base: Path) -> None:
    done = subprocess.run([str(base), "-c", "import venv, ensurepip"], env=_clean(), capture_output=True, text=True)
    if done.returncode:
        raise EnvironmentProblem(f"{base} cannot make virtual environments. {_venv_help()}")


def _venv_help() -> str:
    version = ".".join(map(str, sys.version_info[:2]))
    return (f"On Debian and Ubuntu: sudo apt install python{version}-venv (or python3-venv). "
            "Elsewhere install Python from python.org, or run the command with a Python that already has the "
            "packages listed in pyproject.toml.")


def _elsewhere() -> str:
    return "Choose another folder with --environment PATH."


def _clean() -> dict[str, str]:
    """The surroundings without what would make one Python load another's libraries."""
    return {key: value for key, value in os.environ.items() if key not in OURS_TO_DROP}


def _wait_for(handle: int) -> None:
    """Takes the system's lock on an open file; says so when it has to wait."""
    if sys.platform == "win32":
        import msvcrt

        while True:
            try:
                return msvcrt.locking(handle, msvcrt.LK_LOCK, 1)
            except OSError as error:  # Windows gives up after ten seconds, an installation takes minutes
                if error.errno != errno.EDEADLK:
                    raise
                print(WAITING, flush=True)
    else:
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(WAITING, flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
