"""Whether this interpreter has all that is needed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence

from .problem import EnvironmentProblem

OLDEST_PYTHON = (3, 11)
NEEDED = ("numpy", "SimpleITK", "torch", "monai", "skimage", "scipy", "rich", "matplotlib", "requests")
NEEDED_FOR_TESTS = ("pytest", "xdist", "ruff", "mypy", "slicerio", "nrrd", "nibabel", "pydicom")


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
