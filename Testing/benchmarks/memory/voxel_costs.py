"""What a voxel costs in memory and time: ``python -m Testing.benchmarks.memory.voxel_costs``.

The constants of settings/memory.py and engine/prediction/predict.py come from this table. Every row is a
process of its own on one thread: the growth of its peak memory during the first pass of that size, and the core-seconds
of the second. A pass of training ends in the losses of the product, cross-entropy and Dice from one log-softmax; one of
prediction in shares.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.losses import cross_entropy_and_dice
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.nets import build
from SemiSegLogic.methods.base import Task

TRAINING = [
    ("fast", 1, 32, 2), ("fast", 1, 48, 2), ("fast", 1, 64, 2), ("fast", 0, 48, 2), ("fast", 1, 48, 8),
    ("fast", 1, 48, 31), ("fast", 0, 48, 31), ("plain", 1, 48, 2), ("plain", 0, 48, 2), ("plain", 1, 48, 31),
    ("vnet", 1, 48, 2), ("vnet", 1, 64, 2), ("vnet", 0, 48, 2), ("vnet", 1, 48, 31), ("resvnet", 1, 48, 2),
    ("resvnet", 0, 48, 2), ("unet", 1, 48, 2), ("unet", 0, 48, 2), ("resunet", 1, 48, 2), ("instance", 1, 48, 2),
]
PREDICTION = [
    ("fast", 1, 64, 2), ("fast", 1, 96, 2), ("fast", 1, 144, 2), ("fast", 0, 96, 2), ("fast", 1, 96, 31),
    ("fast", 0, 96, 31), ("plain", 1, 96, 2), ("plain", 0, 96, 2), ("vnet", 1, 64, 2), ("vnet", 1, 96, 2),
    ("vnet", 0, 96, 2), ("vnet", 1, 64, 31), ("resvnet", 1, 64, 2), ("resvnet", 0, 64, 2), ("unet", 1, 96, 2),
    ("unet", 0, 64, 2), ("resunet", 1, 64, 2), ("instance", 1, 64, 2), ("instance", 0, 64, 2),
]
"""Network, whether in bfloat16, side of the patch in voxels, classes with the background."""


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
            entropy, dice = cross_entropy_and_dice(logits, target)
        (entropy + dice).backward()

    return work


def predicting(network: nn.Module, device: Device) -> Callable[[Tensor], object]:
    """Shares of the classes."""
    network.eval()

    def work(image: Tensor) -> None:
        with torch.no_grad(), device.arithmetic():
            torch.softmax(network(image).float(), 1)

    return work


def row(kind: str, name: str, half: bool, side: int, classes: int) -> str:
    """One line of the table."""
    torch.set_num_threads(1)
    network = build(name, Task(1, classes, 3, (64, 64, 64), name, (1 / classes,) * classes))
    device = Device(torch.device("cpu"), half, 0)
    work = learning(network, device) if kind == "training" else predicting(network, device)
    taken, seconds = cost(work, 2 if kind == "training" else 1, side)
    arithmetic = "bfloat16" if half else "float32"
    return f"| {kind} | {name} | {arithmetic} | {side} | {classes} | {taken:.0f} | {seconds:.2f} |"


def _peak() -> int:
    """Bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main() -> None:
    """The table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--one", nargs=5, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.one:
        kind, name, half, side, classes = options.one
        print(row(kind, name, half == "1", int(side), int(classes)))
        return
    print("| pass | network | arithmetic | side | classes | bytes per voxel | core-seconds per million voxels |")
    print("|---|---|---|---|---|---|---|")
    for kind, rows in (("training", TRAINING), ("prediction", PREDICTION)):
        for one in rows:
            call = [sys.executable, "-m", "Testing.benchmarks.memory.voxel_costs", "--one", kind, *map(str, one)]
            print(subprocess.run(call, check=True, capture_output=True, text=True).stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
