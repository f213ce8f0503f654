"""What is needed: of Python, and of packages, which pip is asked for. Standard library only."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

LIST = Path(__file__).resolve().parent.parent / "requirements.txt"

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
"""For these every package has a build; for a newer one some have none yet. Slicer 5.10 and 5.12 bring 3.12."""

OLDEST_PYTHON, NEWEST_PYTHON = PYTHONS[0], PYTHONS[-1]


NEEDED = ("numpy", "SimpleITK", "torch", "monai", "skimage", "scipy", "rich", "matplotlib", "requests")
"""Modules of the packages in the list."""


@dataclass(frozen=True)
class Requirements:
    """What pip is asked for: ``arguments`` of ``pip install``, the ``digest`` of the files that list the packages,
    the ``extras`` among them, and the ``modules`` that can be loaded afterwards.
    """

    arguments: tuple[str, ...]
    digest: str
    extras: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()

    @classmethod
    def of_this_copy(cls, extras: Sequence[str] = ()) -> Requirements:
        """Those of the clone this file lies in; in an installed extension, those listed beside this file."""
        root = LIST.parent.parent
        wanted = cls.of_project(root, extras) if (root / "pyproject.toml").is_file() else cls.of_list(LIST)
        return replace(wanted, modules=NEEDED)

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
        """pip's arguments for the packages alone: a folder of packages takes no editable installation, and no folder
        that may not be written is installed as one.
        """
        if "-e" not in self.arguments:
            return self.arguments
        limits = self.arguments[:2] if self.arguments[0] == "-c" else ()
        return (*limits, "-r", str(LIST), *_packages_of(self.extras))


def _packages_of(extras: Sequence[str]) -> list[str]:
    """As the project lists them."""
    if not extras:
        return []
    import tomllib

    project = tomllib.loads((LIST.parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [package for extra in extras for package in project["optional-dependencies"][extra]]


def dotted(version: tuple[int, ...]) -> str:
    """``3.12`` of (3, 12)."""
    return ".".join(map(str, version))


def pythons_in_words() -> str:
    """``3.11 to 3.14``."""
    return f"{dotted(OLDEST_PYTHON)} to {dotted(NEWEST_PYTHON)}"


def oldest_versions() -> dict[str, str]:
    """Package to oldest version, as the list for pip has it."""
    lines = [line.strip() for line in LIST.read_text(encoding="utf-8").splitlines()]
    pairs = (line.partition(">=") for line in lines if line and not line.startswith("#"))
    return {package: oldest for package, _, oldest in pairs}


def is_older(version: str, oldest: str) -> bool:
    """Whether ``version`` of a package, e.g. 2.13.0+cpu, is older than ``oldest``."""
    return _numbers(version) < _numbers(oldest)


def _numbers(version: str) -> tuple[int, ...]:
    """2.13.0+cpu -> (2, 13, 0)."""
    digits = ("".join(filter(str.isdigit, part)) for part in version.split("+")[0].split("."))
    return tuple(int(number) for number in digits if number)


def list_digest() -> str:
    """Of the list of packages that a bundle must hold."""
    return Requirements.of_list(LIST).digest


def _digest(*files: Path) -> str:
    total = hashlib.sha256()
    for path in files:
        total.update(path.read_bytes() if path.is_file() else b"-")
    return total.hexdigest()
