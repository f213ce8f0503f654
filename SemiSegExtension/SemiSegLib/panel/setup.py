"""Section 1: the computing environment, and what may be wrong with this computer."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import qt
import slicer

from ..computer import examine
from ..installer import State, question, suitable_pythons
from ..preflight import Finding
from ..words import _
from .parts import box, button, form, label, notice, primary, row, section

if TYPE_CHECKING:
    from .panel import Panel

MARKS = {"stop": "#b3261e", "warning": "#a86a00", "good": "#2e7d46"}


class SetupSection:
    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel = panel
        self.header, inside = section(layout, _("Set up"))
        self.state = label(inside)
        buttons = row(inside)
        self.install = primary(
            buttons, _("Set up"), _("Download what training needs, into a folder of its own"), self.on_install
        )
        self.cancel = button(buttons, _("Cancel"), _("Stop setting up; it can go on later"), self.on_cancel)
        self.remove = button(buttons, _("Remove"), _("Delete the computing environment"), self.on_remove)
        self.check = button(
            buttons, _("Check my computer"), _("Look for what is missing and say what to do"), self.on_check
        )
        self.findings = label(inside)
        self.findings.visible = False
        self._log_box, log_layout = box(inside)
        self.log = qt.QPlainTextEdit()
        self.log.readOnly = True
        self.log.maximumHeight = 110
        log_layout.addWidget(self.log)
        self._advanced(inside)
        self._kind = ""
        self.refresh()

    def _advanced(self, inside: Any) -> None:
        self._more = qt.QCheckBox(_("Use another Python"))
        inside.addWidget(self._more)
        self._more.connect("toggled(bool)", self.on_more)
        self._python_box, layout = box(inside)
        self.python = qt.QLineEdit()
        self.python.text = self._panel.preferences.get("python")
        self.python.toolTip = _("Path of a Python 3.11 or newer with venv; empty: the best one found")
        form(layout).addRow(_("Python:"), self.python)
        self.python.connect("editingFinished()", self.on_python)
        self._python_box.visible = bool(self.python.text)
        self._more.checked = bool(self.python.text)

    def on_more(self, shown: bool) -> None:
        self._python_box.visible = shown

    def on_python(self) -> None:
        self._panel.preferences.set("python", self.python.text.strip())

    def on_install(self) -> None:
        """Ask, look for a Python off the main thread, then start the process."""
        installer = self._panel.installer
        if not slicer.util.confirmOkCancelDisplay(question(installer.folder), windowTitle=_("Set up SemiSeg")):
            return
        chosen, surroundings = self.python.text.strip(), installer.environment()
        self._panel.controller.disk.run(
            _("Look for Python"), lambda: [chosen] if chosen else suitable_pythons(surroundings), self._start
        )

    def _start(self, pythons: list[str]) -> None:
        if not pythons:
            self._panel.controller.say(
                _(
                    "No Python 3.11 or newer was found that can make environments. Install one from "
                    "python.org, then press Set up again."
                ),
                "error",
            )
            return
        self._panel.installer.start([pythons[0]])
        self.refresh()

    def on_cancel(self) -> None:
        self._panel.installer.cancel()
        self.refresh()

    def on_remove(self) -> None:
        installer = self._panel.installer
        text = _("Delete the computing environment?\n\n{folder}\n\nStudies, drawings and models stay.").format(
            folder=installer.folder
        )
        if slicer.util.confirmOkCancelDisplay(text, windowTitle=_("Remove")):
            self._panel.controller.disk.run(_("Remove the environment"), installer.remove, lambda _done: self.refresh())

    def on_check(self) -> None:
        study = self._panel.controller.study
        folder, installer = (study.folder if study else None), self._panel.installer
        self.findings.text = _("Looking …")
        self.findings.visible = True
        self._panel.controller.disk.run(_("Check my computer"), lambda: examine(installer, folder), self.show_findings)

    def show_findings(self, findings: list[Finding]) -> None:
        self.findings.text = findings_text(findings)
        self.findings.visible = True

    def refresh(self) -> None:
        """The state of the environment; called once a second while it is being set up."""
        state = self._panel.installer.look()
        if state.kind == "installing":
            self.log.setPlainText("\n".join(self._panel.installer.log_text(6000).splitlines()[-6:]))
        if state.kind != self._kind:
            self._show(state)

    def _show(self, state: State) -> None:
        was, self._kind = self._kind, state.kind
        words = {
            "absent": (
                _("Training needs one download into a folder of its own. Slicer itself is not changed."),
                "info",
            ),
            "installing": (_("Setting up … you can go on working."), "info"),
            "ready": (_("Ready to train on this computer."), "good"),
            "unfinished": (_("Setting up was interrupted. Repair goes on where it stopped."), "warning"),
            "failed": (_("Setting up did not work. {why}").format(why=state.text), "error"),
        }
        notice(self.state, *words[state.kind])
        busy = state.kind == "installing"
        self.install.text = {"absent": _("Set up"), "ready": _("Repair")}.get(state.kind, _("Repair"))
        self.install.visible, self.cancel.visible = not busy, busy
        self.remove.visible = state.kind in ("ready", "unfinished", "failed")
        self._log_box.visible = busy or state.kind == "failed"
        self.header.text = _("Set up") + (" - " + _("ready") if state.kind == "ready" else "")
        if state.kind == "ready":
            self.header.collapsed = True
        if was == "installing" and state.kind == "ready":
            self._panel.controller.say(_("Set-up is finished: you can train now."), "good")
        self._panel.refresh_training()


def findings_text(findings: list[Finding]) -> str:
    """Findings as coloured lines."""
    signs = {"stop": "✖", "warning": "▲", "good": "✔"}
    lines = [f'<span style="color:{MARKS[f.level]}">{signs[f.level]}</span> {html.escape(f.text)}' for f in findings]
    return "<br>".join(lines)
