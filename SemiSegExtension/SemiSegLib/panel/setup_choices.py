"""More choices of the set-up: which Python trains, where the private environment lies, and setting up offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from SemiSegLogic.environment.problem import EnvironmentProblem

from ..setup.interpreters import CHOSEN, PRIVATE, SLICERS
from ..setup.pythons import needed_python
from ..words import _
from .parts import box, button, choice, form, label, row

if TYPE_CHECKING:
    from SemiSegLogic.environment.bundle import Bundle

    from .panel import Panel
    from .setup import SetupSection

ORDER = (PRIVATE, CHOSEN, SLICERS)


class SetupChoices:
    """Folded away; nobody needs it who has a network and an ordinary computer."""

    def __init__(self, panel: Panel, inside: Any, section: SetupSection) -> None:
        self._panel, self._section = panel, section
        self.more = qt.QCheckBox(_("More choices"))
        inside.addWidget(self.more)
        self._all, layout = box(inside)
        self.interpreter = choice()
        for text in (
            _("A private environment (recommended)"),
            _("Another Python that already has PyTorch and MONAI"),
            _("Slicer's own Python, through the PyTorch extension"),
        ):
            self.interpreter.addItem(text)
        form(layout).addRow(_("Train with:"), self.interpreter)
        self.interpreter.currentIndex = ORDER.index(panel.interpreters.kind)
        self._chosen(layout)
        self._private(layout)
        self._slicers, inner = box(layout)
        label(inner, _("Changes Slicer's Python; you are asked first."), faint=True)
        self.more.checked = panel.interpreters.kind != PRIVATE
        self._all.visible = self.more.checked
        self.more.connect("toggled(bool)", self.on_more)
        self.interpreter.connect("currentIndexChanged(int)", self.on_interpreter)

    @property
    def base(self) -> str:
        """The Python that the private environment is to be made with; "" for the best one found."""
        return str(self._base.text).strip()

    def _chosen(self, layout: Any) -> None:
        self._chosen_box, inner = box(layout)
        line = row(inner)
        self.python = qt.QLineEdit()
        self.python.text = self._panel.interpreters.chosen.path
        self.python.setPlaceholderText(needed_python())
        line.addWidget(self.python)
        button(line, _("Browse …"), _("Choose the Python program"), self.on_browse_python)
        text = _("Nothing is installed into it; SemiSeg only checks that it has what is needed.")
        label(inner, text, faint=True)
        self.python.connect("editingFinished()", self.on_python)

    def _private(self, layout: Any) -> None:
        self._private_box, inner = box(layout)
        rows = form(inner)
        self._base = qt.QLineEdit()
        self._base.text = self._panel.preferences.get("base")
        self._base.setPlaceholderText(_("the best Python found on this computer"))
        self._base.toolTip = _("Path of the Python program that makes the environment.") + " " + needed_python()
        rows.addRow(_("Made with:"), self._base)
        self._base.connect("editingFinished()", self.on_base)
        self.folder = qt.QLabel()
        self.folder.wordWrap = True
        rows.addRow(_("Folder:"), self.folder)
        buttons = row(inner)
        tip = _("Put the environment on another disk, or where the path is short")
        self.change = button(buttons, _("Other folder …"), tip, self.on_folder)
        tip = _("Set up without a network, from a file made on another computer with: semiseg bundle")
        self.offline = button(buttons, _("Use an offline bundle …"), tip, self.on_bundle)

    # --- asked for --------------------------------------------------------------------------------------------

    def on_more(self, shown: bool) -> None:
        self._all.visible = shown

    def on_interpreter(self, index: int) -> None:
        self._panel.interpreters.kind = ORDER[index]
        self._section.refresh()

    def on_python(self) -> None:
        path = str(self.python.text).strip()
        if path != self._panel.interpreters.chosen.path:
            self._panel.interpreters.choose_python(path)
            if path:
                self._section.on_check()
        self._section.refresh()

    def on_browse_python(self) -> None:
        chosen = self._ask_file(_("Choose a Python"), "")
        if chosen:
            self.python.text = chosen
            self.on_python()

    def on_base(self) -> None:
        self._panel.preferences.set("base", self.base)

    def on_folder(self) -> None:
        folder = str(qt.QFileDialog.getExistingDirectory(self.more, _("Choose a folder with enough space"), "") or "")
        if folder:
            self._panel.interpreters.choose_folder(str(Path(folder) / "semiseg-environment"))
            self._section.refresh()
            self.show(PRIVATE, False)

    def on_bundle(self) -> None:
        """Read its list first: what it is for is told before anything begins."""
        from SemiSegLogic.environment.bundle import MANIFEST, Bundle

        chosen = self._ask_file(_("Choose an offline bundle"), _("Offline bundles") + f" (*.zip {MANIFEST})")
        if chosen:
            path = Path(chosen).parent if Path(chosen).name == MANIFEST else Path(chosen)
            self._panel.controller.background.run(
                _("Read the bundle"), lambda: Bundle.open(path), self._bundle_read, self._bundle_refused
            )

    def _bundle_read(self, bundle: Bundle) -> None:
        text = _("Set up from {name}?\n\n{count} packages, {size:.1f} GB, for Python {python}. Every file is checked; "
                 "nothing is downloaded. They go into:\n\n{folder}")  # fmt: skip
        told = text.format(
            name=bundle.place.name,
            count=len(bundle.files),
            size=bundle.size / 1e9,
            python=bundle.python,
            folder=self._panel.interpreters.private.folder,
        )
        if slicer.util.confirmOkCancelDisplay(told, windowTitle=_("Set up SemiSeg")):
            self._section.set_up(bundle.place, bundle.python)

    def _bundle_refused(self, error: Exception) -> None:
        text = error.text if isinstance(error, EnvironmentProblem) else str(error)
        self._panel.controller.say(text, "error")

    def _ask_file(self, title: str, kinds: str) -> str:
        chosen = qt.QFileDialog.getOpenFileNames(self.more, title, "", kinds)
        return str(chosen[0]) if chosen else ""

    # --- shown ------------------------------------------------------------------------------------------------

    def show(self, which: str, busy: bool) -> None:
        """The part of the interpreter that is chosen."""
        for part, name in ((self._private_box, PRIVATE), (self._chosen_box, CHOSEN), (self._slicers, SLICERS)):
            part.visible = which == name
        self.folder.text = str(self._panel.interpreters.private.folder)
        for widget in (self.interpreter, self._base, self.change, self.offline):
            widget.enabled = not busy
