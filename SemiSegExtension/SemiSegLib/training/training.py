"""Train on my labels: starting, following, stopping, finding a run again."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..tasks import Tasks
from ..words import _, in_words
from .beginning import FirstSlices
from .connection import LAST, Connection, Look, Manner, Next, Order
from .preflight import Finding, Preflight
from .run_words import ending

if TYPE_CHECKING:
    from SemiSegLogic.study import Study

    from ..controller import Controller
    from .telling import Telling


class Training:
    """One run at a time. ``poll()`` is called about once a second; it never waits. ``asking``: a run is being looked
    for or started, so that ``job`` is about to change.
    """

    def __init__(self, controller: Controller, connect: Callable[[Study], Connection]) -> None:
        self._controller, self._connect = controller, connect
        self.jobs = Tasks("SemiSeg jobs", controller.problem)
        self._first = FirstSlices(controller, self.jobs)
        self.job = ""
        self.look: Look | None = None
        self.preflight = Preflight(controller)
        self._connection: Connection | None = None
        self._study: Study | None = None
        self._looking = self.asking = False
        self.preparing = False  # Train was pressed, and what is asked and checked before the start is not through
        self._begun = ""  # what the run is until it is first looked at: "live", "apply" or training
        self._told_end = ""
        controller.listen(self._heard)

    @cached_property
    def _telling(self) -> Telling:
        from .telling import Telling  # with the first run: opening the module needs it not

        return Telling(self._controller, self.jobs)

    @property
    def running(self) -> bool:
        """A run is on its way, as far as we know."""
        return bool(self.job) and (self.look is None or not self.look.status.ended)

    @property
    def live(self) -> bool:
        """The run on its way, or the last one, learns while the person draws."""
        return self.look.live if self.look is not None else self._begun == "live"

    @property
    def applied(self) -> bool:
        """The run on its way, or the last one, uses a model and learns nothing."""
        return self.look.applied if self.look is not None else self._begun == "apply"

    @property
    def warnings(self) -> list[Finding]:
        """In spite of which the training on its way was begun."""
        return [] if self.applied else [finding for finding in self.preflight.findings if finding.level == "warning"]

    @property
    def engaged(self) -> bool:
        """Nothing can be begun now: a run is on its way, or will be in a moment. Learning while drawing makes room."""
        return self.asking or self.preparing or (self.running and not self.live)

    @property
    def starting(self) -> bool:
        """A run was asked for, and nobody has looked at it yet."""
        return self.asking and bool(self._begun)

    def _heard(self, what: str) -> None:
        if what in ("cases", "run") and not (self.asking or self._named):
            self._first.ask()
        if what == "case" and self.running and self._connection is not None:
            connection, job, opened = self._connection, self.job, self._controller.open_case
            self.jobs.run(_("Send the open case"), lambda: connection.show(job, opened.id if opened else ""))
        if what == "study" and self._controller.study not in (None, self._study):
            self._find_again()
        if what == "judged":
            self._catch_up()

    def _catch_up(self) -> None:
        """What is judged before the run is first looked at, it is told then."""
        looked_at = self.look is not None and not self.asking
        if self._connection is not None and looked_at and self.running and not self.applied:
            self._telling.catch_up(self._connection, self.job, self.live)

    def _find_again(self) -> None:
        """A run of this study that was started before Slicer was closed goes on; show it."""
        self._study = self._controller.study
        assert self._study is not None
        connection = self._connection = self._connect(self._study)
        self.job, self.look, self._told_end, self._begun = "", None, "", ""
        self.preflight.findings = []
        self.asking = True
        self.jobs.run(
            _("Look for a run"), connection.newest, lambda job: self._found(connection, job),
            lambda error: self._not_found(connection, error),
        )

    def _found(self, connection: Connection, job: str) -> None:
        if connection is not self._connection:
            return  # another study was opened meanwhile
        self.job = job
        self._looking = self.asking = False
        self._controller.tell("run")

    def _not_found(self, connection: Connection, error: Exception) -> None:
        if connection is self._connection:
            self.asking = False
        self._controller.tell("run")
        self._controller.say(_("Earlier trainings cannot be read: {error}").format(error=in_words(error)), "warning")

    def at_work(self, case: str, then: Callable[[str], None]) -> None:
        """Find out which kind of run that has not ended works with ``case``: "train", "live", "predict" or ""; then
        ``then(kind)`` on the main thread.
        """
        connection = self._connection
        self.jobs.run(_("Look for runs"), lambda: connection.at_work(case) if connection is not None else "", then)

    # --- the start ---------------------------------------------------------------------------------------------

    def start(self, order: Order) -> None:
        """Begin a run on everything that is done until now."""
        told = _("Training has started. You can go on drawing; new slices are used as soon as you mark them as done.")
        self._begin(_("Start training"), lambda connection: connection.start(order), told, "train")

    def use(self, model: str, only: bool, far: str) -> None:
        """Suggest with the model of a run, without training: for every case, or ``only`` the open one; ``far`` as
        in :class:`Order`.
        """
        opened = self._controller.open_case
        case, told = opened.id if opened is not None else "", _("The model is at work. You can go on drawing.")
        self._begin(_("Use the model"), lambda connection: connection.apply(model, case, only, far), told, "apply")

    def _begin(self, name: str, begin: Callable[[Connection], str], told: str, kind: str) -> None:
        connection, study = self._connection, self._study
        if connection is None or study is None:
            self._controller.say(_("Open a study first."), "warning")
            return
        if self.engaged:
            self._controller.say(_(
                "SemiSeg is already training or using a model. Stop it first, or wait until it is done."
            ), "warning")
            return
        live = self.job if self.live and self.running else ""

        def work() -> str:
            if live:
                connection.stop(live)  # it would make room by itself, only later
            return begin(connection)

        self.look, self._told_end, self._begun, self.asking = None, "", kind, True
        self._controller.after_saves(
            name, work, lambda job: self._started(connection, study, job, told),
            lambda error: self._not_started(connection, name, error),
        )

    def start_live(self, manner: Manner, failed: Callable[[Exception], None]) -> None:
        """Begin to learn while the person draws, from the last model; ``failed(error)`` when that cannot be."""
        connection, study, opened = self._connection, self._study, self._controller.open_case
        if connection is None or study is None:
            return
        earlier = LAST if self.job else ""
        self.look, self._told_end, self._begun, self.asking = None, "", "live", True
        case = opened.id if opened is not None else ""

        def not_started(error: Exception) -> None:
            if connection is self._connection:
                self.asking = False
            self._controller.tell("run")
            failed(error)

        self._controller.after_saves(
            _("Start learning"), lambda: connection.start_live(case, earlier, manner),
            lambda job: self._started(connection, study, job, ""), not_started,
        )

    def _not_started(self, connection: Connection, name: str, error: Exception) -> None:
        if connection is self._connection:
            self.asking = False
        self._controller.problem(name, error, "")
        self._controller.tell("run")

    def _started(self, connection: Connection, study: Study, job: str, told: str) -> None:
        """``told``: what is said of it; "" of a run that nobody asked for."""
        if connection is not self._connection:
            self._started_late(connection, study, job, told)
            return
        self.job, self.asking = job, False
        if told:
            self._controller.say(told, "good")
        self._controller.tell("run")

    def _started_late(self, connection: Connection, study: Study, job: str, told: str) -> None:
        """Another study was opened while the run began. It would go on with nobody to follow it, beside what is begun
        for the study that is open now.
        """
        if self._study is not None and self._study.folder == study.folder:
            self._find_again()  # the same one was opened anew: the run is its newest
            return
        self.jobs.run(_("Stop"), lambda: connection.stop(job))
        if told:
            text = _("What was just starting in the previous study was stopped, because another study was opened. To "
                     "continue it, open that study again and press Resume.")  # fmt: skip
            self._controller.say(text, "warning")

    def stop(self) -> None:
        """Stop and keep the best model."""
        self._ask(lambda connection, job: connection.stop(job), _("Stop"))

    def resume(self) -> None:
        """Go on with a run that was lost or stopped."""
        self._told_end, self.look = "", None
        self._ask(lambda connection, job: connection.resume(job), _("Resume"))

    def _ask(self, what: Callable[[Connection, str], Any], name: str) -> None:
        connection, job = self._connection, self.job
        if connection is not None and job:
            self.jobs.run(name, lambda: what(connection, job), lambda _done: self._controller.tell("run"))

    # --- meanwhile --------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Look at the run on the thread, unless the last look is still on its way."""
        connection, job = self._connection, self.job
        if connection is None or not job or self._looking or self.asking or self._told_end == job:
            return
        self._looking = True
        self.jobs.run(_("Look at training"), lambda: connection.look(job), self._looked, self._not_looked)

    def _looked(self, look: Look) -> None:
        self._looking = False
        if look.job != self.job:
            return
        self.look = look
        self._catch_up()
        opened = self._controller.open_case
        if look.changed and (opened is None or opened.id in look.changed):
            self._controller.results.reload_suggestion()
        elif look.changed:
            self._controller.refresh()
        if look.status.ended and self._told_end != look.job:
            self._told_end = look.job
            text, level = ending(look)
            if text:
                self._controller.say(text, level)
        self._controller.tell("run")

    def _not_looked(self, error: Exception) -> None:
        self._looking = False
        self._controller.say(_("The state of the training cannot be read now: {error}").format(error=error), "warning")

    # --- what to look at next ---------------------------------------------------------------------------------

    @property
    def _named(self) -> bool:
        """A model has named its slices, if only to say that there are none."""
        return self.look is not None and bool(self.look.ranking or self.look.status.first_mask)

    def worth_a_look(self) -> list[Next]:
        """Slices that the model is unsure of and nobody has judged since, best first; without a model, those that the
        images suggest to draw first.
        """
        left = {row.id: row.done for row in self._controller.rows if not row.finished}
        ranking = self.look.ranking if self.look is not None and self._named else self._first.found
        opened = self._controller.open_case
        if opened is not None and opened.id in left:
            left[opened.id] = frozenset(opened.done)
        return [item for item in ranking if item.case in left and item.place not in left[item.case]]
