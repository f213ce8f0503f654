"""What a model proposes for the open case, and what becomes of it: taken, accepted, thrown away, exported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import SliceIndex

from ..drawing import Boxed, Drawing
from ..labelling import casework
from ..ports import OpenCase, Proposed
from ..words import _

if TYPE_CHECKING:
    from SemiSegLogic.study import Version

    from ..controller import Controller
    from .exporting import Exported


class Results:
    """Suggestions, versions and exports of the study's cases."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._earlier_wanted: NDArray[np.uint8] | None = None  # what the run before proposed, when it is to be seen

    def accept_case(self) -> None:
        """Everything that is proposed on screen is right: it becomes what this person judged. In the study there may be
        a newer proposal of a run by now, which nobody has seen.
        """
        case, author, before = self._controller.showing.case(), self._controller.author, self.saved()
        panel = self._controller.panel
        assert self._controller.open_case is not None
        seen = self._controller.open_case.suggestion
        self._controller.disk.run(
            _("Accept"), lambda: casework.patiently(lambda: casework.accept(case, author, seen, panel)),
            lambda opened: self.replaced(opened, before),
        )

    def saved(self) -> Drawing:
        """What is drawn in the open case, which is saved: what comes back for :meth:`replaced` is made from
        it. Raises ValueError when no case is open.
        """
        self._controller.showing.case()
        self._controller.labelling.save_now()
        assert self._controller.open_case is not None
        return self._controller.open_case.labels

    def replaced(self, opened: OpenCase, before: Drawing) -> None:
        """The case as it is in the study after a change of the whole. What was drawn since ``before``, when the person
        asked for that, stays on top of it.
        """
        self._controller.tell_judged(opened)
        shown, labelling = self._controller.open_case, self._controller.labelling
        if shown is None or shown.id != opened.id:
            return
        labelling.bring_back()
        drawn = labelling.unsaved or shown.labels is not before
        now = self._controller.screen.drawn() if drawn else None
        boxed, opened.boxed = opened.boxed, None
        assert boxed is not None
        self._controller.open_case = opened
        known = self._controller.structures()
        if {item.value for item in known} - {item.value for item in self._controller.screen.structures()}:
            self._controller.screen.restore(known)
        self._controller.screen.put_labels(opened.labels, boxed)
        labelling.opened()
        if now is not None:
            self._put_on_top(now, before)
            labelling.edited()
        for what in ("labels", "suggestion"):
            self._controller.tell(what)
        self._controller.refresh()

    def _put_on_top(self, now: Drawing, before: Drawing) -> None:
        """What is drawn ``now`` and was not ``before``; part of the undo step that just began."""
        opened = self._controller.open_case
        assert opened is not None
        planes = {k: np.where(now.planes[k] != before.planes[k], now.planes[k], opened.labels.planes[k])
                  for k in now.differing(before)}  # fmt: skip
        places = [SliceIndex(0, k) for k in planes]
        whole = opened.labels.with_planes(planes, opened.labels.values | now.values)
        self._controller.screen.put_slices(whole.only(places), places, undoable=False)

    def list_versions(self, then: Callable[[list[Version]], None]) -> None:
        """The newest saved states of this case's labels, newest first."""
        case = self._controller.showing.case()

        def work() -> list[Version]:
            return casework.earlier(case)

        self._controller.disk.run(_("Read versions"), work, then)

    def restore_version(self, name: str) -> None:
        """Go back to an earlier version of this case's labels."""
        case, author, before = self._controller.showing.case(), self._controller.author, self.saved()
        panel = self._controller.panel
        self._controller.disk.run(
            _("Restore"), lambda: casework.patiently(lambda: casework.restore(case, name, author, panel)),
            lambda opened: self.replaced(opened, before),
        )

    def reject_suggestion(self) -> None:
        """Throw the proposal for this case away; what the person drew stays."""
        case = self._controller.showing.case()

        self._controller.disk.run(
            _("Reject"), lambda: casework.patiently(case.discard_suggestion), lambda _done: self.reload_suggestion()
        )

    def reload_suggestion(self) -> None:
        """Show what a model proposes for the open case now."""
        if self._controller.open_case is None:
            self._controller.refresh()
            return
        case, opened = self._controller.showing.case(), self._controller.open_case

        def found(proposed: Proposed) -> None:
            opened.take(proposed)
            self.show(opened)

        self._controller.disk.run(_("Load suggestion"), lambda: casework.read_suggestion(case), found)
        self._controller.refresh()

    def show_earlier(self, shown: bool) -> None:
        """Show or hide what the run before proposed for the open case."""
        controller, opened = self._controller, self._controller.open_case
        earlier = opened.earlier if shown and opened is not None else None
        self._earlier_wanted = earlier

        def boxed(found: Boxed) -> None:
            shown = controller.open_case
            if self._earlier_wanted is earlier and shown is not None and opened is not None and shown.id == opened.id:
                controller.screen.proposals.show_earlier(found, controller.structures())

        if earlier is None:
            controller.screen.proposals.show_earlier(None, [])
        else:
            controller.disk.run(_("Show"), lambda: Boxed.of(earlier), boxed)

    def show(self, opened: OpenCase) -> None:
        if opened is self._controller.open_case:
            boxed, opened.suggested = opened.suggested, None
            if boxed is not None or opened.suggestion is None:
                self._controller.screen.proposals.show(boxed, self._controller.structures())
            self._controller.tell("suggestion")
            if opened.unusable:
                self._controller.say(unusable_words(opened), "warning")

    def take_slices(self, places: Sequence[SliceIndex]) -> bool:
        """Copy slices of the proposal into the person's segmentation, to be corrected; one undo step."""
        opened = self._controller.open_case
        if opened is None or opened.suggestion is None:
            return False
        self._controller.screen.put_slices(opened.suggestion, places)
        self._controller.labelling.edited()
        return True

    def export(
        self, folder: Path, formats: Sequence[str], case_ids: Sequence[str], done: Callable[[Exported], None],
        unaccepted: Sequence[str] = (),
    ) -> None:
        """Write these cases to ``folder``; each file is read again and compared before it counts. The names of those
        ``unaccepted`` are told in the account.
        """
        from .exporting import Exported, Exporting  # when there is something to export

        self._controller.labelling.save_now()
        names = {row.id: row.name for row in self._controller.rows}
        Exporting(self._controller, Exported(folder, names, unaccepted=unaccepted), formats, done).begin(case_ids)


def unusable_words(opened: OpenCase) -> str:
    """What of a case's suggestion cannot be shown, why, and what to do."""
    if opened.suggestion is None:
        text = _(
            "{case} is open, but its suggestion cannot be shown. {why} Train again to replace it, or press Reject to "
            "discard it."
        )
    else:
        text = _("Part of the suggestion for {case} cannot be shown. {why} Train again to replace it.")
    return text.format(case=opened.name, why=" ".join(opened.unusable))
