"""How should the contest of the recommended method end? Six endings of the same training, on simulated studies.

    python -m Testing.benchmarks.simulated.endings --data FOLDER [--numbers 2 3 4] [--seeds 6 106] [--table]

Baseline and candidate go on from one first mask, as in the product. Then the last leg, which learns from the slices
held out too, goes on from the baseline, or from the average of both contestants' weights (M. Wortsman et al.: Model
soups, ICML 2022): as the baseline or as the candidate, and the latter once more averaged with where it began; or both
contestants go on, each for half of that leg, and their answers are averaged (B. Lakshminarayanan et al.: Deep
Ensembles, NeurIPS 2017). All predict from the same views; the truth is that of 30 held-out cases. The studies are of
the kind "calibration": those that the product's promises are measured on (studies.py) are no ground to choose
on. One row per study and seed is appended to results/simulated_endings.jsonl.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.nets.ensemble import MeanOf
from SemiSegLogic.engine.prediction.averaging import ViewAveraged
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method
from SemiSegLogic.runner.course.legs import Leg
from SemiSegLogic.runner.course.opening import Opening, opening
from SemiSegLogic.runner.course.warm import start_from
from SemiSegLogic.runner.model import Model
from SemiSegLogic.settings import Training
from Testing.benchmarks.runner.queue.rows import Rows
from Testing.benchmarks.shared.row_files import FOLDER, asked
from Testing.benchmarks.simulated.studies import ALONE, train
from Testing.benchmarks.simulated.study import SimulatedStudy, draw, truth_of

ROWS = Rows(FOLDER / "simulated_endings.jsonl")
STEPS = 1000
COLUMNS = ("supervised", "supervised, several views", "baseline", "candidate", "average", "kept goes on",
           "average goes on as baseline", "average goes on as candidate", "the same, averaged again", "both go on")


class Endings:
    """One study, trained with one seed up to the end of the contest, and then to each of its endings."""

    def __init__(self, data: Path | None, number: int, seed: int):
        self.study = SimulatedStudy(data, *draw(number, "calibration"))
        self.training = Training(steps=STEPS, device="cpu", seed=seed)
        spec = self.study.specification(self.training, {"candidate": "mean_teacher"})  # however few slices decide
        self.opening: Opening = opening(spec, self.study.data, self.training, self.study.device, None)
        self.legs = {leg.role: leg for leg in self.opening.legs}

    def row(self) -> dict[str, float]:
        """Mean Dice of the held-out cases, by ending."""
        candidate, whole = self.legs["candidate"], self.legs["whole"]
        first = self._trained(self.legs["first"], None)
        longer, other = self._trained(self.legs["longer"], first), self._trained(candidate, first)
        both = averaged(other, longer, self.study.device.torch)
        mean = self._model(both, candidate)
        as_baseline, as_candidate = self._trained(whole, mean), self._trained(replace(whole, name=candidate.name), mean)
        again = averaged(as_candidate, mean, self.study.device.torch)
        alone = train(self.study, self.training, ALONE)[0].kept
        assert alone is not None
        plain = alone.build(self.study.device.torch).predictor()
        found = (plain, self._viewed(plain), *(self._viewed(one.build(self.study.device.torch).predictor()) for one in (
            longer, other, mean, self._trained(whole, longer), as_baseline, as_candidate)),
            self._viewed(again.predictor()), self._viewed(self._both_go_on(longer, other)))
        return {name: self._truth(network) for name, network in zip(COLUMNS, found, strict=True)}

    def _both_go_on(self, baseline: Model, candidate: Model) -> torch.nn.Module:
        """The mean of what both say, after half of the last leg for each."""
        whole, steps = self.legs["whole"], self.legs["whole"].budget.steps // 2
        ends = [self._trained(replace(whole, name=one.method, budget=Budget(0, steps)), one)
                for one in (baseline, candidate)]
        return MeanOf(*(end.build(self.study.device.torch).predictor() for end in ends))

    def _trained(self, leg: Leg, source: Model | None) -> Model:
        """``leg`` from where ``source`` is; chance begins anew, as in the product."""
        self.opening.parts.use(leg.part)
        torch.manual_seed(leg.seed(self.training.seed))
        method = make(leg.name, leg.settings, self.study.data.task())
        if source is not None:
            start_from(method, source, self.study.data.classes.values[1:], self.study.data.plan)
        sampler = Sampler(list(self.study.data.volumes.values()), self.study.data.plan)
        Trainer(method, sampler, self.study.device, leg.budget, time.process_time).fit(lambda progress, share: True)
        return self._model(method, leg)

    def _model(self, method: Method, leg: Leg) -> Model:
        return Model.of(method, leg.name, self.study.data.plan, self.study.data.classes.values[1:], None)

    def _viewed(self, network: torch.nn.Module) -> torch.nn.Module:
        found = self.opening
        return ViewAveraged(network, found.mirror, found.zooms, self.study.data.plan.dims == 2).eval()

    def _truth(self, network: torch.nn.Module) -> float:
        return round(float(np.mean([np.mean(case["dice"]) for case in truth_of(self.study, network)])), 4)


def averaged(one: Model, other: Model, device: torch.device) -> Method:
    """The method of ``one``, predicting with the mean of both models' predicting networks (BatchNorm's averages
    included, integer counters those of ``one``).
    """
    method = one.build(device)
    mine, theirs = method.predictor().state_dict(), other.build(device).predictor().state_dict()
    mean = {name: (value + theirs[name]) / 2 if value.is_floating_point() else value for name, value in mine.items()}
    method.predictor().load_state_dict(mean)
    return method


def table(found: list[dict[str, Any]]) -> str:
    """A line per study and seed, and their means."""
    lines = ["| study | seed | slices per case | structures | " + " | ".join(COLUMNS) + " |",
             "|" + "---|" * (4 + len(COLUMNS))]
    for row in sorted(found, key=lambda row: (row["number"], row["seed"])):
        slices = " ".join(map(str, row["slices"]))
        scores = " | ".join(f"{row['dice'][name]:.3f}" for name in COLUMNS)
        lines.append(f"| {row['number']} | {row['seed']} | {slices} | {row['structures']} | {scores} |")
    means = " | ".join(f"{np.mean([row['dice'][name] for row in found]):.3f}" for name in COLUMNS)
    return "\n".join([*lines, f"| mean | | | | {means} |"])


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--numbers", type=int, nargs="+", default=list(range(2, 9)))
    words.add_argument("--seeds", type=int, nargs="+", help="the number of the study where none is given")
    options = asked(words, lambda: table(ROWS.read()))
    done = {(row["number"], row["seed"]) for row in ROWS.read()}
    for number in options.numbers:
        for seed in options.seeds or [number]:
            if (number, seed) not in done:
                endings = Endings(options.data, number, seed)
                drawn = endings.study.drawn
                row = {"number": number, "seed": seed, "slices": drawn.slices, "structures": drawn.structures,
                       "dice": endings.row()}
                ROWS.append(row)
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
