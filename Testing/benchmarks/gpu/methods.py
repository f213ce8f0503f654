"""A piece of gpu_session.py: every method makes a few steps on the device, recorded and as written."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import torch
from torch import Tensor

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.hardware.device import Device, DeviceLost, is_device_lost
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.training.trainer import Budget, Means, Trainer
from SemiSegLogic.geometry import Shape
from SemiSegLogic.methods import METHODS, make
from SemiSegLogic.methods.base import Task
from Testing.benchmarks.shared.together import put_together
from Testing.benchmarks.speed.plain_recipe import Case
from Testing.benchmarks.speed.step import cases_of, our_volume

CHANGES = {"mn": {"slice_network": "fast"}}  # its own needs a download
PLANAR = ("ersr",)


@dataclass(frozen=True)
class Tried:
    """``weights`` of the predicting network in one row, ``refusal`` why steps were not recorded, ``ms`` of a step of
    the second half of them.
    """

    weights: Tensor
    refusal: str
    ms: float


def every_method(at: Device, phantom: Shape, patch: Shape, steps: int) -> dict[str, str]:
    """Method -> what came of ``steps`` of it on patches (D, H, W) of phantoms (k, j, i): whether they were recorded or
    why not, milliseconds of a step, and how far the weights are from those of the same steps as written, as a share of
    how far these are from the start. A method that fails is told and holds up no other; raises what PyTorch raises when
    the device is lost.
    """
    cases = cases_of(None, 4, phantom)
    return {name: _told(name, at, cases, (1, *patch[1:]) if name in PLANAR else patch, steps) for name in METHODS}


def _told(name: str, at: Device, cases: list[Case], patch: Shape, steps: int) -> str:
    try:
        recorded, written, start = (_tried(name, at, cases, patch, n, record)
                                    for n, record in ((steps, True), (steps, False), (0, False)))
    except Exception as error:
        if isinstance(error, DeviceLost) or is_device_lost(error):
            raise
        return f"failed: {type(error).__name__}: {error}"
    apart = torch.dist(recorded.weights, written.weights) / torch.dist(written.weights, start.weights).clamp_min(1e-12)
    how = f"not recorded: {recorded.refusal}" if recorded.refusal else "recorded"
    return f"{how}; {recorded.ms:.1f} ms, as written {written.ms:.1f} ms; weights apart {float(apart):.3f}"


def _tried(name: str, at: Device, cases: list[Case], patch: Shape, steps: int, record: bool) -> Tried:
    """``steps`` of the method, the same chance every time."""
    plan = Plan(2 if patch[0] == 1 else 3, 0, (1.0, 1.0, 1.0), patch)
    volumes = [our_volume(number, case, plan, at, number < len(cases) // 2) for number, case in enumerate(cases)]
    put_together(volumes)
    torch.manual_seed(1)
    method = make(name, CHANGES.get(name, {}), Task(1, 2, plan.dims, patch, plan.network, (0.9, 0.1))).to(at.torch)
    trainer = Trainer(method, Sampler(volumes, plan), at, Budget(0, steps), means=Means(record=record))
    ends: list[float] = []

    def after(_progress: object, _share: float) -> bool:
        if at.torch.type == "cuda":
            torch.cuda.synchronize(at.torch)
        ends.append(time.perf_counter())
        return True

    if steps:
        trainer.fit(after)
    weights = torch.cat([weight.detach().float().flatten().cpu() for weight in method.predictor().parameters()])
    half = ends[len(ends) // 2 :]
    ms = 1000 * (half[-1] - half[0]) / (len(half) - 1) if len(half) > 1 else math.nan
    return Tried(weights, trainer.refusal, ms)
