"""Seconds to segment a scan: ours against the usual sliding window, in one run on one machine.

    python -m Testing.benchmarks.speed.inference --data LA_FOLDER --model FILE [--network vnet] [--scans 3]
        [--stride 4 18 18]
    python -m Testing.benchmarks.speed.inference --ct [--shape 400 512 512] [--structures 1]

The baseline is what public code of the field does, written from its description: windows of 112x112x80 at a stride of
18x18x4, one after the other, in float32, softmax of each added up and divided by how often a voxel was seen. Both use
the same network, taught by ``Testing.benchmarks.speed.taught_network``. Times are seconds of one core (process time).
"""

from __future__ import annotations

import argparse
import math
import resource
import sys
import time
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SemiSegLogic.engine.data.volumes import Classes, load_volume
from SemiSegLogic.engine.hardware.device import choose
from SemiSegLogic.engine.hardware.memory import keep_freed_memory
from SemiSegLogic.engine.nets import build
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.methods.base import Task
from SemiSegLogic.report import dice
from Testing.benchmarks.shared.atrium import names, read_scan
from Testing.benchmarks.speed.taught_network import load_taught, plan_of
from Testing.support.data.synthetic_ct import synthetic_ct

WINDOW = (80, 112, 112)


@torch.no_grad()
def baseline(network: nn.Module, image: Tensor, stride: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Label (D,H,W) of ``image`` (D,H,W) float32, window by window."""
    network.eval()
    total, count = torch.zeros(2, *image.shape), torch.zeros(image.shape)
    lines = []
    for side, window, step in zip(image.shape, WINDOW, stride, strict=True):
        lines.append([min(step * n, side - window) for n in range(math.ceil((side - window) / step) + 1)])
    for d, h, w in product(*lines):
        place = (slice(d, d + WINDOW[0]), slice(h, h + WINDOW[1]), slice(w, w + WINDOW[2]))
        total[(slice(None), *place)] += torch.softmax(network(image[place][None, None]), 1)[0]
        count[place] += 1
    return (total / count).argmax(0).numpy().astype(np.uint8)


def compare(data: Path, model: Path, kind: str, scans: int, stride: tuple[int, int, int]) -> None:
    """Print a row for every scan and the mean."""
    device, found = choose("cpu"), []
    print(f"{device.name}; stride (d, h, w) {stride}")
    print("| scan | shape | windows' s | our s | ratio | windows' Dice | our Dice |\n|---|---|---|---|---|---|---|")
    for name in names(data, "test")[:scans]:
        image, truth, grid = read_scan(data, name)
        plan = plan_of(grid, WINDOW, kind)
        network = load_taught(model, plan).predictor()
        volume = load_volume(name, image, grid, plan, device.torch)
        begun = time.process_time()
        ours = Predictor(network, plan, device).predict(volume, Classes([1])).label
        middle = time.process_time()
        theirs = volume.to_array(torch.from_numpy(baseline(network, volume.image[0].float(), stride)))
        times = (time.process_time() - middle, middle - begun)
        scores = (dice(theirs == 1, truth == 1), dice(ours == 1, truth == 1))
        found.append((*times, times[0] / times[1], *scores))
        _row(name[:6], "x".join(map(str, image.shape)), found[-1])
    mean = np.mean(found, 0)
    _row("mean", "", (mean[0], mean[1], mean[0] / mean[1], mean[3], mean[4]))
    print(f"difference of the mean Dice {mean[4] - mean[3]:+.4f}; of single scans at most "
          f"{max(abs(row[4] - row[3]) for row in found):.4f}")


def _row(name: str, shape: str, values: tuple[float, ...]) -> None:
    theirs, ours, ratio, dice_theirs, dice_ours = values
    print(f"| {name} | {shape} | {theirs:.1f} | {ours:.2f} | {ratio:.0f} | {dice_theirs:.4f} | {dice_ours:.4f} |",
          flush=True)


def segment_ct(shape: tuple[int, int, int], full: bool, structures: int) -> None:
    """A synthetic CT to mask, with the plan that such volumes get (``full``: at their own spacing)."""
    device, grid = choose("auto"), Grid(shape, (1.0, 0.8, 0.8))
    facts = [CaseFacts(grid, (SliceIndex(0, shape[0] // 2),), (shape[0] // 2, 300, 300))]
    plan = make_plan(facts, [f"organ {n}" for n in range(structures)], device)
    if full:
        plan = type(plan)(3, plan.depth_axis, plan.orientation(grid).triple(grid.spacing), plan.patch)
    prior = (0.9, *[0.1 / structures] * structures)
    network = build(plan.network, Task(1, len(prior), plan.dims, plan.patch, plan.network, prior))
    image = synthetic_ct(shape, 0)
    begun = time.process_time()
    volume = load_volume("ct", image, grid, plan, device.torch)
    del image
    prepared, before = time.process_time(), _peak()
    wall = time.perf_counter()
    Predictor(network, plan, device).predict(volume, Classes(range(1, structures + 1)))
    seconds = time.process_time() - prepared
    print(f"{device.name}: {shape} at {tuple(round(s, 2) for s in plan.spacing)} mm, kept {tuple(volume.image.shape)}: "
          f"prepared in {prepared - begun:.1f} s, segmented in {seconds:.1f} s of one core "
          f"({time.perf_counter() - wall:.1f} s by the clock), peak {_peak():.2f} GB ({before:.2f} before)", flush=True)


def _peak() -> float:
    """GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--data", type=Path)
    words.add_argument("--model", type=Path)
    words.add_argument("--network", default="vnet", choices=("vnet", "fast"))
    words.add_argument("--scans", type=int, default=3)
    words.add_argument("--stride", type=int, nargs=3, default=(4, 18, 18), help="d h w")
    words.add_argument("--ct", action="store_true")
    words.add_argument("--full", action="store_true", help="the CT at its own spacing")
    words.add_argument("--structures", type=int, default=1, help="in the CT")
    words.add_argument("--shape", type=int, nargs=3, default=(400, 512, 512), help="k j i")
    options = words.parse_args()
    keep_freed_memory()  # as a runner does
    if options.ct:
        segment_ct(tuple(options.shape), options.full, options.structures)
    else:
        compare(options.data, options.model, options.network, options.scans, tuple(options.stride))


if __name__ == "__main__":
    main()
