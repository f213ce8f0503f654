"""The study, its cases and the case on screen: what the buttons mean. No Qt, no Slicer: it is told of a screen."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .cases.adding import Adding
from .cases.results import Results
from .cases.showing import Showing
from .labelling.drafts import new_panel
from .labelling.labelling import Labelling
from .ports import OpenCase, ScreenPort, Shown, structures_of
from .tasks import Tasks
from .words import _, in_words

if TYPE_CHECKING:
    from SemiSegLogic.study import CaseRow, Study

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StudyRead:
    """A study, and what the panel needs of it at once, read on the disk's thread."""

    study: Study
    name: str
    rows: list[CaseRow]
    structures: list[Shown]

    @classmethod
    def of(cls, study: Study) -> StudyRead:
        """As it is on the disk now."""
        return cls(study, study.name, study.status(), structures_of(study))


class Controller:
    """Everything happens in order: files on ``disk``'s thread, the screen on the main one. What takes minutes, such as
    reading images in, is done in the ``background``: what is drawn must not wait for it.

    ``listen(call)``: ``call(what)`` is told what changed: "study", "cases", "case", "labels", "suggestion", "notice",
    "judged".
    """

    def __init__(self, screen: ScreenPort, author: str = "") -> None:
        self.screen = screen
        self._author = author
        self.panel = new_panel()  # drafts are kept by panel: there may be another one in this Slicer
        self.disk = Tasks("SemiSeg files", self.problem)
        self.background = Tasks("SemiSeg background", self.problem)
        self.study: Study | None = None
        self.study_name = ""  # as last read: a share may have gone, and the screen must not wait for it
        self.damaged: Path | None = None  # a study that could not be opened, and can be repaired
        self.studies_wanted = 0  # so often was one asked for: who waited sees that the person chose meanwhile
        self.rows: list[CaseRow] = []
        self._structures: list[Shown] = []
        self.open_case: OpenCase | None = None
        self.notice: tuple[str, str] = ("", "")
        self.showing = Showing(self)
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

    def after_saves(self, name: str, work: Callable[[], T], done: Callable[[T], None],
                    failed: Callable[[Exception], None]) -> None:  # fmt: skip
        """Do ``work()`` in the background, on what is drawn until now, then ``done(result)`` or ``failed(error)``."""
        self.labelling.save_now()
        self.next_beat(lambda: self.background.run(name, work, done, failed))

    def next_beat(self, then: Callable[[], None]) -> None:
        """Go on at the timer's next beat, so that no single step holds the screen up for long."""
        self.disk.run(_("Show"), lambda: None, lambda _none: then())

    def copied(
        self, copy_on: Callable[[], bool], then: Callable[[], None], failed: Callable[[Exception], None]
    ) -> None:
        """``then()`` once ``copy_on()``, which copies a piece at each beat, says that it was the last; or, where it
        raises ValueError, ``failed`` with that.
        """
        try:
            whole = copy_on()
        except ValueError as error:
            failed(error)
            return
        if whole:
            then()
        else:
            self.next_beat(lambda: self.copied(copy_on, then, failed))

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
        self.say(f"{task}: {in_words(error)}", "error")

    # --- the study --------------------------------------------------------------------------------------------

    def create_study(self, folder: Path, structures: Sequence[str]) -> None:
        self._use_study(_("Create study"), lambda: _study_class().create(folder, structures=structures))

    def open_study(self, folder: Path, case: str = "") -> None:
        """Open a study and, when named, one of its cases."""
        task = _("Open study")

        def failed(error: Exception) -> None:
            self.damaged = folder if _is_damage(error) else None
            self.problem(task, error, "".join(traceback.format_exception(error)))
            self.tell("study")

        self._use_study(task, lambda: _study_class().open(folder), case, failed)

    def _use_study(
        self, name: str, make: Callable[[], Study], case: str = "", failed: Callable[[Exception], None] | None = None
    ) -> None:
        self.labelling.save_now()
        self.showing.wanted = case
        self.studies_wanted += 1

        def not_opened(error: Exception) -> None:
            self.showing.stay()
            if self.open_case is None:
                self.showing.close()  # an image that was just being put on screen
            if failed is not None:
                failed(error)
            else:
                self.problem(name, error, "".join(traceback.format_exception(error)))

        def saved(found: StudyRead) -> None:
            """One that is open already may have changed since: it is read again, with nothing on screen."""
            if self.study is None or found.study.folder != self.study.folder:
                self._study_opened(found)
            else:
                self.showing.put_away()
                self.disk.run(name, lambda: StudyRead.of(found.study), self._study_opened, not_opened)

        self.disk.run(
            name, lambda: StudyRead.of(make()), lambda found: self.showing.when_saved(lambda: saved(found)), not_opened
        )

    def _study_opened(self, found: StudyRead) -> None:
        wanted, self.damaged = self.showing.wanted, None
        self.showing.put_away()
        self.showing.call_off()  # a case of the study before that is being read stays away
        self.study, self.study_name = found.study, found.name
        self.rows, self._structures = found.rows, found.structures
        self.tell("study")
        self.tell("cases")
        self.say(_("Study {name}. Cases: {count}.").format(name=self.study_name, count=len(self.rows)))
        self.background.run(_("Tidy up"), self.study.tidy)  # what a killed Slicer left half written
        if wanted in {row.id for row in self.rows}:
            self.showing.show(wanted)

    def refresh(self) -> None:
        """Read the list of cases again."""
        study = self.study
        if study is not None:
            self.disk.run(_("Read cases"), study.status, lambda rows: self._listed(study, rows))

    def _listed(self, study: Study, rows: list[CaseRow]) -> None:
        if study is self.study:
            self.rows = rows
            self.tell("cases")

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
            text = _("On the slices that are already done ({n}), {name} counts as not there. Where it can be seen, "
                     "draw it, or press Not done.")  # fmt: skip
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


def _is_damage(error: Exception) -> bool:
    """Whether repairing the study mends it."""
    from SemiSegLogic.study import DamagedError

    return isinstance(error, DamagedError)


def _study_class() -> type[Study]:
    """Imported when first needed: opening the panel must not wait for SimpleITK."""
    from SemiSegLogic.study import Study

    return Study
