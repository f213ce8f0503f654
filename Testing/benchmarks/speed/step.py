"""Our mean-teacher step against the usual research code's, on one machine, in one run, taking turns.

    python -m Testing.benchmarks.speed.step --data FOLDER [--patch 80 112 112] [--rounds 3] [--precision auto]
        [--device cpu]

V-Net, two labelled and two unlabelled patches. FOLDER holds the atrium scans (images/, labels/, train.list); without it
phantoms of the scans' size are made. Both sides train the same network, in the same shapes, with SGD. The table also
says how far our step is from what the device could do (see floor.py).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes, Volume, load_volume, set_label
from SemiSegLogic.engine.hardware.device import Device, choose
from SemiSegLogic.engine.hardware.memory import keep_freed_memory
from SemiSegLogic.engine.nets import NETWORKS
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.training.trainer import Budget, Means, Trainer
from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Task
from Testing.benchmarks.shared.atrium import names, read_scan
from Testing.benchmarks.shared.together import put_together
from Testing.benchmarks.speed.floor import Amount, amount_of, measure_device
from Testing.benchmarks.speed.plain_recipe import Case, PlainProcess, Shape, write_compressed
from Testing.support.data.blob_images import blob

RECIPE = {"optimiser": "sgd", "learning_rate": 0.01, "weight_decay": 1e-4, "schedule": "poly", "ema": 0.99}
FAR = 10**6  # steps that nobody makes: learning rates stay near their start


@dataclass(frozen=True)
class Sides:
    """Milliseconds per step, round by round, of the plain recipe and of ours; ``work`` of one of our steps."""

    plain: list[float]
    ours: list[float]
    phases: dict[str, float]
    work: Amount

    @property
    def ratio(self) -> float:
        """How many times faster ours is, of medians."""
        return statistics.median(self.plain) / statistics.median(self.ours)


def cases_of(data: Path | None, count: int, shape: Shape) -> list[Case]:
    """``count`` scans: images and labels 0, 1 of the atrium, or phantoms of ``shape``."""
    if data is None:
        made = [blob(shape, number) for number in range(count)]
        return [(image, (label > 0).astype("uint8")) for image, label in made]
    return [read_scan(data, name)[:2] for name in names(data, "train")[:count]]


def our_trainer(cases: list[Case], patch: Shape, device: Device, network: str = "vnet", steps: int = FAR,
                settings: dict[str, object] | None = None, means: Means | None = None) -> Trainer:
    """Ours on the first half of ``cases`` labelled and the rest not."""
    plan = Plan(3 if patch[0] > 1 else 2, 0, (1.0, 1.0, 1.0), patch, network)
    volumes = [our_volume(number, case, plan, device, number < len(cases) // 2) for number, case in enumerate(cases)]
    put_together(volumes)
    task = Task(1, 2, plan.dims, patch, network, (0.95, 0.05))
    method = make("mean_teacher", {**RECIPE, **(settings or {})}, task).to(device.torch)
    return Trainer(method, Sampler(volumes, plan), device, Budget(0, steps), means=means)


def our_volume(number: int, case: Case, plan: Plan, device: Device, labelled: bool) -> Volume:
    """A volume in memory."""
    image, label = case
    volume = load_volume(f"c{number:03d}", image, Grid(image.shape), plan, device.torch)
    if labelled:
        set_label(volume, label, [SliceIndex(0, index) for index in range(len(label))], Classes([1]))
    return volume


def plain_recipe(folder: Path, cases: list[Case], patch: Shape, device: str, network: str = "vnet",
                 steps: int = FAR) -> PlainProcess:
    """The other side on the same cases."""
    paths, half = write_compressed(folder, cases), len(cases) // 2
    task = Task(1, 2, 3 if patch[0] > 1 else 2, patch, network, (0.95, 0.05))
    return PlainProcess(NETWORKS[network], task, paths[:half], paths[half:], steps, device=device)


def compare(cases: list[Case], patch: Shape, device: Device, rounds: int, warm: int = 1, each: int = 1) -> Sides:
    """Take turns, ``each`` steps a turn; the first ``warm`` rounds do not count."""
    keep_freed_memory()
    torch.manual_seed(0)
    ours, plain_s, our_s = our_trainer(cases, patch, device), [], []
    with tempfile.TemporaryDirectory() as folder, plain_recipe(Path(folder), cases, patch, device.torch.type) as plain:
        for _ in range(rounds + warm):
            plain_s.append(plain.steps(each))
            our_s.append(_seconds(lambda: steps_of(ours, each), device))
    turns = [{name: 1000 * (b[name] - a[name]) / each for name in a} for a, b in pairwise(plain_s)][warm - 1 :]
    phases = {name: statistics.mean(turn[name] for turn in turns) for name in turns[0] if name != "all"}
    ours_ms = [1000 * seconds / each for seconds in our_s[warm:]]
    return Sides([turn["all"] for turn in turns], ours_ms, phases, amount_of(lambda: steps_of(ours, 1)))


def steps_of(trainer: Trainer, count: int) -> None:
    """Go on for ``count`` steps."""
    end = trainer.progress.step + count
    trainer.fit(lambda progress, share: progress.step < end)


def _seconds(work: Callable[[], object], device: Device) -> float:
    begun = time.perf_counter()
    work()
    if device.torch.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def table(sides: Sides, device: Device, patch: Shape) -> str:
    """What was measured, for a page."""
    can, precision = measure_device(device.torch), "bfloat16" if device.half else "float32"
    ours = statistics.median(sides.ours)
    floor = 1000 * sides.work.floor(can, precision)
    phases = ", ".join(f"{name} {value:.0f}" for name, value in sides.phases.items())
    return "\n".join([
        f"{device.name}, torch {torch.__version__}, V-Net, patch {patch}, 2 + 2 patches, {len(sides.ours)} rounds",
        "| side | ms per step, median | best | |", "|---|---|---|---|",
        f"| plain recipe | {statistics.median(sides.plain):.0f} | {min(sides.plain):.0f} | mean of phases: {phases} |",
        f"| ours | {ours:.0f} | {min(sides.ours):.0f} | **{sides.ratio:.1f} times faster** |",
        f"| floor | {floor:.0f} | | {sides.work.bound(can, precision)}; ours is {ours / floor:.1f} times that |",
        f"\nA step is {sides.work.flops / 1e12:.3f} TFLOP; convolutions move {sides.work.bytes / 1e9:.2f} GB, all "
        f"operations {sides.work.traffic / 1e9:.2f} GB. Here {can.flops[precision] / 1e12:.2f} TFLOP/s ({precision}) "
        f"and {can.bytes / 1e9:.1f} GB/s were reached.",
    ])


def main() -> None:
    """Print the table."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--data", type=Path)
    words.add_argument("--patch", type=int, nargs=3, default=(80, 112, 112))
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--each", type=int, default=1, help="steps in a turn")
    words.add_argument("--cases", type=int, default=4)
    words.add_argument("--precision", default="auto", choices=("auto", "float32", "bfloat16"))
    words.add_argument("--device", default="cpu")
    options = words.parse_args()
    device, patch = choose(options.device, options.precision), tuple(options.patch)
    size = max(patch[0] + 8, 88), max(patch[1] + 20, 132), max(patch[2] + 60, 175)
    cases = cases_of(options.data, options.cases, size)
    print(table(compare(cases, patch, device, options.rounds, each=options.each), device, patch))


if __name__ == "__main__":
    main()
