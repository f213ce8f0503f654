"""The private Python environment: set up by a process of its own, with a log, cancelled, repaired and removed.

Slicer's own Python is never changed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from SemiSegLogic.environment import Requirements, default_folder
from SemiSegLogic.environment.folder import EnvironmentFolder
from SemiSegLogic.environment.pip import OURS_TO_DROP, PROGRESS, native
from SemiSegLogic.environment.problem import ROOM_GB, EnvironmentProblem

from ..words import _
from .process import SetupProcess, State

_WORK = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from SemiSegLogic.environment import Requirements, prepare
from SemiSegLogic.environment.builds import find_cards, fitting
from SemiSegLogic.environment.folder import EnvironmentFolder
from SemiSegLogic.environment.problem import EnvironmentProblem, explain_disk
folder, base, bundle, anew = Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], sys.argv[5]
try:
    if anew:
        EnvironmentFolder(folder).begin_anew()
    choice = fitting(find_cards())
    if choice.why:
        print("SemiSeg: " + choice.why, flush=True)
    prepare(folder, Requirements.of_this_copy(), base, build=choice.build, bundle=Path(bundle) if bundle else None)
except EnvironmentProblem as problem:
    print(problem, flush=True)
    sys.exit("PROBLEM: " + problem.text)
except OSError as error:
    sys.exit("PROBLEM: " + explain_disk(error, folder))
print("READY", flush=True)
"""


class Installer:
    """The environment in ``folder`` and the process that sets it up. Every call but ``remove`` returns at once."""

    def __init__(self, folder: Path | None = None, surroundings: Mapping[str, str] | None = None) -> None:
        """``surroundings``: the environment variables from before Slicer started; by default those of this process."""
        self.folder = folder or default_folder()
        self._surroundings = surroundings
        self._process = SetupProcess(self.folder.parent / (self.folder.name + "-setup.log"))

    @property
    def log(self) -> Path:
        """What the set-up printed."""
        return self._process.log

    @property
    def python(self) -> list[str]:
        """The environment's interpreter as a command. Raises EnvironmentProblem when it is not set up."""
        if self.look().kind != "ready":
            raise EnvironmentProblem(_("The computing environment is not set up. Press Set up first."))
        return EnvironmentFolder(self.folder).command

    def start(self, base: Sequence[str], bundle: Path | None = None) -> None:
        """Set up, go on after an interruption, or make a finished environment anew; with the Python ``base``, and
        from an offline ``bundle`` when one is given. Raises OSError when it cannot be started.
        """
        anew = "anew" if self.look().kind == "ready" else ""
        words = [str(package_root()), str(self.folder), base[-1], str(bundle or ""), anew]
        surroundings = {**self.environment(), PROGRESS: "1", "PYTHONUTF8": "1"}
        self._process.start([*native(), *base, "-u", "-c", _WORK, *words], surroundings)

    def look(self) -> State:
        """How the environment is now."""
        if self._process.running:
            return self._process.doing()
        environment = EnvironmentFolder(self.folder)
        if environment.is_being_changed:
            return State("installing", _("Another Slicer window, or a terminal, is setting it up"))
        if environment.is_ready(Requirements.of_this_copy().digest):
            return State("ready", str(self.folder))
        if self._process.problem:
            return State("failed", self._process.problem)
        if environment.was_ready:
            return State("outdated", _("It was made by another version of SemiSeg, or its Python is gone."))
        return State("unfinished" if environment.is_ours else "absent")

    def cancel(self) -> None:
        """Stop setting up, with everything that was started for it; what was downloaded is kept by pip."""
        if self._process.cancel():
            self._process.problem = _("It was cancelled. Press Repair to continue.")

    def remove(self) -> None:
        """Delete the environment, if it is ours. Raises EnvironmentProblem otherwise, or when it is held."""
        EnvironmentFolder(self.folder).remove()
        self._process.problem = ""

    def log_text(self, size: int = 60_000) -> str:
        """The end of the log."""
        return self._process.text(size)

    def environment(self) -> dict[str, str]:
        """What a process outside Slicer inherits: nothing that leads another Python to Slicer's libraries."""
        kept = os.environ if self._surroundings is None else self._surroundings
        return {key: value for key, value in kept.items() if key not in OURS_TO_DROP}


def question(folder: Path) -> str:
    """What the person is asked before anything is downloaded."""
    return _(
        "SemiSeg needs PyTorch and MONAI to train. They will be downloaded (0.4 GB for the processor, about {size:.0f} "
        "GB for a graphics card) into a folder of their own:\n\n{folder}\n\nSlicer's own Python stays as it is, and "
        "you can remove the folder here at any time. It takes some minutes; you can go on working meanwhile."
    ).format(size=ROOM_GB / 2, folder=folder)


def package_root() -> Path:
    """The folder from which SemiSegLogic is imported."""
    import SemiSegLogic

    return Path(next(iter(SemiSegLogic.__path__))).parent
