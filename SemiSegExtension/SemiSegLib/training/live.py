"""Keep learning while I draw: a run that is begun, renewed and ended without being asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..words import _, in_words
from .connection import Manner
from .run_words import unread

if TYPE_CHECKING:
    from ..controller import Controller
    from .training import Training


class Live:
    """``ready()`` says whether this computer is set up. ``beat()`` is called about once a second; it never waits."""

    def __init__(self, controller: Controller, training: Training, ready: Callable[[], bool]) -> None:
        self._controller, self._training, self._ready = controller, training, ready
        self.wanted = self._awake = False
        self.manner = Manner()
        self._ending = ""  # the run that was asked to end
        self._settled = 0  # so many studies were asked for when no file was being read or written
        controller.listen(self._heard)

    def want(self, wanted: bool) -> None:
        """What the person wishes; a run that learns now ends when it is no longer wanted."""
        self.wanted = self._awake = wanted
        self._ending = ""
        if not wanted:
            self._end()

    def learn(self, manner: Manner) -> None:
        """How slices are learned from now on; a run that learns now begins anew with that."""
        if manner == self.manner:
            return
        self.manner = manner
        if self.on:
            self._awake = True
            self._training.stop()

    @property
    def on(self) -> bool:
        """A run learns while the person draws, or waits for the next slice."""
        return self._training.live and self._training.running

    def beat(self) -> None:
        """Begin a run where one is wanted, and begin it anew when it no longer fits the study."""
        run = self._training
        if not self.wanted:
            self._end()
        elif run.running:
            if run.live and run.look is not None and run.look.outdated:
                self._awake = True
                run.stop()
        elif self._awake and not (run.engaged or self._opening) and self._possible():
            self._awake = False  # not again every second; the next slice or case wakes it
            run.start_live(self.manner, self._failed)

    def _end(self) -> None:
        """A run that is not wanted ends: also one that was found going on when the study was opened."""
        if self.on and self._ending != self._training.job:
            self._ending = self._training.job
            self._training.stop()

    def words(self) -> str:
        """How it stands, in a line."""
        look = self._training.look
        if not self.wanted:
            return _(
                "The model learns from every slice as soon as you mark it as done, and updates its suggestion within "
                "seconds."
            )
        if not self.on:
            return _("Starts with the next slice you mark as done.")
        if look is None or look.status.state == "queued" or look.status.phase in ("", "reading"):
            return _("Getting ready …")
        if unread(look):
            return unread(look)
        if look.status.phase == "waiting":
            return look.status.message
        if look.status.labels_shown < look.status.labels_used:
            return _("The model is learning from your latest slice …")
        return _("The model has learned from all your slices; its suggestion is still improving.")

    def _heard(self, what: str) -> None:
        if what in ("judged", "case", "study"):
            self._awake = True
        if what == "run" and not self._training.running and not self._training.live:
            self._awake = True  # a training is over: learning goes on from its model

    @property
    def _opening(self) -> bool:
        """A study was asked for and may not be there yet: a run begun now would be of the study before."""
        if not self._controller.disk.busy:
            self._settled = self._controller.studies_wanted
        return self._settled != self._controller.studies_wanted

    def _possible(self) -> bool:
        controller = self._controller
        return controller.study is not None and bool(controller.rows and controller.structures()) and self._ready()

    def _failed(self, error: Exception) -> None:
        text = _("Learning while you draw could not start: {error}")
        self._controller.say(text.format(error=in_words(error)), "warning")
