"""Adding packages to Slicer's own Python, as the PyTorch extension does it, from a process outside Slicer.

The extension installs PyTorch with light-the-torch, which finds the build for the graphics card; so does this. What
Slicer brought along is pinned: nothing of it is replaced. Standard library only.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from .indexes import LIGHT_THE_TORCH
from .pip import Pip, clean
from .problem import EnvironmentProblem, explain
from .requirements import LIST


def add_packages(python: str) -> None:
    """What is missing of SemiSeg's list, into the Python ``python``. Raises EnvironmentProblem."""
    pip, folder = Pip([python], Path(python).parent), Path(python).parent
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        limits = Path(scratch) / "slicers-packages.txt"
        limits.write_text("\n".join(present(python)) + "\n", encoding="utf-8")
        lines = [line for line in LIST.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        torch = next(line for line in lines if line.startswith("torch"))
        pip.install([LIGHT_THE_TORCH, "-c", str(limits)])
        _light_the_torch(python, [torch, "-c", str(limits)], folder)
        pip.install(["-r", str(LIST), "-c", str(limits)])


def present(python: str) -> list[str]:
    """Every package with its version, as limits for pip; those with an address instead of a version left out."""
    done = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check"], env=clean(),
        capture_output=True, text=True, errors="replace", check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["pip does not answer"])[-1]
        raise EnvironmentProblem(f"{python} cannot list its packages: {last}. Use a private environment instead.")
    lines = done.stdout.splitlines()
    return [line for line in lines if "==" in line and not line.startswith(("pip==", "setuptools=="))]


def _light_the_torch(python: str, words: list[str], folder: Path) -> None:
    done = subprocess.run(
        [python, "-m", "light_the_torch", "install", *words], env=clean(), stderr=subprocess.PIPE, text=True,
        errors="replace", check=False,
    )
    print(done.stderr, flush=True)
    if done.returncode:
        lines = done.stderr.splitlines()[-15:]
        raise EnvironmentProblem(explain(lines, folder), "pip's last words:\n" + "\n".join(lines))
