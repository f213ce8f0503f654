"""Too few slices to hold a contest: supervised alone, or mean_teacher after a supervised first mask?

    python -m Testing.benchmarks.few_slices.undecided --data FOLDER [--only atrium] [--seeds 3]

Both learn from the same slices for the same processor time of one thread, and leave fragments out by the same rule.
Few slices are carried to their neighbours as in the product; the rows that say otherwise are from before it did so.
Dice on cases whose labels nobody showed and that are in no test list. One row per (trial, method, seed) is appended to
results/undecided.jsonl; rows that are there are not run again. ``--table`` renders them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import product

import numpy as np

from SemiSegLogic.engine.data.carrying import Carrying
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.quality import measure
from SemiSegLogic.engine.training import checkpoint
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method
from SemiSegLogic.runner.course.legs import CARRIED
from Testing.benchmarks.runner.data.training_set import TrainingSet, benchmark_device, prepare, seeded
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.definitions.protocol import protocol
from Testing.benchmarks.runner.definitions.recipe import Recipe
from Testing.benchmarks.runner.training.training import sampler
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import Comparison, mean_dice, unseen

SECONDS, FIRST = 90.0, 0.25  # of training, and the share of the first mask
METHODS = ("supervised", "mean_teacher")
WAYS = tuple((method, True) for method in METHODS)  # and carried
CELLS = ("1x1", "1x2", "3x1", "3x2", "1x4", "1x8", "3x4", "1x16")
TRIALS = {f"{organ}, {cell}": (f"few_slices_{name}", cell, cases)
          for organ, name, cases in (("atrium", "la", 12), ("hippocampus", "hippocampus", 40)) for cell in CELLS}
"""Name -> protocol, cell (slices x volumes), and how many cases are looked at."""


@dataclass(frozen=True)
class Row:
    """One training: mean ``dice`` over structures and cases, and its fifth percentile ``worst``; ``carried``: few
    slices to their neighbours.
    """

    trial: str
    method: str
    seed: int
    dice: float
    worst: float
    steps: int
    carried: bool = False


FILE = RowFile("undecided", Row)


def run(name: str, method: str, seed: int, cases: Collection) -> Row:
    """One row."""
    about, (_, cell, count) = protocol(TRIALS[name][0]), TRIALS[name]
    schedule = Recipe("undecided", "clinical", "", 1).schedule(method, about.data.dims)
    taught = prepare(about, cell, seed, schedule, cases, benchmark_device("cpu", "auto"))
    trained, steps = _trained(taught, method, seed)
    predictor = Predictor(trained.predictor(), taught.plan, taught.device)
    found = measure(predictor.parts, taught.volumes, len(taught.classes), may_leave_out=True)
    one_piece, scores = taught.classes.values_of(found.one_piece), []
    for case in map(cases.case, unseen(about, taught)[:count]):
        label = predictor.predict(taught.unseen(case), taught.classes, one_piece).label
        scores.append(mean_dice(label, case, taught.classes.values[1:]))
    mean, worst = float(np.mean(scores)), float(np.percentile(scores, 5))
    return Row(name, method, seed, round(mean, 4), round(worst, 4), steps, carried=True)


def _trained(taught: TrainingSet, method: str, seed: int) -> tuple[Method, int]:
    """A method after all of the time, and how many steps that were."""
    first = _fitted(taught, "supervised", SECONDS * (FIRST if method != "supervised" else 1.0), seed, None)
    if method == "supervised":
        return first
    longer, steps = _fitted(taught, method, SECONDS * (1 - FIRST), seed, first[0])
    return longer, steps + first[1]


def _fitted(taught: TrainingSet, name: str, seconds: float, seed: int, start: Method | None) -> tuple[Method, int]:
    seeded(seed, 0, int(start is not None))
    method = make(name, {}, taught.task())
    if start is not None:
        checkpoint.warm_start(method, start.predictor().state_dict())
    trainer = Trainer(method, sampler(taught, False), taught.device, Budget(seconds), time.process_time)
    opinion = Predictor(start.predictor(), taught.plan, taught.device) if start is not None else None
    carrying = Carrying(taught.volumes, CARRIED, opinion)
    carrying.at(0.0)
    trainer.fit(carrying.then(lambda progress, share: True))
    carrying.at(1.0)
    return method, trainer.progress.step


def table(found: list[Row]) -> str:
    """Markdown: means over the seeds, and the paired difference."""
    lines = ["| trial | few slices | supervised | mean_teacher | difference, seed by seed | fifth percentile | steps |",
             "|---|---|---|---|---|---|---|"]
    seeds = sorted({row.seed for row in found})
    for name, carried in product(TRIALS, (True, False)):
        ours = [row for row in found if (row.trial, row.carried) == (name, carried)]
        pairs = [pair for seed in seeds if len(pair := _pair(ours, seed)) == 2]
        if pairs:
            gaps = ", ".join(f"{two.dice - one.dice:+.3f}" for one, two in pairs)
            mean = {key: [np.mean([getattr(pair[n], key) for pair in pairs]) for n in (0, 1)]
                    for key in ("dice", "worst", "steps")}
            words = "carried" if carried else "as drawn"
            lines.append(f"| {name} | {words} | {mean['dice'][0]:.3f} | {mean['dice'][1]:.3f} | {gaps} | "
                         f"{mean['worst'][0]:.3f}, {mean['worst'][1]:.3f} | "
                         f"{mean['steps'][0]:.0f}, {mean['steps'][1]:.0f} |")
    return "\n".join(lines)


def _pair(found: list[Row], seed: int) -> list[Row]:
    return [row for method in METHODS for row in found if (row.method, row.seed) == (method, seed)]


def main() -> None:
    """See the module."""
    protocols = {name: about for name, (about, _, _) in TRIALS.items()}
    Comparison(
        FILE, protocols, lambda _: WAYS, lambda row: (row.method, row.carried),
        lambda name, way, seed, cases: run(name, way[0], seed, cases), table,
    ).command(__doc__)


if __name__ == "__main__":
    main()
