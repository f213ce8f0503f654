"""How the contest of a course is held: in turn, or side by side with a second runner, and what the card says of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ...errors import SemiSegError
from ...job import JobFolder
from ..course.legs import Leg, contested, side_by_side
from ..course.standing import Standing
from ..reporting import Reporter
from .beside import Companion
from .outcome import Delivery

SIDE_BY_SIDE = ("The two were trained side by side: a second process trained {candidate} while this one trained the "
                "baseline, each for all the time that they would have shared.")
TRAINED = "{candidate} trained for {seconds:.0f} s on {device}, beside the baseline."
LOST = "The second process was lost or failed; the rest of {candidate} was trained after the baseline."


class Contest:
    """The contest of the course in ``job``. ``second`` is the environment of a second runner, where this computer has a
    place for one.
    """

    def __init__(self, job: JobFolder, reporter: Reporter, second: Mapping[str, str] | None = None):
        self.job, self.second, self.companion = job, second, Companion(job, reporter)

    def begin(self, legs: list[Leg]) -> None:
        """Start a second runner here if there is a contest among the ``legs`` to come and a place for one."""
        if self.second is not None and contested(legs) is not None:
            self.companion.start(self.second)

    def look(self) -> None:
        """Notice whether the second runner shows life, so that nobody waits for that later."""
        self.companion.look()

    def end(self) -> None:
        """See the second runner off that was started here."""
        self.companion.close()

    def arranged(self, legs: list[Leg], standing: Standing) -> list[Leg]:
        """``legs`` as they are run from now on: with a second runner at hand, side by side. That is decided right
        before the contest, once: whoever goes on with this course finds it decided.
        """
        candidate = contested(legs)
        begins = legs[standing.leg].role == "longer" and candidate is not None and not candidate.beside
        if not begins or self.companion.claims.offered() is not None or not self.companion.present():
            return legs
        assert candidate is not None
        standing.verdicts.append(SIDE_BY_SIDE.format(candidate=candidate.name))
        return side_by_side(legs)

    def announce(self, legs: list[Leg], standing: Standing) -> None:
        """Right before the contest, once the decision is saved: tell second runners whether they are needed."""
        candidate = contested(legs)
        if candidate is not None and legs[standing.leg].role == "longer":
            try:
                self.companion.claims.offer(candidate.beside)
            except SemiSegError as error:
                logging.warning("Second runners do not hear of the contest: %s", error)

    def delivery(self, leg: Leg, go_on: Callable[[], bool]) -> Delivery | None:
        """What the second runner came to in ``leg``; None when ``go_on`` says no or it is lost (see Companion.wait)."""
        return self.companion.wait(leg.called(), go_on)

    def noted(self, delivery: Delivery, leg: Leg, standing: Standing) -> Delivery:
        """``delivery``, after it was told of in the card and in the learning curve."""
        words = TRAINED.format(candidate=leg.name, seconds=delivery.seconds, device=delivery.device)
        standing.verdicts.append(words)
        try:
            for point in self.companion.curve():
                self.job.append_curve(point)
        except SemiSegError as error:
            logging.warning("Points of the curve are lost: %s", error)
        return delivery

    def taken_back(self, legs: list[Leg], standing: Standing) -> list[Leg]:
        """``legs`` all of which this runner trains itself."""
        standing.verdicts.append(LOST.format(candidate=", ".join(leg.name for leg in legs if leg.beside)))
        return [replace(leg, beside=False) for leg in legs]

    def state(self, leg: Leg) -> dict[str, Any] | None:
        """How far another runner came in ``leg``, as a trainer's state; None when none began it."""
        return self.companion.state() if leg.role == "candidate" else None
