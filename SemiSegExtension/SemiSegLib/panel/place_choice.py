"""Inside Train: on this computer, or on a server or cluster that a file describes, which is asked on a thread."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt

from ..words import _
from .parts import box, button, choice, label, row

if TYPE_CHECKING:
    from ..training.connection import Look
    from ..training.far_places import PlaceFile
    from .panel import Panel

HERE, AWAY = range(2)
"""In the order of the choice."""


class PlaceChoice:
    """A row of ``fields``, and below it in ``layout`` what there is to say of a far place."""

    def __init__(self, panel: Panel, fields: Any, layout: Any) -> None:
        self._panel, self._preferences = panel, panel.preferences
        self.where = choice()
        self.where.addItems([_("this computer"), _("a server or cluster described by a file")])
        self.where.toolTip = _("Where to train and use models; learning while you draw always happens on this computer")
        fields.addRow(_("Where:"), self.where)
        self._box, inside = box(layout)
        line = row(inside)
        self.file = qt.QLineEdit()
        self.file.setPlaceholderText(_("server.json or cluster.json, from the person who runs it"))
        self.file.text = self._preferences.get("far place")
        line.addWidget(self.file)
        button(line, "…", _("Choose the file that describes the server or cluster"), self.on_browse)
        self.told = label(inside, faint=True)
        self._looked_at = ""  # the file that was asked by
        self.where.currentIndex = AWAY if self._preferences.get("where") == "away" else HERE
        self._box.visible = self.where.currentIndex == AWAY
        self.where.connect("currentIndexChanged(int)", self.on_where)
        self.file.connect("editingFinished()", self.on_file)

    @property
    def far(self) -> str:
        """The file of the place to train on; "" for this computer."""
        return str(self.file.text).strip() if self.away else ""

    @property
    def away(self) -> bool:
        """Whether a far place is chosen, with a file or without."""
        return bool(self.where.currentIndex == AWAY)

    def why_not(self) -> str:
        """Why nothing can be started at the chosen place; "" when it can."""
        if self.away:
            return "" if self.far else _("Choose the file that describes the server or cluster.")
        ready = self._panel.installer.look().kind == "ready"
        return "" if ready else _("Press Set up first: the computing environment is not ready.")

    def on_where(self, *_index: Any) -> None:
        self._preferences.set("where", "away" if self.away else "")
        self._box.visible = self.away
        self._looked_at = ""
        self._panel.refresh_training()

    def on_browse(self) -> None:
        kinds = _("Servers and clusters") + " (*.json)"
        start = str(Path(self.far).parent) if self.far else ""
        chosen = qt.QFileDialog.getOpenFileNames(self._box, _("Choose a server or cluster"), start, kinds)
        if chosen:
            self.file.text = str(chosen[0])
            self.on_file()

    def on_file(self) -> None:
        self._preferences.set("far place", str(self.file.text).strip())
        self._looked_at = ""
        self._panel.refresh_training()

    def refresh(self, look: Look | None) -> None:
        """Ask the chosen place once; this computer is shown with what it computed on the last time."""
        file = self.far
        if file and file != self._looked_at:
            from ..training.far_places import look_at

            self._looked_at = file
            self.told.text = _("Connecting …")
            self._panel.training.jobs.run(_("Look at the server or cluster"), lambda: look_at(file), self._looked)
        elif not file:
            self.told.text = _("A small file describes it; see the documentation.")
        self.where.setItemText(HERE, self._this_computer(look))

    def _looked(self, found: PlaceFile) -> None:
        if found.path == self.far:
            self.told.text = ("✔ " if found.usable else "✖ ") + found.words

    def _this_computer(self, look: Look | None) -> str:
        known = self._preferences.get("device")
        if look is not None and not look.far and look.status.device not in ("", known):
            known = look.status.device
            self._preferences.set("device", known)
        return _("this computer ({device})").format(device=known) if known else _("this computer")
