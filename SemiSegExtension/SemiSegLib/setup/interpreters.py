"""Which Python trains: a private environment, one that the person chose, or Slicer's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from .installer import Installer
from .other_pythons import ChosenPython, SlicersPython
from .process import State

PRIVATE, CHOSEN, SLICERS = "private", "chosen", "slicers"


class Interpreter(Protocol):
    """A Python to train with."""

    @property
    def folder(self) -> Path:
        """Where it lies."""

    @property
    def python(self) -> list[str]:
        """Its command. Raises EnvironmentProblem when it cannot train."""

    def look(self) -> State:
        """How it is now; starts nothing."""

    def environment(self) -> dict[str, str]:
        """The variables that its processes inherit."""


class Kept:
    """What the person chose, and what was found out: read once, written by ``flush`` on the main thread only, for
    Slicer's settings are not to be touched from another.
    """

    KEYS = ("place", "python", "environment", "python-good", "slicers-python-good")

    def __init__(self, read: Callable[[str], str]) -> None:
        self._texts = {key: read(key) for key in self.KEYS}
        self._new: set[str] = set()

    def get(self, key: str) -> str:
        """The text under ``key``; "" when there is none."""
        return self._texts[key]

    def set(self, key: str, text: str) -> None:
        """Known at once, written at the next flush."""
        if text != self._texts[key]:
            self._texts[key] = text
            self._new.add(key)

    def flush(self, write: Callable[[str, str], None]) -> None:
        """Write what is new."""
        while self._new:
            key = self._new.pop()
            write(key, self._texts[key])


class Interpreters:
    """All three, and the one that counts."""

    def __init__(
        self, kept: Kept, surroundings: dict[str, str], slicers_python: str, has_extension: Callable[[], bool],
        private: Any = None,
    ) -> None:
        """``slicers_python`` "" when it was not found; ``private`` is given by tests in place of an Installer."""
        self.kept, self.surroundings, self.slicers_python = kept, surroundings, slicers_python
        self.private = private or self._private()
        self.chosen = self._chosen()
        log = Path(self.private.folder).parent / "slicers-python-setup.log"
        keep = (lambda key: kept.get("slicers-" + key), lambda key, text: kept.set("slicers-" + key, text))
        self.slicers = SlicersPython(slicers_python, surroundings, keep, has_extension, log)

    @property
    def kind(self) -> str:
        """PRIVATE, CHOSEN or SLICERS."""
        kept = self.kept.get("place")
        return kept if kept in (CHOSEN, SLICERS) else PRIVATE

    @kind.setter
    def kind(self, kind: str) -> None:
        self.kept.set("place", kind)

    @property
    def current(self) -> Any:
        """The one that trains."""
        return {CHOSEN: self.chosen, SLICERS: self.slicers}.get(self.kind, self.private)

    def choose_python(self, path: str) -> None:
        """Another program for CHOSEN; it is to be judged anew."""
        self.kept.set("python", path)
        self.chosen = self._chosen()

    def choose_folder(self, path: str) -> None:
        """Another folder for the private environment; "" for the usual one."""
        self.kept.set("environment", path)
        self.private = self._private()

    def _chosen(self) -> ChosenPython:
        return ChosenPython(self.kept.get("python"), self.surroundings, (self.kept.get, self.kept.set))

    def _private(self) -> Installer:
        folder = self.kept.get("environment")
        return Installer(Path(folder) if folder else None, self.surroundings)
