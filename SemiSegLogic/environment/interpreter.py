"""Whether this interpreter has all that is needed."""

from __future__ import annotations

import importlib.util
import platform
import sys
from collections.abc import Sequence

from .problem import EnvironmentProblem
from .requirements import OLDEST_PYTHON, PYTHONS, dotted, pythons_in_words

NEEDED = ("numpy", "SimpleITK", "torch", "monai", "skimage", "scipy", "rich", "matplotlib", "requests")
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
    """Those of ``modules`` that this interpreter cannot import; looks them up without importing them."""
    return [name for name in modules if importlib.util.find_spec(name) is None]
