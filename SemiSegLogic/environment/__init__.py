"""A private Python environment: found or made, filled by pip, and the command run again inside it.

Standard library only, and written so that an old Python can read it far enough to say that it is too old. Nothing
outside the environment's own folder is installed or changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from .builds import find_cards, fitting
from .bundle import Bundle
from .folder import EnvironmentFolder
from .problem import EnvironmentProblem

OLDEST_PYTHON = (3, 11)
NEEDED = ("numpy", "SimpleITK", "torch", "monai", "skimage", "scipy", "rich", "matplotlib", "requests")
NEEDED_FOR_TESTS = ("pytest", "ruff", "mypy", "slicerio", "nrrd", "nibabel", "pydicom")
LIST = Path(__file__).resolve().parent.parent / "requirements.txt"
INSIDE = "SEMISEG_INSIDE_ENVIRONMENT"
CHOSEN = "SEMISEG_ENVIRONMENT"


@dataclass(frozen=True)
class Requirements:
    """What pip is asked for: ``arguments`` of ``pip install``, the ``digest`` of the files that list the packages,
    and the ``extras`` among them.
    """

    arguments: tuple[str, ...]
    digest: str
    extras: tuple[str, ...] = ()

    @classmethod
    def of_this_copy(cls, extras: Sequence[str] = ()) -> Requirements:
        """Those of the clone this file lies in; in an installed extension, those listed beside this file."""
        root = LIST.parent.parent
        return cls.of_project(root, extras) if (root / "pyproject.toml").is_file() else cls.of_list(LIST)

    @classmethod
    def of_project(cls, root: Path, extras: Sequence[str] = ()) -> Requirements:
        """An editable installation of the project in ``root``, within its constraints.txt."""
        constraints = root / "constraints.txt"
        limits = ("-c", str(constraints)) if constraints.is_file() else ()
        wanted = str(root) + ("[" + ",".join(extras) + "]" if extras else "")
        return cls((*limits, "-e", wanted), _digest(root / "pyproject.toml", constraints), tuple(extras))

    @classmethod
    def of_list(cls, path: Path) -> Requirements:
        """The lines of a requirements file."""
        return cls(("-r", str(path)), _digest(path))

    def without_this_copy(self) -> tuple[str, ...]:
        """pip's arguments for the packages alone: a folder of packages takes no editable installation."""
        if "-e" not in self.arguments:
            return self.arguments
        limits = self.arguments[:2] if self.arguments[0] == "-c" else ()
        return (*limits, "-r", str(LIST))


def check_python(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Raises EnvironmentProblem when Python ``version`` (major, minor, ...) is too old."""
    if version[:2] < OLDEST_PYTHON:
        have, want = (".".join(map(str, v[:2])) for v in (version, OLDEST_PYTHON))
        raise EnvironmentProblem(
            f"This is Python {have} ({sys.executable}); SemiSeg needs {want} or newer. "
            f"Install it from python.org or your system's packages and run the command with it, e.g. python{want} ..."
        )


def missing(modules: Sequence[str] = NEEDED) -> list[str]:
    """Those of ``modules`` that this interpreter cannot import; looks them up without importing them."""
    return [name for name in modules if importlib.util.find_spec(name) is None]


def chosen_folder(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Takes ``--environment PATH`` out of ``arguments``: (PATH or None, the rest). Else SEMISEG_ENVIRONMENT counts.

    Raises EnvironmentProblem when the option comes without a path.
    """
    rest, folder, waiting = [], os.environ.get(CHOSEN), False
    for word in arguments:
        if waiting or word.startswith("--environment="):
            folder, waiting = word.partition("=")[2] if not waiting else word, False
        elif word == "--environment":
            waiting = True
        else:
            rest.append(word)
    if waiting:
        raise EnvironmentProblem("--environment needs a folder after it, e.g. --environment ~/semiseg-environment")
    return (Path(folder).expanduser().resolve() if folder else None), rest


def default_folder() -> Path:
    """``.venv`` in the clone; in an installed extension, a folder of its own in the user's home."""
    root = Path(__file__).resolve().parents[2]
    return root / ".venv" if (root / "pyproject.toml").is_file() else Path.home() / ".semiseg" / "environment"


def ensure(
    command: Sequence[str], *, extras: Sequence[str] = (), modules: Sequence[str] = NEEDED, folder: Path | None = None,
) -> None:
    """Returns when this interpreter has ``modules``; otherwise makes the environment, runs ``command`` in it, ends.

    ``command`` is what comes after the interpreter: ("-m", "SemiSegLogic", "demo"). Safe to repeat and to interrupt.
    Raises EnvironmentProblem, whose text says what to do.
    """
    check_python()
    lacking = missing(modules)
    if not lacking:
        return
    inside = os.environ.get(INSIDE)
    if inside and inside in (sys.prefix, os.path.dirname(sys.path[0])):
        raise EnvironmentProblem(
            f"The environment of {sys.executable} still lacks {', '.join(lacking)} after it was set up. "
            f"Delete the folder {inside} and run the command again."
        )
    wanted = Requirements.of_this_copy(extras)
    cards = find_cards()
    build = fitting(cards).build if cards else None
    run_inside(prepare(folder or default_folder(), wanted, build=build), command)


def prepare(
    folder: Path, requirements: Requirements, base: Path = Path(sys.executable), *, build: str | None = None,
    bundle: Path | None = None,
) -> EnvironmentFolder:
    """The environment in ``folder``, which is made with ``base`` or repaired where needed.

    ``build`` of PyTorch: see builds.py; None: the usual one. ``bundle``: nothing is downloaded, all comes from there.
    Raises EnvironmentProblem.
    """
    environment = EnvironmentFolder(folder)
    if not environment.is_ready(requirements.digest, requirements.extras):
        environment.check_usable()
        with environment.alone():
            if not environment.is_ready(requirements.digest, requirements.extras):  # another may just have finished it
                _set_up(environment, requirements, base, build, bundle)
    return environment


def _set_up(
    environment: EnvironmentFolder, wanted: Requirements, base: Path, build: str | None, bundle: Path | None
) -> None:
    if bundle is None:
        environment.make(base)
        arguments = wanted.without_this_copy() if environment.is_borrowed else wanted.arguments
        environment.install(arguments, wanted.digest, wanted.extras, build)
        return
    given = Bundle.open(bundle)
    given.check_fits(base, list_digest())
    environment.make(base)
    with given.wheels(environment.root) as wheels:
        environment.install(given.arguments(wheels), wanted.digest)


def list_digest() -> str:
    """Of the list of packages that a bundle must hold."""
    return Requirements.of_list(LIST).digest


def run_inside(environment: EnvironmentFolder, command: Sequence[str]) -> NoReturn:
    """Runs ``command`` with the environment's Python in place of this process and ends with its exit code."""
    surroundings = {**os.environ, INSIDE: str(environment.root)}
    words = [*environment.command, *command]
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(words[0], words, surroundings)
    sys.exit(subprocess.run(words, env=surroundings, check=False).returncode)


def _digest(*files: Path) -> str:
    total = hashlib.sha256()
    for path in files:
        total.update(path.read_bytes() if path.is_file() else b"-")
    return total.hexdigest()
