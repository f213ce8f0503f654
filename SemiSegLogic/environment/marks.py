"""The small files by which SemiSeg knows its environments again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..patience import patiently, remove

BEGUN = "semiseg-begun"
BUILD = "semiseg-build"
MARKER = "semiseg-ready"


class Marks:
    """``semiseg-begun`` is written first and says that the folder ``root`` is ours to repair; ``semiseg-ready`` is
    written last, in one piece, and holds the digest of the lists that were installed and the extras among them;
    ``semiseg-build`` says which build of PyTorch was.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def begun(self) -> bool:
        """True when SemiSeg made it, or began to."""
        return (self.root / BEGUN).is_file()

    @property
    def ready(self) -> bool:
        """True when it was finished once, for whatever requirements."""
        return (self.root / MARKER).is_file()

    @property
    def build(self) -> str:
        """PyTorch's build; empty when none was chosen, or none is known."""
        path = self.root / BUILD
        return path.read_text(encoding="utf-8").strip() if path.is_file() else ""

    def hold(self, digest: str, extras: Sequence[str]) -> bool:
        """Whether it was finished with these requirements."""
        try:
            installed, *having = (self.root / MARKER).read_text(encoding="utf-8").split()
        except (OSError, ValueError):
            return False
        return installed == digest and set(extras) <= set(having)

    def begin(self) -> None:
        """Say that the folder is ours from now on."""
        (self.root / BEGUN).write_text(
            "SemiSeg began to make this environment and may repair or delete it.\n", encoding="utf-8"
        )

    def end(self) -> None:
        """The folder is ours no more."""
        remove(self.root / BEGUN)

    def take_back(self) -> None:
        """It is not finished any more."""
        remove(self.root / MARKER)

    def finish(self, digest: str, extras: Sequence[str], build: str) -> None:
        """It is finished."""
        self._write(BUILD, build)
        self._write(MARKER, " ".join((digest, *extras)))

    def _write(self, name: str, text: str) -> None:
        fresh = self.root / (name + ".new")
        fresh.write_text(text + "\n", encoding="utf-8")
        patiently(lambda: os.replace(fresh, self.root / name))
