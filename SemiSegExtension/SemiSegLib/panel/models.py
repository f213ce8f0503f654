"""Beside training: the models that the study keeps, to be used again, gone on from, exported, deleted."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from ..training.models import Models, ShownModel
from ..words import _
from .parts import box, button, choosing_table, enable, label, primary, row, section, table_height

if TYPE_CHECKING:
    from SemiSegLogic.study import Study

    from .panel import Panel

METHOD = 1
"""The column that takes the room that the others leave."""
CARD_PX = 150


class ModelsSection:
    def __init__(self, panel: Panel, layout: Any) -> None:
        assert panel.train is not None  # the section above, where the place is chosen
        self._panel, self._controller, self._training = panel, panel.controller, panel.training
        self._place = panel.train.choices.place
        self.models = Models(panel.controller, lambda: panel.preferences.get("far place"))
        self.header, inside = section(layout, _("Models"), collapsed=True)
        self.hint = label(inside, "", faint=True)
        self._box, inner = box(inside)
        titles = (_("Made"), _("Method"), _("Expected Dice"), _("Slices"))
        self.table = choosing_table(inner, titles, {METHOD}, self.on_choose)
        self.table.wordWrap = False
        self.card = qt.QPlainTextEdit()
        self.card.readOnly = True
        self.card.minimumHeight = self.card.maximumHeight = CARD_PX
        inner.addWidget(self.card)
        using, keeping = row(inner), row(inner)
        tip = _("Make suggestions for every case with this model, without training")
        self.use = primary(using, _("Use on all cases"), tip, lambda: self.on_use(only=False))
        tip = _("Make a suggestion for the case on screen with this model, without training")
        self.use_here = button(using, _("Use on the open case"), tip, lambda: self.on_use(only=True))
        tip = _("Train with the method and time chosen above, starting from this model")
        self.go_on = button(keeping, _("Continue training from this"), tip, self.on_go_on)
        tip = _("Copy the model and its card to a folder")
        self.export = button(keeping, _("Export …"), tip, self.on_export)
        tip = _("Remove the model; suggestions and drawings stay")
        self.delete = button(keeping, _("Delete"), tip, self.on_delete)
        self._study: Study | None = None
        self._chosen = ""
        self._read_for: object = None
        self._filled: list[ShownModel] = []
        self.header.connect("contentsCollapsed(bool)", self.on_fold)

    @property
    def chosen(self) -> ShownModel | None:
        """The model that the buttons are about: the one clicked, else the newest."""
        found = self.models.found
        return next((model for model in found if model.run == self._chosen), found[0] if found else None)

    # --- asked for --------------------------------------------------------------------------------------------

    def on_fold(self, _folded: bool) -> None:
        """Opened again, it is read again: another window or the command line may have changed what there is."""
        self._read_for = None
        self.refresh()

    def on_choose(self, number: int, _column: int = 0) -> None:
        if 0 <= number < len(self._filled):
            self._chosen = self._filled[number].run
            self._show_chosen()

    def on_use(self, only: bool) -> None:
        """Suggest again with the chosen model, without training."""
        if self.chosen is not None:
            self._training.use(self.chosen.run, only, self._place.far)
            self._enable()

    def on_go_on(self) -> None:
        """Train as chosen in the section above, from this model."""
        if self.chosen is not None and self._panel.train is not None:
            self._panel.train.header.collapsed = False
            self._panel.train.train_from(self.chosen.run)

    def on_export(self) -> None:
        model = self.chosen
        if model is None:
            return
        start = self._panel.preferences.get("models") or str(self._controller.need_study().exports)
        folder = str(qt.QFileDialog.getExistingDirectory(self.header, _("Export the model to"), start) or "")
        if folder:
            self._panel.preferences.set("models", folder)
            self.models.export(model.run, Path(folder))

    def on_delete(self) -> None:
        model = self.chosen
        if model is None:
            return
        text = _(
            "Delete the model made on {made} by the method '{method}'? This cannot be undone. Suggestions and "
            "everything you drew stay."
        ).format(made=model.made, method=model.method)
        if slicer.util.confirmOkCancelDisplay(text, windowTitle=_("Delete the model")):
            self.models.delete(model.run)

    # --- shown ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Called whenever anything changes; files are read only while the section is open and a run left something."""
        look, study = self._training.look, self._controller.study
        if study is not self._study:
            self._study, self._chosen = study, ""
            self.models.forget()
        now = (study, self._training.job, (look.status.state, look.status.phase) if look is not None else None)
        if study is not None and not self.header.collapsed and now != self._read_for:
            self._read_for = now
            self.models.read()
        self._fill()
        self._enable()

    def _fill(self) -> None:
        found = self.models.found
        self._box.visible, self.hint.visible = bool(found), not found
        self.hint.text = (
            _("After each training, its model is kept here.") if self._controller.study else _("Open a study first.")
        )
        if found == self._filled:
            return
        self._filled = found
        self.table.setRowCount(len(found))
        self.table.minimumHeight = self.table.maximumHeight = table_height(max(len(found), 2), 4)
        for number, model in enumerate(found):
            self._show_row(number, model)
        self._show_chosen()

    def _show_row(self, number: int, model: ShownModel) -> None:
        cells = (
            (model.day, f"{model.made} ({model.run})"),
            (model.method, model.method),
            (model.expected, model.quality),
            (model.slices, model.learned_from),
        )
        for column, (text, tip) in enumerate(cells):
            cell = qt.QTableWidgetItem(text)
            cell.setToolTip(tip)
            self.table.setItem(number, column, cell)

    def _show_chosen(self) -> None:
        model = self.chosen
        if model is not None:
            self.table.selectRow(self._filled.index(model))
            self.card.setPlainText(model.card or model.quality)

    def _enable(self) -> None:
        why_not = self._why_not()
        enable(self.use, why_not)
        enable(self.use_here, why_not or ("" if self._controller.open_case is not None else _("Open a case first.")))
        enable(self.go_on, why_not)

    def _why_not(self) -> str:
        """Why nothing can be started now; "" when it can."""
        if self._training.engaged:
            return _("SemiSeg is already training or using a model. Stop it first, or wait until it is done.")
        return self._place.why_not()
