"""The run on its way is told what was drawn since it was begun."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from ..tasks import Tasks
from ..words import _
from .connection import Connection, Untold

if TYPE_CHECKING:
    from ..controller import Controller


class Telling:
    """Harmless to repeat: behind every look, so that what was judged while the run stood still, or in another window,
    reaches it too. What it cannot be told is said once.
    """

    def __init__(self, controller: Controller, jobs: Tasks) -> None:
        self._controller, self._jobs = controller, jobs
        self._said: set[tuple[str, str]] = set()  # run, and of what it could not be told, or why

    def catch_up(self, connection: Connection, job: str, live: bool) -> None:
        """``live``: the run learns while the person draws."""
        self._jobs.run(
            _("Send labels"), lambda: connection.catch_up(job), lambda untold: self._caught_up(job, live, untold),
            lambda error: self._not_sent(job, error),
        )

    def _caught_up(self, job: str, live: bool, untold: list[Untold]) -> None:
        """A training that cannot take them goes on; learning while drawing begins anew by itself."""
        for item in untold:
            if not item.added_later:
                self._not_sent(job, item.why)
            elif not live and self._is_news(job, item.case):
                name = next((row.name for row in self._controller.rows if row.id == item.case), item.case)
                text = _("This training cannot learn what is drawn in {case}: the case, or a structure in it, was "
                         "added after it began. The next training will.")  # fmt: skip
                self._controller.say(text.format(case=name))

    def _not_sent(self, job: str, error: Exception) -> None:
        if self._is_news(job, str(error)):
            self._controller.problem(_("Send labels"), error, "".join(traceback.format_exception(error)))

    def _is_news(self, job: str, what: str) -> bool:
        news = (job, what) not in self._said
        self._said.add((job, what))
        return news
