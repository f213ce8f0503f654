"""A structure that is drawn in few of many volumes: looked at as often as its volume is, or more often?

    python -m Testing.benchmarks.decisions.rare --data FOLDER [--only hippocampus] [--seeds 2]

SLICES slices in each of a trial's scans are drawn where its rare structure does not reach, and in one scan one more
through its middle: nothing that is drawn is wrong, and no slice says that it is not where it is. It is the head of a
hippocampus, or the upper third of an atrium; ``quarters``: the rest is cut into four structures. ``absent``: the other
scans end where it begins. ``patch``: smaller than the organ, which is otherwise seen whole. Equal steps of the
supervised baseline from scratch, else as the product plans and carries. FOLDER holds the data set of each trial, as
``semiseg benchmark`` wants it; Dice is measured on training scans whose labels nobody showed, no test case is looked
at. One row per (trial, way, seed) is appended to results/rare.jsonl; rows that are there are not run again. ``--table``
renders them. Time is processor time of one thread.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from SemiSegLogic.engine.data.carrying import Carrying
from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.repeats import Repeats
from SemiSegLogic.engine.data.volumes import Classes, class_prior, load_volume, set_label
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.geometry import Shape, SliceIndex, planes_of, sparse_label
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Task
from SemiSegLogic.report import dice
from SemiSegLogic.runner.course.legs import CARRIED
from SemiSegLogic.sample import spread_slices
from SemiSegLogic.sample.slices import varied_offset
from Testing.benchmarks.runner.data.training_set import benchmark_device, seeded
from Testing.benchmarks.runner.definitions.datasets import CaseData, Collection
from Testing.benchmarks.shared.row_files import RowFile
from Testing.benchmarks.shared.trials import Comparison

SLICES, STEPS, RARE, METHOD = 2, 300, 1, "supervised"
QUARTERS = ("left lower", "right lower", "left upper", "right upper")  # left and right: patches are not mirrored then


@dataclass(frozen=True)
class Organ:
    """Of ``protocol``; slices lie along ``axis`` of an image's array (k, j, i); how many ``cases`` are looked at."""

    protocol: str
    axis: int
    cases: int


@dataclass(frozen=True)
class Trial:
    """One of ``scans`` shows the rare structure. The rest see above; ``patch`` (D, H, W) voxels, or as planned."""

    organ: str
    scans: int
    quarters: bool = True
    absent: bool = False
    patch: Shape | None = None

    @property
    def names(self) -> list[str]:
        """Of the structures, the rare one first."""
        return ["rare", *(QUARTERS if self.quarters else ["rest"])]

    @property
    def axis(self) -> int:
        """Along which its slices lie."""
        return ORGANS[self.organ].axis


ORGANS = {"hippocampus": Organ("few_slices_hippocampus", 1, 40), "atrium": Organ("few_slices_la", 0, 12)}
TRIALS = {
    "hippocampus, 5 structures, 1 of 16 scans": Trial("hippocampus", 16),
    "hippocampus, 5 structures, 1 of 16 scans, not in the others": Trial("hippocampus", 16, absent=True),
    "hippocampus, 5 structures, 1 of 16 scans, small patches": Trial("hippocampus", 16, patch=(16, 24, 24)),
    "hippocampus, 5 structures, 1 of 32 scans": Trial("hippocampus", 32),
    "hippocampus, 5 structures, 1 of 8 scans": Trial("hippocampus", 8),
    "hippocampus, 2 structures, 1 of 16 scans": Trial("hippocampus", 16, quarters=False),
    "atrium, 5 structures, 1 of 16 scans": Trial("atrium", 16),
}


class OnceEach(Sampler):
    """Every volume, and in it every structure, equally often: as it was until 2026-11-23."""

    def repeats(self, known: Sequence[int]) -> Repeats:
        """None."""
        return replace(super().repeats(known), times={})


class WholeVolumes(Sampler):
    """Repeats volumes, as LVIS does images, and in them every structure equally often."""

    def repeats(self, known: Sequence[int]) -> Repeats:
        """Of volumes alone."""
        found = super().repeats(known)
        return _OfVolumes(found.shown, found.times)


class _OfVolumes(Repeats):
    def repeated(self, classes: Sequence[int]) -> list[int]:
        return list(classes)


SAMPLERS: dict[str, type[Sampler]] = {"once each": OnceEach, "volumes": WholeVolumes, "volumes and structures": Sampler}


@dataclass(frozen=True)
class Row:
    """One training. Mean Dice over the cases of the ``rare`` structure, and of the ``common`` ones; ``false``: what is
    taken for the rare one in scans that end where it begins, as a share of its size; ``seconds`` of training.
    """

    trial: str
    way: str
    seed: int
    rare: float
    common: float
    false: float
    seconds: float


FILE = RowFile("rare", Row)


@dataclass(frozen=True)
class Learned:
    """``method`` as it was trained at ``plan`` for ``seconds``."""

    method: Method
    plan: Plan
    classes: Classes
    device: Device
    seconds: float

    def label(self, case: CaseData) -> NDArray[np.uint8]:
        """(k, j, i) what it takes the voxels for."""
        volume = load_volume(case.name, case.image, case.grid, self.plan, self.device.torch)
        return Predictor(self.method.predictor(), self.plan, self.device).predict(volume, self.classes).label

    def looked_at(self, case: CaseData, axis: int) -> list[float]:
        """Dice of each structure, the rare one first; and :attr:`Row.false`."""
        label, without = self.label(case), self.label(cut_off(case, axis))
        scores = [dice(label == value, case.label == value) for value in self.classes.values[1:]]
        return [*scores, float((without == RARE).sum() / (case.label == RARE).sum())]


def run(name: str, way: str, seed: int, cases: Collection) -> Row:
    """One row."""
    trial = TRIALS[name]
    order = np.random.default_rng(seed).permutation(sorted(cases.about.train)).tolist()
    scans = [_as_of(trial, cases.case(one)) for one in [*order[: trial.scans], *order[-ORGANS[trial.organ].cases :]]]
    learned = learn(trial, scans[: trial.scans], SAMPLERS[way], seed)
    found = np.mean([learned.looked_at(scan, trial.axis) for scan in scans[trial.scans :]], axis=0)
    numbers = [round(float(part), 4) for part in (found[0], found[1:-1].mean(), found[-1])]
    return Row(name, way, seed, *numbers, round(learned.seconds, 1))


def learn(trial: Trial, scans: Sequence[CaseData], kind: type[Sampler], seed: int) -> Learned:
    """All steps, from nothing, on what is drawn of ``scans``, of which the first one shows the rare structure."""
    device, classes = benchmark_device("cpu", "auto"), Classes(range(1, 1 + len(trial.names)))
    shown = [scans[0], *(cut_off(scan, trial.axis) if trial.absent else scan for scan in scans[1:])]
    drawn = [places(scan.label, trial.axis, number) for number, scan in enumerate(shown)]
    facts = [CaseFacts.of(scan.grid, planes_of(scan.label, chosen)) for scan, chosen in zip(shown, drawn, strict=True)]
    plan = make_plan(facts, trial.names, device)
    plan = plan if trial.patch is None else replace(plan, patch=trial.patch)
    volumes = [load_volume(scan.name, scan.image, scan.grid, plan, device.torch) for scan in shown]
    for volume, scan, chosen in zip(volumes, shown, drawn, strict=True):
        set_label(volume, sparse_label(scan.label, chosen), chosen, classes)
    seeded(seed, 0, 1)
    prior = class_prior(volumes, len(classes))
    method = make(METHOD, {}, Task(1, len(classes), plan.dims, plan.patch, plan.network, prior, plan.spacing))
    trainer = Trainer(method, kind(volumes, plan), device, Budget(0, STEPS), time.process_time)
    carrying = Carrying(volumes, CARRIED)
    carrying.at(0.0)
    trainer.fit(carrying.then(lambda progress, share: True))
    return Learned(method, plan, classes, device, trainer.progress.elapsed)


def _as_of(trial: Trial, case: CaseData) -> CaseData:
    return replace(case, label=structures(case.label, trial))


def structures(label: NDArray[np.uint8], trial: Trial) -> NDArray[np.uint8]:
    """``label`` (k, j, i) of an expert as the trial's: RARE, then the rest."""
    axis, organ = trial.axis, label > 0
    upper = np.arange(label.shape[axis]) >= np.quantile(np.flatnonzero(_shown(organ, axis)), 2 / 3)
    rare = label == RARE if label.max() > 1 else organ & _along(upper, axis)
    found = np.where(rare, RARE, 2 * organ).astype(np.uint8)
    if trial.quarters:
        for step, across in enumerate(other for other in (2, 1, 0) if other != axis):
            middle = np.median(np.nonzero(found > RARE)[across])
            found += ((found > RARE) & _along(np.arange(label.shape[across]) > middle, across)) * np.uint8(1 + step)
    return found


def places(truth: NDArray[np.uint8], axis: int, number: int) -> list[SliceIndex]:
    """The slices of the ``number``-th scan that are drawn."""
    free = ~_shown(truth == RARE, axis)
    chosen = spread_slices(truth * _along(free, axis), SLICES, axis, varied_offset(number))
    return chosen + ([] if number else spread_slices(truth == RARE, 1, axis))


def cut_off(case: CaseData, axis: int) -> CaseData:
    """``case`` up to where the rare structure, which lies at its upper end, begins."""
    end = np.flatnonzero(_shown(case.label == RARE, axis))[0]
    image, label = (np.ascontiguousarray(np.moveaxis(np.moveaxis(values, axis, 0)[:end], 0, axis))
                    for values in (case.image, case.label))
    return replace(case, image=image, label=label, grid=replace(case.grid, shape=image.shape))


def _shown(mask: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """(side,) on which slices along ``axis`` anything is."""
    return np.asarray(mask.any(tuple(other for other in range(3) if other != axis)))


def _along(line: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    return line.reshape([-1 if other == axis else 1 for other in range(3)])


def table(found: list[Row]) -> str:
    """Markdown: means over the seeds, and what is gained over the first way, seed by seed."""
    lines = ["| trial | way | rare | common | taken for rare where it is not | gained: rare | common | s |",
             "|---|---|---|---|---|---|---|---|"]
    for name in TRIALS:
        for way in SAMPLERS:
            rows = [row for row in found if (row.trial, row.way) == (name, way)]
            if rows:
                before = {row.seed: row for row in found if (row.trial, row.way) == (name, next(iter(SAMPLERS)))}
                lines.append(f"| {name} | {way} | {_words(rows, before)} |")
    return "\n".join(lines)


def _words(rows: Sequence[Row], before: Mapping[int, Row]) -> str:
    means = [f"{np.mean([getattr(row, key) for row in rows]):.3f}" for key in ("rare", "common", "false")]
    gained = [", ".join(f"{getattr(row, key) - getattr(before[row.seed], key):+.3f}" for row in rows
                        if before.get(row.seed, row) is not row) for key in ("rare", "common")]
    return " | ".join([*means, *gained, f"{np.median([row.seconds for row in rows]):.0f}"])


def ways(name: str) -> list[str]:
    """Of which a trial has rows: where the organ is seen whole, it does not matter where in it a patch is aimed."""
    return [way for way in SAMPLERS if way != "volumes" or TRIALS[name].patch is not None]


def main() -> None:
    """See the module."""
    torch.set_num_threads(1)
    protocols = {name: ORGANS[trial.organ].protocol for name, trial in TRIALS.items()}
    Comparison(FILE, protocols, ways, lambda row: row.way, run, table).command(__doc__)


if __name__ == "__main__":
    main()
