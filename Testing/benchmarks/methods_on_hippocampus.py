"""Every method on the sample study: 3 slices in each of 8 volumes, from the same first mask, at equal steps and time.

    python -m Testing.benchmarks.methods_on_hippocampus --data FOLDER [--seeds 3] [--methods bcp medl ...]

One row per (method, seed, budget) is appended to results/methods_on_hippocampus.jsonl; rows that are there are not run
again, so it can be interrupted and continued, and two of them may share the work (--part 0/2, --part 1/2). Time is
processor time of one thread. Dice on the 60 volumes held out, of which nothing is ever shown to training. The model
behind the last step is evaluated; nothing is selected on the held-out volumes. ``--table`` renders the table.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.engine.checkpoint import warm_start
from SemiSegLogic.engine.device import Device, choose
from SemiSegLogic.engine.patches import Sampler
from SemiSegLogic.engine.plan import CaseFacts, Plan, make_plan
from SemiSegLogic.engine.predict import Predictor
from SemiSegLogic.engine.trainer import Budget, Trainer
from SemiSegLogic.engine.volumes import Classes, Volume, class_prior, load_volume, set_label
from SemiSegLogic.errors import SemiSegError
from SemiSegLogic.geometry import IGNORE, sparse_label
from SemiSegLogic.methods import METHODS, make
from SemiSegLogic.methods.base import Method, Task
from SemiSegLogic.report import dice
from SemiSegLogic.sample import SampleCase, find, list_cases, read_reference, split, spread_slices
from SemiSegLogic.sample import choose as choose_cases
from SemiSegLogic.sample.slices import varied_offset
from SemiSegLogic.study import read_image

RESULTS = Path(__file__).parent / "results" / "methods_on_hippocampus.jsonl"
ANNOTATED, UNLABELLED, SLICES = 8, 52, 3
FIRST_STEPS = 120
BUDGETS = {"200 steps": Budget(0, 200), "40 s": Budget(40)}
SETTINGS: dict[str, dict[str, object]] = {"mn": {"slice_network": "unet"}}


@dataclass(frozen=True)
class Row:
    """One run. ``dice`` of structures 1 and 2, means over the held-out volumes; ``seconds`` of one thread."""

    method: str
    seed: int
    budget: str
    dice: tuple[float, float] | None
    steps: int
    seconds: float
    note: str = ""


class Bench:
    """The data of one seed, and the first mask that every method starts from."""

    def __init__(self, folder: Path, seed: int):
        self.device: Device = choose("cpu")
        pool, held = split(list_cases(folder)[0])
        chosen = choose_cases(pool, ANNOTATED + UNLABELLED, seed)
        drawn = choose_cases(chosen, ANNOTATED, seed)
        self.classes, facts = Classes([1, 2]), []
        labels = {case.name: _slices_of(case, number) for number, case in enumerate(drawn)}
        images = {case.name: read_image(case.image) for case in (*chosen, *held)}
        for case in chosen:
            facts.append(_facts(images[case.name][1], labels.get(case.name)))
        self.plan: Plan = make_plan(facts, ["anterior", "posterior"], self.device)
        self.volumes = [self._volume(case, images) for case in chosen]
        for volume in self.volumes:
            if volume.name in labels:
                set_label(volume, *labels[volume.name], self.classes)
        self.held = [(self._volume(case, images), read_reference(case.reference)) for case in held]
        self.task = Task(1, 3, 3, self.plan.patch, self.plan.network, class_prior(self.volumes, 3))
        torch.manual_seed(seed)
        self.first = self.train("supervised", Budget(0, FIRST_STEPS), None)[0]

    def _volume(self, case: SampleCase, images: dict) -> Volume:
        return load_volume(case.name, *images[case.name], self.plan, self.device.torch)

    def train(self, name: str, budget: Budget, start: Method | None) -> tuple[Method, Trainer]:
        """``name`` trained for ``budget`` from the networks of ``start``."""
        method = make(name, SETTINGS.get(name, {}), self.task)
        if start is not None:
            warm_start(method, start.predictor().state_dict())
        trainer = Trainer(method, Sampler(self.volumes, self.plan), self.device, budget, time.process_time)
        trainer.fit(lambda progress, share: True)
        return method, trainer

    def dice(self, method: Method) -> tuple[float, float]:
        """Mean Dice of each structure over the held-out volumes."""
        predictor, found = Predictor(method.predictor(), self.plan, self.device), []
        for volume, truth in self.held:
            label = predictor.predict(volume, self.classes).label
            found.append([dice(label == value, truth == value) for value in (1, 2)])
        first, second = np.mean(found, axis=0).round(4).tolist()
        return first, second


def run(bench: Bench, name: str, seed: int, budget: str) -> Row:
    """One row; a method that cannot take this data says so in the note."""
    torch.manual_seed(seed)
    try:
        method, trainer = bench.train(name, BUDGETS[budget], bench.first)
    except SemiSegError as error:
        return Row(name, seed, budget, None, 0, 0.0, str(error))
    return Row(name, seed, budget, bench.dice(method), trainer.progress.step, round(trainer.progress.elapsed, 1))


def _slices_of(case: SampleCase, number: int) -> tuple:
    label = read_reference(case.reference)
    places = spread_slices(label, SLICES, offset=varied_offset(number))
    return sparse_label(label, places), places


def _facts(grid, label) -> CaseFacts:
    if label is None:
        return CaseFacts(grid)
    drawn = np.argwhere((label[0] > 0) & (label[0] < IGNORE))
    k, j, i = (drawn.max(0) - drawn.min(0) + 1).tolist()
    return CaseFacts(grid, tuple(label[1]), (k, j, i))


def rows() -> list[Row]:
    """All rows measured so far."""
    if not RESULTS.exists():
        return []
    return [Row(**json.loads(line)) for line in RESULTS.read_text().splitlines()]


def table(found: list[Row]) -> str:
    """Markdown: mean and spread over the seeds, both budgets, and the difference to supervised."""
    lines = ["| method | " + " | ".join(f"Dice, {b} | against supervised" for b in BUDGETS) + " | time per step |",
             "|---|" + "---|" * (2 * len(BUDGETS) + 1)]
    for name in METHODS:
        cells = [_cell(found, name, budget) for budget in BUDGETS]
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {_cost(found, name)} |")
    return "\n".join(lines)


def _cell(found: list[Row], name: str, budget: str) -> str:
    mine = [np.mean(row.dice) for row in found if (row.method, row.budget) == (name, budget) and row.dice]
    base = [np.mean(row.dice) for row in found if (row.method, row.budget) == ("supervised", budget) and row.dice]
    if not mine:
        note = next((row.note for row in found if row.method == name and row.note), "not run")
        return f"{note.split('.')[0]} | "
    change = f"{np.mean(mine) - np.mean(base):+.3f}" if base else ""
    return f"{np.mean(mine):.3f} ± {np.std(mine):.3f} ({len(mine)} seeds) | {change}"


def _cost(found: list[Row], name: str) -> str:
    def pace(wanted: str) -> float:
        times = [row.seconds / row.steps for row in found if row.method == wanted and row.steps]
        return float(np.median(times)) if times else float("nan")

    return f"{pace(name) / pace('supervised'):.1f} x" if pace(name) == pace(name) else ""


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--methods", nargs="*", default=list(METHODS))
    words.add_argument("--part", default="0/1", help="which share of the seeds x methods, e.g. 0/2")
    words.add_argument("--table", action="store_true")
    options = words.parse_args()
    if options.table:
        print(table(rows()))
        return
    torch.set_num_threads(1)
    folder = find(options.data, network=False, phantoms=False).folder
    part, parts = map(int, options.part.split("/"))
    RESULTS.parent.mkdir(exist_ok=True)
    for seed in range(options.seeds):
        todo = [(name, budget) for n, name in enumerate(options.methods) if n % parts == part for budget in BUDGETS]
        done = {(row.method, row.budget) for row in rows() if row.seed == seed}
        todo = [pair for pair in todo if pair not in done]
        if todo:
            bench = Bench(folder, seed)
        for name, budget in todo:
            row = run(bench, name, seed, budget)
            with RESULTS.open("a") as file:
                file.write(json.dumps(asdict(row)) + "\n")
            print(row, flush=True)


if __name__ == "__main__":
    main()
