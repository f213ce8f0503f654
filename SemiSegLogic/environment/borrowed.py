"""Packages in a folder of their own for a Python that can make no virtual environment, as Slicer's: nothing is added
to that Python; a small program puts the folder before its own packages. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

PACKAGES, RECORD, RUNNER = "packages", "semiseg-base.json", "semiseg-python.py"
PROGRAM = '''"""Runs Python with the packages beside this file before its own; knows -c and -m. Made by SemiSeg."""
import os, runpy, sys

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)), "packages")
words = [word for n, word in enumerate(sys.argv[1:]) if n or word != "-u"]
if words[0] == "-m":
    sys.argv = words[1:]
    runpy.run_module(words[1], run_name="__main__", alter_sys=True)
else:
    sys.argv = ["-c", *words[2:]]
    exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
'''


def make(root: Path, base: Path) -> None:
    """Prepares ``root``, which exists, for packages beside the Python ``base``."""
    (root / PACKAGES).mkdir(exist_ok=True)
    (root / RUNNER).write_text(PROGRAM, encoding="utf-8")
    (root / RECORD).write_text(json.dumps({"python": str(base)}), encoding="utf-8")


def command(root: Path) -> list[str] | None:
    """How that Python is started with the packages of ``root``; None when ``root`` is not such, or it has gone."""
    try:
        base = str(json.loads((root / RECORD).read_text(encoding="utf-8"))["python"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [base, str(root / RUNNER)] if Path(base).exists() and (root / RUNNER).is_file() else None


def steps(root: Path, arguments: Sequence[str], index: str | None) -> Iterator[list[str]]:
    """What pip is told. A folder's packages are never taken for installed, so the second step names the very PyTorch
    that the first one put there.
    """
    target = ["--target", str(root / PACKAGES), "--upgrade"]
    if index is None:
        yield [*target, *arguments]
        return
    yield [*target, "--index-url", index, "torch"]
    yield [*target, "--extra-index-url", index, *arguments, *installed(root)]


def installed(root: Path) -> list[str]:
    """PyTorch as it lies there, e.g. ["torch==2.14.0+cu126"]."""
    found = (root / PACKAGES).glob("torch-*.dist-info")
    return sorted(path.name.rsplit(".", 1)[0].replace("-", "==", 1) for path in found)
