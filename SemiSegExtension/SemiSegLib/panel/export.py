"""Section 6: results as files for other programs, verified."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt

from ..ports import DICOM_SEG
from ..words import _
from .parts import button, choice, enable, explain, form, label, primary, row, section

if TYPE_CHECKING:
    from ..cases.exporting import Exported
    from .panel import Panel

FORMATS = {
    "seg.nrrd": _("Segmentation (.seg.nrrd)"),
    "nrrd": _("Label map (.nrrd)"),
    "nii.gz": _("NIfTI (.nii.gz)"),
    DICOM_SEG: _("DICOM SEG (.dcm)"),
}


THIS, FINISHED, ALL = range(3)
"""Which cases, in the order of the choice."""


class ExportSection:
    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller = panel, panel.controller
        self.header, inside = section(layout, _("Export"), collapsed=True)
        fields = form(inside)
        self.which = choice()
        self.which.addItems([_("this case"), _("finished cases"), _("all cases, accepted or not")])
        self.which.toolTip = _("A case is finished when you have accepted it, or every slice of it is done")
        fields.addRow(_("Cases:"), self.which)
        self.boxes = {name: qt.QCheckBox(text) for name, text in FORMATS.items()}
        for name, widget in self.boxes.items():
            widget.checked = name in ("seg.nrrd", "nrrd")
            inside.addWidget(widget)
        explain(self.boxes[DICOM_SEG], _("For cases that came from DICOM; refers to the original series"))
        where = row(inside)
        self.folder = qt.QLineEdit()
        self.folder.setPlaceholderText(_("the study's folder 'exports'"))
        where.addWidget(self.folder)
        button(where, "…", _("Choose the folder"), self.on_folder)
        self.export = primary(inside, _("Export"), _("Writes each file, reads it back and compares"), self.on_export)
        self.told = label(inside)

    def on_folder(self) -> None:
        chosen = str(qt.QFileDialog.getExistingDirectory(self.header, _("Export to"), self.folder.text) or "")
        if chosen:
            self.folder.text = chosen

    def on_export(self) -> None:
        study, formats = self._controller.study, [name for name, widget in self.boxes.items() if widget.checked]
        cases, unaccepted = self._cases()
        if study is None or not cases or not formats:
            self._controller.say(nothing_to_write(unaccepted if formats else []), "warning")
            return
        folder = Path(self.folder.text.strip()) if self.folder.text.strip() else study.exports
        self.told.text = _("Writing and checking …")
        self._controller.results.export(folder, formats, cases, self._done, unaccepted)

    def _cases(self) -> tuple[list[str], list[str]]:
        """Ids of the cases to write; names of those that are left out because nobody has accepted them."""
        from SemiSegLogic.study import choose

        opened = self._controller.open_case
        if self.which.currentIndex == THIS:
            return [opened.id] if opened is not None else [], []
        found = choose(self._controller.rows, suggestions=self.which.currentIndex == ALL)
        return [row.id for row in found.cases], [row.name for row in found.unaccepted if row not in found.cases]

    def _done(self, account: Exported) -> None:
        lines = [html.escape(line) for line in account.lines()]
        self.told.text = "<br>".join([*lines[:12], f"… {len(lines)}" if len(lines) > 12 else ""])

    def refresh(self) -> None:
        no_study = "" if self._controller.study else _("Open a study first.")
        enable(self.boxes[DICOM_SEG], no_study or self._panel.screen.why_no_dicom_seg())
        enable(self.export, no_study)


def nothing_to_write(unaccepted: list[str]) -> str:
    """What the person has to do before there is something to export."""
    if unaccepted:
        from ..cases.exporting import unaccepted_words  # with the first export

        return _("No case is finished yet: accept one, or draw all its slices.") + " " + unaccepted_words(unaccepted)
    return _("Choose a format, and cases that have a suggestion or are fully drawn.")
