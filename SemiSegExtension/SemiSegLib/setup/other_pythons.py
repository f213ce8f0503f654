"""Training with a Python that is there already: one that the person chose, or Slicer's own with PyTorch added."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from SemiSegLogic.environment import LIST, Requirements
from SemiSegLogic.environment.pip import native
from SemiSegLogic.environment.problem import EnvironmentProblem

from ..words import _
from .process import SetupProcess, State
from .pythons import Verdict, judge

Keep = tuple[Callable[[str], str], Callable[[str, str], None]]
"""Reads and writes a text that outlives Slicer."""

_WORK = """
import sys
sys.path.insert(0, sys.argv[1])
from SemiSegLogic.environment import slicers
from SemiSegLogic.environment.problem import EnvironmentProblem
try:
    slicers.add_packages(sys.argv[2])
except EnvironmentProblem as problem:
    print(problem, flush=True)
    sys.exit("PROBLEM: " + problem.text)
print("READY", flush=True)
"""


class ChosenPython:
    """A Python that nothing is installed into: judged once, and again when it or SemiSeg's needs have changed."""

    def __init__(self, path: str, surroundings: Mapping[str, str], keep: Keep) -> None:
        self.path, self._surroundings = path, surroundings
        self._read, self._write = keep
        self._verdict: Verdict | None = None

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return Path(self.path).parent

    @property
    def python(self) -> list[str]:
        """Its command. Raises EnvironmentProblem when it cannot train."""
        state = self.look()
        if state.kind != "ready":
            raise EnvironmentProblem(state.text)
        return [*native(), self.path]

    def look(self) -> State:
        """Ready when it was judged good as it is now; starts nothing."""
        if not self.path:
            return State("absent", _("Choose a Python that has PyTorch and MONAI."))
        if self._verdict is not None and not self._verdict.good:
            return State("failed", self._verdict.text)
        if self._read("python-good") == self._fingerprint():
            return State("ready", self._verdict.text if self._verdict else self.path)
        return State("absent", _(
            "{python} has not been checked yet: press Check my computer."
        ).format(python=self.path))

    def judge(self) -> Verdict:
        """Start it and see; remembered when good. Not for the main thread."""
        self._verdict = judge(self.path, self._surroundings)
        self._write("python-good", self._fingerprint() if self._verdict.good else "")
        return self._verdict

    def environment(self) -> dict[str, str]:
        """What its process inherits."""
        return dict(self._surroundings)

    def _fingerprint(self) -> str:
        """Changes when the program, the folder of packages beside it, or our list of packages changes."""
        program = Path(self.path)
        try:
            times = [os.stat(place).st_mtime_ns for place in (program, program.parent)]
        except OSError:
            return "gone"
        return f"{self.path} {times} {Requirements.of_list(LIST).digest}"


class SlicersPython(ChosenPython):
    """Slicer's own Python with PyTorch from the PyTorch extension. Only on an explicit wish, for it changes Slicer.

    Nothing of it is ever loaded into Slicer itself: training is a process of its own here, too.
    """

    def __init__(
        self, path: str, surroundings: Mapping[str, str], keep: Keep, has_extension: Callable[[], bool], log: Path
    ) -> None:
        super().__init__(path, surroundings, keep)
        self._has_extension = has_extension
        self._process = SetupProcess(log)
        self._changed = False  # something was begun to be installed, and nobody has looked since

    @property
    def to_be_judged(self) -> bool:
        """What was installed is all there, says pip: ``judge`` has to look."""
        return self._changed and not self._process.running and not self._process.problem

    def judge(self) -> Verdict:
        """As the base. A good verdict outweighs what went wrong before; a bad one after an installation is told."""
        at_rest, installed = not self._process.running, self.to_be_judged
        try:
            verdict = super().judge()
            if verdict.good:
                self._process.problem = ""
            elif installed:
                self._process.problem = verdict.text
        finally:  # only now: until then the panel, which looks meanwhile, is to see that something is going on
            self._changed = self._changed and not at_rest
        return verdict

    def look(self) -> State:
        """As the base, and how an installation goes on."""
        if self._process.running:
            return self._process.doing()
        if self._process.problem:
            return State("failed", self._process.problem)
        if self._changed:
            return State("installing", _("Checking that everything is there"))
        if not self.path:
            return State("absent", _("Slicer's own Python was not found. Use a private environment."))
        if not self._has_extension():
            return State("absent", _(
                "First install the extension PyTorch (View, Extensions Manager) and restart Slicer."
            ))
        state = super().look()
        lacks = self._verdict is not None and self._verdict.lacking
        if state.kind != "ready" and (lacks or self._verdict is None):
            return State("absent", _("Slicer's own Python has no PyTorch yet, or has not been checked."))
        return state

    def start(self, package_root: Path) -> None:
        """Add what is missing. Raises EnvironmentProblem without the extension, OSError when it cannot be started."""
        state = self.look()
        if not self.path or not self._has_extension():
            raise EnvironmentProblem(state.text)
        self._process.start(
            [self.path, "-u", "-c", _WORK, str(package_root), self.path], {**self._surroundings, "PYTHONUTF8": "1"}
        )
        self._changed = True

    def cancel(self) -> None:
        """Stop; pip leaves a package whole or out."""
        if self._process.cancel():
            self._process.problem = _("It was cancelled. Press Set up to continue.")

    def log_text(self, size: int = 60_000) -> str:
        """The end of the log."""
        return self._process.text(size)


def slicers_question() -> str:
    """What the person is asked before Slicer's own Python is changed."""
    return _(
        "PyTorch, MONAI and the packages they need will be added to Slicer's own Python, as the PyTorch extension does "
        "it. Other extensions will see them, too. Packages that came with Slicer keep their versions. This takes some "
        "minutes and up to 6 GB. To remove PyTorch again, use the module PyTorch Util.\n\nChange Slicer's Python?"
    )
