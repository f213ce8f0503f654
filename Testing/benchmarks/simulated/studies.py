"""Simulated studies of 2 to 8 cases: is the estimate honest, are the flags right, is the recommended choice safe?

    python -m Testing.benchmarks.simulated.studies --data FOLDER [--kind calibration|reported] [--steps 160] [--again 1]
    python -m Testing.benchmarks.simulated.studies --table [--steps 160]

Each study draws, by its number: how many cases, 1 to 6 slices in each, along which axis (mostly the one that shows the
structure best), which structures (both, one, or the whole), a few more cases that nobody drew in. The recommended
method trains with a budget of steps; its legs, gate and estimate are the product's own. Then 30 held-out cases, of
which training saw nothing, tell the truth. Where there is no contest, the recommended run is the supervised one step
for step (held by a test), so that one training gives both scores.

Constants of the estimate and the flags were fitted on "calibration" studies alone; "reported" ones are other numbers,
other cases to learn from as far as the pool allows, and other held-out cases. One row per training is appended to
results/simulated_studies.jsonl, so that it can be interrupted and continued; ``--again 1`` trains every study once more
from another seed, both methods.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes, Volume, load_volume, set_label
from SemiSegLogic.engine.hardware.device import choose
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.quality import looks_of
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.geometry import Grid, SliceIndex, planes_of, sparse_label
from SemiSegLogic.job import JobCase, JobSpec, JobStructure
from SemiSegLogic.methods import make
from SemiSegLogic.report import dice
from SemiSegLogic.runner.contest.judging import Jury
from SemiSegLogic.runner.course.legs import Leg
from SemiSegLogic.runner.course.opening import opening
from SemiSegLogic.runner.course.standing import Standing
from SemiSegLogic.runner.course.warm import start_from
from SemiSegLogic.runner.data import Data
from SemiSegLogic.runner.model import Model
from SemiSegLogic.sample import SampleCase, find, list_cases, read_reference, split, spread_slices
from SemiSegLogic.sample import choose as choose_cases
from SemiSegLogic.settings import Training
from SemiSegLogic.study import read_image
from Testing.benchmarks.shared.row_files import FOLDER

RESULTS = FOLDER / "simulated_studies.jsonl"
NUMBERS = {"calibration": range(0, 8), "reported": range(100, 130)}
STRUCTURES = {"both": ("anterior", "posterior"), "anterior": ("anterior",), "posterior": ("posterior",),
              "whole": ("hippocampus",)}
MEASURED_ON = 30
AGAIN = 1000  # between the seeds of two trainings of one study
ALONE = {"candidate": "none", "views": False}  # the recommended method without what it adds to the supervised one
Truth = list[dict[str, Any]]
"""Of every held-out case, see :func:`truth_of`."""


@dataclass(frozen=True)
class Drawn:
    """What a study is made of: its cases, how many ``slices`` in each, along which ``axis`` (None: the broadest)."""

    number: int
    kind: str
    structures: str
    slices: tuple[int, ...]
    axis: int | None
    unlabelled: int


def draw(number: int, kind: str) -> tuple[Drawn, random.Random]:
    """The study of that number; and the chance that goes on from there."""
    chance = random.Random(f"simulated study {number}")
    cases = chance.randint(2, 8)
    structures = chance.choice(["both", "both", "anterior", "posterior", "whole"])
    axis = chance.choice([None, None, None, None, 0, 1, 2])
    slices = tuple(chance.randint(1, 6) for _ in range(cases))
    return Drawn(number, kind, structures, slices, axis, chance.randint(4, 10)), chance


class SimulatedStudy:
    """The volumes of one study, with the labels that training may see, and those that tell the truth."""

    def __init__(self, data: Path | None, drawn: Drawn, chance: random.Random):
        self.drawn, self.device = drawn, choose("cpu")
        pool, held = split(list_cases(find(data, network=False, phantoms=False).folder)[0])
        part = drawn.kind == "reported"
        chosen = choose_cases(pool[part::2], len(drawn.slices) + drawn.unlabelled, drawn.number)
        chance.shuffle(chosen)
        self.held = held[part * MEASURED_ON : (part + 1) * MEASURED_ON]
        images = [image_of(case) for case in chosen]
        labels = [self._label(case, number, chance) for number, case in enumerate(chosen)]
        names = STRUCTURES[drawn.structures]
        facts = [_facts(grid, label) for (_, grid), label in zip(images, labels, strict=True)]
        classes = Classes(range(1, len(names) + 1))
        plan, seen = make_plan(facts, list(names), self.device), {f"c{n:03d}": one for n, one in enumerate(facts, 1)}
        self.data = Data({}, classes, plan, dict(enumerate(names, 1)), seen)
        for number, ((image, grid), label) in enumerate(zip(images, labels, strict=True), 1):
            volume = self.volume(f"c{number:03d}", image, grid)
            if label is not None:
                set_label(volume, *label, classes)
            self.data.volumes[volume.name] = volume

    def volume(self, name: str, image: NDArray[np.generic], grid: Grid) -> Volume:
        """A case as training sees it."""
        return load_volume(name, image, grid, self.data.plan, self.device.torch)

    def truth(self, case: SampleCase) -> NDArray[np.uint8]:
        """The expert's label (k, j, i) of the structures of this study."""
        whole, wanted = expert_label(case), self.drawn.structures
        if wanted == "both":
            return whole
        return ((whole > 0) if wanted == "whole" else whole == (1 + (wanted == "posterior"))).astype(np.uint8)

    def specification(self, training: Training, settings: dict[str, Any]) -> JobSpec:
        """The order, with digests that only tell the cases apart; ``settings`` of the recommended method."""
        cases = tuple(
            JobCase(name, f"{number:064x}", volume.grid, f"{number:064x}" if volume.slices else None,
                    tuple(volume.turn.slice_to_array(place, volume.grid.shape) for place in volume.slices))
            for number, (name, volume) in enumerate(self.data.volumes.items())
        )
        structures = tuple(JobStructure(value, name) for value, name in self.data.names.items())
        return JobSpec("train", structures, cases, "recommended", settings, training.to_dict())

    def _label(
        self, case: SampleCase, number: int, chance: random.Random
    ) -> tuple[NDArray[np.uint8], list[SliceIndex]] | None:
        if number >= len(self.drawn.slices):
            return None
        whole = self.truth(case)
        places = spread_slices(whole, self.drawn.slices[number], self.drawn.axis, chance.uniform(-0.5, 0.5))
        return sparse_label(whole, places), places


@dataclass(frozen=True)
class Wanted:
    """A row: the study of that ``number`` and ``kind``, trained for ``steps``, for the ``again``-th time."""

    number: int
    kind: str
    steps: int
    again: int = 0

    @classmethod
    def of(cls, row: dict[str, Any]) -> Wanted:
        """That of a row; those of before there were several trainings name no more than the study."""
        return cls(row["number"], row["kind"], row["steps"], row.get("again", 0))


def run(data: Path | None, wanted: Wanted) -> dict[str, Any]:
    """One study from its labels to the truth: a row of plain data."""
    begun = time.process_time()
    study = SimulatedStudy(data, *draw(wanted.number, wanted.kind))
    training = Training(steps=wanted.steps, device="cpu", seed=wanted.number + AGAIN * wanted.again)
    standing, candidate = train(study, training, {})
    kept = standing.kept
    assert kept is not None
    alone = train(study, training, ALONE)[0].kept if candidate else kept
    found = standing.measured[standing.kept_as]
    return {
        **asdict(study.drawn), **asdict(wanted), "candidate": candidate, "kept": kept.method, "scores": standing.scores,
        "slice_scores": [asdict(score) for score in found.scores],
        "measured_looks": [asdict(looks) for _, looks in found.looks],
        "calibration": kept.quality.get("calibration"),
        "supervised": truth_of_alone(study, alone),
        "recommended": truth_of(study, kept.predictor(study.device.torch), kept.one_piece),
        "seconds": round(time.process_time() - begun, 1),
    }


def train(study: SimulatedStudy, training: Training, settings: dict[str, Any]) -> tuple[Standing, str | None]:
    """All legs of the recommended method, judged as the product does; and the candidate where there was one."""
    spec = study.specification(training, settings)
    plan = opening(spec, study.data, training, study.device, None)
    jury, standing = Jury(spec, study.data, study.device, plan), Standing()
    values = study.data.classes.values[1:]
    for planned in plan.legs:
        leg = _of_the_kept(planned, standing)
        plan.parts.use(leg.part)
        torch.manual_seed(leg.seed(training.seed))
        method = make(leg.name, leg.settings, study.data.task())
        source = {"first": None, "fold": None, "candidate": standing.first}.get(leg.role, standing.kept)
        if source is not None:
            start_from(method, source, values, study.data.plan)
        sampler = Sampler(list(study.data.volumes.values()), study.data.plan)
        Trainer(method, sampler, study.device, leg.budget, time.process_time).fit(lambda progress, share: True)
        jury.judge(standing, method, jury.measure(method.predictor()), leg, stopped=False)
    return standing, next((leg.name for leg in plan.legs if leg.role == "candidate"), None)


def _of_the_kept(leg: Leg, standing: Standing) -> Leg:
    """The leg over all slices is of whichever method was kept."""
    kept = standing.kept
    return replace(leg, name=kept.method, settings=kept.settings) if leg.role == "whole" and kept else leg


def truth_of_alone(study: SimulatedStudy, alone: Model | None) -> Truth:
    """Of the supervised training, from one view."""
    assert alone is not None
    return truth_of(study, alone.build(study.device.torch).predictor(), alone.one_piece)


def truth_of(study: SimulatedStudy, network: torch.nn.Module, one_piece: tuple[int, ...] = ()) -> Truth:
    """Of every held-out case: Dice of each structure, and how its suggestion looks; without the fragments of the
    structures that come in ``one_piece``.
    """
    predictor, rows = Predictor(network, study.data.plan, study.device), []
    for case in study.held:
        truth = study.truth(case)
        found = predictor.predict(study.volume(case.name, *image_of(case)), study.data.classes, one_piece)
        values = study.data.classes.values[1:]
        rows.append({"dice": [round(dice(found.label == v, truth == v), 4) for v in values],
                     "looks": asdict(looks_of(found.label, found.uncertainty))})
    return rows


@cache
def image_of(case: SampleCase) -> tuple[NDArray[np.generic], Grid]:
    """An image, read once."""
    return read_image(case.image)


@cache
def expert_label(case: SampleCase) -> NDArray[np.uint8]:
    """An expert's label, read once."""
    return read_reference(case.reference)


def _facts(grid: Grid, label: tuple[NDArray[np.uint8], Sequence[SliceIndex]] | None) -> CaseFacts:
    return CaseFacts(grid) if label is None else CaseFacts.of(grid, planes_of(*label))


def rows() -> list[dict[str, Any]]:
    """What has been measured so far."""
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def reported(steps: int) -> list[dict[str, Any]]:
    """Those of the reported studies."""
    return [row for row in rows() if (row["kind"], row["steps"]) == ("reported", steps)]


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--data", type=Path)
    words.add_argument("--kind", choices=list(NUMBERS), nargs="+", default=list(NUMBERS))
    words.add_argument("--steps", type=int, default=160)
    words.add_argument("--numbers", type=int, nargs="+", help="these studies alone")
    words.add_argument("--again", type=int, default=0, help="which training of each study: 0 the first")
    words.add_argument("--table", action="store_true")
    options = words.parse_args()
    if options.table:
        from Testing.benchmarks.simulated.studies_table import table

        print(table(reported(options.steps)))
        return
    torch.set_num_threads(1)
    for kind in options.kind:
        for number in options.numbers or NUMBERS[kind]:
            _add(options.data, Wanted(number, kind, options.steps, options.again))


def _add(data: Path | None, wanted: Wanted) -> None:
    """Measure a row and append it, unless it is there."""
    if wanted in map(Wanted.of, rows()):
        return
    row = run(data, wanted)
    with RESULTS.open("a") as file:
        file.write(json.dumps(row) + "\n")
    print(wanted.number, row["seconds"], row["scores"], flush=True)


if __name__ == "__main__":
    main()
