"""What a voxel costs in memory and time: ``python -m Testing.benchmarks.voxel_costs``.

The planner's constants (engine/plan.py, engine/predict.py) come from this table. Every row is a process of its own on
one thread: the growth of its peak memory during the first pass of that size, and the core-seconds of the second.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from SemiSegLogic.engine.device import Device
from SemiSegLogic.engine.nets import build
from SemiSegLogic.methods.base import Task

TRAINING = [
    ("fast", 1, 32), ("fast", 1, 48), ("fast", 1, 64), ("fast", 1, 80), ("fast", 0, 48), ("plain", 1, 48),
    ("vnet", 1, 48), ("vnet", 1, 80), ("vnet", 0, 48), ("resvnet", 1, 48), ("unet", 1, 48), ("unet", 0, 48),
    ("instance", 1, 48),
]
PREDICTION = [
    ("fast", 1, 64), ("fast", 1, 96), ("fast", 1, 144), ("fast", 0, 96), ("vnet", 1, 64), ("vnet", 1, 96),
    ("vnet", 1, 144), ("vnet", 0, 96), ("unet", 1, 96), ("instance", 1, 64),
]


def cost(work: Callable[[Tensor], object], batch: int, side: int) -> tuple[float, float]:
    """Bytes per voxel, core-seconds per million voxels."""
    work(torch.randn(batch, 1, 16, 16, 16))
    image, before = torch.randn(batch, 1, side, side, side), _peak()
    work(image)
    used, begun = _peak() - before, time.process_time()
    work(image)
    return used / image.numel(), (time.process_time() - begun) / image.numel() * 1e6


def learning(network: nn.Module, device: Device) -> Callable[[Tensor], object]:
    """Forward and backward."""

    def work(image: Tensor) -> None:
        with device.arithmetic():
            logits = network(image)
        target = torch.zeros(len(image), *image.shape[2:], dtype=torch.int64)
        F.cross_entropy(logits.float(), target).backward()

    return work


def predicting(network: nn.Module, device: Device) -> Callable[[Tensor], object]:
    """Shares of the classes."""
    network.eval()

    def work(image: Tensor) -> None:
        with torch.no_grad(), device.arithmetic():
            torch.softmax(network(image).float(), 1)

    return work


def row(kind: str, name: str, half: bool, side: int) -> str:
    """One line of the table."""
    torch.set_num_threads(1)
    network = build(name, Task(1, 2, 3, (64, 64, 64), name, (0.5, 0.5)))
    device = Device(torch.device("cpu"), half, 0)
    work = learning(network, device) if kind == "training" else predicting(network, device)
    taken, seconds = cost(work, 2 if kind == "training" else 1, side)
    return f"| {kind} | {name} | {'bfloat16' if half else 'float32'} | {side} | {taken:.0f} | {seconds:.2f} |"


def _peak() -> int:
    """Bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """The table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.one:
        kind, name, half, side = options.one
        print(row(kind, name, half == "1", int(side)))
        return
    print("| pass | network | arithmetic | side | bytes per voxel | core-seconds per million voxels |")
    print("|---|---|---|---|---|---|")
    for kind, rows in (("training", TRAINING), ("prediction", PREDICTION)):
        for name, half, side in rows:
            call = [sys.executable, "-m", "Testing.benchmarks.voxel_costs", "--one", kind, name, str(half), str(side)]
            print(subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
