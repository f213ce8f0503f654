"""Whether this interpreter has all that is needed."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Mapping, Sequence

from .problem import EnvironmentProblem
from .requirements import NEEDED, OLDEST_PYTHON, PYTHONS, dotted, is_older, oldest_versions, pythons_in_words

PACKAGES = {"skimage": "scikit-image"}
"""Of modules with another name than their package's."""

NEEDED_FOR_SERVER = ("fastapi", "uvicorn")
NEEDED_FOR_TESTS = ("pytest", "xdist", "ruff", "mypy", "slicerio", "nrrd", "nibabel", "pydicom")


def check_python(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Raises EnvironmentProblem when Python ``version`` (major, minor, ...) is too old."""
    if version[:2] < OLDEST_PYTHON:
        raise EnvironmentProblem(
            f"This is Python {dotted(version[:2])} ({sys.executable}); SemiSeg needs {pythons_in_words()}. "
            "Install one from python.org or your system's packages and run the command with it, e.g. "
            f"{called(dotted(PYTHONS[1]))} ..."
        )


def check_processor(system: str = sys.platform, machine: str = platform.machine()) -> None:
    """Raises EnvironmentProblem where PyTorch has no build for this Python's processor."""
    if system == "darwin" and machine != "arm64":
        raise EnvironmentProblem(
            f"This Python ({sys.executable}) is made for Intel processors, for which PyTorch has no new builds on a "
            "Mac. On a Mac with an Apple processor install Python from python.org and run the command with that; a "
            "Mac with an Intel processor cannot train."
        )


def called(version: str = "3", system: str = sys.platform) -> str:
    """How a person starts Python ``version`` in a terminal; Windows has no python3 but the shop's."""
    return f"py -{version}" if system == "win32" else f"python{version}"


def missing(modules: Sequence[str] = NEEDED) -> list[str]:
    """Those of ``modules`` that this interpreter cannot import, or has too old; looked up without importing them."""
    oldest = oldest_versions()
    return [name for name in modules if importlib.util.find_spec(name) is None or _is_too_old(name, oldest)]


def _is_too_old(module: str, oldest: Mapping[str, str]) -> bool:
    package = PACKAGES.get(module, module)
    try:
        return package in oldest and is_older(importlib.metadata.version(package), oldest[package])
    except importlib.metadata.PackageNotFoundError:
        return False  # it is there, and nothing tells its version
