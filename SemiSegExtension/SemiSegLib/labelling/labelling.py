"""Drawing on the open case: noticing it, saving it, marking slices as done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.geometry import SliceIndex

from ..drawing import Drawing
from ..ports import OpenCase
from ..words import _
from . import casework
from .casework import Saved
from .gone import CaseGoneError
from .segment_list import SegmentList

if TYPE_CHECKING:
    from ..controller import Controller


class Labelling:
    """``edited()`` after every stroke; ``save_now()`` when the drawing rests, and before anything else happens."""

    def __init__(self, controller: Controller) -> None:
        self._controller, self._segments = controller, SegmentList(controller)
        self.unsaved = False
        self.saving = 0  # so many drawings are on their way to the disk
        self.failed = ""  # why the newest drawing is on screen only; "" when it is not
        self.changed_too: set[SliceIndex] = set()  # done slices out of view that a stroke has changed last
        self._overlaps: dict[int, int] = {}

    def opened(self) -> None:
        """A case was just put on screen: nothing is unsaved."""
        self.unsaved, self.failed, self._overlaps, self.changed_too = False, "", {}, set()

    def edited(self) -> None:
        """The segmentation changed on screen."""
        if self._controller.open_case is not None and not self.unsaved:
            self.unsaved, self.changed_too = True, set()
            self._controller.tell("labels")

    def save_now(self) -> None:
        """Save what changed on screen, if anything did."""
        if self._controller.open_case is not None and self.unsaved:
            self._save(self._controller.open_case)

    def _save(self, opened: OpenCase) -> Drawing | None:
        """Save the drawing as it is on screen; returns it, None when its nodes are gone or it cannot be saved."""
        self.unsaved = False
        try:
            self._segments.sync()  # first: a segment without a value is not read, and what it took would be erased
        except SemiSegError as error:
            self._not_saved(error)
            return None
        labels = self._controller.screen.drawn()
        if labels is None:
            self._tell_conversion()
            return None
        self._tell_overlaps(self._controller.screen.overlaps)
        opened.labels = labels = self._segments.put_back_deleted(opened, labels)
        where = self._controller.screen.current_slice()
        case, author = self._controller.showing.case(), self._controller.author
        axis = where.axis if where else opened.axis
        self.saving += 1
        self._controller.disk.run(
            _("Save drawing"),
            lambda: casework.patiently(lambda: casework.save(case, opened.kept, labels, axis, author)),
            lambda saved: self._saved(opened, saved),
            self._save_failed,
        )
        return labels

    def _tell_overlaps(self, overlaps: dict[int, int]) -> None:
        """Structures that lost voxels to others since the last time: a voxel has one structure here."""
        before, self._overlaps = self._overlaps, overlaps
        if all(count <= before.get(value, 0) for value, count in overlaps.items()):
            return
        names = {item.value: item.name for item in self._controller.structures()}
        losing = ", ".join(_("{name} (voxels: {n})").format(name=names[value], n=n) for value, n in overlaps.items())
        text = _(
            "Structures overlap: {losing} lie under another structure. Here a voxel can belong to one structure only, "
            "so these voxels count as the other one. Under Masking, set 'Modify other segments' to 'Overwrite all', "
            "then draw again what belongs on top."
        )
        self._controller.say(text.format(losing=losing), "warning")

    def _saved(self, opened: OpenCase, saved: Saved) -> None:
        self.saving -= 1
        opened.done.update({place: state for place, state in saved.redrawn.items() if place in opened.done})
        opened.touched = saved.touched - set(opened.done)
        if saved.redrawn:
            self.changed_too = set(saved.redrawn) - {self._controller.screen.current_slice()}
        if saved.touched:
            opened.axis = max(saved.touched).axis
        self.failed = ""
        self._controller.tell("labels")
        if saved.redrawn:
            self._controller.tell_judged(opened)
            self._controller.refresh()

    def _save_failed(self, error: Exception) -> None:
        self.saving -= 1
        self._not_saved(error)

    def _not_saved(self, error: Exception) -> None:
        """The drawing stays on screen and is tried again with the next change; without its case it was kept aside."""
        if isinstance(error, CaseGoneError):
            self.failed = ""
            self._controller.refresh()
        else:
            self.unsaved, self.failed = True, str(error)
        self._controller.say(_("Not saved: {error}").format(error=error), "error")

    def _tell_conversion(self) -> None:
        if self._controller.screen.converted:
            self._controller.say(_(
                "Slicer converted what you drew, to surfaces, to another geometry, or by hardening a transform, and "
                "outlines move by that. Nothing of it was saved: the study has what you drew. Press 'Bring back what I "
                "drew'."), "warning")  # fmt: skip
            self._controller.tell("labels")

    def bring_back(self) -> None:
        """What was drawn, in place of what Slicer made of it. That is kept among the versions: something may have been
        drawn on it.
        """
        controller, opened = self._controller, self._controller.open_case
        if opened is None or not controller.screen.converted:
            return
        drawn, axis, author, case = opened.labels, opened.axis, controller.author, controller.showing.case()
        converted = controller.screen.bring_back(drawn, controller.structures())
        self.unsaved = True  # where the disk refused the drawing before, it is tried again
        if converted is not None:
            task = _("Save drawing")
            controller.disk.run(task, lambda: casework.keep_converted(case, drawn, converted, axis, author))
        controller.tell("labels")

    # --- slices -----------------------------------------------------------------------------------------------

    def slice_done(self) -> SliceIndex | None:
        """The slice on screen is done as it is; it becomes a label. None when no slice is on screen."""
        return self._judge(empty=False)

    def nothing_here(self) -> SliceIndex | None:
        """The slice on screen shows none of the structures: also that is a label."""
        return self._judge(empty=True)

    def _judge(self, empty: bool) -> SliceIndex | None:
        controller, place = self._controller, self._controller.screen.current_slice()
        if controller.open_case is None or place is None:
            text = _("No view shows a whole slice. Open a case, or press Straighten views.")
            controller.say(text, "warning")
            return None
        return place if self.call_done([place], empty, own=not empty) else None

    def call_done(self, places: list[SliceIndex], empty: bool = False, own: bool = False) -> bool:
        """Judge these slices as they are on screen; as ``empty`` only when nothing is drawn there. ``own``: not where
        nothing is seen but a suggestion, which looks like a drawing, and the slice would be one without structures.
        """
        controller, opened = self._controller, self._controller.open_case
        labels = self._save(opened) if opened is not None else None
        if opened is None or labels is None:
            return False
        words = {place: "drawn" if labels.on(place).any() else "empty" for place in places}
        if empty and "drawn" in words.values():
            text = _("Slice {n} has something drawn on it. Erase it first, or press Slice done.")
            controller.say(text.format(n=places[0].index + 1), "warning")
            return False
        hidden = controller.screen.proposals.hidden
        if own and not hidden and any(words[place] == "empty" and _suggested(opened, place) for place in places):
            text = _("What you see here is a suggestion; you have drawn nothing on this slice. Press This slice is "
                     "right to use it, Correct this slice to change it, or Nothing here if the slice shows none of the "
                     "structures.")  # fmt: skip
            controller.say(text, "warning")
            return False
        case, author = controller.showing.case(), controller.author
        before = {place: opened.done[place] for place in places if place in opened.done}
        opened.touched -= set(places)
        opened.done.update(words)
        controller.tell("labels")
        controller.disk.run(
            _("Save slices"),
            lambda: casework.patiently(lambda: casework.judge(case, opened.kept, labels, places, author)),
            lambda done: self._judged(opened, done, places),
            lambda error: self._not_judged(opened, places, before, error),
        )
        return True

    def _not_judged(
        self, opened: OpenCase, places: list[SliceIndex], before: dict[SliceIndex, str], error: Exception
    ) -> None:
        """They are not done after all, but for those that were done ``before``; the drawing itself is in the draft."""
        for place in places:
            opened.done.pop(place, None)
        opened.done.update(before)
        opened.touched |= set(places) - set(before)
        self._controller.tell("labels")
        self._controller.say(_("The slice could not be marked as done: {error}").format(error=error), "error")

    def _judged(self, opened: OpenCase, done: dict[SliceIndex, str], places: list[SliceIndex]) -> None:
        opened.done = done
        opened.touched -= set(done)
        opened.axis = places[-1].axis
        self._controller.tell("labels")
        self._controller.tell_judged(opened)
        self._controller.refresh()

    def take_back(self, place: SliceIndex) -> None:
        """The slice is not done after all."""
        controller, opened = self._controller, self._controller.open_case
        if opened is None or place not in opened.done:
            return
        self.save_now()
        case, labels, author = controller.showing.case(), controller.screen.drawn(), controller.author
        if labels is None:
            return

        def done(left: dict[SliceIndex, str]) -> None:
            opened.done = left
            opened.touched |= {place}
            controller.tell("labels")
            controller.tell_judged(opened)
            controller.refresh()

        def work() -> dict[SliceIndex, str]:
            return casework.patiently(lambda: casework.take_back(case, opened.kept, labels, place, author))

        controller.disk.run(_("Take back"), work, done)


def _suggested(opened: OpenCase, place: SliceIndex) -> bool:
    """Whether a model suggests a structure on a slice."""
    return opened.suggestion is not None and bool(np.take(opened.suggestion, place.index, place.axis).any())
