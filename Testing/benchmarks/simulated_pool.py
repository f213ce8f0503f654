"""Cases for the simulated clinician: a pool to learn from whose expert labels only the annotator sees, and held-out
cases to measure on; with training and prediction in memory.
"""

from __future__ import annotations

from collections.abc import Mapping

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
from SemiSegLogic.engine.selection import CaseMaps
from SemiSegLogic.engine.training.trainer import Budget, Trainer
from SemiSegLogic.geometry import SliceIndex, sparse_label
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Method, Task, entropy
from SemiSegLogic.report import dice
from SemiSegLogic.sample.slices import broadest_axis
from SemiSegLogic.settings.recommended import ZOOMS
from Testing.benchmarks.simulated_sets import Example


class Pool:
    """What the clinician's computer does: holds volumes, learns from judged slices, proposes.

    Slices are drawn along ``axis``, the one whose slices show most of the organ in most cases.
    """

    def __init__(self, cases: list[Example], held: list[Example], names: Mapping[int, str]):
        self.device: Device = choose("cpu")
        self.names, self.classes = dict(names), Classes(list(names))
        axes = [broadest_axis(case.truth) for case in cases]
        self.axis = max(range(3), key=axes.count)
        facts = [CaseFacts(case.grid, (SliceIndex(self.axis, case.grid.shape[self.axis] // 2),)) for case in cases]
        self.plan: Plan = make_plan(facts, list(names.values()), self.device)
        self.cases = {case.name: case for case in cases}
        self.volumes = {case.name: self._volume(case) for case in cases}
        self.judged: dict[str, list[SliceIndex]] = {case.name: [] for case in cases}
        self._held = [(self._volume(case), case.truth) for case in held]

    @property
    def pixel_mm(self) -> float:
        """Median side of a pixel of the slices that are drawn."""
        sides = [side for case in self.cases.values() for a, side in enumerate(case.grid.spacing) if a != self.axis]
        return float(np.median(sides))

    def _volume(self, case: Example) -> Volume:
        return load_volume(case.name, case.image, case.grid, self.plan, self.device.torch)

    def put(self, name: str, places: list[SliceIndex], label: NDArray[np.uint8]) -> None:
        """Slices of ``label`` (k, j, i) are judged from now on, beside those judged before."""
        self.judged[name] = sorted({*self.judged[name], *places})
        set_label(self.volumes[name], sparse_label(label, self.judged[name]), self.judged[name], self.classes)

    def train(self, method: str, steps: int) -> Method:
        """Learn from all that is judged, from nothing."""
        volumes = list(self.volumes.values())
        prior = class_prior(volumes, len(self.classes))
        task = Task(1, len(self.classes), self.plan.dims, self.plan.patch, self.plan.network, prior)
        fresh = make(method, {}, task)
        Trainer(fresh, Sampler(volumes, self.plan), self.device, Budget(0, steps)).fit(lambda progress, share: True)
        return fresh

    def maps(
        self, method: Method, name: str, before: NDArray[np.uint8] | None = None, views: bool = False
    ) -> CaseMaps:
        """What the model says of a case, judged slices included as the model sees them."""
        volume = self.volumes[name]
        shares = self._predictor(method, views).probabilities(volume)
        best = shares.argmax(0, keepdim=True)
        second = shares.scatter(0, best, -1.0).argmax(0)
        unsure = (entropy(shares[None])[0, 0] * 255).round()
        label, partner = (self.classes.to_value(volume.to_array(item)) for item in (best[0], second))
        doubt = volume.to_array(unsure.to(torch.uint8)).astype(np.uint8, copy=False)
        return CaseMaps(name, label, doubt, volume.grid, tuple(self.judged[name]), partner, before)

    def dice(self, method: Method, views: bool = False) -> list[float]:
        """Mean Dice of each structure over the held-out cases, from one view of each or averaged over several."""
        predictor, values = self._predictor(method, views), list(self.names)
        found = []
        for volume, truth in self._held:
            label = predictor.predict(volume, self.classes).label
            found.append([dice(label == value, truth == value) for value in values])
        return [float(value) for value in np.nanmean(np.array(found, float), axis=0).round(4)]

    def _predictor(self, method: Method, views: bool) -> Predictor:
        """As the product predicts: from mirror images and three sizes where there are ``views``."""
        network: torch.nn.Module = method.predictor()
        if views:
            volume = next(iter(self.volumes.values()))
            axis = volume.turn.sources.index(volume.grid.orientation().sources[2])
            swapped = self.plan.mirror and not (self.plan.dims == 2 and axis == 0)
            network = ViewAveraged(network, axis if swapped else None, ZOOMS, self.plan.dims == 2).eval()
        return Predictor(network, self.plan, self.device)
