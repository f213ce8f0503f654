"""Above all sections: what to do next, how far a training is, and what was said last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import qt

from SemiSegLogic.geometry import SliceIndex

from ..setup.interpreters import CHOSEN
from ..training.run_words import headline
from ..training.steps import NEXT, TRAIN, Now, Step, next_step
from ..words import _
from .label import DONE_KEYS
from .parts import box, button, keys_here, label, minutes, notice, row

if TYPE_CHECKING:
    from .panel import Panel

OK_PX = 44
"""The width of OK."""
STAYS_S = 15.0
"""So long it stands there that something went well; a warning stands until it is put away."""


class NextStep:
    """``notice`` takes the place of the step's words: for a while; a warning until it is put away, with the button."""

    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller, self._training = panel, panel.controller, panel.training
        self._box, inside = box(layout)
        line = row(inside)
        words = qt.QVBoxLayout()
        line.addLayout(words, 1)
        self.notice, self.text = label(words), label(words)
        self.text.setTextFormat(qt.Qt.PlainText)
        notice(self.notice, "\n", "info")
        height = self.notice.sizeHint.height()  # of two lines: what stands below does not jump when other words come
        for shown in (self.notice, self.text):
            shown.minimumHeight = height
        self.away = button(line, _("OK"), _("Put this message away"), self.on_away)
        self.away.maximumWidth = OK_PX
        self.act = button(line, "", "", self.on_act)
        self.act.setStyleSheet("QPushButton { font-weight: bold; }")
        for pressed in (self.away, self.act):
            pressed.minimumHeight = height - 10
        self.bar = qt.QProgressBar()
        self.bar.maximum, self.bar.maximumHeight, self.bar.textVisible = 1000, 8, False
        inside.addWidget(self.bar)
        self._step = Step("")
        self._stands_until, self._warned = 0.0, False  # of the notice; 0: until it is put away
        self._learned: dict[str, frozenset[SliceIndex]] = {}  # of each case, done when a run was last on its way
        self._counted: tuple[Any, ...] = (None, None, False)  # study and rows, and whether a run was on its way
        self._counts: dict[str, Any] = {}
        self._put_away()
        self.refresh()

    # --- asked for --------------------------------------------------------------------------------------------

    def on_act(self) -> None:
        """Through the button in whose place this one stands."""
        panel = self._panel
        if self._step.act == TRAIN and panel.train is not None:
            panel.train.train.click()
        elif self._step.act == NEXT:
            panel.review.next.click()

    def on_away(self) -> None:
        self._put_away()

    # --- shown ------------------------------------------------------------------------------------------------

    def say(self, text: str, level: str) -> None:
        """In place of the step's words."""
        notice(self.notice, text, level)
        self.text.visible = not text
        self._warned = bool(text) and level in ("warning", "error")
        self.away.visible, self.act.visible = self._warned, bool(self._step.act) and not self._warned
        self._stands_until = 0.0 if self._warned else time.monotonic() + STAYS_S

    def _put_away(self) -> None:
        self.notice.visible = self.away.visible = self._warned = False
        self.text.visible, self.act.visible, self._stands_until = True, bool(self._step.act), 0.0

    def refresh(self) -> None:
        """Asked about once a second, and when anything changed."""
        if self._stands_until and time.monotonic() >= self._stands_until:
            self._put_away()
        look, running = self._training.look, self._training.running
        step = next_step(self._now())
        if step != self._step or not self.text.text:
            self._step = step
            self.text.text = step.text
            self.act.text = {TRAIN: _("Train on my labels"), NEXT: _("Next slice")}.get(step.act, "")
            tips = {TRAIN: _("Checks the labels, then starts"), NEXT: _("Next slice worth a look")}
            self.act.toolTip, self.act.visible = tips.get(step.act, ""), bool(step.act) and not self._warned
        self.bar.visible = running and look is not None and not self._training.live
        if look is not None:
            self.bar.value = round(1000 * look.status.fraction)

    def _now(self) -> Now:
        controller, training, train = self._controller, self._training, self._panel.train
        opened = controller.open_case
        why_not = train.choices.place.why_not() if train is not None else ""
        ours = bool(why_not) and train is not None and not train.choices.place.away
        setting_up = ours and self._panel.installer.look().kind == "installing"
        return Now(
            study=controller.study is not None,
            cases=len(controller.rows),
            opened=opened is not None,
            why_not=why_not,
            can_set_up=ours and not setting_up and self._panel.interpreters.kind != CHOSEN,
            setting_up=setting_up,
            touched=opened is not None and bool(opened.touched),
            named=bool(training.worth_a_look()),
            running=self._doing(),
            live=training.live,
            done_keys=keys_here(DONE_KEYS),
            **self._count(),
        )

    def _count(self) -> dict[str, Any]:
        """What is counted in the rows of the study, again only when they are others: a study may have many.

        A run learns from slices that are done until it ends; from how many another day's did is not asked. Cases that
        are finished are left alone: accepting one does all its slices.
        """
        study, rows = self._controller.study, self._controller.rows
        now = study, rows, bool(self._training.running or self._training.engaged)
        if all(one is other for one, other in zip(now, self._counted, strict=True)):
            return self._counts
        if study is not self._counted[0] or now[2]:
            self._learned = {row.id: row.done for row in rows}
        fresh = (len(row.done - self._learned.get(row.id, frozenset())) for row in rows if not row.finished)
        self._counted = now
        self._counts = {
            "drawn": sum(row.drawn for row in rows),
            "drawn_in": sum(bool(row.drawn) for row in rows),
            "suggested": any(row.suggestion for row in rows),
            "fresh": sum(fresh),
        }
        return self._counts

    def _doing(self) -> str:
        """What the run on its way does; "" when there is none."""
        training, look = self._training, self._training.look
        if training.preparing:
            return _("Checking your labels")
        if training.live and training.running:
            return self._panel.live.words()
        if training.running and look is not None:
            left = look.status.seconds_left if look.status.state == "running" else None
            time_left = _("{time} left").format(time=minutes(left)) if left else ""
            return " · ".join(part for part in (headline(look), time_left) if part)
        return _("Getting ready") if training.starting or training.running else ""
