"""Labels that arrive while a course runs: taken in at once, and soon to be seen in the suggestion on screen."""

from __future__ import annotations

from torch import nn

from ...methods.base import Method
from ..data import Data
from ..model import Model
from ..suggest import Suggester
from ..workplace import Workplace

REFRESH_AFTER_S = 2.0  # of training on new labels before the open case is shown again


class News:
    """Times are seconds of one clock, given with every call."""

    def __init__(self, workplace: Workplace, data: Data, suggester: Suggester):
        self.workplace, self.data, self.suggester = workplace, data, suggester
        self._show_at: float | None = None
        self._ahead = False  # the open case was shown by a network that nobody has judged yet

    def take(self, now: float) -> None:
        """Take in what came since."""
        data, reporter = self.data, self.workplace.reporter
        added = data.arrived(self.workplace.job)
        reporter.unread(data.unread)
        for item in added:
            if not data.leaves_some(item):  # mostly the only slice, to be corrected and marked as done again
                data.note(item.case, item.n)
                text = "No slice is done any more: until one is, training goes on with the slices it had."
                reporter.say(text, labels_used=data.labels_used)
                continue
            data.take_planes(item.case, item.planes, item.n)
            reporter.say(f"New slices of case {item.case} are used now.", labels_used=data.labels_used)
            self._show_at = self._show_at or now + REFRESH_AFTER_S

    def show(self, now: float, method: Method) -> None:
        """Show the open case by what ``method`` has learned from them, when it is time to."""
        if self._show_at is not None and now > self._show_at:
            self._show_at, self._ahead = None, True
            self._show_open(method.predictor())

    def settle(self, kept: Model, suggests_all: bool) -> None:
        """The model to keep is decided on. Unless it is about to suggest a mask for every case, the open one may show
        a model that was turned down.
        """
        if self._ahead and not suggests_all:
            self._show_open(kept.predictor(self.workplace.device.torch))
        self._ahead = False

    def _show_open(self, network: nn.Module) -> None:
        with self.workplace.reporter.tolerating("The open case's suggestion"):
            self.suggester.open_case(network)
