"""What a step of every method costs: time relative to supervised, and peak memory.

    python -m Testing.benchmarks.methods.costs [--device cuda] [--methods bcp ...] [--anew]
    python -m Testing.benchmarks.methods.costs --table

Every figure comes from processes of its own. Time: the trainer takes a step of the method and a step of supervised in
turns, so that whatever else the machine does falls on both; a whole short run, with all its phases. Memory: a process
that trains the method alone; the highest resident size above that before the method was made (on a GPU: the highest
that PyTorch's allocator held). Patches are made blobs of the size that the planner gives a CPU, so no data are needed.

Written to SemiSegLogic/settings/costs.json, which ``semiseg methods`` shows, and results/costs.md. Measurements that
are there are not repeated, unless ``--anew``.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from SemiSegLogic.engine.hardware.device import Device, choose
from SemiSegLogic.engine.hardware.tuning import processor_name
from SemiSegLogic.engine.training.checkpoint import warm_start
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.files import write_json
from SemiSegLogic.methods import METHODS, make
from SemiSegLogic.methods.base import Method, Need, Patches, Task
from SemiSegLogic.settings import PAPER
from SemiSegLogic.settings.costs import MEASURED
from Testing.benchmarks.shared.row_files import FOLDER
from Testing.support.tiny_fit import Blobs

TABLE = FOLDER / "costs.md"
PATCHES = {3: (40, 56, 40), 2: (1, 88, 128)}
WARM_STEPS, STEPS = 20, 12
SETTINGS: dict[str, dict[str, Any]] = {"mn": {"slice_network": "fast"}}
NOTES = {"mn": "without its pre-trained network: a planar one from scratch in its place"}


class Made:
    """Draws made patches instead of real ones."""

    def __init__(self, task: Task, device: Device):
        self.blobs, self.device = Blobs(task), device

    def draw(self, need: Need) -> tuple[Patches, Patches]:
        """As a Sampler does."""
        both = self.blobs.labelled(need), self.blobs.unlabelled(need)
        labelled, unlabelled = (Patches(*(part.to(self.device.torch) for part in vars(p).values())) for p in both)
        return labelled, unlabelled


class Bench:
    """One task on one device."""

    def __init__(self, dims: int, device: str):
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self.device = choose(device)
        self.task = Task(1, 3, dims, PATCHES[dims], "fast", (0.8, 0.1, 0.1))
        self.made = Made(self.task, self.device)
        self.before = self._held(reset=True)
        self.clock: Callable[[], float] = self._gpu_clock if device == "cuda" else time.process_time
        self.first = self.trainer("supervised", WARM_STEPS)
        self.first.fit(lambda progress, share: True)

    def _gpu_clock(self) -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    def trainer(self, name: str, steps: int) -> Trainer:
        """Of ``name``, from the first mask where there is one."""
        method: Method = make(name, SETTINGS.get(name, {}), self.task).to(self.device.torch)
        if hasattr(self, "first"):
            warm_start(method, self.first.method.predictor().state_dict())
        return Trainer(method, self.made, self.device, Budget(0, steps), self.clock)  # type: ignore[arg-type]

    def relative_time(self, name: str) -> float:
        """Seconds of a run of ``name`` over those of supervised, step by step in turns."""
        mine, base = self.trainer(name, STEPS), self.trainer("supervised", STEPS)
        for trainer in (mine, base):  # the first step of each makes buffers
            trainer.fit(lambda progress, share: False)
        begun = mine.progress.elapsed, base.progress.elapsed
        for _ in range(STEPS - 1):
            base.fit(lambda progress, share: False)
            mine.fit(lambda progress, share: False)
        return (mine.progress.elapsed - begun[0]) / (base.progress.elapsed - begun[1])

    def memory(self, name: str) -> int:
        """MB at the peak of a run, above what there was before."""
        self.trainer(name, STEPS).fit(lambda progress, share: True)
        return round((self._held() - self.before) / 1e6)

    def _held(self, reset: bool = False) -> float:
        if self.device.torch.type == "cuda":
            held = torch.cuda.memory_allocated() if reset else torch.cuda.max_memory_allocated()
            torch.cuda.reset_peak_memory_stats()
            return held
        return resident() if reset else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident() -> float:
    """Bytes that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def child(name: str, dims: int, device: str, what: str) -> float:
    """A figure of a process of its own."""
    command = [sys.executable, "-m", "Testing.benchmarks.methods.costs", "--one", name, str(dims), what,
               "--device", device]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def machine(device: str) -> str:
    """The device in words."""
    if device == "cuda":
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    arithmetic = "bfloat16" if choose("cpu").half else "float32"
    return f"one core of {processor_name()}, {arithmetic}, torch {torch.__version__}"


def measure(methods: list[str], device: str, anew: bool) -> None:
    """Fill the gaps of costs.json."""
    found: dict[str, Any] = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    table = found.setdefault(device, {"methods": {}})
    table |= {"device": machine(device), "date": datetime.now(UTC).date().isoformat(),
              "patch": {str(dims): list(shape) for dims, shape in PATCHES.items()}}
    for name in methods:
        for dims in PAPER[name]:
            rows = table["methods"].setdefault(name, {})
            if str(dims) in rows and not anew:
                continue
            try:
                pace, peak = (child(name, dims, device, what) for what in ("time", "memory"))
            except subprocess.CalledProcessError as error:
                print(f"{name} in {dims}D could not be measured: {error.stderr.splitlines()[-1]}", flush=True)
                continue
            rows[str(dims)] = {"time": round(pace, 1), "memory": round(peak)}
            print(name, dims, rows[str(dims)], flush=True)
            write_json(MEASURED, found)


def table() -> str:
    """The page."""
    text = [__doc__.split("\n\n")[0],
            "Made by `python -m Testing.benchmarks.methods.costs`, which says how it measures."]
    for found in json.loads(MEASURED.read_text()).values():
        text.append(f"Measured {found['date']} on {found['device']}; clinical recipe, patches of {found['patch']['3']} "
                    f"voxels in 3D and {found['patch']['2']} in 2D.")
        lines = ["| method | a step, 3D | memory, 3D | a step, 2D | memory, 2D |", "|---|---|---|---|---|"]
        for name, rows in found["methods"].items():
            cells = [f"{rows[d]['time']:.1f} x | {rows[d]['memory']} MB" if d in rows else "| " for d in ("3", "2")]
            lines.append(f"| {name}{'*' if name in NOTES else ''} | {' | '.join(cells)} |")
        text.append("\n".join(lines))
    return "\n\n".join([*text, *(f"\\* {name}: {note}." for name, note in NOTES.items())]) + "\n"


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    words.add_argument("--methods", nargs="*", default=list(METHODS))
    words.add_argument("--anew", action="store_true")
    words.add_argument("--table", action="store_true")
    words.add_argument("--one", nargs=3, metavar=("METHOD", "DIMS", "WHAT"), help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.one:
        name, dims, what = options.one
        bench = Bench(int(dims), options.device)
        print(bench.relative_time(name) if what == "time" else bench.memory(name))
        return
    if not options.table:
        measure(options.methods, options.device, options.anew)
    TABLE.write_text(table())


if __name__ == "__main__":
    main()
