"""What a step of every method takes in memory, per voxel: ``python -m Testing.benchmarks.memory.methods``.

SemiSegLogic/settings/memory.py takes its table from here. Every row is a process of its own on one thread of a
processor that runs all phases of a short training with small patches and with larger ones, and keeps what it frees, as
the product does. By as much as its highest resident size is more with the larger ones, that is what their voxels take;
what is left are weights, optimisers and copies of both. Linux only. ``--methods``, ``--kinds`` restrict it.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.hardware.memory import give_back_freed_memory, keep_freed_memory
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.methods import METHODS, make
from SemiSegLogic.methods.base import Task
from SemiSegLogic.settings import PAPER
from Testing.benchmarks.methods.costs import Made, resident

SIZES = {3: ((16, 16, 16), (32, 32, 32), (48, 48, 48)), 2: ((1, 64, 64), (1, 128, 128), (1, 288, 288))}
"""Of patches: the first, in which libraries make their kernels, and the two that are compared."""
STEPS, MORE_STEPS = 4, {"ersr": 40}
"""From both phases of the methods that have two; the first ellipses are found after some."""
KINDS: dict[str, dict[str, Any]] = {
    "plain": {}, "float32": {"half": False}, "classes": {"classes": 12}, "deep": {"network": {3: "vnet", 2: "unet"}},
    "deep float32": {"network": {3: "vnet", 2: "unet"}, "half": False},
    "more": {"more": True},
}
"""What is otherwise than the default settings with the fast network in bfloat16 and two classes."""
MORE: dict[str, dict[str, Any]] = {
    "supervised": {"batch": 6}, "mean_teacher": {"batch": 4, "unlabelled": 6}, "bcp": {"pairs": 3},
    "c3s3": {"batch": 2, "unlabelled": 4}, "medl": {"batch": 4, "unlabelled": 4}, "ersr": {"batch": 8, "unlabelled": 8},
    "m3hl": {"pairs_per_step": 3}, "mn": {"batch": 6, "slices": 0},
    "spcl": {"batch": 5, "contrasted": 5, "contrasted_first": 30}, "transmedseg": {"pairs": 3}, "cad": {"pairs": 3},
}
"""More patches per step, as a person may choose them."""


def trained(name: str, dims: int, kind: str, shape: tuple[int, int, int]) -> tuple[float, int]:
    """Bytes at the peak of a short training, above what there was before, and the patches of its largest draw."""
    torch.manual_seed(0)
    changes = KINDS[kind]
    network, classes = changes.get("network", {}).get(dims, "fast"), changes.get("classes", 2)
    task = Task(1, classes, dims, shape, network, (1 / classes,) * classes)
    device = Device(torch.device("cpu"), changes.get("half", True), 0)
    made, drawn = Made(task, device), set[int]()
    draw = made.draw
    made.draw = lambda need: drawn.add(need.labelled + need.unlabelled) or draw(need)  # type: ignore[method-assign]
    settings = {**({"slice_network": "fast"} if name == "mn" else {}), **(MORE[name] if changes.get("more") else {})}
    give_back_freed_memory()
    Path("/proc/self/clear_refs").write_text("5")  # the highest from here on
    before = resident()
    Trainer(make(name, settings, task), made, device, Budget(0, MORE_STEPS.get(name, STEPS))).fit(lambda *_: True)  # type: ignore[arg-type]
    return _highest() - before, max(drawn)


def _highest() -> int:
    """Bytes that this process held at most since it was last asked to forget."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) << 10


def one(name: str, dims: int, kind: str) -> dict[str, float]:
    """A row: ``bytes`` for every voxel of a patch, of all ``patches`` together; ``beside`` them, in MB."""
    torch.set_num_threads(1)
    keep_freed_memory()
    first, *compared = SIZES[dims]
    trained(name, dims, kind, first)
    (small, patches), (large, _) = (trained(name, dims, kind, size) for size in compared)
    few, many = map(math.prod, compared)
    each = (large - small) / (many - few)
    return {"patches": patches, "bytes": round(each), "beside": round((small - each * few) / 1e6)}


def rows(methods: list[str], kinds: list[str]) -> None:
    """Print the table."""
    print("| method | | other than by default | patches | bytes per voxel of a patch | of each patch | beside, MB |")
    print("|---|---|---|---|---|---|---|")
    for name in methods:
        for dims in PAPER[name]:
            for kind in kinds:
                call = [sys.executable, "-m", "Testing.benchmarks.memory.methods", "--one", name, str(dims), kind]
                done = subprocess.run(call, capture_output=True, text=True, check=False)
                if done.returncode:
                    print(f"| {name} | {dims}D | {kind} | {done.stderr.splitlines()[-1]} |", flush=True)
                    continue
                row = json.loads(done.stdout.splitlines()[-1])
                each = row["bytes"] / row["patches"]
                print(f"| {name} | {dims}D | {kind} | {row['patches']} | {row['bytes']} | {each:.0f} | "
                      f"{row['beside']} |", flush=True)


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--methods", nargs="*", default=list(METHODS))
    words.add_argument("--kinds", nargs="*", default=list(KINDS))
    words.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.one:
        name, dims, kind = options.one
        print(json.dumps(one(name, int(dims), kind)))
        return
    rows(options.methods, options.kinds)


if __name__ == "__main__":
    main()
