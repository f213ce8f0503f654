"""What can be done with a case beside opening it: a right click on its row, or the button below the list."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt
import slicer

from ..words import _
from .label import version_words
from .parts import button, menu_item

if TYPE_CHECKING:
    from SemiSegLogic.study import Version

    from ..cases.mending import Mending
    from .panel import Panel

IMAGES = "Images (*.nrrd *.nhdr *.nii *.nii.gz *.mha *.mhd *.png *.jpg *.tif *.tiff);;All files (*)"


class CaseMenu:
    """Of the rows of ``table``; ``case_at(row)`` gives a row's case ("": none). ``layout`` is where the button goes."""

    def __init__(self, panel: Panel, table: Any, layout: Any, case_at: Callable[[int], str]) -> None:
        self._panel, self._controller = panel, panel.controller
        self._table, self._case_at = table, case_at
        tip = _("Remove a case from the study, or choose where its image is now (you can also right-click the case)")
        self.button = button(layout, _("Selected case …"), tip, self.on_button)
        self._menu = qt.QMenu(table)
        table.setContextMenuPolicy(qt.Qt.CustomContextMenu)
        table.connect("customContextMenuRequested(QPoint)", self.on_right_click)

    @cached_property
    def _mending(self) -> Mending:
        from ..cases.mending import Mending  # with the first repair: opening the module needs it not

        return Mending(self._controller, self._panel.training)

    def on_right_click(self, point: Any) -> None:
        case = self._case_at(self._table.rowAt(point.y()))
        if case:
            self._pop_up(case, self._table.viewport().mapToGlobal(point))

    def on_button(self) -> None:
        case = self._case_at(self._table.currentRow())
        if case:
            self._pop_up(case, self.button.mapToGlobal(self.button.rect.bottomLeft()))
        else:
            self._controller.say(_("Click a case in the list first."))

    def _pop_up(self, case: str, where: Any) -> None:
        name = next((row.name for row in self._controller.rows if row.id == case), case)
        self._menu.clear()
        menu_item(self._menu, _("Open {case}").format(case=name), lambda: self._controller.showing.show(case))
        elsewhere = _("The image of {case} has moved …").format(case=name)
        menu_item(self._menu, elsewhere, lambda: self.on_relocate(case))
        earlier = _("Earlier versions of what was drawn in {case} …").format(case=name)
        menu_item(self._menu, earlier, lambda: self.on_versions(case, where))
        menu_item(self._menu, _("Remove {case} from the study …").format(case=name), lambda: self.on_remove(case))
        self._menu.popup(where)

    def on_versions(self, case: str, where: Any) -> None:
        """Also of a case that cannot be opened: mostly because what was drawn there is damaged."""
        study = self._controller.study

        def listed(versions: list[Version]) -> None:
            if study is self._controller.study:
                self._offer(case, versions, where)

        self._controller.labelling.save_now()
        self._mending.list_versions(case, listed)

    def _offer(self, case: str, versions: list[Version], where: Any) -> None:
        self._menu.clear()
        for version in versions:
            menu_item(self._menu, version_words(version), lambda name=version.name: self._mending.restore(case, name))
        if versions:
            self._menu.popup(where)
        else:
            self._controller.say(_("There is no earlier version of this case."))

    def on_repair(self) -> None:
        """Of the whole study."""
        self._mending.repair()

    def on_remove(self, case: str) -> None:
        self._mending.remove(case, lambda question: bool(
            slicer.util.confirmOkCancelDisplay(question, windowTitle=_("Remove from the study"))))  # fmt: skip

    def on_relocate(self, case: str) -> None:
        """A file of a DICOM series stands for the whole series."""
        start = self._panel.preferences.get("images")
        chosen = [Path(str(name)) for name in qt.QFileDialog.getOpenFileNames(
            self._table, _("Where the image is now"), start, IMAGES)]  # fmt: skip
        if len(chosen) == 1:
            self._mending.relocate(case, chosen[0])
        elif chosen:
            self._controller.say(_("Choose one file only: a case has one image."), "warning")
