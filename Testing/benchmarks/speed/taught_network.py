"""A network taught briefly on left atrium scans, for the benchmark of prediction.

    python -m Testing.benchmarks.speed.taught_network --data FOLDER --model FILE [--steps 300] [--patch 64 80 80]
        [--batch 2] [--network vnet]
    python -m Testing.benchmarks.speed.taught_network --data FOLDER --model FILE --start EARLIER --patch 80 112 112
        --batch 1

The folder is that of shared/atrium.py. Teaching saves its state every 20 steps beside FILE and goes on from there when
it is started again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes, Volume, load_volume, set_label
from SemiSegLogic.engine.hardware.device import choose
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.trainer import Budget, Progress, Trainer
from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Task
from Testing.benchmarks.shared.atrium import SCANS, names, read_scan

SAVE_EVERY = 20
PATCH = (64, 80, 80)


def plan_of(grid: Grid, patch: tuple[int, int, int] = PATCH, network: str = "vnet") -> Plan:
    """A network at the scans' own spacing."""
    return Plan(3, 0, grid.orientation().triple(grid.spacing), patch, network)


def task_of(plan: Plan) -> Task:
    """One channel, atrium or not; it takes a few hundredths of a scan."""
    return Task(1, 2, plan.dims, plan.patch, plan.network, (0.95, 0.05))


def load_scans(data: Path, chosen: list[str], plan: Plan) -> list[Volume]:
    """Fully labelled volumes in memory."""
    volumes = []
    for name in chosen:
        image, label, grid = read_scan(data, name)
        volume = load_volume(name, image, grid, plan, torch.device("cpu"))
        set_label(volume, label, [SliceIndex(0, index) for index in range(len(label))], Classes([1]))
        volumes.append(volume)
    return volumes


def teach(data: Path, model: Path, steps: int, plan: Plan, batch: int, start: Path | None) -> None:
    """Train the supervised baseline, from the model ``start`` if there is one; leaves its weights in ``model``."""
    chosen = names(data, "train")[:SCANS]
    torch.manual_seed(0)
    method, device = make("supervised", {"batch": batch}, task_of(plan)), choose("cpu")
    if start:
        method.load_state_dict(checkpoint.load(start, device.torch)["weights"])
    trainer = Trainer(method, Sampler(load_scans(data, chosen, plan), plan), device, Budget(0, steps))
    draft = model.with_suffix(".draft")
    if draft.exists():
        trainer.restore(checkpoint.load(draft, device.torch))

    def after(progress: Progress, share: float) -> bool:
        if progress.step % SAVE_EVERY == 0:
            checkpoint.save(draft, trainer.state())
            print(progress.step, trainer.last_losses(), f"{progress.elapsed:.0f} s", flush=True)
        return True

    trainer.fit(after)
    checkpoint.save(model, {"weights": checkpoint.snapshot(method), "steps": steps})


def load_taught(model: Path, plan: Plan) -> Method:
    """The method with the weights in ``model``, ready to predict."""
    method = make("supervised", {}, task_of(plan))
    method.load_state_dict(checkpoint.load(model, torch.device("cpu"))["weights"])
    return method.eval()


def main() -> None:
    """Teach."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path, required=True)
    words.add_argument("--model", type=Path, required=True)
    words.add_argument("--steps", type=int, default=300)
    words.add_argument("--patch", type=int, nargs=3, default=PATCH, help="d h w")
    words.add_argument("--batch", type=int, default=2)
    words.add_argument("--start", type=Path)
    words.add_argument("--network", default="vnet", choices=("vnet", "fast"))
    options = words.parse_args()
    d, h, w = options.patch
    plan = plan_of(read_scan(options.data, names(options.data, "train")[0])[2], (d, h, w), options.network)
    teach(options.data, options.model, options.steps, plan, options.batch, options.start)


if __name__ == "__main__":
    main()
