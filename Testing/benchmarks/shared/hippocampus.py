"""The sample study in memory, for benchmarks: some volumes annotated, some not, sixty held out to measure on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes, Volume, class_prior, load_volume, set_label
from SemiSegLogic.engine.hardware.device import Device, choose
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.training.checkpoint import warm_start
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.geometry import Grid, SliceIndex, planes_of, sparse_label
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Task
from SemiSegLogic.report import dice
from SemiSegLogic.sample import SampleCase, find, list_cases, read_reference, split, spread_slices
from SemiSegLogic.sample import choose as choose_cases
from SemiSegLogic.sample.slices import broadest_axis, varied_offset
from SemiSegLogic.study import all_slices, read_image

Label = tuple[np.ndarray, list[SliceIndex]]


class Hippocampus:
    """``annotated`` volumes with ``slices`` judged slices each (0: all of them) and ``unlabelled`` ones, drawn by
    ``seed`` from the pool; the sixty held out are never shown to training.
    """

    def __init__(self, data: Path | None, seed: int, annotated: int, slices: int, unlabelled: int):
        self.device: Device = choose("cpu")
        pool, held = split(list_cases(find(data, network=False, phantoms=False).folder)[0])
        chosen = choose_cases(pool, annotated + unlabelled, seed)
        labels = {
            case.name: label_of(case, slices, number)
            for number, case in enumerate(choose_cases(chosen, annotated, seed))
        }
        images = {case.name: read_image(case.image) for case in (*chosen, *held)}
        drawn = {name: planes_of(*label) for name, label in labels.items()}
        facts = [CaseFacts.of(images[case.name][1], drawn.get(case.name, {})) for case in chosen]
        self.classes = Classes([1, 2])
        self.plan: Plan = make_plan(facts, ["anterior", "posterior"], self.device)
        self.volumes = [self._volume(case.name, *images[case.name]) for case in chosen]
        for volume in self.volumes:
            if volume.name in labels:
                set_label(volume, *labels[volume.name], self.classes)
        self.held = [(self._volume(case.name, *images[case.name]), read_reference(case.reference)) for case in held]
        self.task = Task(1, 3, 3, self.plan.patch, self.plan.network, class_prior(self.volumes, 3))

    def _volume(self, name: str, image: np.ndarray, grid: Grid) -> Volume:
        return load_volume(name, image, grid, self.plan, self.device.torch)

    def train(
        self, name: str, settings: dict[str, object], budget: Budget, start: Method | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> tuple[Method, Trainer]:
        """Method ``name`` trained for ``budget`` by ``clock``, from the networks of ``start``."""
        method = make(name, settings, self.task)
        if start is not None:
            warm_start(method, start.predictor().state_dict())
        trainer = Trainer(method, Sampler(self.volumes, self.plan), self.device, budget, clock)
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


def label_of(case: SampleCase, slices: int, number: int) -> Label:
    """The label that training may see of the ``number``-th annotated volume."""
    whole = read_reference(case.reference)
    places = spread_slices(whole, slices, offset=varied_offset(number)) if slices else list(
        all_slices(whole.shape, broadest_axis(whole))
    )
    return sparse_label(whole, places), places


def seeded(seed: int) -> None:
    """One thread of chance for everything that follows."""
    torch.manual_seed(seed)
