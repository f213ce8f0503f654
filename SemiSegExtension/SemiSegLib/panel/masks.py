"""Inside Label: an existing mask becomes annotation. Asked is only what the file does not say; answers are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import qt

from ..labelling.annotations import axis_word, slice_numbers
from ..labelling.importing import (
    CHOSEN,
    LEAVE_OUT,
    NEW,
    Answer,
    Imported,
    MaskFile,
    MaskSource,
    guess,
    import_mask,
    remember,
)
from ..words import _
from .parts import box, button, choice, form, label, marked, menu_item, primary, row, table, table_height

if TYPE_CHECKING:
    from ..drawing import Drawing
    from .panel import Panel

T = TypeVar("T")
Take = Callable[[], MaskSource]
"""Gives a mask as it is now; of the scene, a copy of its voxels. Raises ValueError in words where it can be none."""
MASKS = "Masks (*.nrrd *.nii *.nii.gz *.mha *.mhd);;All files (*)"


class MaskImport:
    """Hidden until a mask was chosen. ``layout`` is where it appears."""

    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller = panel, panel.controller
        self.box, inside = box(layout)
        self.title = label(inside)
        self.table = table(inside, (_("Segment in the mask"), _("Structure in the study")), {0, 1})
        self._build_slices(inside)
        buttons = row(inside)
        self.go = primary(buttons, _("Import"), _("These slices then count as done"), self.on_import)
        self.cancel = button(buttons, _("Cancel"), _("Leave the case as it is"), self.on_cancel)
        self.box.visible = False
        self._take: Take | None = None  # of the mask that is asked about
        self._menu = qt.QMenu(self.box)
        self._words: list[str] = []  # what the entries of the choices mean: structures may be added meanwhile
        self._choices: dict[str, Any] = {}  # by the segment's name

    def _build_slices(self, inside: Any) -> None:
        fields = form(inside)
        self.which = choice()
        self.which.addItems(
            [_("slices with something drawn"), _("every slice: what is empty is background"), _("these slices:")]
        )
        fields.addRow(_("Slices to import:"), self.which)
        self.axis = choice()
        self.axis.addItems([_("axial"), _("coronal"), _("sagittal")])
        fields.addRow(_("Slice direction:"), self.axis)
        self.numbers = qt.QLineEdit()
        self.numbers.setPlaceholderText(_("e.g. 12, 20-25"))
        fields.addRow(_("Numbers:"), self.numbers)
        self._fields = fields
        self.which.connect("currentIndexChanged(int)", self.on_which)
        self.on_which()

    def on_which(self, *_index: Any) -> None:
        shown = self.which.currentIndex == CHOSEN
        self.numbers.visible = self._fields.labelForField(self.numbers).visible = shown

    def ask(self, below: Any) -> None:
        """Choose a mask for the case on screen: a file, or, in a menu ``below`` a button, one that is in the scene."""
        there = self._panel.screen.scene_masks()
        if not there:
            self.ask_file()
            return
        self._menu.clear()
        menu_item(self._menu, _("A file …"), self.ask_file)
        for node_id, words in there:
            text = _("In the scene: {words}").format(words=words)
            menu_item(self._menu, text, lambda node_id=node_id: self.look_at_node(node_id))
        self._menu.popup(below.mapToGlobal(below.rect.bottomLeft()))

    def ask_file(self) -> None:
        """Choose a file."""
        start = self._panel.preferences.get("masks") or self._panel.preferences.get("images")
        chosen = [Path(str(name)) for name in qt.QFileDialog.getOpenFileNames(
            self.box, _("Import a mask"), start, MASKS)]  # fmt: skip
        if len(chosen) == 1:
            self._panel.preferences.set("masks", str(chosen[0].parent))
            self.look_at(chosen[0])
        elif chosen:
            self._controller.say(_("One mask at a time: it belongs to the case on screen."), "warning")

    def look_at(self, path: Path) -> None:
        """Read what is in the file, then ask what cannot be known."""
        self._look_at(lambda: MaskFile(path))

    def look_at_node(self, node_id: str) -> None:
        """The same of a segmentation or label map of the scene; of surfaces, as voxels of the image on screen."""
        opened = self._controller.open_case
        if opened is not None:
            self._look_at(lambda: self._panel.screen.scene_mask(node_id, opened.grid))

    def _look_at(self, take: Take) -> None:
        self._with_mask(
            take, _("Read {name}"), lambda source: (source.name, source.names()),
            lambda found: self._ask(take, *found),
        )

    def _with_mask(
        self, take: Take, task: str, work: Callable[[MaskSource], T], done: Callable[[T], None]
    ) -> None:
        """``done(work(source))``. What is in the scene is taken anew each time: somebody may draw on it meanwhile."""
        try:
            source = take()
        except ValueError as error:
            self._controller.say(str(error), "warning")
            return
        self._controller.copied(
            source.copy_on,
            lambda: self._controller.disk.run(task.format(name=source.name), lambda: work(source), done),
            lambda error: self._controller.say(str(error), "warning"),
        )

    def _ask(self, take: Take, called: str, names: list[str]) -> None:
        from SemiSegLogic.naming import folded  # with the study: opening the module needs neither

        opened = self._controller.open_case
        if opened is None:
            return
        if not names:
            self._controller.say(_("Nothing is drawn in {name}.").format(name=called), "warning")
            return
        twice = next((name for number, name in enumerate(names) if folded(name) in map(folded, names[:number])), "")
        if twice:
            text = _("Two segments of {file} have the name '{name}'. Rename one of them in Slicer, save, and import it "
                     "again.")  # fmt: skip
            self._controller.say(text.format(file=called, name=twice), "warning")
            return
        self._take = take
        self.title.text = _("<b>{file}</b> for {case}").format(file=marked(called), case=marked(opened.name))
        table = guess(names, self._controller.structures(), self._panel.preferences.get("mask-table"))
        self._fill(table)
        for number in range(3):
            self.axis.setItemText(number, axis_word(opened.grid, number))
        self.axis.currentIndex = opened.axis
        self.box.visible = True

    def _fill(self, table: dict[str, str]) -> None:
        known = [item.name for item in self._controller.structures()]
        self.table.setRowCount(len(table))
        self.table.minimumHeight = self.table.maximumHeight = table_height(len(table), 6)
        self._words, self._choices = [*known, NEW, LEAVE_OUT], {}
        for number, (name, target) in enumerate(table.items()):
            self.table.setItem(number, 0, qt.QTableWidgetItem(name))
            field = qt.QComboBox()
            field.addItems([*known, _("a new structure"), _("leave it out")])
            field.currentIndex = self._words.index(target) if target in self._words else 0
            self.table.setCellWidget(number, 1, field)
            self._choices[name] = field

    def answer(self) -> Answer:
        """What the fields say."""
        table = {name: self._words[field.currentIndex] for name, field in self._choices.items()}
        return Answer(table, self.which.currentIndex, self.axis.currentIndex, self.numbers.text)

    def on_import(self) -> None:
        take, controller = self._take, self._controller
        if take is None or controller.open_case is None:
            return
        answer, preferences = self.answer(), self._panel.preferences
        preferences.set("mask-table", remember(answer, preferences.get("mask-table")))
        study, case, author = controller.need_study(), controller.showing.case(), controller.author
        before = controller.results.saved()
        self._with_mask(
            take, _("Import {name}"), lambda source: import_mask(study, case, source, answer, author, controller.panel),
            lambda found: self._imported(found, before),
        )

    def _imported(self, found: Imported, before: Drawing) -> None:
        self.on_cancel()
        self._controller.structures_changed()
        self._controller.results.replaced(found.opened, before)
        text = _("Slices imported and done: {n}.").format(n=len(found.slices))
        if found.replaced:
            text += " " + _("Done before (the earlier version is kept): {numbers}.").format(
                numbers=slice_numbers(found.replaced)
            )
        self._controller.say(text, "good")

    def on_cancel(self) -> None:
        self.box.visible = False
        self._take = None
