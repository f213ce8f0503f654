"""One session of a live run: the same volumes, the same patches, from the first step to the last."""

from __future__ import annotations

from dataclasses import replace

from ...engine.data.carrying import Carrying
from ...engine.data.volumes import Volume
from ...engine.hardware.device import is_out_of_memory
from ...engine.prediction.predict import Predictor
from ...engine.quality import measure
from ...engine.training.trainer import Diverged
from ...errors import SemiSegError
from ...methods import make
from ...methods.base import Method
from ..cards import UNDERWAY, publish
from ..course.legs import CARRIED
from ..course.warm import start_from
from ..data import Data
from ..model import Model
from ..suggest import Suggester
from ..workplace import Workplace
from .agenda import SHOW_AFTER_S, Agenda
from .endless import Endless, Favouring
from .plans import outgrown
from .staying import LOOK_EVERY_S, Stay
from .views import Views

WEIGHING_SHARE = 0.05  # of the time, at most, goes into deciding what comes in one piece


class Session:
    """Learns from ``data`` until its ``stay`` is over, or another plan suits better what is drawn by now."""

    def __init__(self, workplace: Workplace, data: Data, stay: Stay):
        self.workplace, self.job = workplace, workplace.job
        self.reporter, self.device = workplace.reporter, workplace.device
        self.data, self.stay, self.clock = data, stay, stay.clock
        self.suggester, self.views = Suggester(workplace, data), Views(data, workplace.device)
        carries = workplace.training.carry_outlines and data.plan.dims == 3
        self.carrying = Carrying(list(data.volumes.values()), CARRIED if carries else 0.0)
        self.agenda = Agenda(data.volumes, self.clock())
        self.agenda.open(self.job.opened())
        self.model: Model | None = None
        self._replan = False
        self._weigh_at = self.clock()  # not before: what comes in one piece
        self._looked_at = self._saved_at = self.clock()
        self._taken: list[tuple[int, float]] = []
        self._note_news()

    def learn(self, start: Model | None) -> Model | None:
        """To the end; returns the model. ``start`` one to go on from."""
        self.model = start
        if start is not None and self.workplace.training.leave_out_fragments:
            self.suggester.one_piece = start.one_piece
        while not self._is_over():
            self._train()
        return self.model

    def _is_over(self) -> bool:
        return self._replan or bool(self.stay.farewell)

    # --- training -----------------------------------------------------------------------------------------------

    def _train(self) -> None:
        """Train until told otherwise; after running out of memory or a divergence the next call goes on."""
        trainer = self._trainer()
        self.carrying.at(trainer.settled)
        lacking = False
        try:
            trainer.fit(lambda progress, share: self._after(trainer))
        except Diverged as error:
            self.reporter.say(f"Learning starts again from the last good state: {error}")
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            lacking = True
        if lacking:  # out here nothing holds the activations of the failed step any more
            self._smaller_patches()
        if self._is_over():
            self._keep(trainer.method)

    def _trainer(self) -> Endless:
        spec, data = self.job.spec(), self.data
        method = make(spec.method, spec.method_settings, data.task()).to(self.device.torch)
        if self.model is not None:
            start_from(method, self.model, data.classes.values[1:], data.plan, whole=True)
        means = replace(self.workplace.means(), compile="off")  # a compiler would take the first minute
        trainer = Endless(method, Favouring(list(data.volumes.values()), data.plan), self.device, means)
        trainer.favour(self.agenda.opened)
        share = trainer.sampler.labelled_share(method.need(trainer.where()))
        self.reporter.say("Learning while you draw.", state="running", phase="live", labelled_share=share)
        return trainer

    def _smaller_patches(self) -> None:
        smaller = self.data.plan.smaller()
        if smaller is None:
            raise SemiSegError(
                f"Memory ran out with patches of only {self.data.plan.patch} voxels. Close other programs, then start "
                "again."
            )
        self.reporter.say(f"Memory ran out: learning goes on with patches of {smaller.patch} voxels.")
        self.workplace.device.give_back_memory()
        self.data.plan = smaller

    # --- between two steps --------------------------------------------------------------------------------------

    def _after(self, trainer: Endless) -> bool:
        now, progress = self.clock(), trainer.progress
        self.reporter.update(step=progress.step, steps_per_second=progress.step / max(progress.elapsed, 1e-6))
        if now - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = now
            self._look(trainer)
        self.carrying.at(trainer.settled)
        case = self.agenda.due(now)
        if case is not None:
            self._show(self.data.volumes[case], trainer.method)
        if self.agenda.settled(now):
            self._rest(trainer)
        if now - self._saved_at > self.workplace.training.checkpoint_seconds:
            self._keep(trainer.method)
        return not self._is_over()

    def _rest(self, trainer: Endless) -> None:
        """All is learned and shown: until something is drawn or another case comes on screen."""
        self._keep(trainer.method)
        self.reporter.say("Waiting for your next slice.", phase="waiting")
        self.stay.rest(lambda: self._look(trainer))

    def _look(self, trainer: Endless) -> bool:
        """Take in what the client said since; whether there is something to do for it."""
        self.stay.is_over()
        news, opened = self._take_labels(), self.job.opened()
        changed = opened != self.agenda.opened
        if changed:
            self.agenda.open(opened)
            trainer.favour(opened)
        if news:
            trainer.news()
            self._note_news()
            learnable = any(volume.training_slices for volume in self.data.volumes.values())
            self._replan = not learnable or outgrown(self.data, self.device)
        return changed or news

    def _take_labels(self) -> bool:
        """Whether there were any."""
        added = self.data.take_new(self.job)
        self.reporter.unread(self.data.unread)
        if added:
            cases = ", ".join(item.case for item in added)
            self.reporter.say(f"New slices of {cases} are used now.", phase="live", labels_used=self.data.labels_used)
        return bool(added)

    def _note_news(self) -> None:
        now = self.clock()
        self.agenda.news(now)
        self._taken.append((self.data.labels_used, now))

    # --- what it comes to ---------------------------------------------------------------------------------------

    def _show(self, volume: Volume, method: Method) -> None:
        begun, case = self.clock(), volume.name
        with self.reporter.tolerating("A suggestion", "Learning"):
            self.suggester.case(case, self.views.averaged(method.predictor(), volume))
            self.suggester.put_ranking()
        now = self.clock()
        if case == self.agenda.opened:
            learned = [n for n, taken in self._taken if begun - taken >= SHOW_AFTER_S[0]]
            self.reporter.update(labels_shown=max(learned, default=self.reporter.status.labels_shown), first_mask=True)
        self.agenda.shown(case, now, now - begun)

    def _keep(self, method: Method) -> None:
        """Leave the model in the job: a later run goes on from it."""
        self._saved_at = self.clock()
        data = self.data
        self._weigh_pieces(method)
        model = Model.of(method, self.job.spec().method, data.plan, data.classes.values[1:], None)
        self.model = replace(model, one_piece=self.suggester.one_piece, learned=data.learned_from())
        with self.reporter.tolerating("The model", "Learning"):
            publish(self.job, self.model, self.reporter.status, self.stay.farewell or UNDERWAY)

    def _weigh_pieces(self, method: Method) -> None:
        """Decide anew of which structures fragments are left out, as often as costs next to nothing."""
        begun, data = self.clock(), self.data
        if begun >= self._weigh_at and self.workplace.training.leave_out_fragments:
            predictor = Predictor(method.predictor(), data.plan, self.device)
            found = measure(predictor.parts, data.volumes.values(), len(data.classes), may_leave_out=True)
            self.suggester.one_piece = data.classes.values_of(found.one_piece)
            self._weigh_at = begun + (self.clock() - begun) / WEIGHING_SHARE
