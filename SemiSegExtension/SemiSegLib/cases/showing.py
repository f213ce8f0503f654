"""Which case is on screen: one in place of another, once what was drawn on that one is saved, and in steps so small
that the screen never stands still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..labelling import casework
from ..labelling.annotations import slice_numbers
from ..ports import OpenCase
from ..words import _, in_words

if TYPE_CHECKING:
    from SemiSegLogic.study import Case

    from ..controller import Controller


class Showing:
    """``wanted``: the id of the case that was clicked last, or is to be opened with its study; "" for none."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.wanted = ""
        self._case: Case | None = None
        self._asked = 0  # so often was a case asked for: what was read for an earlier click comes too late
        self._reading = ""  # the case that is being read for the latest one

    def case(self) -> Case:
        """The study's case that is on screen."""
        if self._controller.open_case is None or self._case is None:
            raise ValueError(_("Open a case first."))
        return self._case

    def show(self, case_id: str) -> None:
        """Bring a case on screen in place of the one there; what is drawn is saved first."""
        controller = self._controller
        if controller.open_case is not None and controller.open_case.id == case_id:
            self.wanted = case_id  # not the one that was clicked before and is on its way
            return
        if case_id == self.wanted == self._reading:
            return  # a double click
        controller.labelling.save_now()
        self.wanted, study, number = case_id, controller.need_study(), self._ask_anew(case_id)

        def work() -> tuple[Case, OpenCase]:
            case = study.case(case_id)
            return case, casework.load(case, controller.panel)

        controller.disk.run(
            _("Load case"), work, lambda found: self._loaded(number, *found),
            lambda error: self._not_loaded(case_id, error),
        )

    def show_again(self) -> None:
        """The case on screen anew, as the study has it: somebody changed its image there. What is drawn is saved first.
        """
        opened = self._controller.open_case

        def reopen() -> None:
            if opened is not None and opened is self._controller.open_case and self.wanted == opened.id:
                self.close()
                self.show(opened.id)

        self.when_saved(reopen)

    # --- away with it -----------------------------------------------------------------------------------------

    def close(self, leave_nodes: bool = False) -> None:
        """Save and put the case away. ``leave_nodes``: the scene is being closed and takes the nodes itself."""
        self._controller.labelling.save_now()
        self._controller.open_case, self.wanted = None, ""
        if not leave_nodes:
            self._controller.screen.clear_case()
        self._controller.tell("case")

    def put_away(self) -> None:
        """Close the case on screen; the one that is wanted still comes."""
        wanted = self.wanted
        self.close()
        self.wanted = wanted

    def leave(self, case_id: str) -> None:
        """A case has gone: it is put away if it is on screen; another one that was clicked since still comes."""
        wanted = self.wanted if self.wanted != case_id else ""
        if self._controller.open_case is not None and self._controller.open_case.id == case_id:
            self.close()
        self.wanted = wanted

    def call_off(self) -> None:
        """What is being read stays away."""
        self._ask_anew("")

    def stay(self) -> None:
        """What was wanted does not come: the case on screen, if there is one, is wanted."""
        self.wanted = self._controller.open_case.id if self._controller.open_case is not None else ""

    # --- when everything is saved -----------------------------------------------------------------------------

    def when_saved(self, then: Callable[[], None]) -> None:
        """Go on when everything drawn is on disk; where it cannot be saved, it stays on screen instead."""
        if self._controller.open_case is None:
            then()
        else:
            self._controller.labelling.save_now()
            self._controller.next_beat(lambda: self._if_saved(then))

    def _if_saved(self, then: Callable[[], None]) -> None:
        opened, labelling = self._controller.open_case, self._controller.labelling
        if opened is not None and labelling.failed:
            self.stay()
            text = _("{case} stays on screen, because its drawing could not be saved: {error}")
            self._controller.say(text.format(case=opened.name, error=labelling.failed), "error")
        elif labelling.unsaved or labelling.saving:  # the person goes on drawing
            self.when_saved(then)
        else:
            then()

    # --- step by step -----------------------------------------------------------------------------------------

    def _ask_anew(self, case_id: str) -> int:
        self._asked, self._reading = self._asked + 1, case_id
        return self._asked

    def _awaited(self, number: int, opened: OpenCase) -> bool:
        """No other case was clicked meanwhile, and no other study opened."""
        return number == self._asked and opened.id == self.wanted

    def _not_loaded(self, case_id: str, error: Exception) -> None:
        """The case on screen, if there is one, stays."""
        self._reading = ""
        if self.wanted == case_id:
            self.stay()
        text = _("{case} cannot be opened. {error}").format(case=case_id, error=in_words(error))
        self._controller.say(text, "error")

    def _loaded(self, number: int, case: Case, opened: OpenCase) -> None:
        if self._awaited(number, opened):
            self._reading = ""
            self.when_saved(lambda: self._make_room(number, case, opened))

    def _make_room(self, number: int, case: Case, opened: OpenCase) -> None:
        if self._awaited(number, opened):
            self._controller.screen.clear_case()
            self._controller.open_case = None
            self._controller.next_beat(lambda: self._put_image(number, case, opened))

    def _put_image(self, number: int, case: Case, opened: OpenCase) -> None:
        if self._awaited(number, opened):
            self._controller.screen.show_image(opened)
            opened.image = None
            self._controller.next_beat(lambda: self._put_labels(number, case, opened))

    def _put_labels(self, number: int, case: Case, opened: OpenCase) -> None:
        controller = self._controller
        if not self._awaited(number, opened):
            return
        controller.screen.show_labels(opened, controller.structures())
        self._case, controller.open_case = case, opened
        controller.labelling.opened()
        controller.tell("case")
        controller.tell("labels")
        if opened.elsewhere:
            text = _("{case} is also open in another Slicer window, with slices drawn there but not done: {numbers}.")
            controller.say(text.format(case=opened.name, numbers=slice_numbers(opened.elsewhere)), "warning")
        controller.next_beat(lambda: controller.results.show(opened))
