"""One environment folder: its interpreter, its marker, and how it is filled. Standard library only."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..patience import remove, remove_folder, rename
from . import borrowed, lock
from .marks import BEGUN, Marks
from .pip import Pip, clean, native
from .problem import ELSEWHERE, ROOM_GB, EnvironmentProblem, explain_disk, free_gb

GOING = ".removing-"


class EnvironmentFolder:
    """A virtual environment in ``root``; where Python cannot make one, a folder of packages for that Python."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.marks = Marks(self.root)

    @property
    def python(self) -> Path:
        """Where the environment's interpreter is, or will be."""
        return self.root / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def command(self) -> list[str]:
        """How Python is started with the environment's packages."""
        return borrowed.command(self.root) or [*native(), str(self.python)]

    def is_ready(self, digest: str, extras: Sequence[str] = ()) -> bool:
        """True when the environment was finished with these requirements and its interpreter is still there."""
        return self.marks.hold(digest, extras) and self._has_interpreter()

    @property
    def is_ours(self) -> bool:
        """True when SemiSeg made it, or began to, or used it before."""
        return self.marks.begun or self.marks.ready

    @property
    def was_ready(self) -> bool:
        """True when it was finished once, for whatever requirements."""
        return self.marks.ready

    @property
    def is_borrowed(self) -> bool:
        """True when it is a folder of packages beside another Python."""
        return borrowed.command(self.root) is not None

    @property
    def is_being_changed(self) -> bool:
        """True while some process, of this Slicer or another, sets it up or removes it."""
        return lock.is_taken(self.root)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time sets up; the system lets go of the lock when the process dies."""
        with lock.alone(self.root):
            yield

    def check_usable(self) -> None:
        """Raises EnvironmentProblem when the folder holds something that is neither ours nor a working environment."""
        if not self.root.exists() or (self.root.is_dir() and not any(self.root.iterdir())):
            return
        if not self.is_ours and not self._has_pip():
            raise EnvironmentProblem(
                f"{self.root} exists and is not an environment that SemiSeg made, so it is left alone. {ELSEWHERE}"
            )

    def begin_anew(self) -> None:
        """Let the next set-up make it from nothing, when SemiSeg made it; a person's own is only filled again."""
        self.marks.take_back()
        if self.marks.begun:
            for sign in ("pyvenv.cfg", borrowed.RECORD):
                remove(self.root / sign)

    def make(self, base: Path) -> None:
        """A working interpreter with pip in ``root``, made with the Python ``base``.

        Raises EnvironmentProblem when ``root`` holds something else, or ``base`` has not even pip.
        """
        if self._has_pip():
            return
        self.check_usable()
        self._warn_of_space()
        print(f"SemiSeg: setting up a private Python environment in {self.root} (once, some minutes) ...", flush=True)
        try:
            self._empty()
            self._fill(base)
        except OSError as error:
            raise EnvironmentProblem(explain_disk(error, self.root)) from error

    def install(
        self, arguments: Sequence[str], digest: str, extras: Sequence[str] = (), build: str | None = None,
        modules: Sequence[str] = (),
    ) -> None:
        """Runs ``pip install arguments``, PyTorch's ``build`` before it, then writes the marker once ``modules`` can be
        loaded.

        ``build`` None: whatever the arguments lead to. Raises EnvironmentProblem with the reason and a remedy.
        """
        from .compiling import compile_packages  # these here, for the panel imports this file when it opens
        from .indexes import index_of

        pip = Pip(self.command, self.root)
        try:
            self.marks.take_back()
            if build is not None:
                self._leave_another_build(pip, build)
            steps = borrowed.steps if self.is_borrowed else venv_steps
            for step in steps(self.root, arguments, build and index_of(build, python=self.command)):
                _take(pip, step, spare=build == "cpu" and "--index-url" in step)
            if not self.is_borrowed:
                compile_packages(self.command)
            if modules:
                self._check(modules)
            self.marks.finish(digest, extras, build or "")
        except OSError as error:
            raise EnvironmentProblem(explain_disk(error, self.root)) from error

    def remove(self) -> None:
        """Deletes it, and what an interrupted removal left. Raises EnvironmentProblem when it is not ours or in use."""
        if self.root.exists() and not self.is_ours:
            raise EnvironmentProblem(f"{self.root} was not made by SemiSeg, so it is left alone.")
        if self.is_being_changed:
            raise EnvironmentProblem("The environment is being set up by another window or program. Wait until "
                                     "it has finished.")
        with self.alone():
            try:
                if self.root.is_symlink():  # a person put it onto another disk, and keeps the link and the folder
                    self._empty()
                    self.marks.end()
                elif self.root.exists():  # renamed first: a removal that is interrupted leaves nothing that looks whole
                    rename(self.root, self.root.with_name(self.root.name + GOING + secrets.token_hex(3)))
                for left in self.root.parent.glob(glob.escape(self.root.name + GOING) + "*"):
                    remove_folder(left)
            except OSError as error:
                raise EnvironmentProblem(
                    f"{error.filename or self.root} cannot be deleted: {error.strerror}. Stop a running training and "
                    "close other Slicer windows, then press Remove again."
                ) from error

    def _fill(self, base: Path) -> None:
        """An environment of Python's own making; where that fails, packages beside ``base``."""
        found = subprocess.run(
            [*native(), str(base), "-m", "venv", str(self.root)], env=clean(), capture_output=True, text=True,
            errors="replace", check=False,
        )
        if found.returncode == 0 and self._has_pip():
            return
        detail = (found.stdout + found.stderr).strip() or "the new environment does not start"
        if Pip([str(base)], self.root).version is None:
            raise EnvironmentProblem(f"Python could not make an environment in {self.root}. {_venv_help()}", detail)
        print(f"SemiSeg: {base} cannot make environments; its packages get a folder beside it.", flush=True)
        self._empty()
        borrowed.make(self.root, base)

    def _empty(self) -> None:
        """Removes what a broken set-up left, the sign that the folder is ours last."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.marks.begin()
        for entry in self.root.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                remove_folder(entry)
            elif entry.name != BEGUN:
                remove(entry)

    def _check(self, modules: Sequence[str]) -> None:
        """pip takes a package that a power cut left half written for a whole one, so the next set-up begins anew."""
        from .loading import check_loading

        try:
            check_loading(self.command, self.root, modules)
        except EnvironmentProblem:
            self.begin_anew()
            raise

    def _leave_another_build(self, pip: Pip, build: str) -> None:
        """pip takes any build of the right version for the right one, so another one goes first."""
        if self.marks.build not in ("", build):
            pip.uninstall("torch")

    def _has_interpreter(self) -> bool:
        return self.is_borrowed or (self.python.exists() and self._has_its_version())

    def _has_its_version(self) -> bool:
        """False when the Python that it was made with has gone, or another version has taken its place, which does not
        see the packages. Starts nothing.
        """
        try:
            lines = (self.root / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
        except (OSError, ValueError):
            return True  # a person's own, of another kind
        told = dict(line.partition(" = ")[::2] for line in lines)
        if os.name == "nt":  # what lies in the environment is only a starter
            return "home" not in told or _holds_python(Path(told["home"]))
        name = self.python.resolve().name  # e.g. python3.12
        return not re.fullmatch(r"python3\.\d+", name) or (self.root / "lib" / name).is_dir()

    def _has_pip(self) -> bool:
        whole = self.python.exists() and (self.root / "pyvenv.cfg").is_file()
        return (whole or self.is_borrowed) and Pip(self.command, self.root).version is not None

    def _warn_of_space(self) -> None:
        free = free_gb(self.root)
        if free < ROOM_GB:
            need = f"only {free:.1f} GB are free at {self.root}; the set-up may need about {ROOM_GB} GB"
            print(f"SemiSeg: {need}. {ELSEWHERE}", file=sys.stderr, flush=True)


def _take(pip: Pip, step: list[str], spare: bool) -> None:
    """``spare``: where PyTorch's own index is out of reach, as behind some firewalls, the usual one will do: its build
    for Linux is larger, and runs on processors, too.
    """
    try:
        pip.install(step)
    except EnvironmentProblem:
        if not spare:
            raise
        print("SemiSeg: PyTorch's own index cannot be used; taking the larger build of the usual index ...", flush=True)


def _holds_python(home: Path) -> bool:
    """Whether Windows' Python is still there. That of the shop may hide its folder."""
    try:
        return "python.exe" in (name.lower() for name in os.listdir(home))
    except FileNotFoundError:
        return False
    except OSError:
        return True


def venv_steps(_root: Path, arguments: Sequence[str], index: str | None) -> Iterator[list[str]]:
    """What pip is told in a virtual environment: PyTorch from its own index first, which later steps leave as it is.
    Compiling is left to compiling.py.
    """
    limits = arguments[: 2 * (arguments[:1] == ("-c",))]
    if index is not None:
        yield ["--no-compile", *limits, "--index-url", index, "torch"]
    yield ["--no-compile", *arguments]


def _venv_help() -> str:
    version = ".".join(map(str, sys.version_info[:2]))
    return (f"On Debian and Ubuntu: sudo apt install python{version}-venv (or python3-venv). "
            "Elsewhere install Python from python.org, or run the command with a Python that already has the "
            "packages listed in pyproject.toml.")
