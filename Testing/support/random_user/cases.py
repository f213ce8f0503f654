"""Cases, studies and scenes come and go; our nodes are handled in other modules."""

from __future__ import annotations

import shutil
import zipfile

import slicer

from Testing.support.clinician import settle

from .hand import Hand


class Cases(Hand):
    """Every public method is one thing that a person does, with random details."""

    def click_case(self) -> None:
        """Perhaps several, one after the other."""
        if self.study is not None and self.panel.cases.ids:
            for _ in range(self.rng.integers(1, 3)):
                self.panel.cases.on_case(int(self.rng.integers(len(self.panel.cases.ids))))
                if self.rng.random() < 0.5:
                    self.beat()

    def open_another_study(self) -> None:
        self.panel.controller.open_study(self.studies[self.rng.integers(len(self.studies))].folder)

    def remove_case(self) -> None:
        """And put its folder back, as the question says that one can."""
        self.settle()
        if self.study is None or not self.panel.cases.ids:
            return
        case = str(self._some_of(*self.panel.cases.ids))
        self.panel.cases.menu.on_remove(case)
        settle(self.panel)
        settle(self.panel)
        place = self.study.folder / "removed" / case
        if place.is_dir():
            assert case not in self.panel.cases.ids
            place.rename(self.study.folder / "cases" / case)
        self.panel.controller.refresh()
        settle(self.panel)

    def share_goes_away(self) -> None:
        """For some steps nothing can be saved; what is drawn stays on screen until it can."""
        plain = self._ready()
        if plain is None or self.panel.training.running:
            return
        away = self.study.folder.with_name("unmounted")
        self.study.folder.rename(away)
        before, opened, told = set(plain.judged), self.panel.controller.open_case, len(self.said)
        for _ in range(self.rng.integers(1, 4)):
            self._some_of(self.paint, self.erase, self.slice_done, self.click_case, self.leave_and_enter)()
            self.beat()
        settle(self.panel)
        away.rename(self.study.folder)
        plain.judged = before
        assert self.panel.controller.open_case is opened, "it stays on screen"
        del self.said[told:]
        self.settle()
        self.panel.controller.refresh()
        settle(self.panel)

    def close_scene(self) -> None:
        slicer.mrmlScene.Clear()

    def leave_and_enter(self) -> None:
        self.panel.leave()
        if self.rng.random() < 0.5:
            self.beat()
        self.panel.enter()

    def reload(self) -> None:
        self.release()
        self._see_results()
        self.panel.close()
        self._see_results()
        self.panel = self._begin()

    def scene_file(self) -> None:
        """Saved, and read later, in place of what is there or beside it."""
        self.settle()
        for node in (self.panel.screen.volume, self.panel.screen.segmentation):
            if node is not None:
                node.AddDefaultStorageNode()
        here = self._folder / f"scene{self.count}"
        assert slicer.mrmlScene.WriteToMRB(f"{here}.mrb")
        self._some_of(self.paint, self.slice_done, self.click_case, self.close_scene, self.open_another_study)()
        if self.rng.random() < 0.5:
            self.settle()
        zipfile.ZipFile(f"{here}.mrb").extractall(here)
        slicer.mrmlScene.SetURL(str(next(here.glob("*/*.mrml"))))
        if self.rng.random() < 0.5:
            slicer.mrmlScene.Connect()
        else:
            slicer.mrmlScene.Import()
        self.settle()
        shutil.rmtree(here)

    # --- our nodes in other modules ---------------------------------------------------------------------------

    def delete_node(self) -> None:
        nodes = [self.panel.screen._stage.node(role) for role in ("image", "labels", "suggestion", "uncertainty")]
        nodes = [node for node in nodes if node is not None]
        if nodes:
            node = self._some_of(*nodes)
            display = node.GetDisplayNode()
            slicer.mrmlScene.RemoveNode(node)
            slicer.mrmlScene.RemoveNode(display)

    def rename_node(self) -> None:
        for node in (self.panel.screen.volume, self.panel.screen.segmentation):
            if node is not None:
                node.SetName(f"called otherwise {self.count}")

    def clone_node(self) -> None:
        """The copy is drawn on, and goes again."""
        node = self.panel.screen.segmentation
        if node is not None:
            copy = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "a copy")
            copy.CopyContent(node)
            names = copy.GetSegmentation().GetSegmentIDs()
            if names:
                copy.GetSegmentation().RemoveSegment(names[0])
            self.beat()
            slicer.mrmlScene.RemoveNode(copy)

    def transform(self) -> None:
        """And what can be done then; back with 'Straighten views'."""
        node = self._some_of(self.panel.screen.volume, self.panel.screen.segmentation)
        if node is None:
            return
        moved = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        node.SetAndObserveTransformNodeID(moved.GetID())
        self.beat()
        self.panel.label.on_done()
        self.panel.label.on_straighten()
        slicer.mrmlScene.RemoveNode(moved)
