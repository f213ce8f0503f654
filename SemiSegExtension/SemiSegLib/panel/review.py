"""Section 5: look at what the model proposes, correct it, accept it."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import qt
import slicer

from SemiSegLogic.geometry import Grid

from ..cases.results import unusable_words
from ..ports import Shown
from ..training.methods import method_words
from ..words import _
from .case_rows import quality
from .parts import box, breakable, button, enable, label, primary, row, section

if TYPE_CHECKING:
    from SemiSegLogic.study import CaseRow

    from ..training.connection import Next
    from .panel import Panel


NEXT_KEYS, RIGHT_KEYS = "Ctrl+Shift+N", "Ctrl+Shift+Return"
CORRECT_KEYS, ACCEPT_KEYS = "Ctrl+Shift+E", "Ctrl+Shift+D"
"""None of Slicer's own: keys that two widgets wait for do nothing. Its markups have Ctrl+Shift+A."""
CHANGED = 5
"""Structures of which the panel tells how they changed since the last round: forty would fill the screen."""


class ReviewSection:
    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller = panel, panel.controller
        self.header, inside = section(layout, _("Review suggestions"))
        self.hint = label(inside, _("After training, suggestions for every case appear here."), faint=True)
        self._case_box, case = box(inside)
        self.sure = label(case)
        self.advice = label(case)
        self.origin = label(case, faint=True)
        self._build_views(case)
        self.reject = button(case, _("Reject"), _("Discard the suggestion for this case"), self.on_reject)
        self._build_verdicts(panel.label.verdicts, panel.label.going_on)
        self._waiting: Next | None = None
        self._overlaid: tuple[str, ...] = ()
        self._turn = 0

    def _build_views(self, case: Any) -> None:
        """What of the suggestion is shown in the slice views."""
        shown = row(case)
        self.suggestion = qt.QCheckBox(_("Show suggestion"))
        self.suggestion.checked = True
        self.uncertainty = qt.QCheckBox(_("Show uncertainty"))
        shown.addWidget(self.suggestion)
        shown.addWidget(self.uncertainty)
        self.suggestion.connect("toggled(bool)", self.on_suggestion)
        self.uncertainty.connect("toggled(bool)", self.on_uncertainty)
        self.earlier = qt.QCheckBox(_("Show outline of previous suggestion"))
        case.addWidget(self.earlier)
        self.changed = label(case, faint=True)
        self.earlier.connect("toggled(bool)", self.on_earlier)

    def _build_verdicts(self, verdicts: Any, going_on: Any) -> None:
        """What the person says of a slice and of the case, and the way on: near what marks a slice as done."""
        tip = _("Accept the suggestion on this slice as it is")
        self.right = button(verdicts, _("This slice is right"), tip, self.on_right, RIGHT_KEYS)
        tip = _("Copy the suggestion on this slice into my labels and edit it")
        self.correct = button(verdicts, _("Correct this slice"), tip, self.on_correct, CORRECT_KEYS)
        tip = _("Jump to where the model is least sure")
        onwards = row(going_on)
        self.next = primary(onwards, _("Next slice worth a look"), tip, self.on_next, NEXT_KEYS)
        tip = _("Everything suggested here is right")
        self.accept = button(onwards, _("Accept this case"), tip, self.on_accept, ACCEPT_KEYS)
        self.accept.minimumHeight = self.next.minimumHeight
        self.reason = label(going_on)
        self.reason.visible = False

    def on_next(self) -> None:
        found = self._panel.training.worth_a_look()
        if not found:
            self._controller.say(
                _("The model is not unsure of any other slice. Train again, or accept the cases."), "good"
            )
            return
        wanted = found[self._turn % len(found)]
        self._turn += 1
        self._show_reason(_("<b>Why here:</b> {reason}").format(reason=html.escape(wanted.reason)))
        opened = self._controller.open_case
        if opened is not None and opened.id == wanted.case:
            self._panel.label.go_to(wanted.place)
        else:
            self._waiting = wanted
            self._controller.showing.show(wanted.case)

    def case_opened(self) -> None:
        """The case that Next asked for is on screen now."""
        waiting, opened = self._waiting, self._controller.open_case
        if waiting is not None and opened is not None and waiting.case == opened.id:
            self._waiting = None
            self._panel.label.go_to(waiting.place)
        elif waiting is None:
            self._show_reason("")

    def _show_reason(self, text: str) -> None:
        self.reason.text = text
        self.reason.visible = bool(text)

    def on_suggestion(self, shown: bool) -> None:
        self._panel.screen.proposals.set_visible(shown)
        self._allow()

    def on_uncertainty(self, shown: bool) -> None:
        opened = self._controller.open_case
        self._panel.screen.proposals.show_uncertainty(opened.uncertainty if shown and opened is not None else None)

    def on_earlier(self, shown: bool) -> None:
        self._controller.results.show_earlier(shown)

    def on_correct(self) -> None:
        place = self._panel.screen.current_slice()
        if place is not None and self._controller.results.take_slices([place]):
            self._controller.say(_("Correct the slice, then press Slice done. Undo removes the copied suggestion."))

    def on_right(self) -> None:
        place = self._panel.screen.current_slice()
        if place is not None and self._controller.results.take_slices([place]):
            self._controller.next_beat(lambda: self._controller.labelling.call_done([place]))

    def on_accept(self) -> None:
        opened = self._controller.open_case
        if opened is None:
            return
        text = _(
            "Accept the whole suggestion for {case} as right? Slices that you drew stay as you drew them; an earlier "
            "version can be restored."
        ).format(case=opened.name)
        if self._agreed(text, _("Accept")):
            self._controller.results.accept_case()

    def on_reject(self) -> None:
        if self._agreed(_("Discard the suggestion for this case? Your labels stay."), _("Reject")):
            self._controller.results.reject_suggestion()

    def _agreed(self, question: str, title: str) -> bool:
        """Asked, and agreed to for what is on screen: the panel works on while a question stands there, and a case that
        was clicked before, or another suggestion, may come. A model that learns meanwhile only improves its own.
        """
        about = ("run",) if self._panel.live.on else ("run", "time")
        asked = self._on_screen(*about)
        if not slicer.util.confirmOkCancelDisplay(question, windowTitle=title):
            return False
        same = self._on_screen(*about) == asked
        if not same:
            text = _("Another case or suggestion was opened before you answered. Nothing was changed.")
            self._controller.say(text, "warning")
        return same

    def _on_screen(self, *about: str) -> tuple[str, ...]:
        """The case, and this much ``about`` its suggestion."""
        opened = self._controller.open_case
        return (opened.id, *(str(opened.provenance.get(key)) for key in about)) if opened is not None else ()

    def refresh(self) -> None:
        opened, found = self._controller.open_case, self._panel.training.worth_a_look()
        there = opened is not None and (opened.suggestion is not None or bool(opened.unusable))
        self.hint.visible, self._case_box.visible = not there, there
        self.hint.text = (
            _("Click a case to see its suggestion.") if any(row.suggestion for row in self._controller.rows)
            else _("After training, suggestions for every case appear here.")
        )  # fmt: skip
        self.next.visible = bool(self._controller.rows)
        self.right.visible = self.correct.visible = self.accept.visible = there
        enable(self.next, "" if found else _("The model has not suggested any slices yet."))
        if there and opened is not None:
            self.sure.text = how_good(self._controller.rows, opened.id)
            self.sure.visible = bool(self.sure.text)
            self._advise(opened.id)
            self.origin.text = origin(opened.provenance) if opened.provenance else html.escape(unusable_words(opened))
            self.earlier.visible = opened.earlier is not None
            self.changed.text = changed(opened.provenance, self._controller.structures(), voxel_ml(opened.grid))
            self.changed.visible = bool(self.changed.text)
        self.on_suggestion(bool(self.suggestion.checked))
        self._overlay()

    def _allow(self) -> None:
        """Only what is seen can be said to be right."""
        opened = self._controller.open_case
        if opened is None:
            return
        lost = _("The suggestion cannot be read.") if opened.suggestion is None else ""
        hidden = "" if self.suggestion.checked else _("The suggestion is hidden. Tick 'Show suggestion' first.")
        accepted = _("This case is accepted.") if opened.status == "accepted" else ""
        enable(self.accept, lost or accepted or hidden)
        enable(self.correct, lost)
        enable(self.right, lost or hidden)

    def _advise(self, case: str) -> None:
        from ..cases.advice import advice  # with the first suggestion

        told = advice(self._controller.rows, case)
        lines = [_("<b>What helps most</b>"), *(f"• {html.escape(line)}" for line in told)] if told else []
        self.advice.text, self.advice.visible = "<br>".join(lines), bool(lines)

    def _overlay(self) -> None:
        """Uncertainty and last round of the suggestion on screen; again only when that is another one."""
        wanted = self._on_screen("run", "time")
        if wanted != self._overlaid:
            if wanted[:1] == self._overlaid[:1] and not self._panel.live.on:  # one that goes on learning only improves
                self._show_reason("")  # it was about the suggestion before
            self._overlaid = wanted
            self.on_uncertainty(bool(self.uncertainty.checked))
            self.on_earlier(bool(self.earlier.checked))


def how_good(rows: Sequence[CaseRow], case: str) -> str:
    """What is known of the suggestion of a case, in the colour of its flag."""
    found = next((quality(row) for row in rows if row.id == case), ("", "", ""))
    _cell, told, colour = found
    style = f" style='color:{colour}'" if colour else ""
    return f"<span{style}>{html.escape(told)}</span>" if told else ""


def changed(provenance: dict[str, Any], structures: Sequence[Shown], millilitres: float) -> str:
    """What the model changed since the last round, a line for each of the structures that changed most; "" when there
    was none.
    """
    names = {str(item.value): item.name for item in structures}
    found = dict(provenance.get("change") or {})
    most = sorted(found, key=lambda value: found[value]["dice"])[:CHANGED] if len(found) > CHANGED else list(found)
    lines = []
    for value in sorted(most, key=list(found).index):
        item = found[value]
        before, after = item["before"] * millilitres, item["after"] * millilitres
        text = _("{name}: {before:.3g} ml before, {after:.3g} ml now, overlap {dice:.0%}")
        name = html.escape(breakable(names.get(value, value)))
        lines.append(text.format(name=name, before=before, after=after, dice=item["dice"]))
    if rest := [found[value]["dice"] for value in found if value not in most]:
        lines.append(_("Others, less changed: {n}, overlap {dice:.0%} or more").format(n=len(rest), dice=min(rest)))
    return "<br>".join([_("<b>Changed since the previous suggestion</b>"), *lines]) if lines else ""


def voxel_ml(grid: Grid) -> float:
    """The volume of a voxel in millilitres."""
    return float(np.prod(grid.spacing)) / 1000


def origin(provenance: dict[str, Any]) -> str:
    """Which method proposed this, and when, in this computer's time."""
    method = str(provenance.get("method", ""))
    words = method_words().get(method, (method, ""))[0]
    try:
        when = datetime.fromisoformat(str(provenance.get("time"))).astimezone().strftime("%d %b %Y, %H:%M")
    except ValueError:
        when = ""
    if not method:
        return _("It is not known which model suggested this: its record was damaged, and a new one was started.")
    return _("Suggested by the method '{method}', {time}").format(method=words, time=when)
