"""Section 2: the study and its cases. A click on a case brings it on screen."""

from __future__ import annotations

from collections import deque
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qt

from ..words import _
from .case_menu import IMAGES, CaseMenu
from .case_rows import CASE, NO_ROW, ORDERS, SURE, Row, order_key, row_of, titles
from .parts import (
    box,
    button,
    choice,
    choosing_table,
    form,
    label,
    marked,
    menu_item,
    row,
    section,
    share_room,
    table_height,
)

if TYPE_CHECKING:
    from .dicom_choice import DicomChoice
    from .panel import Panel

MOST_ROWS = 5
"""Of the table at a time: what is done with a case is to be seen below it without scrolling."""
FEW_LETTERS = 16
"""What is known of a suggestion is seen whole; more than that, as in another language, must not hide the names."""
ROWS_A_BEAT = 100
"""So many are filled at a time."""
ROOMY_PX = 400
"""A list of cases that is as wide has room for the status in words beside names of twenty letters."""
SIGN_PX = 20
"""The width of a column at least: a sign."""
STARRED = 5
"""Cases that are marked as worth a look next: a model ranks slices of all of them."""


class CasesSection:
    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller = panel, panel.controller
        self.header, inside = section(layout, _("Study and cases"))
        self.name = label(inside)
        self._studies(inside)
        self._adding(inside)
        above = row(inside)
        self._order_by = qt.QLabel(_("Order by:"))
        above.addWidget(self._order_by)
        self.order = choice()
        self.order.addItems([_("name"), _("worth a look first"), _("status"), _("least sure first"), _("slices done")])
        self.order.connect("currentIndexChanged(int)", self.on_order)
        above.addWidget(self.order, 1)
        self.table = choosing_table(inside, titles(roomy=True), {CASE}, self.on_case)
        self.table.setTextElideMode(qt.Qt.ElideMiddle)  # names of cases differ at their ends
        self.table.horizontalHeader().setMinimumSectionSize(SIGN_PX)
        self.table.wordWrap = False
        self.hint = label(inside, faint=True)
        self.menu = CaseMenu(panel, self.table, above, self._case_at)
        tip = _("Replaces damaged records with their good copies; drawings are not changed")
        self.repair = button(inside, _("Repair the study"), tip, self.menu.on_repair)
        self._filled: object = None
        self._roomy = True
        self._rows: list[Row] = []  # as they are to be seen
        self._shown: list[Row] = []  # and as they are: what is clicked is what is seen
        self._waiting: deque[int] = deque()  # rows that differ still

    def _studies(self, inside: Any) -> None:
        """The names stand above the button that needs them."""
        self._structures = form(inside)
        self.structures = qt.QLineEdit()
        self.structures.setPlaceholderText(_("e.g. liver, lesion"))
        self.structures.toolTip = _("What will be segmented; more can be added at any time")
        self.structures.connect("returnPressed()", self.on_create)
        self._structures.addRow(_("Structures:"), self.structures)
        buttons = row(inside)
        self.open = button(buttons, _("Open study …"), _("Open a study folder"), self.on_open)
        self.create = button(buttons, _("New study …"), _("Create a study in a new, empty folder"), self.on_create)
        tip = _("From files, a folder, the scene or Slicer's DICOM database")
        self.more = button(buttons, _("Add cases"), tip, self.refresh)
        self.more.checkable = True

    def _adding(self, inside: Any) -> None:
        """Shown while a study is empty, and when asked for."""
        self._adding_box, ways = box(inside)
        files, loaded = row(ways), row(ways)
        self.add = button(files, _("Add files …"), _("Add image files to the study"), self.on_add)
        self.add_folder = button(files, _("Add folder …"), _("A folder with one DICOM series"), self.on_add_folder)
        self.add_scene = button(
            loaded, _("Add from scene"), _("Add a volume that is loaded in Slicer"), self.on_add_scene
        )
        self.add_dicom = button(
            loaded, _("Add from DICOM …"), _("Choose from the series in Slicer's DICOM database"), self.on_add_dicom
        )
        self._menu = qt.QMenu(self.add_scene)
        self._dicom_place = row(inside)

    @cached_property
    def dicom(self) -> DicomChoice:
        """Made when it is asked for."""
        from .dicom_choice import DicomChoice

        return DicomChoice(self._panel, self._dicom_place)

    # --- asked for --------------------------------------------------------------------------------------------

    def on_open(self) -> None:
        folder = self._ask_folder(_("Open a study"))
        if folder:
            self._controller.open_study(Path(folder))

    def on_create(self) -> None:
        names = [name.strip() for name in self.structures.text.split(",") if name.strip()]
        if not names:
            self._controller.say(_("Name at least one structure first, e.g. liver, lesion."), "warning")
            return
        folder = self._ask_folder(_("Choose or make an empty folder for the new study"))
        if folder:
            self._controller.create_study(Path(folder), names)

    def _ask_folder(self, title: str) -> str:
        start = self._panel.preferences.get("folder")
        folder = str(qt.QFileDialog.getExistingDirectory(self.header, title, start) or "")
        if folder:
            self._panel.preferences.set("folder", str(Path(folder).parent))
        return folder

    def on_add(self) -> None:
        start = self._panel.preferences.get("images")
        chosen = qt.QFileDialog.getOpenFileNames(self.header, _("Add images"), start, IMAGES)
        paths = [Path(str(name)) for name in chosen]
        if paths:
            self._panel.preferences.set("images", str(paths[0].parent))
            self._controller.adding.files(paths)

    def on_add_folder(self) -> None:
        start = self._panel.preferences.get("images")
        folder = str(qt.QFileDialog.getExistingDirectory(self.header, _("Add a DICOM series"), start) or "")
        if folder:
            self._controller.adding.files([Path(folder)])

    def on_add_dicom(self) -> None:
        self.dicom.ask()

    def on_add_scene(self) -> None:
        volumes = self._panel.screen.scene_volumes()
        if not volumes:
            self._controller.say(
                _("No other volume is loaded in Slicer. Load one first, e.g. from the DICOM module."), "warning"
            )
        elif len(volumes) == 1:
            self.add_volume(volumes[0][0])
        else:
            self._choose(volumes)

    def _choose(self, volumes: list[tuple[str, str]]) -> None:
        self._menu.clear()
        for node_id, name in volumes:
            menu_item(self._menu, name, lambda node_id=node_id: self.add_volume(node_id))
        self._menu.popup(self.add_scene.mapToGlobal(self.add_scene.rect.bottomLeft()))

    def add_volume(self, node_id: str) -> None:
        """Take a volume of the scene into the study."""
        try:
            self._controller.adding.from_scene(node_id)
        except ValueError as error:
            self._controller.say(str(error), "warning")

    def on_case(self, row: int, _column: int = 0) -> None:
        if self._case_at(row):
            self._controller.showing.show(self._case_at(row))  # also one called damaged: it may be its suggestion only

    def _case_at(self, row: int) -> str:
        """The case of a row; "" beside the list."""
        return self._shown[row].case if 0 <= row < len(self._shown) else ""

    @property
    def ids(self) -> list[str]:
        """The cases in the list, as they are seen."""
        return [shown.case for shown in self._shown]

    def on_order(self, *_index: Any) -> None:
        self._fill()

    # --- shown ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        study = self._controller.study
        self.name.text = _("A study is a folder that keeps your cases, everything you draw, and all models.")
        if study is not None:
            name, where = marked(self._controller.study_name), marked(str(study.folder))
            self.name.text = f"<b>{name}</b> &nbsp; <i>{where}</i>"
        enough = study is not None and len(self._controller.rows) > 3
        self.order.visible = self._order_by.visible = enough
        self.table.visible = study is not None
        some = bool(self._controller.rows)
        self.more.visible = study is not None and some
        self._adding_box.visible = study is not None and (not some or bool(self.more.checked))
        self.structures.visible = study is None
        field = self._structures.labelForField(self.structures)
        field.visible = study is None
        if study is not None:
            self._fill()
        problems = any(row.problem for row in self._controller.rows)
        self.repair.visible = self._controller.damaged is not None or problems
        self.menu.button.visible = some
        self.hint.visible = study is not None and self._controller.open_case is None
        self.hint.text = _("Click a case to open it.") if some else _("Add images to begin.")

    def keep_room(self) -> None:
        """Somebody may have made the panel narrower or wider."""
        if self._controller.study is not None and self._is_roomy() != self._roomy:
            self._fill()

    def _is_roomy(self) -> bool:
        return int(self.table.width) >= ROOMY_PX

    def _fill(self) -> None:
        opened = self._controller.open_case
        next_ones = list(dict.fromkeys(item.case for item in self._panel.training.worth_a_look()))
        on_screen = opened.id if opened is not None else ""
        content = (self._controller.rows, next_ones, on_screen, self.order.currentIndex, self._is_roomy())
        if content == self._filled:  # a run that is followed asks every second
            return
        self._filled, self._roomy = content, self._is_roomy()
        self.table.setHorizontalHeaderLabels(titles(self._roomy))
        column = ORDERS[self.order.currentIndex]
        places = {case: place for place, case in enumerate(next_ones)}
        rows = sorted(self._controller.rows, key=lambda item: order_key(item, column, places.get(item.id, len(places))))
        self._rows = [row_of(item, item.id in next_ones[:STARRED], self._roomy) for item in rows]
        self.table.setRowCount(len(rows))
        self.table.minimumHeight = self.table.maximumHeight = table_height(max(len(rows), 2), MOST_ROWS)
        wordy = any(len(wanted.cells[SURE].text) > FEW_LETTERS for wanted in self._rows)
        share_room(self.table, {CASE, SURE} if wordy else {CASE})
        self._shown = [*self._shown[: len(rows)], *[NO_ROW] * (len(rows) - len(self._shown))]
        for number, wanted in enumerate(self._rows):
            if opened is not None and opened.id == wanted.case:
                self._show_row(number)
                self.table.selectRow(number)
        above = max(0, int(self.table.rowAt(0)))
        differing = [number for number, wanted in enumerate(self._rows) if wanted != self._shown[number]]
        self._waiting = deque(sorted(differing, key=lambda number: (number < above, number)))
        self.fill_on()

    def fill_on(self) -> None:
        """Show the next rows that are not as they are to be seen, those in view first: all of hundreds of cases at once
        held the screen up.
        """
        for _turn in range(min(ROWS_A_BEAT, len(self._waiting))):
            self._show_row(self._waiting.popleft())

    def _show_row(self, number: int) -> None:
        """Make its cells be what they are to be; those that are stay."""
        wanted, before = self._rows[number], self._shown[number]
        for column, cell in enumerate(wanted.cells):
            if before.cells[column : column + 1] != (cell,):
                made = qt.QTableWidgetItem(cell.text)
                made.setToolTip(cell.tip)
                if cell.colour:
                    made.setForeground(qt.QBrush(qt.QColor(cell.colour)))
                self.table.setItem(number, column, made)
        self._shown[number] = wanted
