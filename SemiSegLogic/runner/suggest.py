"""From a model to suggestions in the job folder: labels, uncertainty, and the slices to look at next."""

from __future__ import annotations

import time

from ..engine.device import Device
from ..engine.predict import Predictor
from ..engine.selection import Candidate, CaseMaps, candidates, drawing_axis, rank
from ..engine.volumes import Volume
from ..geometry import SliceIndex
from ..job import JobFolder
from ..methods.base import Method
from .data import Data
from .reporting import Reporter


class Suggester:
    """Predicts cases and hands the results to the job."""

    def __init__(self, job: JobFolder, data: Data, device: Device, reporter: Reporter):
        self.job, self.data, self.device, self.reporter = job, data, device, reporter

    def open_case(self, method: Method) -> None:
        """Refresh the case on the person's screen, if there is one."""
        case = self.job.spec().open_case
        if case is not None:
            self._suggest(case, Predictor(method.predictor(), self.data.plan, self.device))

    def all_cases(self, method: Method) -> None:
        """Every case, the open one first; then the ranking of slices.

        A stop request is honoured before its patience ends: the rest keeps its earlier suggestions.
        """
        predictor = Predictor(method.predictor(), self.data.plan, self.device)
        opened = self.job.spec().open_case
        order = sorted(self.data.volumes, key=lambda name: name != opened)
        axis = self._axis()
        found: list[list[Candidate]] = []
        for number, name in enumerate(order):
            if self._out_of_time():
                break
            self.reporter.update(message=f"Suggesting: {number + 1} of {len(order)} volumes.")
            maps = self._suggest(name, predictor)
            found.append(candidates(maps, axis if maps.label.shape[axis] > 1 else _flat_axis(maps), self.data.names))
        self._put_ranking(rank(found))
        self.reporter.update(first_mask=True)

    def _suggest(self, name: str, predictor: Predictor) -> CaseMaps:
        volume = self.data.volumes[name]
        prediction = predictor.predict(volume, self.data.classes)
        n = self.job.put_result(name, prediction.label, prediction.uncertainty)
        self.reporter.update(results={**self.reporter.status.results, name: n})
        return CaseMaps(name, prediction.label, prediction.uncertainty, volume.grid, _array_slices(volume))

    def _axis(self) -> int:
        """The array axis along which people drew most."""
        return drawing_axis(place for volume in self.data.volumes.values() for place in _array_slices(volume))

    def _put_ranking(self, ranked: list[Candidate]) -> None:
        self.job.put_ranking([
            {"case": item.case, "axis": item.place.axis, "index": item.place.index, "score": round(item.score, 2),
             "reason": item.reason} for item in ranked
        ])

    def _out_of_time(self) -> bool:
        deadline = self.job.stop_deadline()
        return deadline is not None and time.time() > deadline - 5


def _array_slices(volume: Volume) -> tuple[SliceIndex, ...]:
    return tuple(volume.turn.slice_to_array(place, volume.grid.shape) for place in volume.slices)


def _flat_axis(maps: CaseMaps) -> int:
    return maps.label.shape.index(1)
