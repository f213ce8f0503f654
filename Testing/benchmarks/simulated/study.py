"""One simulated study in memory: what is drawn in it, by its number, and what held-out cases tell of a network."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from SemiSegLogic.engine.data.volumes import Classes, Volume, load_volume, set_label
from SemiSegLogic.engine.hardware.device import choose
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.quality import looks_of
from SemiSegLogic.geometry import Grid, SliceIndex, planes_of, sparse_label
from SemiSegLogic.job import JobCase, JobSpec, JobStructure
from SemiSegLogic.report import dice
from SemiSegLogic.runner.data import Data
from SemiSegLogic.sample import SampleCase, find, list_cases, read_reference, split, spread_slices
from SemiSegLogic.sample import choose as choose_cases
from SemiSegLogic.settings import Training
from SemiSegLogic.study import read_image

STRUCTURES = {"both": ("anterior", "posterior"), "anterior": ("anterior",), "posterior": ("posterior",),
              "whole": ("hippocampus",)}
MEASURED_ON = 30
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
        facts = [CaseFacts.of(grid, planes_of(*label) if label else {})
                 for (_, grid), label in zip(images, labels, strict=True)]
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
