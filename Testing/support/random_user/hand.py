"""Drawing, judging slices, and what can be done to structures and segments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import settle

from .plain import NEWCOMER
from .seat import Seat


class Hand(Seat):
    """Every public method is one thing that a person does, with random details."""

    def paint(self) -> None:
        """One structure, on one slice or several, over whatever was there."""
        self._stroke(self._some_segment(), self._some_places(), self.rng.choice([0.02, 0.3, 1.0]))

    def erase(self) -> None:
        self._stroke(self._some_segment(), self._some_places(), self.rng.choice([0.3, 1.0]), erase=True)

    def paint_one_slice(self) -> None:
        if (place := self._some_place()) is not None:
            self.panel.screen.jump(place)
            self._stroke(self._some_segment(), [place], 0.3)

    def undo(self) -> None:
        plain, editor = self.opened, self.panel.label.editor.widget.real.editor
        if plain is None or not plain.undo:
            return
        editor.Undo()
        before = plain.undo.pop()
        if before is None:
            self.panel.controller.labelling.save_now()
            plain.shown, plain.undo = self.panel.screen.labels().astype(np.int16), []
            for item in self.panel.screen.structures():
                self.names[self.study.folder][item.value] = item.name
                self.colors[self.study.folder][item.value] = item.color
        else:
            plain.shown = before

    def _stroke(self, segment: str, places: list[SliceIndex], share: float, erase: bool = False) -> None:
        """What a brush does, through Slicer's own editor logic."""
        from vtk.util.numpy_support import vtk_to_numpy

        plain = self.opened
        if plain is None or not segment or self._elsewhere():
            return
        wanted, key = plain.mask(set(places)) & (self.rng.random(plain.shown.shape) < share), self._key(segment)
        after = np.where(wanted & (plain.shown == key), 0, plain.shown) if erase else np.where(wanted, key, plain.shown)
        if np.array_equal(after, plain.shown):
            return
        editor, node = self.panel.label.editor.widget.real.editor, self.panel.screen.segmentation
        editor.UpdateReferenceGeometryImage()
        editor.ResetModifierLabelmapToDefault()
        image = editor.GetModifierLabelmap()
        voxels = vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])
        assert voxels.shape == plain.shown.shape, "the editor draws on the grid of the case"
        voxels[wanted] = 1
        image.Modified()
        editor.SaveStateForUndo()
        mode = editor.ModificationModeRemove if erase else editor.ModificationModeAdd
        editor.ModifySegmentByLabelmap(node, segment, image, mode, False, False)
        plain.change(after.astype(np.int16))

    def _elsewhere(self) -> bool:
        """The editor draws on something else until the panel takes it back."""
        return self.panel.label.editor.widget.segmentationNode() is not self.panel.screen.segmentation

    def _some_place(self) -> SliceIndex | None:
        if self.opened is None:
            return None
        axis = int(self.rng.integers(3))
        return SliceIndex(axis, int(self.rng.integers(self.opened.shown.shape[axis])))

    def _some_places(self) -> list[SliceIndex]:
        place = self._some_place()
        if place is None:
            return []
        last = min(place.index + int(self.rng.integers(1, 4)), self.opened.shown.shape[place.axis])
        return [SliceIndex(place.axis, index) for index in range(place.index, last)]

    # --- judging ----------------------------------------------------------------------------------------------

    def slice_done(self) -> None:
        self._judge(self.panel.label.on_done)

    def nothing_here(self) -> None:
        self._judge(self.panel.label.on_empty)

    def _judge(self, press: Callable[[], None]) -> None:
        place = self._some_place()
        if place is None or not self.panel.screen.jump(place) or self.panel.screen.current_slice() is None:
            return
        assert self.panel.screen.current_slice() == place
        press()

    def take_back(self) -> None:
        plain = self.opened
        if plain is not None and plain.judged:
            place = sorted(plain.judged)[self.rng.integers(len(plain.judged))]
            if self.panel.screen.jump(place) and self.panel.screen.current_slice() == place:
                there = place in self.panel.controller.open_case.done
                self.panel.label.on_take_back()
                if there:
                    plain.judged.discard(place)

    # --- structures -------------------------------------------------------------------------------------------

    def add_structure(self) -> None:
        """In the panel."""
        if self.study is not None and len(self.names[self.study.folder]) < 7:
            self.settle()
            self.panel.label.structure.text = name = f"structure {self.count}"
            self.panel.label.on_add()
            settle(self.panel)
            self.names[self.study.folder][self._next_value()] = name
            self._forget_undo()

    def add_segment(self) -> None:
        """In the Segment Editor module or the module Data; drawn in at once."""
        plain = self.opened
        if plain is None or len(self.names[self.study.folder]) > 6 or self._newcomers():
            return
        name = str(self._some_of(f"segment {self.count}", f"segment {self.count} ", f"segment {self.count}\n"))
        self._new_name = name.strip()
        self.panel.screen.segmentation.GetSegmentation().AddEmptySegment(f"new{self.count}", name)
        self._forget_undo()
        self._stroke(f"new{self.count}", self._some_places(), 0.5)

    def rename_segment(self) -> None:
        if (segment := self._some_segment(bound=True)):
            node, folder = self.panel.screen.segmentation, self.study.folder
            value, name = self._key(segment), f"renamed {self.count}"
            node.GetSegmentation().GetSegment(segment).SetName(name)
            self.names[folder][value] = name
            self._forget_undo()

    def rename_wrongly(self) -> None:
        """As another structure, or as no structure can be called: it is refused."""
        if (segment := self._some_segment(bound=True)):
            names = self.names[self.study.folder]
            wrong = [" ", "7", *(name.upper() for value, name in names.items() if value != self._key(segment))]
            self.panel.screen.segmentation.GetSegmentation().GetSegment(segment).SetName(str(self._some_of(*wrong)))
            self.panel.controller.labelling.save_now()
            self._forget_undo()

    def recolour_segment(self) -> None:
        if (segment := self._some_segment(bound=True)):
            color = tuple(float(part) for part in self.rng.random(3))
            self.panel.screen.segmentation.GetSegmentation().GetSegment(segment).SetColor(*color)
            self.colors[self.study.folder][self._key(segment)] = color
            self._forget_undo()

    def remove_segment(self) -> None:
        """It comes back with all that was saved of it."""
        if self._ready() is not None and (segment := self._some_segment(bound=True)):
            self.panel.screen.segmentation.GetSegmentation().RemoveSegment(segment)
            self._forget_undo()
            self.settle()

    def hide_or_move_segment(self) -> None:
        if (segment := self._some_segment()):
            node = self.panel.screen.segmentation
            node.GetDisplayNode().SetSegmentVisibility(segment, bool(self.rng.integers(2)))
            node.GetSegmentation().SetSegmentIndex(segment, 0)

    def _forget_undo(self) -> None:
        if self.opened is not None:
            self.opened.undo = [None for _ in self.opened.undo]

    def _newcomers(self) -> bool:
        return any(not item.value for item in self.panel.screen.structures())

    def _some_segment(self, bound: bool = False) -> str:
        if self.opened is None:
            return ""
        names = [item.segment_id for item in self.panel.screen.structures() if item.value or not bound]
        return names[self.rng.integers(len(names))] if names else ""

    def _key(self, segment: str) -> int:
        value = next(item.value for item in self.panel.screen.structures() if item.segment_id == segment)
        return value or NEWCOMER

    def _next_value(self) -> int:
        return max(self.names[self.study.folder], default=0) + 1
