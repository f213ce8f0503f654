"""The long piece of gpu_session.py, which goes on from its last state: a whole training on left atrium scans."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.trainer import Budget, Progress, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Task
from Testing.benchmarks.gpu.clock import wait_for
from Testing.benchmarks.gpu.sizes import Figures, Mark, Sizes
from Testing.benchmarks.shared.atrium import names, read_scan
from Testing.benchmarks.shared.together import put_together
from Testing.benchmarks.speed.plain_recipe import Case
from Testing.benchmarks.speed.step import RECIPE, cases_of, our_volume
from Testing.support.data.blob_images import dice

SAVE_EVERY_S = 60.0


@dataclass
class Kept:
    """What earlier calls did of the atrium: ``seconds`` trained, ``dice`` of the first test scans, the seconds
    ``scoring`` them took.
    """

    seconds: float = 0.0
    dice: list[float] = field(default_factory=list)
    scoring: float = 0.0


def learn_atria(at: Device, sizes: Sizes, data: Path | None, state: Path, left: Callable[[], float],
           mark: Mark) -> Figures | None:
    """The mean-teacher recipe of 6000 steps, then the evaluation of the test scans; None when the time was up.

    ``state`` is the file that the next call goes on from, if it was made with the same ``mark``.
    """
    train, test = _scans(data, sizes)
    begun = time.perf_counter()
    plan = Plan(3, 0, (1.0, 1.0, 1.0), sizes.patch, "vnet")
    volumes = [our_volume(n, case, plan, at, n < sizes.labelled) for n, case in enumerate(train)]
    put_together(volumes)
    loading = time.perf_counter() - begun
    torch.manual_seed(0)
    method = make("mean_teacher", RECIPE, Task(1, 2, 3, sizes.patch, "vnet", (0.95, 0.05))).to(at.torch)
    trainer = Trainer(method, Sampler(volumes, plan), at, Budget(0, sizes.recipe_3d))
    kept = _resume(trainer, state, mark)
    kept.seconds += _train(trainer, state, at, left, kept, mark)
    if trainer.progress.step < sizes.recipe_3d:
        return None
    if not _score(Predictor(method.predictor(), plan, at), test, left, kept):
        _save(trainer, state, kept, mark)
        return None
    return {
        "steps": trainer.progress.step, "training, s": round(kept.seconds, 1),
        "evaluation, s": round(kept.scoring, 1), "together, s": round(kept.seconds + kept.scoring, 1),
        "volumes to the device, s": round(loading, 1),
        "labelled scans": sizes.labelled, "test scans": len(test), "Dice": round(float(np.mean(kept.dice)), 4),
        "steps were recorded": not trainer.refusal, "divergences": trainer.progress.undone,
    }


def _score(predictor: Predictor, test: list[Case], left: Callable[[], float], kept: Kept) -> bool:
    """Measure the scans that are still to be measured; False when the time was up before."""
    for number in range(len(kept.dice), len(test)):
        if left() <= 0:
            return False
        begun = time.perf_counter()
        volume = our_volume(number, test[number], predictor.plan, predictor.device, False)
        label = predictor.predict(volume, Classes([1])).label  # on the host: whatever the device did is over
        kept.dice.append(dice(label, test[number][1], 1))
        kept.scoring += time.perf_counter() - begun
    return True


def _scans(data: Path | None, sizes: Sizes) -> tuple[list[Case], list[Case]]:
    if data is None:
        made = cases_of(None, sizes.train + sizes.test, sizes.phantom)
        return made[: sizes.train], made[sizes.train :]
    chosen = names(data, "train")[: sizes.train], names(data, "test")[: sizes.test]
    train, test = ([read_scan(data, name)[:2] for name in split] for split in chosen)
    return train, test


def _resume(trainer: Trainer, state: Path, mark: Mark) -> Kept:
    """Go on from ``state`` if it was made with the same ``mark``."""
    saved = checkpoint.load(state, torch.device("cpu")) if state.exists() else {}
    if saved.get("mark") != mark:
        return Kept()
    trainer.restore(saved["trainer"])
    return Kept(**saved["kept"])


def _save(trainer: Trainer, state: Path, kept: Kept, mark: Mark) -> None:
    checkpoint.save(state, {"trainer": trainer.state(), "kept": dict(vars(kept)), "mark": mark})


def _train(trainer: Trainer, state: Path, at: Device, left: Callable[[], float], kept: Kept, mark: Mark) -> float:
    """Train until the end or until the time is up; seconds, saving not counted."""
    begun, aside, saved_at = time.perf_counter(), 0.0, time.perf_counter()

    def save() -> None:
        nonlocal aside, saved_at
        wait_for(at)
        saved_at = time.perf_counter()
        _save(trainer, state, replace(kept, seconds=kept.seconds + saved_at - begun - aside), mark)
        aside += time.perf_counter() - saved_at

    def after(progress: Progress, share: float) -> bool:
        if time.perf_counter() - saved_at > SAVE_EVERY_S:
            save()
        return left() > 0

    if trainer.progress.step < trainer.budget.steps:
        trainer.fit(after)
        save()
    wait_for(at)
    return time.perf_counter() - begun - aside
