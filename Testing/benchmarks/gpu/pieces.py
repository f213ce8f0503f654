"""The short pieces of gpu_session.py: each measures one thing and gives its figures by name."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.engine.data.volumes import Classes
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.hardware.tuning import measured
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.trainer import Means
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Task
from Testing.benchmarks.gpu.clock import seconds_of, wait_for
from Testing.benchmarks.gpu.sizes import Figures, Sizes
from Testing.benchmarks.speed.floor import amount_of, measure_device
from Testing.benchmarks.speed.plain_recipe import Case
from Testing.benchmarks.speed.step import cases_of, our_trainer, our_volume, plain_recipe, steps_of
from Testing.support.data.blob_images import blob


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
        times.append(seconds_of(at, lambda: predictor.predict(volume, Classes([1]))))
    return {"volume": "x".join(map(str, sizes.scan)), "first, s": round(times[0], 2), "warm, s": round(min(times), 2)}


def profile(at: Device, sizes: Sizes, file: Path) -> Figures:
    """What a V-Net step as written consists of, by operation."""
    kinds = [torch.profiler.ProfilerActivity.CPU]
    kinds += [torch.profiler.ProfilerActivity.CUDA] if at.torch.type == "cuda" else []
    trainer = our_trainer(cases_of(None, 4, sizes.phantom), sizes.patch, at, means=Means(record=False))
    steps_of(trainer, 3)
    with torch.profiler.profile(activities=kinds) as found:
        steps_of(trainer, 3)
        wait_for(at)
    column = "self_cuda_time_total" if at.torch.type == "cuda" else "self_cpu_time_total"
    file.write_text(found.key_averages().table(sort_by=column, row_limit=40), encoding="utf-8")
    return {"kept in": file.name}


def _step(at: Device, sizes: Sizes, cases: list[Case], patch: tuple[int, int, int], network: str,
          settings: dict[str, object]) -> Figures:
    figures: Figures = {}
    for name, means in (("recorded", Means()), ("as written", Means(record=False))):
        trainer = our_trainer(cases, patch, at, network, settings=settings, means=means)
        steps_of(trainer, min(10, 2 * sizes.timed))
        seconds = seconds_of(at, lambda: steps_of(trainer, sizes.timed))  # noqa: B023  (called at once)
        figures[f"{name}, ms"] = round(1000 * seconds / sizes.timed, 2)
        figures["not recorded because"] = trainer.refusal if name == "recorded" else figures["not recorded because"]
    work = amount_of(lambda: steps_of(trainer, 1))
    can, precision = measure_device(at.torch), "bfloat16" if at.half else "float32"
    floor = 1000 * work.floor(can, precision)
    sampling = seconds_of(at, lambda: [trainer.sampler.draw(trainer.method.need(trainer.where())) for _ in range(10)])
    return {
        **figures, "patches alone, ms": round(100 * sampling, 2), "TFLOP per step": round(work.flops / 1e12, 4),
        "GB per step, convolutions": round(work.bytes / 1e9, 3), "GB per step, all": round(work.traffic / 1e9, 3),
        "floor, ms": round(floor, 3), "held up by": work.bound(can, precision),
        "times the floor": round(figures["recorded, ms"] / floor, 1),
    }
