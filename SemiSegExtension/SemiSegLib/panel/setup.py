"""Section 1: the computing environment, and what may be wrong with this computer."""

from __future__ import annotations

import html
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from SemiSegLogic.environment.problem import EnvironmentProblem, explain_disk

from ..setup.installer import package_root, question
from ..setup.interpreters import CHOSEN, PRIVATE, SLICERS
from ..setup.other_pythons import slicers_question
from ..setup.process import State
from ..setup.pythons import needed_python, suitable_pythons
from ..training.preflight import Finding
from ..words import _
from .parts import AMBER, GREEN, RED, box, breakable, button, label, notice, primary, row, section
from .setup_choices import SetupChoices

if TYPE_CHECKING:
    from .panel import Panel

MARKS = {"stop": RED, "warning": AMBER, "good": GREEN}
LOG_LINES = 7


class SetupSection:
    """One button that sets up, and what is to be known of it."""

    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel = panel
        self.header, inside = section(layout, _("Set up"))
        self.state = label(inside)
        self._buttons(inside)
        self._progress_box, going = box(inside)
        self.doing = label(going)
        self.bar = qt.QProgressBar()
        going.addWidget(self.bar)
        self.findings = label(inside)
        self.findings.visible = False
        self._log_box, log_layout = box(inside)
        self.log = qt.QPlainTextEdit()
        self.log.readOnly = True
        self.log.maximumHeight = 120
        log_layout.addWidget(self.log)
        self.choices = SetupChoices(panel, inside, self)
        self._shown: tuple[str, State] | None = None
        self._searching = False  # a Python to set up with is being looked for
        self._judging = False  # what was installed into Slicer's Python is being looked at
        self.refresh()

    def _buttons(self, inside: Any) -> None:
        buttons = row(inside)
        tip = _("Download what training needs, into a folder of its own")
        self.install = primary(buttons, _("Set up"), tip, self.on_install)
        self.cancel = button(buttons, _("Cancel"), _("Stop setting up; you can continue later"), self.on_cancel)
        self.remove = button(buttons, _("Remove"), _("Delete the computing environment"), self.on_remove)
        tip = _("Finds what is missing, and tells you what to do")
        self.check = button(buttons, _("Check my computer"), tip, self.on_check)

    # --- asked for --------------------------------------------------------------------------------------------

    def on_install(self) -> None:
        """Ask, then set up, or repair, the interpreter that is chosen."""
        if self._searching:
            return
        if self._panel.training.running and self._kind == "ready":
            self._say(_("A training is running with this environment. Stop it first, then press Repair."), "warning")
        elif self._panel.interpreters.kind == SLICERS:
            self._install_into_slicer()
        else:
            asked = question(self._panel.installer.folder)
            if slicer.util.confirmOkCancelDisplay(asked, windowTitle=_("Set up SemiSeg")):
                self.set_up()

    def set_up(self, bundle: Path | None = None, version: str = "") -> None:
        """Look for a Python (of ``version``) off the main thread, then start the process."""
        interpreters, chosen, installer = self._panel.interpreters, self.choices.base, self._panel.installer
        if self._searching:  # pressed twice: a second process would write into the same folder
            return
        self._search(True)
        own = [interpreters.slicers_python] if interpreters.slicers_python else []
        self._panel.controller.background.run(
            _("Look for Python"),
            lambda: [chosen] if chosen else suitable_pythons(interpreters.surroundings, own, version),
            lambda pythons: self._start(installer, pythons, bundle, version),
            self._not_searched,
        )

    def _search(self, begun: bool) -> None:
        self._searching = begun
        self.install.enabled = self.choices.offline.enabled = not begun

    def _not_searched(self, error: Exception) -> None:
        self._search(False)
        self._panel.controller.problem(_("Look for Python"), error, "".join(traceback.format_exception(error)))

    def _start(self, installer: Any, pythons: Sequence[str], bundle: Path | None, version: str) -> None:
        """``installer``: the one that was asked for; another one may have been chosen since."""
        self._search(False)
        if not pythons:
            bundles = _("The bundle is for Python {version}, 64-bit.").format(version=version)
            needed = bundles if version else needed_python()
            text = _("No suitable Python was found. {needed} Install one from python.org, then press Set up again.")
            self._say(text.format(needed=needed), "error")
            return
        try:
            installer.start([pythons[0]], bundle) if bundle else installer.start([pythons[0]])
        except OSError as error:
            self._say(explain_disk(error, installer.folder), "error")
        self.refresh()

    def _install_into_slicer(self) -> None:
        interpreter = self._panel.interpreters.slicers
        if not slicer.util.confirmOkCancelDisplay(slicers_question(), windowTitle=_("Change Slicer's Python")):
            return
        try:
            interpreter.start(package_root())
        except EnvironmentProblem as problem:
            self._say(problem.text, "warning")
        except OSError as error:
            self._say(explain_disk(error, interpreter.folder), "error")
        self.refresh()

    def on_cancel(self) -> None:
        self._panel.installer.cancel()
        self.refresh()

    def on_remove(self) -> None:
        installer = self._panel.installer
        text = _("Delete the computing environment?\n\n{folder}\n\nStudies, drawings and models stay.").format(
            folder=installer.folder
        )
        agreed = not self._in_use() and slicer.util.confirmOkCancelDisplay(text, windowTitle=_("Remove"))
        if agreed and not self._in_use():  # learning while somebody draws begins by itself, also beside a question
            background = self._panel.controller.background
            background.run(_("Remove the environment"), installer.remove, lambda _done: self.refresh())

    def _in_use(self) -> bool:
        """A run needs the environment, which is told."""
        running = self._panel.training.running or self._panel.training.engaged
        if running:
            self._say(_("A training is running with this environment. Stop it first, then press Remove."), "warning")
        return bool(running)

    def on_check(self) -> None:
        from ..setup.computer import examine  # with the first check: opening the module needs it not

        study = self._panel.controller.study
        folder, interpreter = (study.folder if study else None), self._panel.installer
        self.findings.text = _("Looking …")
        self.findings.visible = True
        background = self._panel.controller.background
        background.run(_("Check my computer"), lambda: examine(interpreter, folder), self.show_findings)

    def show_findings(self, findings: list[Finding]) -> None:
        self.findings.text = findings_text(findings)
        self.findings.visible = True
        self.refresh()

    def _say(self, text: str, level: str) -> None:
        self._panel.controller.say(text, level)

    # --- shown ------------------------------------------------------------------------------------------------

    @property
    def _kind(self) -> str:
        return self._shown[1].kind if self._shown else ""

    def refresh(self) -> None:
        """The state of the environment; called once a second."""
        self._panel.interpreters.kept.flush(self._panel.preferences.set)
        self._judge_slicers()
        now = (self._panel.interpreters.kind, self._panel.installer.look())
        if now != self._shown:
            self._show(*now)
        if now[1].kind == "installing":
            self.log.setPlainText("\n".join(self._panel.installer.log_text(6000).splitlines()[-LOG_LINES:]))

    def _judge_slicers(self) -> None:
        """Into Slicer's own Python something was installed: whether it can train now is found out off the main thread,
        for that starts it.
        """
        interpreter, name = self._panel.interpreters.slicers, _("Check Slicer's Python")
        if self._judging or not interpreter.to_be_judged:
            return
        self._judging = True

        def judged(_verdict: Any) -> None:
            self._judging = False
            self.refresh()

        def failed(error: Exception) -> None:
            judged(None)
            self._panel.controller.problem(name, error, "".join(traceback.format_exception(error)))

        self._panel.controller.background.run(name, interpreter.judge, judged, failed)

    def _show(self, which: str, state: State) -> None:
        was, self._shown = self._shown, (which, state)
        busy = state.kind == "installing"
        self._progress_box.visible = busy
        if busy:
            self._show_progress(state)
        if was is not None and (was[0], was[1].kind) == (which, state.kind) and busy:
            return
        notice(self.state, *words(which, state))
        fresh = state.kind == "absent" or which == SLICERS
        self.install.text = _("Set up") if fresh else _("Repair")
        self.install.toolTip = (
            _("Download what training needs, into a folder of its own")
            if fresh
            else _("Makes the computing environment work again; what is already downloaded is not downloaded again")
        )
        self.install.visible = not busy and which != CHOSEN and not (which == SLICERS and state.kind == "ready")
        self.cancel.visible = busy
        self.remove.visible = which == PRIVATE and state.kind in ("ready", "unfinished", "outdated", "failed")
        self._log_box.visible = busy or (state.kind == "failed" and bool(self.log.plainText))
        self.choices.show(which, busy)
        self._fold(was, state)

    def _fold(self, was: tuple[str, State] | None, state: State) -> None:
        """Out of the way as soon as it is ready, and the first time only: a person may open it again."""
        ready = state.kind == "ready"
        self.header.text = _("Set up - ready") if ready else _("Set up")
        if ready and (was is None or was[1].kind == "installing"):
            self.header.collapsed = True
        if ready and was is not None and was[1].kind == "installing":
            self._say(_("Setting up is finished: you can train now."), "good")
        self._panel.refresh_training()

    def _show_progress(self, state: State) -> None:
        """A bar that runs to and fro where nobody knows how far it is."""
        self.doing.text = state.text
        known = state.fraction >= 0
        self.bar.maximum = 100 if known else 0
        self.bar.value = round(100 * state.fraction) if known else 0


def words(which: str, state: State) -> tuple[str, str]:
    """What is said of a state, and how."""
    if which != PRIVATE and state.kind != "installing":
        level = {"ready": "good", "failed": "error"}.get(state.kind, "info")
        return (_("Ready to train. {what}").format(what=state.text) if state.kind == "ready" else state.text), level
    return {
        "absent": (_("Training needs one download, into a folder of its own. Slicer itself is not changed."), "info"),
        "installing": (_("Setting up … you can go on working."), "info"),
        "ready": (_("Ready to train on this computer."), "good"),
        "unfinished": (_("Setting up was interrupted. Press Repair to continue where it stopped."), "warning"),
        "outdated": (_(
            "The computing environment must be renewed. {why} Press Repair."
        ).format(why=state.text), "warning"),
        "failed": (_("Setting up did not work. {why}").format(why=state.text), "error"),
    }[state.kind]


def findings_text(findings: list[Finding]) -> str:
    """Findings as coloured lines."""
    signs = {"stop": "✖", "warning": "▲", "good": "✔"}
    return "<br>".join(
        f'<span style="color:{MARKS[found.level]}">{signs[found.level]}</span> {html.escape(breakable(found.text))}'
        for found in findings
    )
