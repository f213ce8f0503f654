"""Section 4: train on my labels."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import qt
import slicer

from ..connection import LAST, Order
from ..methods import TIMES, method_words, time_words
from ..preflight import Finding
from ..words import _
from .advanced import SettingsForm
from .live import LiveRow
from .parts import box, button, enable, form, label, minutes, primary, row, section
from .pictures import PictureLabel, curve
from .setup import findings_text

if TYPE_CHECKING:
    from ..connection import Look
    from .panel import Panel


class TrainSection:
    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller, self._training = panel, panel.controller, panel.training
        self.header, inside = section(layout, _("Train on my labels"))
        self.live = LiveRow(panel, inside)
        self._choices, choices = box(inside)
        self._methods = method_words()
        self._build_choices(choices)
        self.findings = label(inside)
        self.findings.visible = False
        self.train = primary(inside, _("Train on my labels"), "", self.on_train)
        self._running, running = box(inside)
        self.phase = label(running)
        self.bar = qt.QProgressBar()
        self.bar.maximum = 1000
        running.addWidget(self.bar)
        self._picture = qt.QLabel()
        running.addWidget(self._picture)
        self._curve = PictureLabel(self._picture, panel.scratch, "curve")
        self.numbers = label(running, faint=True)
        buttons = row(running)
        self.stop = primary(
            buttons, _("Stop and keep the best"), _("The best model so far is saved and used"), self.on_stop
        )
        self.resume = button(buttons, _("Go on"), _("Go on from the last saved state"), self.on_resume)
        self.curves = button(buttons, _("Show curves"), _("In a plot view of Slicer"), self.on_curves)

    def _build_choices(self, layout: Any) -> None:
        fields = form(layout)
        self.method = qt.QComboBox()
        for name, _sentence in self._methods.values():
            self.method.addItem(name)
        fields.addRow(_("Method:"), self.method)
        self.sentence = label(layout, faint=True)
        self.time = qt.QComboBox()
        self.time.addItems(time_words())
        fields.addRow(_("Train for:"), self.time)
        self.where = qt.QLabel("")
        fields.addRow(_("Where:"), self.where)
        self.go_on = qt.QCheckBox(_("Go on from the last training"))
        self.go_on.toolTip = _("Begins with what the last training learned: better masks in the same time")
        self.go_on.checked = True
        layout.addWidget(self.go_on)
        self.more = qt.QCheckBox(_("Advanced"))
        layout.addWidget(self.more)
        self._advanced, advanced = box(layout)
        self.settings = SettingsForm(advanced)
        self._advanced.visible = False
        self.more.connect("toggled(bool)", self.on_more)
        self.method.connect("currentIndexChanged(int)", self.on_method)
        self.on_method()

    def on_method(self, *_index: Any) -> None:
        self.sentence.text = list(self._methods.values())[self.method.currentIndex][1]
        self.on_more(bool(self.more.checked))

    def on_more(self, shown: bool) -> None:
        """The fields are made when asked for: most people never look."""
        from SemiSegLogic.settings import CHOICES

        if shown:
            self.settings.show(CHOICES[self._chosen()])
        self._advanced.visible = shown

    def _chosen(self) -> str:
        return list(self._methods)[self.method.currentIndex]

    # --- asked for --------------------------------------------------------------------------------------------

    def on_train(self) -> None:
        self.train_from(LAST if self.go_on.checked and self._training.job else "")

    def train_from(self, run: str) -> None:
        """Check, then train as chosen here, from the model of ``run`` (LAST; "": a new one)."""
        self._training.preflight(lambda findings: self._checked(findings, run))

    def _checked(self, findings: list[Finding], run: str) -> None:
        self.findings.text = findings_text(findings)
        self.findings.visible = bool(findings)
        if any(finding.level == "stop" for finding in findings):
            return
        opened = self._controller.open_case
        if opened is not None and any(finding.about == "touched" for finding in findings):
            question = _("{text}\n\nCall them done and use them?").format(
                text=next(finding.text for finding in findings if finding.about == "touched")
            )
            if slicer.util.confirmYesNoDisplay(question, windowTitle=_("Slices not done")):
                self._controller.labelling.call_done(sorted(opened.touched))
        self._start(run)

    def _start(self, run: str) -> None:
        opened = self._controller.open_case
        try:
            settings = self.settings.values() if self.more.checked else {}
        except ValueError as error:
            self._controller.say(str(error), "warning")
            return
        self._training.start(
            Order(
                self._chosen(),
                TIMES[self.time.currentIndex],
                run,
                opened.id if opened else "",
                settings,
            )
        )

    def on_stop(self) -> None:
        self._training.stop()
        self.stop.enabled = False
        applied = self._training.applied
        self.phase.text = _("Stopping …") if applied else _("Stopping; the best model is being saved …")

    def on_resume(self) -> None:
        self._training.resume()

    def on_curves(self) -> None:
        if self._training.look is not None:
            self._panel.screen.open_curves(columns(self._training.look.curves))

    # --- shown ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        state = self._panel.installer.look().kind
        why_not = "" if self._controller.study else _("Open a study first.")
        if not why_not and state != "ready":
            why_not = _("Press Set up first: the computing environment is not ready.")
        enable(self.train, why_not, _("Checks the labels, then starts"))
        self.live.refresh()
        live = self._training.live
        running = self._training.running and not live
        look = None if live else self._training.look
        self._show_where(self._training.look)
        self._choices.visible = self.train.visible = not running
        if running:
            self.findings.visible = False
        self._running.visible = running or look is not None
        self.go_on.visible = bool(self._training.job) and not running
        self._show_stop(running, self._training.applied)
        if running and (look is None or not look.status.phase.startswith("stop")):
            self.stop.enabled = True
        self.resume.visible = look is not None and look.status.state in ("lost", "stopped", "failed")
        self.curves.visible = look is not None and len(look.curves) > 1
        if look is None:
            self.phase.text, self.bar.value, self.numbers.text = _("Starting …"), 0, ""
        else:
            self._show(look)

    def _show_stop(self, running: bool, applied: bool) -> None:
        self.stop.visible = running
        self.stop.text = _("Stop") if applied else _("Stop and keep the best")
        self.stop.toolTip = (
            _("The suggestions made until then are kept") if applied else _("The best model so far is saved and used")
        )

    def _show_where(self, look: Look | None) -> None:
        """This computer, with what it computed on the last time."""
        known = self._panel.preferences.get("device")
        if look is not None and look.status.device not in ("", known):
            known = look.status.device
            self._panel.preferences.set("device", known)
        self.where.text = _("this computer ({device})").format(device=known) if known else _("this computer")

    def _show(self, look: Look) -> None:
        status = look.status
        words = {
            "queued": _("Waiting for the computer: {n} ahead").format(n=status.queue_position),
            "running": _("Using a model") if look.applied else _("Training"),
            "done": _("Finished"),
            "failed": _("Failed"),
            "stopped": _("Stopped"),
            "lost": _("Lost"),
        }
        left = minutes(status.seconds_left) if status.state == "running" else ""
        line = words[status.state] + (" · " + _("{time} left").format(time=left) if left else "")
        self.phase.text = f"<b>{line}</b><br>{html.escape(status.message)}"
        self.bar.value = round(1000 * status.fraction)
        points = error_on_my_slices(look.curves)
        self._picture.visible = len(points) > 1
        self._curve.show(curve(points))
        facts = [status.device, _("after {time}").format(time=minutes(status.elapsed)) if status.elapsed else ""]
        lines = [
            _("The line: error on my slices; lower is better.") if len(points) > 1 else "",
            agreement(status.scores),
            " · ".join(fact for fact in facts if fact),
        ]
        self.numbers.text = "<br>".join(html.escape(line) for line in lines if line)
        self._panel.screen.curves(columns(look.curves))


def agreement(scores: dict[str, Any]) -> str:
    """The honest quality: agreement with slices kept aside, or that there are too few to know."""
    told = scores.get("quality") if isinstance(scores, dict) else None
    if isinstance(told, dict) and told.get("words"):
        return str(told["words"])
    found = scores.get("held_out") if isinstance(scores, dict) else None
    known = [value for value in found.values() if isinstance(value, (int, float))] if isinstance(found, dict) else []
    if known:
        return _("agreement with slices kept aside: {score:.0%}").format(score=max(known))
    return _("not enough slices yet to judge the quality") if scores else ""


def error_on_my_slices(curves: list[dict[str, Any]]) -> list[tuple[float, float]]:
    """(seconds, loss) for the losses that a run has from its first to its last method: those on the labels.

    Other losses come and grow while a method trains, so their sum would seem to get worse.
    """
    points = [point for point in curves if "losses" in point and "seconds" in point]
    if not points:
        return []
    keys = set(points[0]["losses"]) & set(points[-1]["losses"])
    if not keys:  # another kind of method took over: only its own part can be compared
        points = [point for point in points if point.get("leg") == points[-1].get("leg")]
        keys = set(points[0]["losses"]) & set(points[-1]["losses"])
    return [
        (float(p["seconds"]), sum(float(p["losses"][key]) for key in keys)) for p in points if keys <= set(p["losses"])
    ]


def columns(curves: list[dict[str, Any]]) -> dict[str, list[float]]:
    """The curve as columns for a plot."""
    points = error_on_my_slices(curves)
    return {
        _("seconds"): [seconds for seconds, _loss in points],
        _("error on my slices"): [loss for _s, loss in points],
    }
