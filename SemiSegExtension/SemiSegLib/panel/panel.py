"""The panel: sections from set-up to export, one timer, and what happens when the scene or Slicer closes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import qt
import slicer
import vtk

from ..controller import Controller
from ..scene import Screen
from ..scene.nodes import Observers, Parameters
from ..training.connection import BackendConnection, Connection
from ..training.live import Live
from ..training.training import Training
from ..words import _
from .cases import CasesSection
from .export import ExportSection
from .interpreters import make_interpreters
from .label import LabelSection
from .models import ModelsSection
from .next_step import NextStep
from .preferences import Preferences
from .review import ReviewSection
from .sample import SampleRow
from .setup import SetupSection
from .train import TrainSection

TICK_MS, LOOK_S, REST_S = 120, 1.0, 1.2
"""The timer's beat; how often a run is looked at; how long the drawing rests before it is saved."""
BUSY_TICK_MS, LET_GO_S = 20, 0.03
"""While threads of ours work: the beat, and the part of it that is theirs."""


class Panel:
    """Everything in the module's area. ``installer``, ``connect`` and ``preferences`` are given by tests."""

    def __init__(self, layout: Any, installer: Any = None, connect: Any = None, preferences: Any = None) -> None:
        self.preferences, self.screen = preferences or Preferences(), Screen()
        self.interpreters = make_interpreters(self.preferences, installer)
        self.controller = Controller(self.screen, self.preferences.get("author"))
        self.training = Training(self.controller, connect or self._connect)
        self.live = Live(self.controller, self.training, lambda: self.installer.look().kind == "ready")
        self._rest_at = self._look_at = 0.0
        self._scrolled = False
        self._scene_observers = Observers()
        self._build(layout)
        self._wire()

    def _connect(self, study: Any) -> Connection:
        far = self.preferences.get("far place")
        return BackendConnection(study, self._python, lambda: self.installer.environment(), far)

    @property
    def scratch(self) -> str:
        """Slicer's temporary folder, asked for each time: a person may choose another one or empty their disk, and
        Slicer makes it anew when it is asked for.
        """
        return str(slicer.app.temporaryPath)

    @property
    def installer(self) -> Any:
        """The Python that trains: see ``interpreters``."""
        return self.interpreters.current

    def _python(self) -> Sequence[str]:
        return self.installer.python

    def _build(self, layout: Any) -> None:
        self.train: TrainSection | None = None  # the set-up section asks for both before they are there
        self.models: ModelsSection | None = None
        self.step = NextStep(self, layout)
        self.setup = SetupSection(self, layout)
        self.sample = SampleRow(self, layout)
        self.cases = CasesSection(self, layout)
        self.label = LabelSection(self, layout)
        self.train = TrainSection(self, layout)
        self.models = ModelsSection(self, layout)
        self.review = ReviewSection(self, layout)
        self.export = ExportSection(self, layout)
        layout.addStretch(1)

    def _wire(self) -> None:
        self.screen.edited, self.screen.scrolled = self._edited, self._on_scroll
        self.screen.save_undo, self.screen.let_go = self.label.editor.save_undo, self.label.editor.let_go
        self.controller.listen(self._heard)
        self.timer = qt.QTimer()
        self.timer.setInterval(TICK_MS)
        self.timer.connect("timeout()", self.tick)
        self.timer.start()
        scene = slicer.mrmlScene
        self._scene_observers.watch(scene, scene.StartCloseEvent, self._scene_closing)
        self._scene_observers.watch(scene, scene.EndCloseEvent, self._scene_closed)
        self._scene_observers.watch(scene, scene.EndImportEvent, self._scene_imported)
        self._scene_observers.watch(scene, scene.NodeAboutToBeRemovedEvent, self._node_going)
        for what in ("study", "case"):
            self._heard(what)

    # --- the beat ---------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Hand over what the threads finished; save a rested drawing; look at the run. Never waits."""
        now = time.monotonic()
        self.controller.poll()
        self.training.jobs.poll()
        self.cases.fill_on()
        if self.controller.labelling.unsaved and now >= self._rest_at:
            self._rest_at = now + REST_S
            self.controller.labelling.save_now()
        if self._scrolled:
            self._scrolled = False
            self.label.refresh()
        if now >= self._look_at:
            self._look_at = now + (LOOK_S / 2 if self.live.on else LOOK_S)
            self.training.poll()
            self.live.beat()
            self.setup.refresh()
            self.label.keep_hold()
            self.cases.keep_room()
            self.step.refresh()
        self._let_threads_work()

    def _let_threads_work(self) -> None:
        """Slicer keeps Python to itself while it waits for events: a thread of ours goes on only when Python is let go
        of, here. Without this a file that takes two seconds to read would take minutes.
        """
        busy = bool(self.controller.busy or self.training.jobs.busy)
        if busy:
            time.sleep(LET_GO_S)
        wanted = BUSY_TICK_MS if busy else TICK_MS
        if self.timer.interval != wanted:
            self.timer.setInterval(wanted)

    def _edited(self) -> None:
        self._rest_at = time.monotonic() + REST_S
        self.controller.labelling.edited()

    def _on_scroll(self) -> None:
        self._scrolled = True

    # --- told -------------------------------------------------------------------------------------------------

    def _heard(self, what: str) -> None:
        if what == "notice":
            self.step.say(*self.controller.notice)
        elif what == "study":
            self.sample.refresh()
            self.cases.refresh()
            self.export.refresh()
            self._remember()
        elif what == "case":
            self.label.case_changed()
            self.review.case_opened()
            self._remember()
        elif what == "labels":
            self.label.refresh()
        if what in ("cases", "case", "run"):
            self.cases.refresh()
            self.label.refresh()
        if what in ("suggestion", "case", "cases", "run"):
            self.review.refresh()
        if what in ("study", "run"):
            self.refresh_training()
        if what in ("case", "models") and self.models is not None:
            self.models.refresh()
        self.step.refresh()

    def refresh_training(self) -> None:
        """What may be begun has changed: the place, or what is set up. Asked also while the panel is being built."""
        if self.train is not None:
            self.train.refresh()
        if self.models is not None:
            self.models.refresh()

    def _remember(self) -> None:
        """The study and case belong to the scene, the last study also to the person."""
        study, opened = self.controller.study, self.controller.open_case
        if study is not None:
            parameters = Parameters()
            parameters.set("study", str(study.folder))
            parameters.set("case", opened.id if opened else "")
            parameters.set("job", self.training.job)
            self.preferences.set("study", str(study.folder))

    # --- coming and going -------------------------------------------------------------------------------------

    def enter(self) -> None:
        """The module is shown: take up the study of the scene, or the person's last one."""
        self.label.editor.attach()
        self.label.take_hold()
        self.label.editor.enter()
        if self.controller.study is None and not self.controller.busy:
            self._take_up(Parameters())

    def _take_up(self, parameters: Parameters, brought: bool = False) -> None:
        """Open the study of the scene, or the person's last one, where it can be reached. That is found out on the
        thread: for a share that has gone, a system waits long. ``brought``: a scene file may have brought our nodes.
        """
        folder = Path(parameters.get("study") or self.preferences.get("study"))
        case, before = parameters.get("case"), self.controller.studies_wanted

        def found(there: bool) -> None:
            if there and self.controller.studies_wanted == before:
                self.screen.imported(keep=False)
                self.controller.open_study(folder, case)
            elif brought:
                self.screen.imported(keep=True)
            elif there:  # another study was chosen meanwhile: what a panel before us left in the scene goes
                self.screen.imported(keep=False)

        if folder != Path():
            self.controller.disk.run(_("Look for the study"), folder.is_dir, found)

    def leave(self) -> None:
        """Another module is shown: the drawing is saved; training goes on and is still followed."""
        self.controller.labelling.save_now()
        self.label.editor.leave()

    def _scene_closing(self, *_event: Any) -> None:
        self.controller.showing.close(leave_nodes=True)
        self.label.editor.let_go()
        self.screen.scene_closes()

    def _scene_closed(self, *_event: Any) -> None:
        self.label.editor.attach()
        if self.controller.study is not None:
            self._remember()
            self.controller.say(_("The scene was closed; everything drawn is in the study. Click a case to continue."))

    def _scene_imported(self, *_event: Any) -> None:
        """A scene file may bring the study it was saved with, and our nodes of then: the study's state counts."""
        parameters, study = Parameters(), self.controller.study
        if study is not None and str(study.folder) == parameters.get("study"):
            self.screen.imported(keep=False)
            self._remember()
        else:
            if not parameters.get("study"):
                self.screen.imported(keep=True)
            self._take_up(parameters, brought=True)
        self.controller.next_beat(self.label.take_hold)  # when all who listen to the scene have done their part

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_going(self, _scene: Any, _event: str, node: Any) -> None:
        """The person deletes a node of the case on screen, say in the module Data: what is drawn is saved before, and
        the editor lets go of it, else it would take up another segmentation of the scene.
        """
        if self.controller.open_case is not None and node in (self.screen.volume, self.screen.segmentation):
            self.controller.labelling.save_now()
            self.label.editor.let_go()
            self.controller.next_beat(self._case_gone)

    def _case_gone(self) -> None:
        opened = self.controller.open_case
        if opened is not None and None in (self.screen.volume, self.screen.segmentation):
            self.controller.showing.close()
            text = _("{case} was deleted from the scene. Everything drawn is in the study; click the case to continue.")
            self.controller.say(text.format(case=opened.name))

    def close(self, scene_closes: bool = False) -> None:
        """Slicer, and the scene with it, or the module goes: save, let go. Training goes on by itself."""
        self.timer.stop()
        self._scene_observers.clear()
        self.controller.labelling.save_now()
        self.controller.disk.finish(30)
        self.controller.background.finish(30 if self.training.asking else 2)  # what was asked to train is to train
        self.training.jobs.finish(2)
        self.sample.stop()
        self.label.editor.close()
        if scene_closes:
            self.screen.scene_closes()
        else:
            self.screen.forget()
