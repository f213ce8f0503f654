"""The first runner's side of a contest side by side: is there a second runner, and what did it come to?"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...backends.claims import RUNNER, SECOND, Claim, Claims, Pulse, holder_lives
from ...engine.hardware.device import Device
from ...engine.training.checkpoint import CheckpointError
from ...files import FileError
from ...job import JobError, JobFolder
from ...job.outputs import read_curves
from ...settings.recommended import RECOMMENDED
from ..reporting import Reporter
from ..workplace import Workplace
from .candidate import left_by_others
from .outcome import Delivery

LOOK_EVERY_S = 0.5
PROOF_S = 3.0  # in which a second runner elsewhere shows that it lives: it writes every second
START_S = 20.0  # for the process that was started here to come to the job
GOING_HOME_S = 15.0
LOG = "log.txt"
RUNNERS = 2  # that share the memory of a computer where the second one is started there


class Companion:
    """Knows the second runner of ``job``, if there is one; the one on this computer it starts itself."""

    def __init__(self, job: JobFolder, reporter: Reporter, pulse: Pulse | None = None):
        self.job, self.reporter = job, reporter
        self.claims, self.pulse = Claims(job), pulse or Pulse()
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start a second runner on this computer. It belongs to this process's group: who ends the one by force ends
        both. Where it cannot be started the log says so, and the contest is held in turn.
        """
        command = [sys.executable, "-m", "SemiSegLogic.run", str(self.job.root), "--second", "--places", str(RUNNERS)]
        try:
            self.claims.folder.mkdir(exist_ok=True)
            with (self.claims.folder / LOG).open("ab") as log:
                self._child = subprocess.Popen(command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log,
                                               stderr=subprocess.STDOUT)
        except OSError as error:
            logging.warning("No second runner could be started: %s", error)

    def present(self) -> bool:
        """Whether a second runner is there, ready to train the candidate; takes a few seconds at most to be sure."""
        claim, deadline = self._expected(), time.monotonic() + PROOF_S
        if claim is None or claim.role != SECOND:
            return False
        while holder_lives(claim, self.pulse) and not self.pulse.proven(f"claim {claim.n}", claim.process):
            if time.monotonic() > deadline:
                return False
            time.sleep(LOOK_EVERY_S / 4)
        return holder_lives(claim, self.pulse)

    def wait(self, called: str, go_on: Callable[[], bool]) -> Delivery | None:
        """What the second runner came to with the leg ``called`` so; None when ``go_on`` says no, or when nobody is
        left who would train it: then it is this process's from now on.
        """
        while go_on():
            claim = self.claims.newest()
            if claim is not None and claim.role == RUNNER:
                return None
            lives = claim is not None and holder_lives(claim, self.pulse)  # looked at first: its last deed counts
            delivery = _delivered(claim) if claim is not None else None
            if delivery is not None:
                return delivery
            if not lives and self._takes_over(claim):
                return None
            self._tell(called, claim)
            time.sleep(LOOK_EVERY_S)
        return None

    def look(self) -> None:
        """Notice whether the second runner shows life, so that nobody waits for that later."""
        claim = self.claims.newest()
        if claim is not None:
            holder_lives(claim, self.pulse)

    def state(self) -> dict[str, Any] | None:
        """How far a lost second runner came, as a trainer's state; None when that is not known."""
        try:
            return left_by_others(self.claims)
        except CheckpointError as error:
            logging.warning("The candidate is trained from its beginning: %s", error)
            return None

    def curve(self) -> list[dict[str, Any]]:
        """The learning curve of all second runners of this job, in the order in which they worked."""
        points = []
        newest = self.claims.newest()
        for n in range(1, newest.n + 1 if newest else 1):
            try:
                points += read_curves(Claim(self.claims.folder, n).curve_path)
            except JobError as error:
                logging.warning("Points of the candidate's curve are lost: %s", error)
        return points

    def close(self) -> None:
        """See the process off that was started here: it has something to save when both were asked to stop."""
        if self._child is None:
            return
        try:
            self._child.wait(GOING_HOME_S)
        except subprocess.TimeoutExpired:
            logging.warning("The second runner did not go home by itself; it is ended.")
            self._child.kill()
            self._child.wait()

    def _expected(self) -> Claim | None:
        """The newest claim, once the process that was started here has made one."""
        deadline = time.monotonic() + START_S
        while self._child is not None and self._child.poll() is None and time.monotonic() < deadline:
            claim = self.claims.newest()
            if claim is not None and claim.process is not None and claim.process.alive:
                return claim
            time.sleep(LOOK_EVERY_S / 4)
        return self.claims.newest()

    def _takes_over(self, claim: Claim | None) -> bool:
        """Whether the candidate is this process's own from now on."""
        try:
            return self.claims.make(RUNNER, claim) is not None
        except FileError as error:  # a disk that refuses must not end a training
            logging.warning("That no second runner is waited for could not be said: %s", error)
            return True

    def _tell(self, called: str, claim: Claim | None) -> None:
        said = claim.status() if claim is not None else None
        done = f", {said.fraction:.0%} done" if said is not None and said.fraction else ""
        self.reporter.update(phase=called, message=f"Waiting for {called}, which a second runner trains{done}.",
                             seconds_left=said.seconds_left if said else None)


def second_place(
    runners: int, kind: str, cards: Sequence[str], environment: Mapping[str, str]
) -> dict[str, str] | None:
    """The environment of a second runner on this computer; None where it has no place of its own.

    So many ``runners`` may work here, 0: as many as there are equal graphics cards. ``kind`` of device ("cuda",
    "cpu") the first runner uses, ``cards`` the names of those it sees: the second runner gets the next one, unasked
    only one like the first. On a slower one, which may be there for the screen alone, its side of the contest would
    learn less.
    """
    if kind != "cuda":
        return dict(environment) if runners >= 2 else None
    others = [number for number, name in enumerate(cards) if number and (name == cards[0] or runners >= 2)]
    if runners == 1 or not others:
        return None
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    named = visible.split(",") if visible else [str(number) for number in range(len(cards))]
    return {**environment, "CUDA_VISIBLE_DEVICES": named[others[0]].strip()}


def second_at(workplace: Workplace, runners: int) -> dict[str, str] | None:
    """The environment of a second runner beside the one at ``workplace``; None where there is none to come: only the
    recommended method holds contests.
    """
    return environment_for(runners, workplace.device) if workplace.job.spec().method == RECOMMENDED else None


def environment_for(runners: int, device: Device) -> dict[str, str] | None:
    """That of a second runner beside the one that uses ``device``."""
    import torch

    count = torch.cuda.device_count() if device.torch.type == "cuda" else 0
    cards = [torch.cuda.get_device_name(number) for number in range(count)]
    return second_place(runners, device.torch.type, cards, os.environ)


def _delivered(claim: Claim) -> Delivery | None:
    if not claim.outcome_path.exists():
        return None
    try:
        return Delivery.load(claim.outcome_path)
    except CheckpointError as error:
        logging.warning("What the second runner came to is of no use: %s", error)
        return None
