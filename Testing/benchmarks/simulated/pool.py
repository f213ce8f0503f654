"""Cases for the simulated clinician: a pool to learn from whose expert labels only the annotator sees, and held-out
cases to measure on; with training and prediction in memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.volumes import Classes, Volume, class_prior, load_volume, set_label
from SemiSegLogic.engine.hardware.device import Device, choose
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.engine.prediction.averaging import ViewAveraged
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.quality import measure
from SemiSegLogic.engine.selection import CaseMaps
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.geometry import SliceIndex, planes_of, sparse_label
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Task
from SemiSegLogic.report import dice
from SemiSegLogic.sample.slices import broadest_axis
from SemiSegLogic.settings.recommended import ZOOMS
from Testing.benchmarks.simulated.sets import Example


@dataclass(frozen=True)
class Trained:
    """``method`` as it was trained at ``plan``; ``one_piece`` the values of structures whose fragments are left out."""

    method: Method
    plan: Plan
    one_piece: tuple[int, ...] = ()


class Pool:
    """What the clinician's computer does: holds volumes, learns from judged slices, proposes.

    Slices are drawn along ``axis``, the one whose slices show most of the organ in most cases.
    """

    def __init__(self, cases: list[Example], held: list[Example], names: Mapping[int, str]):
        self.device: Device = choose("cpu")
        self.names, self.classes = dict(names), Classes(list(names))
        axes = [broadest_axis(case.truth) for case in cases]
        self.axis = max(range(3), key=axes.count)
        self.cases, self._held_cases = {case.name: case for case in cases}, held
        self.judged: dict[str, list[SliceIndex]] = {case.name: [] for case in cases}
        self._labels: dict[str, NDArray[np.uint8]] = {}
        self.plan = self._planned()
        self._load()

    @property
    def pixel_mm(self) -> float:
        """Median side of a pixel of the slices that are drawn."""
        sides = [side for case in self.cases.values() for a, side in enumerate(case.grid.spacing) if a != self.axis]
        return float(np.median(sides))

    def put(self, name: str, places: list[SliceIndex], label: NDArray[np.uint8]) -> None:
        """Slices of ``label`` (k, j, i) are judged from now on, beside those judged before."""
        self.judged[name] = sorted({*self.judged[name], *places})
        self._labels[name] = label
        self._set(name)

    def train(self, method: str, steps: int) -> Trained:
        """Learn from all that is judged, from nothing, as the product plans it and with what it leaves out."""
        self._see(self._planned())
        volumes = list(self.volumes.values())
        prior = class_prior(volumes, len(self.classes))
        task = Task(1, len(self.classes), self.plan.dims, self.plan.patch, self.plan.network, prior)
        fresh = make(method, {}, task)
        Trainer(fresh, Sampler(volumes, self.plan), self.device, Budget(0, steps)).fit(lambda progress, share: True)
        predictor = Predictor(fresh.predictor(), self.plan, self.device)
        found = measure(predictor.parts, volumes, len(self.classes), may_leave_out=True)
        return Trained(fresh, self.plan, self.classes.values_of(found.one_piece))

    def maps(
        self, model: Trained, name: str, before: NDArray[np.uint8] | None = None, views: bool = False
    ) -> CaseMaps:
        """What is suggested for a case."""
        predictor, volume = self._predictor(model, views), self.volumes[name]
        found = predictor.predict(volume, self.classes, model.one_piece)
        judged = tuple(self.judged[name])
        return CaseMaps(name, found.label, found.uncertainty, volume.grid, judged, found.second, before)

    def dice(self, model: Trained, views: bool = False) -> list[float]:
        """Mean Dice of each structure over the held-out cases, from one view of each or averaged over several."""
        predictor, values = self._predictor(model, views), list(self.names)
        found = []
        for volume, truth in self._held:
            label = predictor.predict(volume, self.classes, model.one_piece).label
            found.append([dice(label == value, truth == value) for value in values])
        return [float(value) for value in np.nanmean(np.array(found, float), axis=0).round(4)]

    def _planned(self) -> Plan:
        """By what is judged; before the first slice, by the view that is drawn in."""
        drawn = {name: planes_of(label, self.judged[name]) for name, label in self._labels.items()}
        facts = [CaseFacts.of(case.grid, drawn[name]) if name in drawn else CaseFacts(case.grid, self._none_yet(case))
                 for name, case in self.cases.items()]
        return make_plan(facts, list(self.names.values()), self.device)

    def _none_yet(self, case: Example) -> tuple[SliceIndex, ...]:
        return () if self._labels else (SliceIndex(self.axis, case.grid.shape[self.axis] // 2),)

    def _see(self, plan: Plan) -> None:
        """Bring every volume to ``plan``, where it is another one than before."""
        if plan != self.plan:
            self.plan = plan
            self._load()

    def _load(self) -> None:
        self.volumes = {name: self._volume(case) for name, case in self.cases.items()}
        self._held = [(self._volume(case), case.truth) for case in self._held_cases]
        for name in self._labels:
            self._set(name)

    def _set(self, name: str) -> None:
        places = self.judged[name]
        set_label(self.volumes[name], sparse_label(self._labels[name], places), places, self.classes)

    def _volume(self, case: Example) -> Volume:
        return load_volume(case.name, case.image, case.grid, self.plan, self.device.torch)

    def _predictor(self, model: Trained, views: bool) -> Predictor:
        """As the product predicts: from mirror images and three sizes where there are ``views``."""
        self._see(model.plan)
        network: torch.nn.Module = model.method.predictor()
        if views:
            volume = next(iter(self.volumes.values()))
            axis = volume.turn.sources.index(volume.grid.orientation().sources[2])
            swapped = self.plan.mirror and not (self.plan.dims == 2 and axis == 0)
            network = ViewAveraged(network, axis if swapped else None, ZOOMS, self.plan.dims == 2).eval()
        return Predictor(network, self.plan, self.device)
