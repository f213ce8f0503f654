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
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.training.trainer import Trainer
from SemiSegLogic.methods import make
from SemiSegLogic.runner.contest.judging import Jury
from SemiSegLogic.runner.course.legs import Leg
from SemiSegLogic.runner.course.opening import opening
from SemiSegLogic.runner.course.standing import Standing
from SemiSegLogic.runner.course.warm import start_from
from SemiSegLogic.runner.model import Model
from SemiSegLogic.settings import Training
from Testing.benchmarks.runner.queue.rows import Rows
from Testing.benchmarks.shared.row_files import FOLDER
from Testing.benchmarks.simulated.study import SimulatedStudy, Truth, draw, truth_of

ROWS = Rows(FOLDER / "simulated_studies.jsonl")
NUMBERS = {"calibration": range(0, 8), "reported": range(100, 130)}
AGAIN = 1000  # between the seeds of two trainings of one study
ALONE = {"candidate": "none", "views": False}  # the recommended method without what it adds to the supervised one


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


def reported(steps: int) -> list[dict[str, Any]]:
    """Those of the reported studies."""
    return [row for row in ROWS.read() if (row["kind"], row["steps"]) == ("reported", steps)]


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
    if wanted in map(Wanted.of, ROWS.read()):
        return
    row = run(data, wanted)
    ROWS.append(row)
    print(wanted.number, row["seconds"], row["scores"], flush=True)


if __name__ == "__main__":
    main()
