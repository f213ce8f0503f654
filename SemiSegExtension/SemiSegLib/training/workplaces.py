"""Where the runs of a study are: on this computer, on a server, or on a cluster. Called off the main thread only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from SemiSegLogic.study import Study


class Workplaces:
    """``python()`` gives the interpreter's command and ``environment()`` its variables, which must be those from before
    Slicer started: its libraries are not for another Python. Asked only when something is to be started here.
    ``far`` is the file of the server or cluster that the person used last ("": none).
    """

    def __init__(
        self, python: Callable[[], Sequence[str]], environment: Callable[[], Mapping[str, str]], far: str = ""
    ) -> None:
        self._python, self._environment, self._far = python, environment, far
        self._local: Any = None
        self._known: dict[str, Any] = {}  # far places by their files
        self._away: dict[str, Any] = {}  # the same by the runs that were seen there: a disk may go and come back

    def here(self, starts: bool = False) -> Any:
        """This computer's backend; one that ``starts`` something knows the Python that trains."""
        from SemiSegLogic.backends import LocalBackend
        from SemiSegLogic.rounds import jobs_folder

        if self._local is None or starts:
            command, variables = (self._python(), self._environment()) if starts else ([sys.executable], {})
            self._local = LocalBackend(jobs_folder(), list(command), variables, own_python=False)
        return self._local

    def on(self, far: str) -> Any:
        """The place that the file ``far`` describes, to begin a run there; runs are looked for there from now on.
        Raises PlaceError in words when it takes no jobs.
        """
        from .far_places import far_place

        backend = far_place(far, self._environment())
        backend.check()  # before images are handed over in vain
        self._far = far
        self._known[far] = backend
        return backend

    def of(self, run: str, starts: bool = False) -> Any:
        """The backend that has a run: this computer's, unless only the far folder holds it."""
        if run not in self._away and not self.here().folder(run).submitted:
            there = self._there()
            if there is not None and there.folder(run).submitted:
                self._away[run] = there
        return self._away[run] if run in self._away else self.here(starts)

    def address(self, run: str) -> str:
        """Of the place that a run is on; "" for this computer."""
        return str(self._away[run].address) if run in self._away else ""

    def _there(self) -> Any | None:
        """The far place used last; None where its file is no use any more: then nothing can be found on it."""
        if self._far and self._far not in self._known:
            from .far_places import usable_far_place

            there = usable_far_place(self._far, self._environment())
            if there is None:
                return None
            self._known[self._far] = there
        return self._known.get(self._far)

    def round(self, study: Study, run: str) -> Any:
        """A run of ``study``, wherever its job lies."""
        from SemiSegLogic.rounds import Round

        return Round(study, study.folder / "models" / run, self.of(run).root)
