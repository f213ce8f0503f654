"""Section 6: results as files for other programs, verified."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt

from ..exporting import DICOM_SEG
from ..words import _
from .parts import button, enable, form, label, primary, row, section

if TYPE_CHECKING:
    from ..exporting import Exported
    from .panel import Panel

FORMATS = {
    "seg.nrrd": _("Segmentation (.seg.nrrd)"),
    "nrrd": _("Label map (.nrrd)"),
    "nii.gz": _("NIfTI (.nii.gz)"),
    DICOM_SEG: _("DICOM SEG (.dcm)"),
}


class ExportSection:
    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller = panel, panel.controller
        self.header, inside = section(layout, _("Export"), collapsed=True)
        fields = form(inside)
        self.which = qt.QComboBox()
        self.which.addItems([_("this case"), _("accepted cases"), _("all cases with a result")])
        fields.addRow(_("Cases:"), self.which)
        self.boxes = {name: qt.QCheckBox(text) for name, text in FORMATS.items()}
        for name, widget in self.boxes.items():
            widget.checked = name in ("seg.nrrd", "nrrd")
            inside.addWidget(widget)
        where = row(inside)
        self.folder = qt.QLineEdit()
        self.folder.setPlaceholderText(_("the study's folder 'exports'"))
        where.addWidget(self.folder)
        button(where, "…", _("Choose the folder"), self.on_folder)
        self.export = primary(inside, _("Export"), "", self.on_export)
        self.told = label(inside)

    def on_folder(self) -> None:
        chosen = str(qt.QFileDialog.getExistingDirectory(self.header, _("Export to"), self.folder.text) or "")
        if chosen:
            self.folder.text = chosen

    def on_export(self) -> None:
        study, formats = self._controller.study, [name for name, widget in self.boxes.items() if widget.checked]
        cases = self._cases()
        if study is None or not cases or not formats:
            self._controller.say(_("Choose a format, and cases that have a suggestion or are fully drawn."), "warning")
            return
        folder = Path(self.folder.text.strip()) if self.folder.text.strip() else study.exports
        self.told.text = _("Writing and checking …")
        self._controller.results.export(folder, formats, cases, self._done)

    def _cases(self) -> list[str]:
        opened, rows = self._controller.open_case, self._controller.rows
        if self.which.currentIndex == 0:
            return [opened.id] if opened is not None else []
        if self.which.currentIndex == 1:
            return [item.id for item in rows if item.status == "accepted"]
        # damaged ones too, which then say why they have no result
        return [item.id for item in rows if item.status == "accepted" or item.suggestion or item.problem]

    def _done(self, account: Exported) -> None:
        """What was left out comes first: it is what the person has to look at."""
        left = [html.escape(f"✖ {case}: {why}") for case, why in account.left_out.items()]
        lines = [*left, *(html.escape(f"✔ {file.path.name}: " + _("verified")) for file in account.files)]
        self.told.text = "<br>".join([*lines[:12], f"… {len(lines)}" if len(lines) > 12 else ""])

    def refresh(self) -> None:
        enable(
            self.boxes[DICOM_SEG],
            self._panel.screen.why_no_dicom_seg(),
            _("For cases that came from DICOM; refers to the original series"),
        )
        enable(
            self.export,
            "" if self._controller.study else _("Open a study first."),
            _("Writes, reads again and compares"),
        )
