"""Slicer's segment list and the structures of the study, kept in step: a structure keeps its value for life."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.geometry import SliceIndex

from ..drawing import Drawing
from ..ports import OpenCase, Shown
from ..words import _

if TYPE_CHECKING:
    from ..controller import Controller


class SegmentList:
    """The segments of the person's segmentation, as the study's structures."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._given: dict[tuple[str, str, str], int] = {}  # case, segment and its name then, by which it got a value

    def sync(self) -> None:
        """Names and colours given in the Segment Editor become the study's; new segments become structures. Raises
        SemiSegError where one cannot.
        """
        known = {item.value: item for item in self._controller.structures()}
        shown = self._bound_again(self._controller.screen.structures())
        new = newcomers(shown, known)
        for item in shown:
            if item in new:
                self._add(item)
            elif _looks(item) != _looks(known[item.value]):
                self._change(item, known[item.value].name)

    def _bound_again(self, shown: list[Shown]) -> list[Shown]:
        """The segments. Undo brings one that became a structure back as it was before, without a value."""
        screen, there = self._controller.screen, {item.value for item in shown}
        for item in shown:
            value = self._given.get(self._as_given(item), 0)
            if not item.value and value not in (0, *there):
                screen.bind(item.segment_id, value, item.name)
        return screen.structures()

    def _as_given(self, item: Shown) -> tuple[str, str, str]:
        opened = self._controller.open_case
        return opened.id if opened is not None else "", item.segment_id, item.name

    def _add(self, item: Shown) -> None:
        controller, study = self._controller, self._controller.need_study()
        taken = [structure.name for structure in controller.structures()]
        made = study.add_structure(free_name(item.name, taken), item.color, item.terminology)
        controller.screen.bind(item.segment_id, made.value, made.name)
        self._given[self._as_given(item)] = made.value
        controller.structures_changed()
        controller.tell_of_new(made.name)

    def _change(self, item: Shown, before: str) -> None:
        """What is refused, such as the name of another structure, keeps nothing from being saved, and is not shown."""
        from SemiSegLogic.study import StudyError

        study = self._controller.need_study()
        try:
            study.change_structure(item.value, name=item.name, color=item.color, terminology=item.terminology)
        except SemiSegError as error:
            self._controller.say(str(error), "warning")
            if type(error) is StudyError and item.name != before:  # not one of a disk or a lock, which is tried again
                self._controller.screen.bind(item.segment_id, item.value, before)
                self._change(replace(item, name=before), before)
        else:
            self._controller.structures_changed()

    def put_back_deleted(self, opened: OpenCase, labels: Drawing) -> Drawing:
        """A structure that was deleted in the segment list comes back with its voxels: values are for life."""
        controller = self._controller
        gone = {item.value for item in controller.structures()} - {
            item.value for item in controller.screen.structures()
        }
        if not gone:
            return labels
        back = dict(_put_back(opened.labels, labels, gone))
        whole, places = labels.with_planes(back, labels.values | gone), [SliceIndex(0, k) for k in back]
        controller.screen.restore(controller.structures())
        controller.screen.put_slices(whole.only(places), places, undoable=False)
        controller.say(
            _(
                "Other cases may use this structure, so it cannot be deleted from the segment list. It was put back "
                "with everything drawn. To remove it from this case, erase what is drawn."
            ),
            "warning",
        )
        return whole


def _put_back(before: Drawing, now: Drawing, gone: set[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The planes from which voxels of structures that are ``gone`` are missing, with those where nothing is drawn."""
    for k in now.differing(before):
        lost = np.isin(before.planes[k], list(gone)) & (now.planes[k] == 0)
        if lost.any():
            yield k, np.where(lost, before.planes[k], now.planes[k])


def newcomers(shown: Sequence[Shown], known: Mapping[int, Shown]) -> list[Shown]:
    """Those of the segments that are no structure of the study (``known`` by value) yet: added by the person, or copied
    from a segment of ours. Slicer copies its value, too: a copy under the same name belongs to its structure, one under
    another name, or from another study, is something new.
    """
    return [item for item in shown if item.value not in known or _is_copy(item, shown, known[item.value])]


def _is_copy(item: Shown, shown: Sequence[Shown], structure: Shown) -> bool:
    """Whether another segment stands for the same ``structure``, and this one has a name of its own."""
    twins = [other for other in shown if other.value == item.value]
    first = next((twin for twin in twins if twin.name == structure.name), twins[0])
    return item.name != first.name


def _looks(item: Shown) -> tuple[object, ...]:
    """All of a structure that can be changed in the Segment Editor; Slicer keeps colours in single precision."""
    return item.name, tuple(round(part, 4) for part in item.color), item.terminology


def free_name(name: str, taken: Iterable[str]) -> str:
    """``name``, which somebody gave a segment or a mask has, as that of a new structure, unlike those ``taken``."""
    from SemiSegLogic.naming import folded  # with the study: opening the module needs neither

    used, name = {folded(other) for other in taken}, _usable_name(name)
    return next(found for n in range(1, 999) if folded(found := name if n == 1 else f"{name} {n}") not in used)


def _usable_name(name: str) -> str:
    """``name`` as a structure can have it: segments may be called anything, and nothing drawn waits for a better name.
    """
    line = "".join(sign if sign.isprintable() else " " for sign in name).strip()[:90].strip()
    return f"{_('structure')} {line}".strip() if not line or line.isdigit() else line
