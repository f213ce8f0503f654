"""The pieces of gpu_session.py: each measures one thing and gives its figures by name."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.hardware.tuning import measured
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.trainer import Budget, Means, Progress, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Task
from Testing.benchmarks.shared.atrium import names, read_scan
from Testing.benchmarks.shared.together import put_together
from Testing.benchmarks.speed.floor import amount_of, measure_device
from Testing.benchmarks.speed.plain_recipe import Case
from Testing.benchmarks.speed.step import RECIPE, cases_of, our_trainer, our_volume, plain_recipe, steps_of
from Testing.support.blob_images import blob, dice

Figures = dict[str, Any]
Mark = dict[str, str]
"""What figures depend on, by name."""
SAVE_EVERY_S = 60.0


@dataclass(frozen=True)
class Sizes:
    """How large everything is. Patches are (d, h, w), ``scan`` (k, j, i). Every method makes ``tried`` steps on patches
    of ``small``.
    """

    words: str
    patch: tuple[int, int, int]
    slice: tuple[int, int, int]
    slices_per_step: int
    recipe_3d: int
    recipe_2d: int
    timed: int
    plain: int
    train: int
    labelled: int
    test: int
    phantom: tuple[int, int, int]
    scan: tuple[int, int, int]
    small: tuple[int, int, int]
    tried: int


FULL = Sizes("full size", (80, 112, 112), (1, 256, 256), 12, 6000, 30_000, 200, 5, 80, 16, 20, (88, 140, 180),
             (400, 512, 512), (32, 48, 48), 16)
SMALL = Sizes("small, a check of the script only", (16, 16, 16), (1, 32, 32), 2, 4, 30_000, 2, 1, 3, 2, 1,
              (18, 20, 24), (16, 40, 40), (16, 16, 16), 3)


def device(at: Device) -> Figures:
    """What the device can do, and which ways of computing were tried at start-up."""
    can, (timings, steady) = measure_device(at.torch), measured(at.torch)
    ways = {f"block in {p}, {way}, ms": round(ms, 3) for p, layouts in timings.items() for way, ms in layouts.items()}
    return {
        "device": at.name, "layout": "channels last" if at.channels_last else "contiguous",
        **{f"peak {name}, TFLOP/s": round(value / 1e12, 1) for name, value in can.flops.items()},
        "copy, GB/s": round(can.bytes / 1e9), **ways, "steady": steady,
    }


def step_3d(at: Device, sizes: Sizes, data: Path | None) -> Figures:
    """V-Net, 2 labelled and 2 unlabelled patches: recorded, as written, the plain recipe, the floor."""
    cases = cases_of(data, 4, sizes.phantom)
    figures = _step(at, sizes, cases, sizes.patch, "vnet", {})
    figures["recipe of 6000 steps, s"] = round(6 * figures["recorded, ms"], 1)
    with tempfile.TemporaryDirectory() as folder, plain_recipe(
        Path(folder), cases, sizes.patch, at.torch.type
    ) as plain:
        before = plain.steps(1)["all"]
        figures["plain recipe, ms"] = round(1000 * (plain.steps(sizes.plain)["all"] - before) / sizes.plain, 1)
    figures["times faster"] = round(figures["plain recipe, ms"] / figures["recorded, ms"], 1)
    return figures


def step_2d(at: Device, sizes: Sizes) -> Figures:
    """U-Net on slices, 12 labelled and 12 unlabelled, the teacher on 12: the size of the ACDC recipe."""
    d, h, w = sizes.phantom
    cases = [(image, (label > 0).astype(np.uint8)) for image, label in
             (blob((d // 8, max(h, sizes.slice[1]), max(w, sizes.slice[2])), number) for number in range(4))]
    counts = {"batch": sizes.slices_per_step, "unlabelled": sizes.slices_per_step}
    figures = _step(at, sizes, cases, sizes.slice, "unet", counts)
    figures[f"recipe of {sizes.recipe_2d} steps, s"] = round(sizes.recipe_2d * figures["recorded, ms"] / 1000, 1)
    return figures


def prediction(at: Device, sizes: Sizes) -> Figures:
    """A CT-sized volume to its mask by V-Net, the network and the volume being there already."""
    plan = Plan(3, 0, (1.0, 1.0, 1.0), sizes.patch, "vnet")
    image = np.random.default_rng(0).integers(-1000, 1000, sizes.scan, dtype=np.int16)
    volume = our_volume(0, (image, np.zeros(sizes.scan, np.uint8)), plan, at, False)
    method = make("mean_teacher", {}, Task(1, 2, 3, sizes.patch, "vnet", (0.9, 0.1))).to(at.torch)
    predictor, times = Predictor(method.predictor(), plan, at), []
    for _ in range(3):
        times.append(_seconds(at, lambda: predictor.predict(volume, Classes([1]))))
    return {"volume": "x".join(map(str, sizes.scan)), "first, s": round(times[0], 2), "warm, s": round(min(times), 2)}


def profile(at: Device, sizes: Sizes, file: Path) -> Figures:
    """What a V-Net step as written consists of, by operation."""
    kinds = [torch.profiler.ProfilerActivity.CPU]
    kinds += [torch.profiler.ProfilerActivity.CUDA] if at.torch.type == "cuda" else []
    trainer = our_trainer(cases_of(None, 4, sizes.phantom), sizes.patch, at, means=Means(record=False))
    steps_of(trainer, 3)
    with torch.profiler.profile(activities=kinds) as found:
        steps_of(trainer, 3)
        _wait(at)
    column = "self_cuda_time_total" if at.torch.type == "cuda" else "self_cpu_time_total"
    file.write_text(found.key_averages().table(sort_by=column, row_limit=40), encoding="utf-8")
    return {"kept in": file.name}


@dataclass
class Kept:
    """What earlier calls did of the atrium: ``seconds`` trained, ``dice`` of the first test scans, the seconds
    ``scoring`` them took.
    """

    seconds: float = 0.0
    dice: list[float] = field(default_factory=list)
    scoring: float = 0.0


def atrium(at: Device, sizes: Sizes, data: Path | None, state: Path, left: Callable[[], float],
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
        _wait(at)
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
    _wait(at)
    return time.perf_counter() - begun - aside


def _step(at: Device, sizes: Sizes, cases: list[Case], patch: tuple[int, int, int], network: str,
          settings: dict[str, object]) -> Figures:
    figures: Figures = {}
    for name, means in (("recorded", Means()), ("as written", Means(record=False))):
        trainer = our_trainer(cases, patch, at, network, settings=settings, means=means)
        steps_of(trainer, min(10, 2 * sizes.timed))
        seconds = _seconds(at, lambda: steps_of(trainer, sizes.timed))  # noqa: B023  (called at once)
        figures[f"{name}, ms"] = round(1000 * seconds / sizes.timed, 2)
        figures["not recorded because"] = trainer.refusal if name == "recorded" else figures["not recorded because"]
    work = amount_of(lambda: steps_of(trainer, 1))
    can, precision = measure_device(at.torch), "bfloat16" if at.half else "float32"
    floor = 1000 * work.floor(can, precision)
    sampling = _seconds(at, lambda: [trainer.sampler.draw(trainer.method.need(trainer.where())) for _ in range(10)])
    return {
        **figures, "patches alone, ms": round(100 * sampling, 2), "TFLOP per step": round(work.flops / 1e12, 4),
        "GB per step, convolutions": round(work.bytes / 1e9, 3), "GB per step, all": round(work.traffic / 1e9, 3),
        "floor, ms": round(floor, 3), "held up by": work.bound(can, precision),
        "times the floor": round(figures["recorded, ms"] / floor, 1),
    }


def _seconds(at: Device, work: Callable[[], object]) -> float:
    _wait(at)
    begun = time.perf_counter()
    work()
    _wait(at)
    return time.perf_counter() - begun


def _wait(at: Device) -> None:
    if at.torch.type == "cuda":
        torch.cuda.synchronize(at.torch)
