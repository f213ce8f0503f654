"""Section 3: drawing on slices and marking them as done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import qt

from SemiSegLogic.geometry import SliceIndex

from ..labelling.annotations import axis_word, slice_numbers
from ..words import _
from .editor import Editor
from .masks import MaskImport
from .parts import box, button, label, marked, menu_item, primary, row, section
from .pictures import PictureLabel, links, strip, swatch

if TYPE_CHECKING:
    from SemiSegLogic.study import Version

    from ..ports import OpenCase
    from .panel import Panel


DONE_KEYS, EMPTY_KEYS = "Ctrl+Return", "Ctrl+Backspace"


class LabelSection:
    def __init__(self, panel: Panel, layout: Any) -> None:
        self._panel, self._controller = panel, panel.controller
        self.header, inside = section(layout, _("Label"))
        self.hint = label(inside, _("Open a case, then draw each structure on two or three slices."), faint=True)
        self._judging(inside)
        self.going_on = box(inside)[1]
        self._box, drawing = box(inside)
        picture = qt.QLabel()
        drawing.addWidget(picture)
        self._strip = PictureLabel(picture, lambda: panel.scratch, "strip")
        self.legend = label(drawing)
        self.legend.connect("linkActivated(QString)", self.on_link)
        self._legend_text = ""
        self._menu = qt.QMenu(self._box)
        self._below(row(drawing))
        self.editor = Editor(drawing)
        adding = row(drawing)
        self.structure = qt.QLineEdit()
        self.structure.setPlaceholderText(_("new structure"))
        self.structure.connect("returnPressed()", self.on_add)
        self._added = ""
        adding.addWidget(self.structure)
        self.add = button(adding, _("Add structure"), _("Add it to the study, for all cases"), self.on_add)
        self.mask = button(
            adding, _("Import mask …"), _("Take slices from an existing segmentation"), self.on_mask
        )
        self.masks = MaskImport(panel, drawing)

    def _judging(self, inside: Any) -> None:
        """Above the editor, which is higher than what is left of a screen. ``verdicts`` is where the review adds what
        can be said of a suggestion on this slice, ``going_on`` what leads to the next.
        """
        self._judging_box, judging = box(inside)
        self.here = label(judging)
        buttons = row(judging)
        self.done = primary(
            buttons, _("Slice done"), _("All structures on this slice are drawn; what is not drawn is not there"),
            self.on_done, DONE_KEYS,
        )
        self.empty = button(
            buttons, _("Nothing here"), _("This slice shows none of the structures"), self.on_empty, EMPTY_KEYS
        )
        self.empty.minimumHeight = self.done.minimumHeight
        self.verdicts = row(judging)

    def _below(self, below: Any) -> None:
        self.saved = label(below, faint=True)
        self.take_back = button(
            below, _("Not done"), _("This slice no longer counts as done; your drawing stays"), self.on_take_back
        )
        self.versions = button(
            below, _("Earlier versions"), _(
                "All saved versions of this case; choose one to restore it"
            ), self.on_versions
        )
        tip = _("Turn the views to the volume's own axes; a volume that was moved is moved back")
        self.straighten = button(below, _("Straighten views"), tip, self.on_straighten)

    def on_add(self) -> None:
        name = self.structure.text.strip()
        if name:
            self._added = name
            self._controller.add_structure(name)
            self.structure.text = ""

    def on_mask(self) -> None:
        self.masks.ask(self.mask)

    def on_done(self) -> None:
        self._controller.labelling.slice_done()

    def on_empty(self) -> None:
        self._controller.labelling.nothing_here()

    def on_take_back(self) -> None:
        place = self._panel.screen.current_slice()
        if place is not None:
            self._controller.labelling.take_back(place)

    def on_versions(self) -> None:
        opened = self._controller.open_case
        if opened is not None:
            case = opened.id
            self._controller.results.list_versions(lambda versions: self._choose(case, versions))

    def _choose(self, case: str, versions: list[Version]) -> None:
        self._menu.clear()
        for version in versions:
            menu_item(self._menu, version_words(version), lambda name=version.name: self._restore(case, name))
        if not versions:
            self._controller.say(_("There is no earlier version of this case."))
        else:
            self._menu.popup(self.versions.mapToGlobal(self.versions.rect.bottomLeft()))

    def _restore(self, case: str, version: str) -> None:
        """A menu stays open while another case comes on screen."""
        opened = self._controller.open_case
        if opened is not None and opened.id == case:
            self._controller.results.restore_version(version)

    def on_straighten(self) -> None:
        if self._panel.screen.converted:
            self._controller.labelling.bring_back()
            self.take_hold()
        if not self._panel.screen.straighten():
            self._controller.showing.show_again()

    def on_link(self, link: str) -> None:
        axis, index = link.split(":")
        self.go_to(SliceIndex(int(axis), int(index)))

    def go_to(self, place: SliceIndex) -> None:
        """Show a slice of the case on screen, or say what keeps it from being seen."""
        opened = self._controller.open_case
        if opened is not None and not self._panel.screen.jump(place):
            text = _("No view on screen shows {plane} slices. Choose a layout with one, such as Four-Up.")
            self._controller.say(text.format(plane=axis_word(opened.grid, place.axis)), "warning")

    # --- shown ------------------------------------------------------------------------------------------------

    def case_changed(self) -> None:
        """Another case is on screen, or none."""
        opened = self._controller.open_case
        self._box.visible = self._judging_box.visible = opened is not None
        self.masks.on_cancel()
        self.hint.visible = opened is None
        if opened is None:
            self.editor.let_go()
        self.take_hold()
        self.refresh()

    def take_hold(self) -> None:
        """The editor draws on the case on screen, whatever it was used for meanwhile."""
        segmentation, volume = self._panel.screen.segmentation, self._panel.screen.volume
        there = segmentation is not None and volume is not None and not self._panel.screen.converted
        if self._controller.open_case is not None and there:
            self.editor.edit(segmentation, volume)

    def keep_hold(self) -> None:
        """Called once a second."""
        if self._panel.screen.converted and self.editor.editing:
            self.editor.let_go()  # what is drawn on it now would go again
        elif self.editor.lost(self._panel.screen.segmentation):
            self.take_hold()

    def _choose_added(self) -> None:
        """A structure that was just added is the one to draw."""
        there = {item.name: item.segment_id for item in self._panel.screen.structures()}
        if self._added in there:
            self.editor.choose(there[self._added])
            self._added = ""

    def refresh(self) -> None:
        opened = self._controller.open_case
        self.hint.visible = opened is None
        if opened is None:
            return
        if self._added:
            self._choose_added()
        place = self._panel.screen.current_slice()
        self._show_place(opened, place)
        axis = place.axis if place is not None else opened.axis
        marks = {
            "drawn": [p.index for p, state in opened.done.items() if state == "drawn" and p.axis == axis],
            "empty": [p.index for p, state in opened.done.items() if state == "empty" and p.axis == axis],
            "touched": [p.index for p in opened.touched if p.axis == axis],
            "look": [
                item.place.index
                for item in self._panel.training.worth_a_look()
                if item.case == opened.id and item.place.axis == axis
            ],
        }
        self._strip.show(strip(opened.grid.shape[axis], marks, place.index if place else None))
        text = legend(opened, [SliceIndex(axis, index) for index in marks["look"]])
        if text != self._legend_text:  # setting it again would close a tip or swallow a click
            self._legend_text = text
            self.legend.text = text
        saving = {_("Save drawing"), _("Save slices")}.intersection(self._controller.disk.busy)
        unsaved = saving or self._controller.labelling.unsaved
        self.saved.text = _("Saving …") if unsaved else _("Everything is saved in the study.")
        if others := self._controller.labelling.changed_too:
            text = _("Done slices that were changed, too: {numbers}. Undo takes it back.")
            self.saved.text = text.format(numbers=slice_numbers(others))
        self.saved.visible = not self._panel.screen.converted

    def _show_place(self, opened: OpenCase, place: SliceIndex | None) -> None:
        tilted, converted = place is None, self._panel.screen.converted
        self.straighten.visible = tilted
        self.straighten.text = _("Bring back what I drew") if converted else _("Straighten views")
        self.take_back.visible = place is not None and place in opened.done
        self.done.enabled = self.empty.enabled = not tilted
        if converted:
            self.here.text = _("What is on screen was converted in Slicer, and is not quite what you drew; it is not "
                               "saved.")  # fmt: skip
            return
        if place is None:
            self.here.text = _("This view does not show whole slices: it is tilted, or the volume was moved. Press "
                               "Straighten views to label.")  # fmt: skip
            return
        state = opened.done.get(place) or ("touched" if place in opened.touched else "")
        words = {
            "drawn": _("done"),
            "empty": _("done, nothing here"),
            "touched": _("drawn, not done yet"),
            "": _("not done"),
        }
        self.here.text = _("<b>{case}</b>, {plane} slice <b>{n}</b> of {count}: {state}").format(
            case=marked(opened.name),
            plane=axis_word(opened.grid, place.axis),
            n=place.index + 1,
            count=opened.grid.shape[place.axis],
            state=words[state],
        )


def version_words(version: Version) -> str:
    """A version in a line of a menu."""
    text = _("{when}: {note}, by {author}")
    return text.format(when=local_time(version.name), note=version.note, author=version.author)


def local_time(name: str) -> str:
    """The time at the beginning of a version's name, as this computer's clock tells it."""
    moment = datetime.strptime(name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return moment.astimezone().strftime("%d %b %Y, %H:%M:%S")


def legend(opened: OpenCase, look: list[SliceIndex]) -> str:
    """The slices by state, each a link."""
    drawn = sorted(place for place, state in opened.done.items() if state == "drawn")
    empty = sorted(place for place, state in opened.done.items() if state == "empty")
    parts = [
        ("drawn", _("Done:"), drawn),
        ("empty", _("Nothing there:"), empty),
        ("touched", _("Drawn, not done:"), sorted(opened.touched)),
        ("look", _("Worth a look:"), look),
    ]
    shown = [f"{swatch(kind)} {text} {links(places)}" for kind, text, places in parts if places]
    return " &nbsp; ".join(shown) or _("No slice is done yet. Two or three per case are enough to begin.")
