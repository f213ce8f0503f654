"""Stretch after stretch on few slices: is what carried outlines taught forgotten where later ones do not carry?

    python -m Testing.benchmarks.few_slices.forgetting --data FOLDER [--only atrium] [--seeds 2]

Stretches of STEPS steps of the supervised baseline, each with a fresh optimiser from the weights of the one before, as
the product's legs and rounds go on from each other. A share of the steps of each, counted from its beginning, also
learns from carried outlines: ``shares``; ``confirmed``: as far as what the stretch goes on from agrees. FOLDER holds
the data set of each trial, as ``semiseg benchmark`` wants it; the largest piece of an atrium is kept. Dice is the mean
over structures and cases, of training volumes whose labels nobody showed; no test case is looked at. One row per
(trial, way, seed) is appended to results/forgetting.jsonl; rows that are there are not run again. ``--table`` renders
them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from SemiSegLogic.engine.data.carrying import Carrying
from SemiSegLogic.engine.nets.ensemble import networks_in
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method
from SemiSegLogic.runner.course.warm import take_over
from Testing.benchmarks.few_slices.carrying import CELLS, ORGANS
from Testing.benchmarks.runner.data.training_set import TrainingSet, benchmark_device, prepare, seeded
from Testing.benchmarks.runner.definitions.datasets import Collection
from Testing.benchmarks.runner.definitions.protocol import protocol
from Testing.benchmarks.runner.definitions.recipe import Recipe
from Testing.benchmarks.runner.evaluation.evaluation import Evaluation
from Testing.benchmarks.runner.training.training import sampler
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import Comparison, mean_dice, unseen

STEPS, METHOD = 400, "supervised"
HALF, SIXTH = (0.5, 0.5, 0.5), (0.17, 0.17, 0.17)
WAYS = {"1x2": ((HALF, False), (HALF, True)),
        "1x8": (((0.5, 0.0, 0.0), False), ((0.5, 0.25, 0.25), False), (HALF, False), (HALF, True)),
        "3x8": (((0.5, 0.0, 0.0), False), (SIXTH, False), (HALF, False))}
"""Of each cell: the share of each stretch that carries, and whether as far as is confirmed."""
TRIALS = {f"{organ}, {CELLS[cell]}": (organ, cell) for cell in WAYS for organ in ORGANS}
Way = tuple[tuple[float, ...], bool]


@dataclass(frozen=True)
class Row:
    """Stretches in a row: mean ``dice`` over structures and cases after each, its fifth percentile ``worst``."""

    trial: str
    shares: list[float]
    seed: int
    dice: list[float]
    worst: list[float]
    confirmed: bool = False

    @property
    def way(self) -> Way:
        """How it was learned."""
        return tuple(self.shares), self.confirmed


FILE = RowFile("forgetting", Row)


def run(name: str, way: Way, seed: int, cases: Collection) -> Row:
    """One row."""
    (organ, cell), (shares, confirmed) = TRIALS[name], way
    about, recipe = protocol(ORGANS[organ][0]), Recipe("forgetting", "clinical", "", STEPS, largest=organ == "atrium")
    schedule = recipe.schedule(METHOD, about.data.dims)
    taught = prepare(about, cell, seed, schedule, cases, benchmark_device("cpu", "auto"))
    seeded(seed, 0, 1)
    looked_at = [cases.case(case) for case in unseen(about, taught)[: ORGANS[organ][2]]]
    learner: Method | None = None
    dice, worst = [], []
    for number, share in enumerate(shares):
        torch.manual_seed(1000 * seed + number)
        learner = _stretch(taught, make(METHOD, schedule.values, taught.task()), learner, share, confirmed)
        evaluation = Evaluation(taught, [learner], recipe)
        scores = [mean_dice(evaluation.label(case), case, taught.classes.values[1:]) for case in looked_at]
        dice.append(round(float(np.mean(scores)), 4))
        worst.append(round(float(np.percentile(scores, 5)), 4))
    return Row(name, list(shares), seed, dice, worst, confirmed)


def _stretch(taught: TrainingSet, learner: Method, before: Method | None, share: float, confirmed: bool) -> Method:
    """``learner`` trained from the weights of the one ``before``, which has an opinion of carried outlines where they
    are to be ``confirmed``.
    """
    opinion = Predictor(before.predictor(), taught.plan, taught.device) if before is not None and confirmed else None
    if before is not None:
        take_over(learner, networks_in(before.predictor().state_dict()))
    trainer = Trainer(learner, sampler(taught, False), taught.device, Budget(0, STEPS), time.process_time)
    most = max(len(volume.training_slices) for volume in taught.volumes)
    carrying = Carrying(taught.volumes, share * most, opinion)  # of which each volume takes its part
    carrying.at(0.0)
    trainer.fit(carrying.then(lambda progress, done: True))
    carrying.at(1.0)
    return learner


def table(found: list[Row]) -> str:
    """Markdown: after each stretch, seed by seed."""
    lines = ["| trial | share of each that carries | Dice after each stretch, seed by seed | fifth percentile |",
             "|---|---|---|---|"]
    for name, (_, cell) in TRIALS.items():
        for way in WAYS[cell]:
            rows = sorted((row for row in found if (row.trial, row.way) == (name, way)), key=lambda row: row.seed)
            if rows:
                cells = ("; ".join(", ".join(f"{value:.3f}" for value in getattr(row, key)) for row in rows)
                         for key in ("dice", "worst"))
                words = ", ".join(map(str, way[0])) + ", confirmed" * way[1]
                lines.append(f"| {name} | {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    protocols = {name: ORGANS[organ][0] for name, (organ, _) in TRIALS.items()}
    Comparison(
        FILE, protocols, lambda name: WAYS[TRIALS[name][1]], lambda row: row.way, run, table
    ).command(__doc__)


if __name__ == "__main__":
    main()
