"""A second round that is drawn across the slices of the first: does its model know volumes that are turned by then?

    python -m Testing.benchmarks.decisions.across --data FOLDER [--only atrium] [--seeds 3]

One slice in each of SCANS scans is drawn along FIRST, and the supervised baseline learns from them; then two in each
of twice as many along SECOND, which is depth by then, and a fresh optimiser learns as many steps again: from nothing,
from the first model as it is, or from that model with its kernels turned as the volumes are, as the product does.
FOLDER holds the data set of each trial, as ``semiseg benchmark`` wants it. Dice is the mean over structures and
LOOKED_AT training scans whose labels nobody showed; no test case is looked at. One row per (trial, way, seed) is
appended to results/across.jsonl; rows that are there are not run again. ``--table`` renders them. Budgets are steps of
one thread.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.nets.ensemble import networks_in
from SemiSegLogic.engine.nets.turning import turned
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.trainer import Budget, Progress, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method
from SemiSegLogic.rounds import Round
from SemiSegLogic.runner import data
from SemiSegLogic.runner.course.warm import take_over
from SemiSegLogic.sample import spread_slices
from SemiSegLogic.sample.slices import varied_offset
from SemiSegLogic.settings import METHOD_SETTINGS, Training
from SemiSegLogic.study import Study
from Testing.benchmarks.runner.data.training_set import benchmark_device
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.shared.real_studies import study_of
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import Comparison, mean_dice

FIRST, SECOND = 0, 1
"""Axes of an image's array (k, j, i)."""
SCANS, LOOKED_AT, METHOD = 4, 8, "supervised"
STEPS = (0, 30, 150)
"""After which of them the second round is looked at; the last is its end, and that of the first."""
TRIALS = {"atrium": "few_slices_la", "hippocampus": "few_slices_hippocampus"}
NOTHING, AS_IT_IS, TURNED = "from nothing", "from its model as it is", "from its model, turned"
WAYS = (NOTHING, AS_IT_IS, TURNED)


@dataclass(frozen=True)
class Row:
    """Dice of the scans that are looked at: after the ``first`` round, and after each of STEPS of the ``second``."""

    trial: str
    way: str
    seed: int
    first: float
    second: list[float]


FILE = RowFile("across", Row)


@dataclass(frozen=True)
class Learned:
    """A round: ``method`` as it was trained at ``plan``, and its ``dice`` after each of STEPS."""

    method: Method
    plan: Plan
    dice: list[float]


class Rounds:
    """Rounds of one study."""

    def __init__(self, study: Study, cases: Collection, seed: int, device: Device):
        self.study, self.cases, self.seed, self.device = study, cases, seed, device

    def draw(self, count: int, axis: int, slices: int) -> None:
        """``slices`` slices along ``axis`` in the first ``count`` scans, beside those that were drawn before."""
        for number, case in enumerate(self.study.cases[:count]):
            truth = self.cases.case(case.name).label
            case.set_slices(truth, spread_slices(truth, slices, axis, varied_offset(number)), "expert")

    def learn(self, before: Learned | None, turn: bool) -> Learned:
        """All STEPS on what is drawn by now, from the weights of the round ``before``, perhaps ``turn``-ed."""
        training = Training(device="cpu", seed=self.seed)
        job = Round.begin(self.study, training, METHOD, METHOD_SETTINGS[METHOD](), jobs=self.study.folder / "jobs").job
        loaded = data.load(job, self.device, lambda done, of: None)
        torch.manual_seed(self.seed)
        method = make(METHOD, {}, loaded.task())
        if before is not None:
            axes = loaded.plan.axes_in(before.plan) if turn else (0, 1, 2)
            networks = networks_in(before.method.predictor().state_dict())
            take_over(method, [turned(network, axes) for network in networks])
        sampler = Sampler(list(loaded.volumes.values()), loaded.plan)
        found = [self._dice(method, loaded)]

        def look(progress: Progress, share: float) -> bool:
            if progress.step in STEPS:
                found.append(self._dice(method, loaded))
            return True

        Trainer(method, sampler, self.device, Budget(0, STEPS[-1])).fit(look)
        return Learned(method, loaded.plan, found)

    def _dice(self, method: Method, loaded: data.Data) -> float:
        predictor, values = Predictor(method.predictor(), loaded.plan, self.device), loaded.classes.values[1:]
        pairs = list(zip(loaded.volumes.values(), self.study.cases, strict=True))[-LOOKED_AT:]
        found = [mean_dice(predictor.predict(volume, loaded.classes).label, self.cases.case(case.name), values)
                 for volume, case in pairs]
        return round(float(np.mean(found)), 4)


def run(name: str, way: str, seed: int, cases: Collection) -> Row:
    """One row."""
    chosen = np.random.default_rng(seed).permutation(sorted(cases.about.train))[: 2 * SCANS + LOOKED_AT].tolist()
    with tempfile.TemporaryDirectory() as folder:
        study = study_of(Path(folder) / "study", cases, chosen)
        rounds = Rounds(study, cases, seed, benchmark_device("cpu", "auto"))
        rounds.draw(SCANS, FIRST, 1)
        first = rounds.learn(None, turn=False)
        rounds.draw(2 * SCANS, SECOND, 2)
        second = rounds.learn(None if way == NOTHING else first, turn=way == TURNED)
    assert first.plan.depth_axis != second.plan.depth_axis
    return Row(name, way, seed, first.dice[-1], second.dice)


def table(found: list[Row]) -> str:
    """Markdown: means over the seeds, and the end of the second round seed by seed."""
    heads = ["trial", "second round", "after the first", *(f"after {step} steps" for step in STEPS), "seed by seed"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in TRIALS:
        for way in WAYS:
            rows = sorted((row for row in found if (row.trial, row.way) == (name, way)), key=lambda row: row.seed)
            if rows:
                means = np.mean([[row.first, *row.second] for row in rows], axis=0)
                cells = " | ".join(f"{value:.3f}" for value in means)
                each = ", ".join(f"{row.second[-1]:.3f}" for row in rows)
                lines.append(f"| {name} | {way} | {cells} | {each} |")
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    Comparison(FILE, TRIALS, lambda _: WAYS, lambda row: row.way, run, table).command(__doc__)


if __name__ == "__main__":
    main()
