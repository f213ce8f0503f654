"""What would go wrong with a training, said before it starts. What is found is found for the command line too; the
words are this Slicer's.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ..labelling.annotations import axis_word, slice_numbers
from ..words import _, in_words

if TYPE_CHECKING:
    from SemiSegLogic.geometry import SliceIndex
    from SemiSegLogic.study import Case, Study

    from ..controller import Controller
    from ..ports import OpenCase

SENTENCES = {
    "gap": _("Slices of {case} marked 'nothing here' that lie between two slices with a structure: {slices}. Check "
             "them."),
    "others": _("Slices of {case} that {who} marked 'nothing here', although other people drew a structure on both "
                "sides: {slices}. Agree on one reading."),
    "crossing": _("In {case}, slices {slices} disagree along the line where they cross. Look at both, and correct "
                  "one."),
    "twins": _("{case} and {other} are the same image with different drawings: the model cannot learn both. Remove "
               "one of them."),
    "nothing_done": _("No slice is done yet. Draw the structures on two or three slices, and mark these as done."),
    "no_structures": _("The study has no structures yet. Add at least one, and draw it on a slice."),
    "nothing_drawn": _("Nothing is drawn on any slice that is done. Draw at least one structure."),
    "hardly_drawn": _("Very little is drawn of {name} (voxels: {n}, in {cases}): too little to learn from. Draw it "
                      "on several slices, or erase it if it was drawn by mistake."),
    "missing": _("{name} is not drawn anywhere, so the model cannot learn it."),
    "several_missing": _("Not drawn anywhere, so the model cannot learn them ({n}): {names}."),
    "in_few": _("{name} is drawn in {cases} only. On slices done in other cases it counts as not there. Draw it "
                "wherever it can be seen; otherwise the model learns to leave it out."),
    "several_in_few": _("Drawn in few cases ({n}): {names}. On slices done in other cases they count as not there. "
                        "Draw them wherever they can be seen; otherwise the model learns to leave them out."),
    "named_in": _("{name} (in {cases})"),
    "all_across": _("These volumes have thick slices, or few, and are learned slice by slice, but all slices that "
                    "are done lie across them: {slices}. Draw on slices such as {example}."),
    "across": _("These volumes have thick slices, or few, and are learned slice by slice. Nothing is learned from "
                "slices that lie across them: {slices}. Draw on slices such as {example}."),
    "slices_of": _("{case} ({slices})"),
    "amount": _("Slices done: {slices}. Cases with such slices: {cases} of {all}."),
    "one_case": _("The study has only one case: the model learns this image and will know little about others. Add "
                  "more images; you need not draw on them."),
    "few_slices": _("Slices done that show a structure: {n}. With so few, the first suggestion will be rough, and "
                    "its quality cannot be measured. Five or more, in several cases, are a good start."),
    "no_image": _("The image of {name} is missing: {path}. Put it back, or say where it is now, or remove "
                  "the case (in the panel: right-click it in the list)."),
    "other_size": _("The voxels of {name} have another size than those of the other cases ({spacing} mm); its "
                    "suggestion may be worse."),
    "full_disk": _("Only {free:.1f} GB are free on the study's disk; {need:.1f} GB are needed."),
    "memory": _("Training will need about {wanted:.1f} GB of memory."),
    "enough_memory": _("Training will need about {wanted:.1f} GB of memory. Free on this computer: {free:.1f} GB."),
    "little_memory": _("Training will need about {wanted:.1f} GB of memory. Free on this computer: {free:.1f} GB. "
                       "Close other programs."),
    "little_memory_for_choice": _("Training will need about {wanted:.1f} GB of memory. Free on this computer: "
                                  "{free:.1f} GB. Close other programs, or choose a method or settings that need "
                                  "less memory."),
    "more": _("and {n} more"),
    "as_it_is": "{text}",
}  # fmt: skip
"""SemiSegLogic/preflight/sentences.py, for translators."""


@dataclass(frozen=True)
class Finding:
    """``level``: "stop" (cannot start), "warning" or "good"; ``text`` in plain words; ``about`` for the panel."""

    level: str
    text: str
    about: str = ""


class Preflight:
    """``findings``: what was found before the training that is on its way, or about to begin."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.findings: list[Finding] = []

    def look(
        self, then: Callable[[list[Finding]], None], here: bool = True, failed: Callable[[], None] = lambda: None,
        method: str = "recommended", settings: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        """Look for what would go wrong with ``method`` and its ``settings``, on this computer too if it trains
        ``here``; then call ``then(findings)`` on the main thread, or ``failed()`` when that could not be found out,
        which is told.
        """
        study, opened = self._controller.study, self._controller.open_case
        name = _("Check before training")

        def work() -> list[Finding]:
            found = check(study, here, method, settings) if study is not None else []
            return found if opened is None else [*found, *_touched(opened)]

        def done(found: list[Finding]) -> None:
            self.findings = found
            then(found)

        def not_checked(error: Exception) -> None:
            failed()
            self._controller.problem(name, error, "".join(traceback.format_exception(error)))

        self._controller.after_saves(name, work, done, not_checked)


def _touched(opened: OpenCase) -> list[Finding]:
    if not opened.touched:
        return []
    text = _("Slices of {case} that have drawings but are not marked as done will not be used: {numbers}.")
    return [Finding("warning", text.format(numbers=slice_numbers(opened.touched), case=opened.name), "touched")]


def check(
    study: Study, here: bool = True, method: str = "recommended", settings: Mapping[str, Any] = MappingProxyType({})
) -> list[Finding]:
    """See SemiSegLogic/preflight. Reads labels: not for the main thread."""
    from SemiSegLogic import preflight

    tongue = preflight.Tongue(SENTENCES, _called, in_words)
    return [Finding(found.level, found.words(tongue)) for found in preflight.check(study, here, method, settings)]


def _called(case: Case, place: SliceIndex, with_view: bool) -> str:
    number = slice_numbers({place})
    return f"{axis_word(case.grid, place.axis)} {number}" if with_view else number
