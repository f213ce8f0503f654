"""Whether going on from the last model costs quality: a second round from nothing, and from the first round's model.

    python -m Testing.benchmarks.decisions.warm_start --data FOLDER [--seeds 3] [--methods supervised bcp] [--arms ...]
        [--steps 50 150 350 700]

Sixty hippocampus volumes. Round 1 learns from the twelve slices that the images suggest; twelve more are those that its
model suggests; round 2 learns from all twenty-four, and is measured on the sixty held-out cases. A round of N steps is
the product's: a quarter for the supervised first mask, then the method. The arms differ in what round 2 begins with,
see ARMS. One row per (method, seed, arm, steps) is appended to results/warm_start.jsonl; rows that are there are not
run again. ``--table`` renders the tables. One thread; budgets are steps.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import class_prior
from SemiSegLogic.engine.training.checkpoint import warm_start
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Task
from Testing.benchmarks.shared.row_files import RowFile, asked
from Testing.benchmarks.simulated.arms import Slices
from Testing.benchmarks.simulated.pool import Pool, Trained
from Testing.benchmarks.simulated.sets import SETS

FIRST_ROUND_STEPS, FIRST_MASK_SHARE = 350, 0.25
BEFORE = "round 1"


@dataclass(frozen=True)
class Start:
    """What round 2 begins with: the share ``keep`` of the earlier weights, the rest of a fresh start (0: nothing of
    them), and the factor ``rate`` on the learning rates.
    """

    keep: float
    rate: float = 1.0


FRESH = "from nothing"
ARMS = {
    FRESH: Start(0.0), "from the last model": Start(1.0), "0.7 of it": Start(0.7), "0.4 of it": Start(0.4),
    "a third of the rate": Start(1.0, 1 / 3),
}


@dataclass(frozen=True)
class Row:
    """One run; ``dice`` of structures 1 and 2, means over the held-out cases, from one view. ``cpu_s`` of one thread
    for training. ``round 1`` is the model that round 2 begins with.
    """

    method: str
    seed: int
    arm: str
    steps: int
    slices: int
    dice: tuple[float, ...]
    cpu_s: float


FILE = RowFile("warm_start", Row)


class TwelveAndTwelve(Slices):
    """Two rounds of slices by the default strategy."""

    sizes = (12, 12)
    views = False


class Study:
    """A study after its first round, by one ``method`` and ``seed``."""

    def __init__(self, data: Path | None, method: str, seed: int):
        self.name, self.seed = method, seed
        hippocampus = SETS["hippocampus"]
        self.pool = Pool(*hippocampus.load(data, seed, hippocampus.pool), hippocampus.structures)
        arm = TwelveAndTwelve(self.pool, "clasp_pe", seed, self.pool.pixel_mm)
        arm.work(0, None)
        self.earlier, took = self.round(Start(0.0), FIRST_ROUND_STEPS)
        suggesting = self._suggesting(self.earlier)
        self.before = Row(method, seed, BEFORE, FIRST_ROUND_STEPS, 12, tuple(self.pool.dice(suggesting)), took)
        arm.work(1, suggesting)

    def run(self, arm: str, steps: int) -> Row:
        """One round 2."""
        method, took = self.round(ARMS[arm], steps)
        return Row(self.name, self.seed, arm, steps, 24, tuple(self.pool.dice(self._suggesting(method))), took)

    def round(self, start: Start, steps: int) -> tuple[Method, float]:
        """The model of a round, and the seconds of training. The same seed draws fresh weights, whatever the start."""
        torch.manual_seed(1000 * self.seed + steps)
        begun, first = time.process_time(), round(FIRST_MASK_SHARE * steps)
        mask = self._made("supervised", start.rate)
        if start.keep:
            _begin_with(mask, self.earlier, start.keep)
        self._train(mask, first)
        method = self._made(self.name, start.rate)
        warm_start(method, mask.predictor().state_dict())
        self._train(method, steps - first)
        return method, round(time.process_time() - begun, 1)

    def _suggesting(self, method: Method) -> Trained:
        """All that it finds, at the plan of the first slices."""
        return Trained(method, self.pool.plan)

    def _made(self, name: str, rate: float) -> Method:
        pool = self.pool
        classes = len(pool.classes)
        prior = class_prior(list(pool.volumes.values()), classes)
        task = Task(1, classes, pool.plan.dims, pool.plan.patch, pool.plan.network, prior)
        usual: float = make(name, {}, task).settings.learning_rate
        return make(name, {"learning_rate": rate * usual}, task)

    def _train(self, method: Method, steps: int) -> None:
        sampler = Sampler(list(self.pool.volumes.values()), self.pool.plan)
        Trainer(method, sampler, self.pool.device, Budget(0, steps)).fit(lambda progress, share: True)


def _begin_with(method: Method, earlier: Method, keep: float) -> None:
    """Every network of ``method`` begins with ``keep`` of the earlier predictor and the rest of its own fresh start."""
    fresh = method.predictor().state_dict()
    mixed = {name: keep * old + (1 - keep) * fresh[name] for name, old in earlier.predictor().state_dict().items()}
    assert warm_start(method, mixed) == 2  # the network and its average


def jobs(seeds: int, methods: list[str], arms: list[str], steps: list[int]) -> Iterator[tuple[str, int, str, int]]:
    """(method, seed, arm, steps), those done left out."""
    done = {(row.method, row.seed, row.arm, row.steps) for row in FILE.read()}
    for method in methods:
        for seed in range(seeds):
            for number in steps:
                yield from (job for arm in arms if (job := (method, seed, arm, number)) not in done)


def table(found: list[Row]) -> str:
    """Markdown: mean Dice over the seeds, and the paired difference to a round from nothing with its standard error."""
    lines = ["| method | steps | begins | round 1 | from nothing | this | against from nothing | better on |",
             "|---|---|---|---|---|---|---|---|"]
    for method, steps in sorted({(row.method, row.steps) for row in found if row.arm != BEFORE}):
        mine = {(row.arm, row.seed): float(np.mean(row.dice)) for row in found
                if row.method == method and (row.arm == BEFORE or row.steps == steps)}
        arms = [arm for arm in ARMS if arm != FRESH and any(name == arm for name, _ in mine)]
        lines += [f"| {method} | {steps} | {_line(mine, arm)}" for arm in arms]
    return "\n".join(lines)


def _line(mine: dict[tuple[str, int], float], arm: str) -> str:
    seeds = [seed for name, seed in mine if name == arm and (FRESH, seed) in mine]
    gaps = [mine[arm, seed] - mine[FRESH, seed] for seed in seeds]
    error = f" ± {np.std(gaps, ddof=1) / len(gaps) ** 0.5:.3f}" if len(gaps) > 1 else ""
    before, nothing, dice = (np.mean([mine[name, seed] for seed in seeds]) for name in (BEFORE, FRESH, arm))
    return (f"{arm} | {before:.3f} | {nothing:.3f} | {dice:.3f} | {np.mean(gaps):+.3f}{error} | "
            f"{sum(gap > 0 for gap in gaps)} of {len(gaps)} |")


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--methods", nargs="*", default=["supervised", "bcp"])
    words.add_argument("--arms", nargs="*", default=list(ARMS), choices=list(ARMS))
    words.add_argument("--steps", nargs="*", type=int, default=[50, 150, 350, 700])
    options = asked(words, lambda: table(FILE.read()))
    study: Study | None = None
    for method, seed, arm, steps in jobs(options.seeds, options.methods, options.arms, options.steps):
        if study is None or (study.name, study.seed) != (method, seed):
            study = Study(options.data, method, seed)
            if (method, seed, BEFORE) not in {(row.method, row.seed, row.arm) for row in FILE.read()}:
                FILE.add(study.before)
        FILE.add(study.run(arm, steps))


if __name__ == "__main__":
    main()
