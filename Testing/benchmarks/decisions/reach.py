"""How much of a scan the default network should see at a time: windows of 1, 1.5 and 2 training patches, or one pass.

    python -m Testing.benchmarks.decisions.reach --data LA_FOLDER [--seeds 0 1] [--steps 600] [--scans 10]

The supervised baseline learns from three drawn slices in each of 16 atrium scans, at the product's plan, and predicts
scans of the test list. Times are seconds of one core (process time).
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes, Volume, load_volume, set_label
from SemiSegLogic.engine.hardware.device import Device, choose
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.geometry import planes_of, sparse_label
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Task
from SemiSegLogic.report import dice
from SemiSegLogic.sample.slices import spread_slices, varied_offset
from Testing.benchmarks.shared.atrium import SCANS, names, read_scan

SLICES = 3
ATRIUM = Classes([1])
REACHES = {"1 patch": 1.0, "1.5 patches": 1.5, "2 patches": 2.0, "one pass": math.inf}


@dataclass(frozen=True)
class Taught:
    """A network with the plan it was taught at."""

    network: nn.Module
    plan: Plan
    device: Device


def teach(data: Path, seed: int, steps: int) -> Taught:
    """From SLICES drawn slices in each of SCANS scans."""
    device = choose("cpu")
    scans = {name: read_scan(data, name) for name in names(data, "train")[:SCANS]}
    drawn = {name: tuple(spread_slices(truth, SLICES, 0, offset=varied_offset(n)))
             for n, (name, (_, truth, _)) in enumerate(scans.items())}
    facts = [CaseFacts.of(grid, planes_of(truth, drawn[name])) for name, (_, truth, grid) in scans.items()]
    plan = make_plan(facts, ["left atrium"], device)
    volumes = []
    for name, (image, truth, grid) in scans.items():
        volume = load_volume(name, image, grid, plan, device.torch)
        set_label(volume, sparse_label(truth, drawn[name]), drawn[name], ATRIUM)
        volumes.append(volume)
    torch.manual_seed(seed)
    method = make("supervised", {}, Task(1, 2, plan.dims, plan.patch, plan.network, (0.95, 0.05)))
    Trainer(method, Sampler(volumes, plan), device, Budget(0, steps)).fit(lambda progress, share: True)
    return Taught(method.eval().predictor(), plan, device)


def measure(taught: Taught, scans: list[tuple[Volume, NDArray[np.uint8]]], reach: float) -> tuple[float, float]:
    """Mean Dice, and seconds of one core per scan, of windows ``reach`` times a patch."""
    begun = time.process_time()
    predictor = Predictor(taught.network, taught.plan, taught.device, reach=reach)
    labels = [predictor.predict(volume, ATRIUM).label for volume, _ in scans]
    seconds = (time.process_time() - begun) / len(scans)
    found = [dice(label == 1, truth == 1) for label, (_, truth) in zip(labels, scans, strict=True)]
    return float(np.mean(found)), seconds


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path, required=True)
    words.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    words.add_argument("--steps", type=int, default=600)
    words.add_argument("--scans", type=int, default=10)
    options = words.parse_args()
    torch.set_num_threads(1)
    print("| seed | patch | " + " | ".join(REACHES) + " |\n|---|---|" + "---|" * len(REACHES))
    for seed in options.seeds:
        taught = teach(options.data, seed, options.steps)
        scans = []
        for name in names(options.data, "test")[: options.scans]:
            image, truth, grid = read_scan(options.data, name)
            scans.append((load_volume(name, image, grid, taught.plan, taught.device.torch), truth))
        cells = ["{:.4f}, {:.2f} s".format(*measure(taught, scans, reach)) for reach in REACHES.values()]
        print(f"| {seed} | {'x'.join(map(str, taught.plan.patch))} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
