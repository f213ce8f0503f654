"""A command of this copy, run where its packages are: here, or in an environment that is set up for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from .builds import find_cards, fitting
from .folder import EnvironmentFolder
from .interpreter import check_processor, check_python, missing
from .pip import OURS_TO_DROP
from .preparing import default_folder, prepare
from .problem import EnvironmentProblem
from .requirements import LIST, NEEDED, Requirements

INSIDE = "SEMISEG_INSIDE_ENVIRONMENT"
CHOSEN = "SEMISEG_ENVIRONMENT"


def chosen_folder(arguments: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Takes ``--environment PATH`` out of ``arguments``: (PATH or None, the rest). Else SEMISEG_ENVIRONMENT counts.

    Raises EnvironmentProblem when the option comes without a path, NoHomeError.
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
    if not folder:
        return None, rest
    from ..home import expanded  # opening the panel needs it not

    return expanded(Path(folder)).resolve(), rest


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
    check_processor()
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


def run_inside(environment: EnvironmentFolder, command: Sequence[str]) -> NoReturn:
    """Runs ``command`` with the environment's Python in place of this process and ends with its exit code."""
    surroundings = {key: value for key, value in os.environ.items() if key not in OURS_TO_DROP}
    surroundings |= {INSIDE: str(environment.root), **_where_this_copy_is()}
    words = [*environment.command, *command]
    sys.stdout.flush()
    if os.name == "posix":
        os.execve(words[0], words, surroundings)
    sys.exit(_waited_for(words, surroundings))


def _where_this_copy_is() -> dict[str, str]:
    """A clone is not installed into a folder of packages; there it is found as here."""
    root = LIST.parent.parent
    return {"PYTHONPATH": str(root)} if (root / "pyproject.toml").is_file() else {}


def _waited_for(words: Sequence[str], surroundings: Mapping[str, str]) -> int:
    """The exit code of a command. Ctrl+C reaches it and this process alike; what follows from it is the command's
    decision, so this process only waits.
    """
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.run(words, env=surroundings, check=False).returncode
    finally:
        signal.signal(signal.SIGINT, before)
