"""Inside Study and cases: series of Slicer's DICOM database, to be added several at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt

from ..words import _
from .parts import box, button, label, primary, row

if TYPE_CHECKING:
    from ..scene.dicom import Series
    from .panel import Panel


class DicomChoice:
    """Hidden until asked for. ``layout`` is where it appears."""

    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller = panel, panel.controller
        self.box, inside = box(layout)
        label(inside, _("Series in Slicer's DICOM database (click the ones to add):"), faint=True)
        self.search = qt.QLineEdit()
        self.search.setPlaceholderText(_("search by name or description"))
        inside.addWidget(self.search)
        self.search.connect("textChanged(QString)", self.on_search)
        self.list = qt.QListWidget()
        self.list.setSelectionMode(qt.QAbstractItemView.MultiSelection)
        self.list.minimumHeight = self.list.maximumHeight = 160
        inside.addWidget(self.list)
        buttons = row(inside)
        self.go = primary(buttons, _("Add to the study"), _("Reads each series as one volume"), self.on_go)
        button(buttons, _("Cancel"), _("Add nothing"), self.on_cancel)
        self.box.visible = False
        self._every: list[Series] = []
        self._shown: list[Series] = []

    def ask(self) -> None:
        """Show what the database holds."""
        self._every = self._panel.screen.dicom_series()
        if not self._every:
            text = _(
                "Slicer's DICOM database contains no series. Import files in the DICOM module, or press Add folder."
            )
            self._controller.say(text, "warning")
            return
        self.search.text = ""
        self.on_search()
        self.box.visible = True

    def on_search(self, *_text: Any) -> None:
        wanted = self.search.text.strip().casefold()
        self._shown = [item for item in self._every if wanted in item.words.casefold()]
        self.list.clear()
        self.list.addItems([item.words for item in self._shown])

    def on_go(self) -> None:
        chosen = [item for number, item in enumerate(self._shown) if self.list.item(number).isSelected()]
        if not chosen:
            self._controller.say(_("Click the series to add."), "warning")
            return
        self.on_cancel()
        self._controller.adding.series([(item.words, self._panel.screen.dicom_files(item.uid)) for item in chosen])

    def on_cancel(self) -> None:
        self.box.visible = False
