"""What is needed: of Python, and of packages, which pip is asked for. Standard library only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).resolve().parent.parent / "requirements.txt"

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
"""For these every package has a build; for a newer one some have none yet. Slicer 5.10 and 5.12 bring 3.12."""

OLDEST_PYTHON, NEWEST_PYTHON = PYTHONS[0], PYTHONS[-1]


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


def dotted(version: tuple[int, ...]) -> str:
    """``3.12`` of (3, 12)."""
    return ".".join(map(str, version))


def pythons_in_words() -> str:
    """``3.11 to 3.14``."""
    return f"{dotted(OLDEST_PYTHON)} to {dotted(NEWEST_PYTHON)}"


def list_digest() -> str:
    """Of the list of packages that a bundle must hold."""
    return Requirements.of_list(LIST).digest


def _digest(*files: Path) -> str:
    total = hashlib.sha256()
    for path in files:
        total.update(path.read_bytes() if path.is_file() else b"-")
    return total.hexdigest()
