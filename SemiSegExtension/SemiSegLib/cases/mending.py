"""A case leaves the study, its image lies elsewhere now, or records are damaged: asked for at the list of cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from SemiSegLogic.errors import SemiSegError

from ..labelling import casework, drafts
from ..words import _

if TYPE_CHECKING:
    from SemiSegLogic.study import Case, Study, Version

    from ..controller import Controller
    from ..training.training import Training

AT_WORK = {
    "train": _("{case} stays in the study: a training is using it. Stop it first, or wait until it is done."),
    "live": _("{case} stays in the study: a model is learning from it. Untick 'Keep learning while I draw' first."),
    "predict": _("{case} stays in the study: a model is being used on it. Stop it first, or wait until it is done."),
}  # fmt: skip
"""Why a case that a run works with cannot be removed, by the kind of run."""


@dataclass(frozen=True)
class Leaving:
    """What is told of a case before it is removed: its judged ``slices``, whether another window that is open now drew
    on it, and where its ``image`` lies when that is not in the study. Of a damaged case hardly anything is known.
    """

    id: str
    name: str
    slices: int = 0
    elsewhere: bool = False
    image: Path | None = None

    @classmethod
    def of(cls, case: Case, panel: str) -> Leaving:
        """As the disk has it; who asks is ``panel``."""
        try:
            every = drafts.found(case.folder, case.grid.shape, panel)
            elsewhere = any(not (draft.mine or draft.left_behind) for draft in every)
            inside = case.image_path.parent == case.folder
            return cls(case.id, case.name, len(case.places), elsewhere, None if inside else case.image_path)
        except SemiSegError:
            return cls(case.id, case.id)

    def question(self, study: Path) -> str:
        """What is lost, what stays, and how it comes back."""
        text = _(
            "Remove {case} from the study?\n\nWhat changes: it leaves the list, trainings no longer learn from it "
            "(slices done: {slices}), and it is no longer exported.\n\nWhat stays: nothing is deleted. Everything "
            "drawn (also slices not marked as done), every version and the suggestion are moved to the "
            "folder\n{removed}\nIf you move it back to {cases}, the case is in the study again. Models that learned "
            "from it stay as they are."
        ).format(case=self.name, slices=self.slices, removed=study / "removed", cases=study / "cases")
        if self.image is None:
            return text
        return text + "\n\n" + _("Its image stays where it is: {path}").format(path=self.image)


class Mending:
    """What a person can do with a case beside opening it, and with a study whose records are damaged."""

    def __init__(self, controller: Controller, training: Training) -> None:
        self._controller, self._training = controller, training

    # --- out of the study -------------------------------------------------------------------------------------

    def remove(self, case_id: str, confirm: Callable[[str], bool]) -> None:
        """Take a case out of the study when ``confirm(question)`` says so; what is drawn on screen is saved first."""
        controller, study = self._controller, self._controller.need_study()
        controller.labelling.save_now()

        def looked(leaving: Leaving) -> None:
            self._training.at_work(case_id, lambda kind: self._ask(study, leaving, kind, confirm))

        def work() -> Leaving:
            return Leaving.of(study.case(case_id), controller.panel)

        controller.disk.run(_("Look at {name}").format(name=case_id), work, looked)

    def _ask(self, study: Study, leaving: Leaving, kind: str, confirm: Callable[[str], bool]) -> None:
        if study is not self._controller.study:
            return  # another study was opened meanwhile: its list is on screen, and the person is at something else
        why_not = self._why_not(leaving, kind)
        if not why_not and confirm(leaving.question(study.folder)):
            why_not = self._why_not(leaving, kind)  # somebody may have drawn while the question stood there
            if not why_not:
                self._remove(study, leaving)
        if why_not:
            self._controller.say(why_not, "warning")

    def _why_not(self, leaving: Leaving, kind: str) -> str:
        """Why a case must stay; "" when it may go."""
        if kind:
            return AT_WORK[kind].format(case=leaving.name)
        if leaving.elsewhere:
            text = _(
                "{case} stays in the study: it is open in another Slicer window, where somebody drew on it. Close it "
                "there."
            )
            return text.format(case=leaving.name)
        opened, labelling = self._controller.open_case, self._controller.labelling
        if opened is not None and opened.id == leaving.id and (labelling.unsaved or labelling.failed):
            text = _("{case} stays in the study: the latest drawing is not saved yet. {why}")
            return text.format(case=leaving.name, why=labelling.failed or _("Try again in a moment."))
        return ""

    def _remove(self, study: Study, leaving: Leaving) -> None:
        self._controller.disk.run(
            _("Remove {name}").format(name=leaving.name),
            lambda: casework.patiently(lambda: study.remove_case(leaving.id)),
            lambda place: self._removed(study, leaving, place),
            self._failed,
        )

    def _removed(self, study: Study, leaving: Leaving, place: Path) -> None:
        controller = self._controller
        if study is controller.study:
            controller.showing.leave(leaving.id)
        text = _("{case} is no longer in the study. All its files are kept in {place}.")
        controller.say(text.format(case=leaving.name, place=place), "good")
        controller.refresh()

    # --- an earlier version -----------------------------------------------------------------------------------

    def list_versions(self, case_id: str, then: Callable[[list[Version]], None]) -> None:
        """The earlier versions of a case's drawings, newest first: also of one that cannot be opened."""
        controller, study = self._controller, self._controller.need_study()
        shown = self._is_open(case_id)

        def work() -> list[Version]:
            return casework.earlier(study.case(case_id), shown)

        controller.disk.run(_("Read versions"), work, then, self._failed)

    def restore(self, case_id: str, version: str) -> None:
        """Go back to an earlier version of a case's drawings; what counts now is kept as a version."""
        controller, study, author = self._controller, self._controller.need_study(), self._controller.author
        if self._is_open(case_id):
            controller.results.restore_version(version)
            return

        def done(_none: None) -> None:
            text = _("{case} is as it was in the version that you chose. What was there before is kept as a version.")
            controller.say(text.format(case=case_id), "good")
            if study is controller.study:
                controller.tell("judged")
            controller.refresh()

        def work() -> None:
            casework.patiently(lambda: casework.restore_closed(study.case(case_id), version, author, controller.panel))

        controller.disk.run(_("Restore"), work, done, self._failed)

    def _is_open(self, case_id: str) -> bool:
        return self._controller.open_case is not None and self._controller.open_case.id == case_id

    # --- an image that was moved ------------------------------------------------------------------------------

    def relocate(self, case_id: str, path: Path) -> None:
        """Let a case refer to its image at ``path``; another image is refused in words."""
        controller, study = self._controller, self._controller.need_study()
        controller.say(_("Comparing {name} with the image of {case} …").format(name=path.name, case=case_id))

        def work() -> Case:
            case = study.case(case_id)
            casework.patiently(lambda: case.relocate(path))
            return case

        def done(_case: Case) -> None:
            text = _("The image of {case} is now read from {path}, and is the same as before.")
            controller.say(text.format(case=case_id, path=path), "good")
            controller.refresh()

        controller.disk.run(_("Compare {name}").format(name=path.name), work, done, self._failed)

    # --- damaged records --------------------------------------------------------------------------------------

    def repair(self) -> None:
        """Put the copies of damaged records in their place, and open the study if that is what failed."""
        controller = self._controller
        folder = controller.damaged or controller.need_study().folder

        def work() -> list[str]:
            from SemiSegLogic.study import Study

            return casework.patiently(lambda: Study.repair(folder))

        controller.disk.run(_("Repair the study"), work, lambda done: self._repaired(folder, done), self._failed)

    def _repaired(self, folder: Path, done: list[str]) -> None:
        controller = self._controller
        if controller.damaged == folder:
            controller.open_study(folder)
        else:
            controller.refresh()
        text = " ".join(done) or _("All records of the study can be read: nothing needed repair.")
        controller.next_beat(lambda: controller.say(text, "good"))  # said last, so that it stays

    def _failed(self, error: Exception) -> None:
        self._controller.say(str(error), "error")
        self._controller.refresh()
