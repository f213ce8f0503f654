"""The study, its cases and the case on screen: what the buttons mean. No Qt, no Slicer: it is told of a screen."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from . import casework
from .adding import Adding
from .annotations import slice_numbers
from .labelling import Labelling
from .model import OpenCase, ScreenPort, Shown
from .results import Results
from .tasks import Tasks
from .words import _

if TYPE_CHECKING:
    from SemiSegLogic.study import Case, CaseRow, Study

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Controller:
    """Everything happens in order: files on ``disk``'s thread, the screen on the main one. What takes minutes, such as
    reading images in, is done in the ``background``: what is drawn must not wait for it.

    ``listen(call)``: ``call(what)`` is told what changed: "study", "cases", "case", "labels", "suggestion", "notice",
    "judged".
    """

    def __init__(self, screen: ScreenPort, author: str = "") -> None:
        self.screen = screen
        self._author = author
        self.disk = Tasks("SemiSeg files", self.problem)
        self.background = Tasks("SemiSeg background", self.problem)
        self.study: Study | None = None
        self.study_name = ""  # as last read: a share may have gone, and the screen must not wait for it
        self.damaged: Path | None = None  # a study that could not be opened, and can be repaired
        self.studies_wanted = 0  # so often was one asked for: who waited sees that the person chose meanwhile
        self.rows: list[CaseRow] = []
        self._structures: list[Shown] = []
        self.open_case: OpenCase | None = None
        self._case: Case | None = None
        self.wanted_case = ""
        self._shows = 0  # so often was a case asked for: what was read for an earlier click comes too late
        self._reading = ""  # the case that is being read for the latest one
        self.notice: tuple[str, str] = ("", "")
        self.adding = Adding(self)
        self.labelling = Labelling(self)
        self.results = Results(self)
        self._listeners: list[Callable[[str], None]] = []

    @cached_property
    def author(self) -> str:
        """In whose name slices are judged: unless told otherwise, who is at this computer."""
        from SemiSegLogic.study.lock import user_name  # with the study: opening the module needs neither

        return self._author or user_name()

    # --- the threads ------------------------------------------------------------------------------------------

    def poll(self) -> None:
        """Hand over what the threads finished."""
        self.disk.poll()
        self.background.poll()

    @property
    def busy(self) -> list[str]:
        """What the threads are asked for."""
        return [*self.disk.busy, *self.background.busy]

    # --- telling ----------------------------------------------------------------------------------------------

    def listen(self, call: Callable[[str], None]) -> None:
        self._listeners.append(call)

    def tell(self, what: str) -> None:
        for call in list(self._listeners):
            call(what)

    def tell_judged(self, opened: OpenCase) -> None:
        """Slices of a case, which may have left the screen since, were judged, redrawn or taken back."""
        if self.study is not None and opened.folder.parents[1] == self.study.folder:
            self.tell("judged")

    def say(self, text: str, level: str = "info") -> None:
        """Show one line to the person: level "info", "good", "warning" or "error"."""
        self.notice = (text, level)
        self.tell("notice")

    def problem(self, task: str, error: Exception, details: str) -> None:
        """An error nobody expected where it happened: in words for the person, whole in the log."""
        logger.error("%s failed: %s\n%s", task, error, details)
        self.say(f"{task}: {error}", "error")

    # --- the study --------------------------------------------------------------------------------------------

    def create_study(self, folder: Path, structures: Sequence[str]) -> None:
        self._use_study(_("Create study"), lambda: _study_class().create(folder, structures=structures))

    def open_study(self, folder: Path, case: str = "") -> None:
        """Open a study and, when named, one of its cases."""
        task = _("Open study")

        def failed(error: Exception) -> None:
            self.damaged = folder if _is_damage(error) else None
            self.problem(task, error, "".join(traceback.format_exception(error)))
            if self.damaged is not None:
                remedy = _("Press 'Repair the study' below the list.")
                self.say(f"{self.notice[0]} {remedy}", "error")
            self.tell("study")

        self._use_study(task, lambda: _study_class().open(folder), case, failed)

    def _use_study(
        self, name: str, make: Callable[[], Study], case: str = "", failed: Callable[[Exception], None] | None = None
    ) -> None:
        self.labelling.save_now()
        self.wanted_case = case
        self.studies_wanted += 1

        def told(error: Exception) -> None:
            self.problem(name, error, "".join(traceback.format_exception(error)))

        def not_opened(error: Exception) -> None:
            self._stay()
            if self.open_case is None:
                self.close_case()  # an image that was just being put on screen
            (failed or told)(error)

        def read(study: Study) -> tuple[Study, str, list[CaseRow], list[Shown]]:
            return study, study.name, study.status(), structures_of(study)

        def found(there: tuple[Study, str, list[CaseRow], list[Shown]]) -> None:
            """One that is open already may have changed since: it is read again, with nothing on screen."""
            if self.study is None or there[0].folder != self.study.folder:
                self._study_opened(there)
            else:
                self._put_away()
                self.disk.run(name, lambda: read(there[0]), self._study_opened, not_opened)

        self.disk.run(name, lambda: read(make()), lambda there: self._when_saved(lambda: found(there)), not_opened)

    def _put_away(self) -> None:
        """Close the case on screen; the one that is wanted still comes."""
        wanted = self.wanted_case
        self.close_case()
        self.wanted_case = wanted

    def _study_opened(self, found: tuple[Study, str, list[CaseRow], list[Shown]]) -> None:
        wanted, self.damaged = self.wanted_case, None
        self._put_away()
        self._asked_anew("")  # a case of the study before that is being read stays away
        self.study, self.study_name, self.rows, self._structures = found
        self.tell("study")
        self.tell("cases")
        self.say(_("Study {name}. Cases: {count}.").format(name=self.study_name, count=len(self.rows)))
        self.background.run(_("Tidy up"), self.study.tidy)  # what a killed Slicer left half written
        if wanted in {row.id for row in self.rows}:
            self.show(wanted)

    def refresh(self) -> None:
        """Read the list of cases again."""
        study = self.study
        if study is not None:
            self.disk.run(_("Read cases"), study.status, lambda rows: self._listed(study, rows))

    def _listed(self, study: Study, rows: list[CaseRow]) -> None:
        if study is self.study:
            self.rows = rows
            self.tell("cases")

    # --- cases ------------------------------------------------------------------------------------------------

    def show(self, case_id: str) -> None:
        """Bring a case on screen in place of the one there; what is drawn is saved first."""
        if self.open_case is not None and self.open_case.id == case_id:
            self.wanted_case = case_id  # not the one that was clicked before and is on its way
            return
        if case_id == self.wanted_case == self._reading:
            return  # a double click
        self.labelling.save_now()
        self.wanted_case, study, number = case_id, self.need_study(), self._asked_anew(case_id)

        def work() -> tuple[Case, OpenCase]:
            case = study.case(case_id)
            return case, casework.load(case)

        self.disk.run(
            _("Load case"), work, lambda found: self._loaded(number, *found),
            lambda error: self._not_loaded(case_id, error),
        )

    def show_again(self) -> None:
        """The case on screen anew, as the study has it: somebody changed its image there. What is drawn is saved first.
        """
        opened = self.open_case

        def reopen() -> None:
            if opened is not None and opened is self.open_case and self.wanted_case == opened.id:
                self.close_case()
                self.show(opened.id)

        self._when_saved(reopen)

    def _asked_anew(self, case_id: str) -> int:
        self._shows, self._reading = self._shows + 1, case_id
        return self._shows

    def _awaited(self, number: int, opened: OpenCase) -> bool:
        """No other case was clicked meanwhile, and no other study opened."""
        return number == self._shows and opened.id == self.wanted_case

    def _not_loaded(self, case_id: str, error: Exception) -> None:
        """The case on screen, if there is one, stays."""
        self._reading = ""
        if self.wanted_case == case_id:
            self._stay()
        from SemiSegLogic.study import ImageError

        remedy = ""
        if isinstance(error, ImageError):
            remedy = _("If the file was moved, right-click the case in the list and say where its image is now.")
        elif _is_damage(error):
            remedy = _("Press 'Repair the study' below the list.")
        text = _("{case} cannot be opened. {error}").format(case=case_id, error=error)
        self.say(f"{text} {remedy}".strip(), "error")

    def _loaded(self, number: int, case: Case, opened: OpenCase) -> None:
        if self._awaited(number, opened):
            self._reading = ""
            self._when_saved(lambda: self._make_room(number, case, opened))

    def _when_saved(self, then: Callable[[], None]) -> None:
        """Go on when everything drawn is on disk; where it cannot be saved, it stays on screen instead."""
        if self.open_case is None:
            then()
        else:
            self.labelling.save_now()
            self.next_beat(lambda: self._if_saved(then))

    def _if_saved(self, then: Callable[[], None]) -> None:
        if self.open_case is not None and self.labelling.failed:
            self._stay()
            text = _("{case} stays on screen, because its drawing could not be saved: {error}")
            self.say(text.format(case=self.open_case.name, error=self.labelling.failed), "error")
        elif self.labelling.unsaved or self.labelling.saving:  # the person goes on drawing
            self._when_saved(then)
        else:
            then()

    def _stay(self) -> None:
        """What was wanted does not come: the case on screen, if there is one, is wanted."""
        self.wanted_case = self.open_case.id if self.open_case is not None else ""

    def _make_room(self, number: int, case: Case, opened: OpenCase) -> None:
        if self._awaited(number, opened):
            self.screen.clear_case()
            self.open_case = None
            self.next_beat(lambda: self._put_on_screen(number, case, opened))

    def after_saves(self, name: str, work: Callable[[], T], done: Callable[[T], None],
                    failed: Callable[[Exception], None]) -> None:  # fmt: skip
        """Do ``work()`` in the background, on what is drawn until now, then ``done(result)`` or ``failed(error)``."""
        self.labelling.save_now()
        self.next_beat(lambda: self.background.run(name, work, done, failed))

    def next_beat(self, then: Callable[[], None]) -> None:
        """Go on at the timer's next beat, so that no single step holds the screen up for long."""
        self.disk.run(_("Show"), lambda: None, lambda _none: then())

    def _put_on_screen(self, number: int, case: Case, opened: OpenCase) -> None:
        if self._awaited(number, opened):
            self.screen.show_image(opened)
            opened.image = None
            self.next_beat(lambda: self._put_labels_on_screen(number, case, opened))

    def _put_labels_on_screen(self, number: int, case: Case, opened: OpenCase) -> None:
        if not self._awaited(number, opened):
            return
        self.screen.show_labels(opened, self.structures())
        self._case, self.open_case = case, opened
        self.labelling.opened()
        self.tell("case")
        self.tell("labels")
        if opened.elsewhere:
            text = _("{case} is also open in another Slicer window, with slices drawn there but not done: {numbers}.")
            self.say(text.format(case=opened.name, numbers=slice_numbers(opened.elsewhere)), "warning")
        self.next_beat(lambda: self.results.show(opened))

    def close_case(self, leave_nodes: bool = False) -> None:
        """Save and put the case away. ``leave_nodes``: the scene is being closed and takes the nodes itself."""
        self.labelling.save_now()
        self.open_case, self.wanted_case = None, ""
        if not leave_nodes:
            self.screen.clear_case()
        self.tell("case")

    def leave_case(self, case_id: str) -> None:
        """A case has gone: it is put away if it is on screen; another one that was clicked since still comes."""
        wanted = self.wanted_case if self.wanted_case != case_id else ""
        if self.open_case is not None and self.open_case.id == case_id:
            self.close_case()
        self.wanted_case = wanted

    def case(self) -> Case:
        """The study's case that is on screen."""
        if self.open_case is None or self._case is None:
            raise ValueError(_("Open a case first."))
        return self._case

    # --- structures -------------------------------------------------------------------------------------------

    def structures(self) -> list[Shown]:
        """The study's structures, as last read: the disk may be slow."""
        return list(self._structures)

    def structures_changed(self) -> None:
        """Read them again; they were just changed by us."""
        self._structures = structures_of(self.need_study())
        self.tell("study")

    def add_structure(self, name: str) -> None:
        """One more structure, in the study and on screen."""
        study = self.need_study()
        self.disk.run(
            _("Add structure"), lambda: (study.add_structure(name), structures_of(study))[1],
            lambda structures: self._restructured(study, structures, name),
        )

    def tell_of_new(self, name: str) -> None:
        """A slice that is done was judged for all structures, also for one that was added only now."""
        done = sum(len(row.done) for row in self.rows)
        if done:
            text = _("On the slices done until now ({n}) {name} counts as not there. Where it can be seen, draw it, or "
                     "take the slice back with Not done.")  # fmt: skip
            self.say(text.format(n=done, name=name))

    def _restructured(self, study: Study, structures: list[Shown], name: str) -> None:
        if study is not self.study:
            return
        self.tell_of_new(name)
        self._structures = structures
        if self.open_case is not None:
            self.screen.restore(self.structures())
        self.tell("study")
        self.tell("labels")

    def need_study(self) -> Study:
        """The study; raises ValueError when none is open."""
        if self.study is None:
            raise ValueError(_("Open or create a study first."))
        return self.study


def structures_of(study: Study) -> list[Shown]:
    """What a study calls its structures, as segments show them."""
    return [Shown(item.value, item.name, item.color, terminology=item.terminology) for item in study.structures]


def _is_damage(error: Exception) -> bool:
    """Whether repairing the study mends it."""
    from SemiSegLogic.study import DamagedError

    return isinstance(error, DamagedError)


def _study_class() -> type[Study]:
    """Imported when first needed: opening the panel must not wait for SimpleITK."""
    from SemiSegLogic.study import Study

    return Study
