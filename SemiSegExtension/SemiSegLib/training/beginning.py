"""Which slices to draw before there is a model: asked of the study's images, a few at a time, off the main thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tasks import Tasks
from ..words import _
from .connection import Next

if TYPE_CHECKING:
    from SemiSegLogic.study import Study
    from SemiSegLogic.study.beginning import Beginning

    from ..controller import Controller


class FirstSlices:
    """``found``: the slices worth drawing, best first, while no model can name any.

    ``jobs`` is the thread of the runs, idle until there is one; every task of ours reads one image.
    """

    def __init__(self, controller: Controller, jobs: Tasks) -> None:
        self._controller, self._jobs = controller, jobs
        self._study: Study | None = None
        self._beginning: Beginning | None = None
        self._asked_for: tuple[Any, ...] = ()
        self.found: list[Next] = []

    def ask(self) -> None:
        """Look again when the study, its cases or their judged slices changed since."""
        study = self._controller.study
        wanted = (study, *((row.id, row.drawn + row.empty) for row in self._controller.rows))
        if study is None or wanted == self._asked_for:
            return
        self._asked_for = wanted
        if study is not self._study:
            self._study, self._beginning, self.found = study, None, []
        self._look(study)

    def _look(self, study: Study) -> None:
        def work() -> tuple[bool, list[Next]]:
            beginning = self._begun(study)
            more = beginning.look_at_more()
            return more, [Next(item.case, item.place, item.reason) for item in beginning.slices()]

        self._jobs.run(_("Look for first slices"), work, lambda result: self._looked(study, *result))

    def _looked(self, study: Study, more: bool, found: list[Next]) -> None:
        if study is not self._study:
            return
        if found != self.found:
            self.found = found
            self._controller.tell("run")
        if more:
            self._look(study)

    def _begun(self, study: Study) -> Beginning:
        from SemiSegLogic.study.beginning import Beginning

        if self._beginning is None:
            self._beginning = Beginning(type(study)(study.folder))  # of its own: two threads must not share a lock
        return self._beginning
