"""The course of a live run: wait for a first slice, learn, show, take in what is drawn meanwhile, rest, go home.

Nothing is held out from training here, so nothing is claimed about how good the model is: that is what *Train on my
labels* is for, and it goes on from the model that is kept here.
"""

from __future__ import annotations

from ...engine.data.volumes import LabelError
from ...job import AddedLabels, JobError
from .. import data as volumes_of
from ..model import Model
from ..workplace import Workplace
from .session import Session
from .staying import Stay

WAITING = "Waiting for your first slice: draw, and mark it as done."


class LiveCourse:
    """Learns for one live job as long as its ``stay`` lasts."""

    def __init__(self, workplace: Workplace, stay: Stay):
        self.workplace, self.job, self.reporter, self.stay = workplace, workplace.job, workplace.reporter, stay
        self.model: Model | None = None
        self.unread: dict[int, JobError] = {}

    def run(self, start: Model | None) -> Model | None:
        """To the end; returns the model, None when nothing was ever drawn. ``start`` a model to go on from."""
        self.model = start
        while not self.stay.farewell:
            if self._anything_drawn():
                self._learn()
            else:
                self._wait()
        return self.model

    def _anything_drawn(self) -> bool:
        added = {item.case: bool(item.slices) for item in self.job.newest_labels(0, self.unread)}
        drawn = {case.id: bool(case.slices) for case in self.job.spec().cases}
        return any((drawn | added).values())

    def _wait(self) -> None:
        """Until the first slice comes."""
        self.reporter.say(WAITING, phase="waiting")
        known = max((item.n for item in self.job.newest_labels(0, self.unread)), default=0)
        if not self._anything_drawn():  # what came meanwhile is not waited for
            self.stay.rest(lambda: any(item.slices for item in self._since(known)))

    def _since(self, known: int) -> list[AddedLabels]:
        """The labels above that number."""
        added = self.job.newest_labels(known, self.unread)
        self.reporter.unread(self.unread)
        return added

    def _learn(self) -> None:
        """From loading the volumes until the end, or until the patches no longer suit what is drawn."""
        data = volumes_of.load(self.job, self.workplace.device, self.reporter.reading)
        self.reporter.update(labels_used=data.labels_used)
        self.reporter.unread(data.unread)
        try:
            data.check_usable()
        except LabelError as error:
            self.reporter.say(str(error), phase="waiting")
            self.stay.rest(lambda: data.arrived(self.job))
        else:
            self.model = Session(self.workplace, data, self.stay).learn(self.model)
