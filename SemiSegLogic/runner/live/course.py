"""The course of a live run: wait for a first slice, learn, show, take in what is drawn meanwhile, rest, go home.

Nothing is held out from training here, so nothing is claimed about how good the model is: that is what *Train on my
labels* is for, and it goes on from the model that is kept here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from ...engine import checkpoint
from ...engine.device import Device, is_out_of_memory
from ...engine.memory import give_back_freed_memory
from ...engine.trainer import Diverged, Means, Progress
from ...engine.volumes import LabelError, Volume
from ...errors import SemiSegError
from ...files import FileError
from ...job import JobError, JobFolder
from ...methods import make
from ...methods.base import Method
from ...settings import Training
from .. import data as volumes_of
from ..data import Data
from ..model import Model, publish
from ..reporting import Reporter
from ..suggest import Suggester
from .agenda import SHOW_AFTER_S, Agenda
from .endless import Endless, Favouring
from .plans import outgrown
from .views import Views

LOOK_EVERY_S = 0.25
WAITING = "Waiting for your first slice: draw, and call it done."
Clock = Callable[[], float]


class LiveCourse:
    """Learns for one live job until it is stopped, another job needs the computer, or nobody draws any more.

    ``others_wait()`` says whether another job waits for this computer.
    """

    def __init__(
        self, job: JobFolder, device: Device, training: Training, reporter: Reporter,
        others_wait: Callable[[], bool], clock: Clock = time.monotonic,
    ):
        self.job, self.device, self.training, self.reporter = job, device, training, reporter
        self.others_wait, self.clock = others_wait, clock
        self.model: Model | None = None
        self.farewell = ""
        self._replan = False
        self._looked_at = self._saved_at = clock()
        self._taken: list[tuple[int, float]] = []

    def run(self, start: Model | None) -> Model | None:
        """To the end; returns the model, None when nothing was ever drawn. ``start`` a model to go on from."""
        self.model = start
        while not self.farewell:
            if self._anything_drawn():
                self._learn()
            else:
                self._wait()
        return self.model

    # --- waiting ------------------------------------------------------------------------------------------------

    def _anything_drawn(self) -> bool:
        added = {item.case: bool(item.slices) for item in self.job.newest_labels()}
        drawn = {case.id: bool(case.slices) for case in self.job.spec().cases}
        return any((drawn | added).values())

    def _wait(self) -> None:
        """Until the first slice comes."""
        self.reporter.say(WAITING, phase="waiting")
        known = max((item.n for item in self.job.newest_labels()), default=0)
        if not self._anything_drawn():  # what came meanwhile is not waited for
            self._rest(lambda: any(item.slices for item in self.job.newest_labels(known)))

    def _rest(self, until: Callable[[], bool]) -> None:
        """Leave the processor to others until ``until()``, or until it is time to go home."""
        give_back_freed_memory()
        begun = self.clock()
        while not self._goes_home(self.clock() - begun) and not until():
            time.sleep(LOOK_EVERY_S)

    def _goes_home(self, rested: float) -> bool:
        if self.job.stop_requested():
            self.farewell = "Stopped; what was learned is kept."
        elif self.others_wait():
            self.farewell = "Made room for a training that waited; what was learned is kept."
        elif rested > self.training.live_rest_seconds:
            self.farewell = "Nothing new was drawn for a while; what was learned is kept."
        return bool(self.farewell)

    # --- learning -----------------------------------------------------------------------------------------------

    def _learn(self) -> None:
        """One session: from loading the volumes until the end, or until the patches no longer suit what is drawn."""
        data = volumes_of.load(self.job, self.device, self.reporter.reading)
        self._replan = False
        self.reporter.update(labels_used=data.labels_used)
        try:
            data.check_usable()
        except LabelError as error:
            self.reporter.say(str(error), phase="waiting")
            return self._rest(lambda: bool(self.job.newest_labels(data.labels_used)))
        self.suggester = Suggester(self.job, data, self.device, self.reporter)
        self.views = Views(data, self.device)
        self.agenda = Agenda(data.volumes, self.clock())
        self.agenda.open(self.job.opened())
        self._note_news(data.labels_used)
        while not self.farewell and not self._replan:
            self._train(data)

    def _train(self, data: Data) -> None:
        """Train until told otherwise; after running out of memory or a divergence the next call goes on."""
        trainer = self._trainer(data)
        try:
            trainer.fit(partial(self._after, data, trainer))
        except Diverged as error:
            self.reporter.say(f"Learning starts again from the last good state: {error}")
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            self._smaller_patches(data)
        if self.farewell or self._replan:
            self._keep(data, trainer.method)

    def _trainer(self, data: Data) -> Endless:
        spec = self.job.spec()
        method = make(spec.method, spec.method_settings, data.task()).to(self.device.torch)
        if self.model is not None:
            checkpoint.warm_start(method, self.model.build(self.device.torch).predictor().state_dict())
        means = Means("off", self.training.record, told=self.reporter.say)  # a compiler would take the first minute
        trainer = Endless(method, Favouring(list(data.volumes.values()), data.plan), self.device, means)
        trainer.favour(self.agenda.opened)
        share = trainer.sampler.labelled_share(method.need(trainer.where()))
        self.reporter.say("Learning while you draw.", state="running", phase="live", labelled_share=share)
        return trainer

    def _smaller_patches(self, data: Data) -> None:
        smaller = data.plan.smaller()
        if smaller is None:
            raise SemiSegError(
                f"Memory ran out with patches of only {data.plan.patch} voxels. Close other programs, then start again."
            )
        self.reporter.say(f"Memory ran out: learning goes on with patches of {smaller.patch} voxels.")
        data.plan = smaller

    # --- between two steps --------------------------------------------------------------------------------------

    def _after(self, data: Data, trainer: Endless, progress: Progress, share: float) -> bool:
        now = self.clock()
        self.reporter.update(step=progress.step, steps_per_second=progress.step / max(progress.elapsed, 1e-6))
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._look(data, trainer)
        case = self.agenda.due(now)
        if case is not None:
            self._show(data.volumes[case], trainer.method)
        if self.agenda.settled(now):
            self._keep(data, trainer.method)
            self.reporter.say("Waiting for your next slice.", phase="waiting")
            self._rest(lambda: self._look(data, trainer))
        if now - self._saved_at > self.training.checkpoint_seconds:
            self._keep(data, trainer.method)
        return not self.farewell and not self._replan

    def _look(self, data: Data, trainer: Endless) -> bool:
        """Take in what the client said since; whether there is something to do for it."""
        before = data.labels_used
        self._goes_home(0.0)
        self._take_labels(data)
        opened = self.job.opened()
        changed = opened != self.agenda.opened
        if changed:
            self.agenda.open(opened)
            trainer.favour(opened)
        if data.labels_used > before:
            trainer.news()
            self._note_news(data.labels_used)
            learnable = any(volume.training_slices for volume in data.volumes.values())
            self._replan = not learnable or outgrown(data, self.device)
        return changed or data.labels_used > before

    def _take_labels(self, data: Data) -> None:
        try:
            added = self.job.newest_labels(data.labels_used)
        except JobError as error:  # a label that does not fit is the client's to correct; the others are not lost
            self.reporter.update(message=f"New labels cannot be used: {error}"[:1000])
            return
        for item in added:
            data.take_planes(item.case, item.planes, item.n)
        if added:
            cases = ", ".join(item.case for item in added)
            self.reporter.say(f"New labels of {cases} are in.", phase="live", labels_used=data.labels_used)

    def _note_news(self, n: int) -> None:
        self.agenda.news(self.clock())
        self._taken.append((n, self.clock()))

    def _show(self, volume: Volume, method: Method) -> None:
        begun, case = self.clock(), volume.name
        try:
            self.suggester.case(case, self.views.averaged(method.predictor(), volume))
            self.suggester.put_ranking()
        except FileError as error:
            self.reporter.say(f"A suggestion could not be saved: {error} Learning goes on.")
        now = self.clock()
        if case == self.agenda.opened:
            learned = [n for n, taken in self._taken if begun - taken >= SHOW_AFTER_S[0]]
            self.reporter.update(labels_shown=max(learned, default=self.reporter.status.labels_shown), first_mask=True)
        self.agenda.shown(case, now, now - begun)

    def _keep(self, data: Data, method: Method) -> None:
        """Leave the model in the job: a later run goes on from it."""
        self._saved_at = self.clock()
        name = self.job.spec().method
        self.model = Model.of(method, name, data.plan, data.classes.values[1:], None)
        try:
            publish(self.job, self.model, self.reporter.status)
        except FileError as error:
            self.reporter.say(f"The model could not be saved: {error} Learning goes on.")
