"""Contests side by side in one process: a second runner that works whenever it is waited for.

What a leg comes to does not depend on what else happens at the same time, so this is as good as two processes, and
quicker; Testing/flow/test_side_by_side.py has two.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from SemiSegLogic.backends.claims import SECOND, Claim, Claims
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.job import JobFolder, Status
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner.contest.beside import Companion
from SemiSegLogic.runner.contest.second import OwnDesk, SecondRunner
from SemiSegLogic.runner.model import Model
from SemiSegLogic.runner.reporting import Reporter
from SemiSegLogic.runner.workplace import Workplace
from SemiSegLogic.settings import CHOICES, Training
from SemiSegLogic.study import Study
from Testing.support.engine import CPU
from Testing.support.rounds import Killed


def contest(study: Study, jobs: Path, training: Training) -> Round:
    """An order of the recommended method with mean_teacher as the candidate, predicting from one view."""
    settings = CHOICES["recommended"](candidate="mean_teacher", views=False)  # type: ignore[call-arg]
    return Round.begin(study, training, "recommended", settings, jobs=jobs)


def with_second(patch: pytest.MonkeyPatch, *work: Callable[[JobFolder, Claim], str]) -> list[str]:
    """Let a second runner be found, and do ``work`` each time it is waited for; returns what it said, by and by."""
    said: list[str] = []
    wait, deeds = Companion.wait, iter(work)

    def waited(companion: Companion, *given: object) -> object:
        claims = companion.claims
        for deed in deeds:
            claim = claims.make(SECOND, claims.newest())
            assert claim is not None
            torch.manual_seed(4000 + claim.n)  # as in a process of its own
            said.append(deed(companion.job, claim))
            break
        return wait(companion, *given)  # type: ignore[arg-type]

    patch.setattr(Companion, "present", lambda companion: True)
    patch.setattr(Companion, "wait", waited)
    return said


def trains(job: JobFolder, claim: Claim, device: Device = CPU) -> str:
    """The whole work of a second runner."""
    training = Training.from_dict(job.spec().training)
    with Reporter(OwnDesk(claim), Status("running")) as reporter:
        farewell = SecondRunner(Workplace(job, device, training, reporter), claim).run()
        reporter.say(farewell, state="done")
    return farewell


def dies_at(step: int) -> Callable[[JobFolder, Claim], str]:
    """The work of one that is killed right before its ``step``-th step."""
    def work(job: JobFolder, claim: Claim) -> str:
        with pytest.MonkeyPatch.context() as patch:
            plain, seen = Trainer._step, [0]

            def counted(trainer: Trainer, *given: object) -> object:
                seen[0] += 1
                if seen[0] == step:
                    raise Killed
                return plain(trainer, *given)  # type: ignore[arg-type]

            patch.setattr(Trainer, "_step", counted)
            with pytest.raises(Killed):
                trains(job, claim)
        bury(job, claim)
        return "killed"

    return work


def same(one: Round, two: Round) -> bool:
    """Whether two runs came to the same model and the same judgement, bit for bit."""
    mine, theirs = Model.load(one.job.weights), Model.load(two.job.weights)
    assert mine.weights.keys() == theirs.weights.keys()
    unequal = [name for name in mine.weights if not torch.equal(mine.weights[name], theirs.weights[name])]
    told = [run.job.status().scores for run in (one, two)]
    verdicts = [[words for words in scores["reasons"] if "kept aside from both" in words] for scores in told]
    return (unequal == [] and mine.method == theirs.method and mine.quality == theirs.quality
            and told[0]["held_out"] == told[1]["held_out"] and verdicts[0] == verdicts[1] != [])


def bury(job: JobFolder, claim: Claim) -> None:
    """Let the claim's holder be a process that has ended."""
    path = Claims(job).folder / f"{claim.n}.claim"
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": 2**22 + 7, "started": "long ago"}))
