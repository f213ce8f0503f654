"""Section 4: train on my labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer

from ..training.connection import LAST, Order
from ..training.preflight import Finding
from ..words import _
from .choices import TrainingChoices
from .live import LiveRow
from .parts import enable, label, primary, section
from .running import RunView
from .setup import findings_text

if TYPE_CHECKING:
    from SemiSegLogic.study import Study

    from .panel import Panel


class TrainSection:
    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller, self._training = panel, panel.controller, panel.training
        self.header, inside = section(layout, _("Train on my labels"))
        self.train = primary(inside, _("Train on my labels"), _("Checks the labels, then starts"), self.on_train)
        self.findings = label(inside)
        self.findings.visible = self._running = False
        self.run = RunView(panel, inside)
        self.live = LiveRow(panel, inside)
        self.choices = TrainingChoices(panel, inside)
        for switch in (self.choices.fragments, self.choices.outlines, self.choices.more):
            switch.connect("toggled(bool)", self.on_manner)

    # --- asked for --------------------------------------------------------------------------------------------

    def on_train(self) -> None:
        self.train_from(LAST if self.choices.go_on.checked and self._training.job else "")

    def on_manner(self, *_checked: Any) -> None:
        self._panel.live.learn(self.choices.manner)

    def train_from(self, run: str) -> None:
        """Check, then train as chosen here, from the model of ``run`` (LAST; "": a new one)."""
        if self._training.engaged:  # pressed twice, or faster than the buttons follow
            self._controller.say(_(
                "SemiSeg is already training or using a model. Stop it first, or wait until it is done."
            ), "warning")
            return
        order = self._order(run)
        if order is None:
            return
        study, asked_for = self._controller.study, self._open_case()
        self._prepare(True)
        self._training.preflight.look(
            lambda findings: self._checked(findings, run, study, asked_for), not self.choices.place.away,
            lambda: self._prepare(False), order.method, order.settings,
        )

    def _prepare(self, begun: bool) -> None:
        """From the press on, until the run is begun or refused, nobody can press again."""
        self._training.preparing = begun
        self.refresh()
        self._panel.models.refresh()

    def _checked(self, findings: list[Finding], run: str, study: Study | None, asked_for: str) -> None:
        """``study`` and ``asked_for``: the study and case on screen when Train was pressed; others may have come."""
        try:
            wanted = study is self._controller.study and self._agreed(findings, asked_for)
        finally:
            self._prepare(False)
        if wanted and study is self._controller.study:  # a question was open, and what goes on beside it went on
            self._start(run)
            self.refresh()

    def _agreed(self, findings: list[Finding], asked_for: str) -> bool:
        """Show what was found, and ask of it what has to be asked; False when there can be no training."""
        self._tell(findings)
        if stops := [finding.text for finding in findings if finding.level == "stop"]:
            self._controller.say(stops[0], "warning")  # it may have been begun from above, where no finding is seen
            return False
        told = next((finding.text for finding in findings if finding.about == "touched"), "")
        if told and self._open_case() == asked_for:
            self._offer(told, asked_for)
        return True

    def _tell(self, findings: list[Finding]) -> None:
        self.findings.text = findings_text(findings)
        self.findings.visible = bool(findings)

    def _offer(self, told: str, asked_for: str) -> None:
        """Offer to mark the slices as done that are drawn on."""
        question = _("{text}\n\nMark them as done and use them?").format(text=told)
        agreed = slicer.util.confirmYesNoDisplay(question, windowTitle=_("Slices not done"))
        opened = self._controller.open_case
        if agreed and opened is not None and opened.id == asked_for:
            preflight = self._training.preflight
            preflight.findings = [found for found in preflight.findings if found.about != "touched"]
            self._controller.labelling.call_done(sorted(opened.touched))

    def _open_case(self) -> str:
        opened = self._controller.open_case
        return opened.id if opened is not None else ""

    def _start(self, run: str) -> None:
        order = self._order(run)  # anew: it may have been changed while the study was looked through
        if order is not None:
            self._training.start(order)

    def _order(self, run: str) -> Order | None:
        """What is chosen now; None, which is told, when a field holds no number."""
        try:
            return self.choices.order(run, self._open_case())
        except ValueError as error:
            self._controller.say(str(error), "warning")
            return None

    # --- shown ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        enable(self.train, self._why_not())
        self.live.refresh()
        live = self._training.live
        running = self._training.running and not live
        self.choices.refresh(running, bool(self._training.job), self._training.look)
        self.train.visible = not running
        if running != self._running:
            self._running = running
            self._tell(self._training.warnings if running else [])
        self.run.refresh(running, None if live else self._training.look)

    def _why_not(self) -> str:
        """Why no training can be started; "" when it can."""
        if not self._controller.study:
            return _("Open a study first.")
        if self._training.engaged:
            return _("SemiSeg is already training or using a model. Stop it first, or wait until it is done.")
        return self.choices.place.why_not()
