"""The chair at the panel: what is on screen, the timer's beat, waiting, a disk that is slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import slicer

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Study
from Testing.support.clinician import settle

from .plain import PlainDrawing, window
from .runner import ScriptedRunner

NODES = ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode", "vtkMRMLSegmentationDisplayNode",
         "vtkMRMLScalarVolumeDisplayNode", "vtkMRMLSegmentEditorNode", "vtkMRMLScriptedModuleNode")  # fmt: skip


class Seat:
    """``open_panel()`` makes a panel as Slicer does; ``folder`` is for scene files and masks.
    ``plain`` says by study and case what must be there, ``names`` and ``colors`` by study its structures.
    """

    def __init__(self, open_panel: Callable[[], Any], studies: list[Study], folder: Path, seed: int) -> None:
        self.rng, self._open_panel, self._folder = np.random.default_rng(seed), open_panel, folder
        self._seed, self._node, self._new_name = seed, None, ""
        self.plain = {
            (study.folder, case.id): PlainDrawing(np.zeros(case.grid.shape, np.int16))
            for study in studies for case in study.cases
        }  # fmt: skip
        self.names = {study.folder: {item.value: item.name for item in study.structures} for study in studies}
        self.colors = {study.folder: {item.value: item.color for item in study.structures} for study in studies}
        self.studies, self.said, self.slowest_beat = studies, [], 0.0
        self.count, self._stalled, self.runners = 0, None, {}
        self.panel = self._begin()
        self._nodes = self.nodes()
        self.panel.controller.open_study(studies[0].folder)
        settle(self.panel)

    # --- the panel --------------------------------------------------------------------------------------------

    def _begin(self) -> Any:
        panel = self._open_panel(self._connect)
        panel.controller.listen(lambda what: what == "notice" and self.said.append(panel.controller.notice))
        call_done = panel.controller.labelling.call_done
        panel.controller.labelling.call_done = lambda places, empty=False, own=False: (
            self._called_done(places, empty, own), call_done(places, empty, own)
        )[1]  # fmt: skip
        return panel

    def _called_done(self, places: list[SliceIndex], empty: bool, own: bool) -> None:
        """Asked for at once, or with the next beat, or before a training: these slices count; but for those that are
        to be drawn by the person (``own``), and show a suggestion only.
        """
        plain = self.opened
        if plain is None:
            return
        drawn, suggestion = plain.shown[window(places[0])].any(), self.panel.controller.open_case.suggestion
        suggested = suggestion is not None and suggestion[window(places[0])].any()
        if not (empty and drawn) and not (own and suggested and not drawn):
            plain.judged.update(places)

    def _connect(self, study: Study) -> ScriptedRunner:
        return self.runners.setdefault(study.folder, ScriptedRunner(study))

    @property
    def opened(self) -> PlainDrawing | None:
        """The case on screen, as it must be; None when there is none."""
        node, study = self.panel.screen.segmentation, self.panel.controller.study
        if self.panel.controller.open_case is None or node is None:
            return None
        plain = self.plain[study.folder, node.GetAttribute("SemiSeg.Case")]
        if node is not self._node:  # what was drawn in the one before cannot be undone
            self._node, plain.undo = node, []
        return plain

    @property
    def study(self) -> Study:
        return self.panel.controller.study

    def beat(self) -> None:
        """The timer's, at a random moment: drawings may have rested, the run may be looked at."""
        if self.rng.random() < 0.5:
            self.panel._rest_at = 0.0
        if self.rng.random() < 0.3:
            self.panel._look_at = 0.0
        began = time.thread_time()
        self.panel.tick()
        self.slowest_beat = max(self.slowest_beat, time.thread_time() - began)
        self._see_results()

    def settle(self) -> None:
        self.release()
        self.panel.controller.labelling.save_now()
        settle(self.panel)
        self._see_results()

    def _see_results(self) -> None:
        for folder, runner in self.runners.items():
            while runner.arrived:
                case, stored = runner.arrived.pop(0)
                self.plain[folder, case].suggestion = stored

    # --- a slow disk ------------------------------------------------------------------------------------------

    def stall(self) -> None:
        """Whatever is asked of the disk waits for some steps."""
        if self._stalled is None:
            self._stalled = threading.Event()
            self.panel.controller.disk.run("wait", lambda event=self._stalled: event.wait(20))

    def release(self) -> None:
        if self._stalled is not None:
            self._stalled.set()
            self._stalled = None

    # --- chance -----------------------------------------------------------------------------------------------

    def _some_of(self, *things: Any) -> Any:
        return things[self.rng.integers(len(things))]

    def _ready(self) -> PlainDrawing | None:
        """The case on screen, when nothing waits."""
        self.settle()
        return self.opened

    def nodes(self) -> dict[str, int]:
        return {kind: slicer.mrmlScene.GetNumberOfNodesByClass(kind) for kind in NODES}
