"""From a model to suggestions in the job folder: labels, uncertainty, and the slices to look at next."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from ..engine.data.volumes import Volume
from ..engine.prediction.predict import Predictor
from ..engine.quality import FlagRule, looks_of
from ..engine.selection import DEFAULT, CaseMaps, Profile, drawing_axis, next_slices, profile, seed_of
from ..geometry import SliceIndex
from ..naming import counted
from .data import Data
from .model import Model
from .pace import Pace
from .workplace import Workplace


class Suggester:
    """Predicts cases and hands the results to the job. ``strategy`` names a way to choose slices (see
    engine/selection/strategies.py).
    """

    def __init__(self, workplace: Workplace, data: Data, strategy: str = DEFAULT):
        self.job, self.device, self.reporter = workplace.job, workplace.device, workplace.reporter
        self.data, self.strategy = data, strategy
        self.flag_rule, self.pace = FlagRule(), Pace()
        self.one_piece: tuple[int, ...] = ()
        self._profiles: dict[str, Profile] = {}

    def follow(self, model: Model) -> None:
        """From now on flag, and leave out fragments, as was learned with ``model``."""
        self.flag_rule, self.one_piece = model.flag_rule, model.one_piece

    def open_case(self, network: nn.Module) -> None:
        """Refresh the case on the person's screen, if there is one."""
        case = self.job.opened()
        if case is not None:
            self.case(case, network)

    def case(self, name: str, network: nn.Module) -> None:
        """Refresh one case and note its slices worth a look; :meth:`put_ranking` tells of them."""
        maps = self._suggest(name, Predictor(network, self.data.plan, self.device))
        axis = _array_axis(self.data.volumes[name], self._axis())
        self._profiles[name] = profile(maps, axis, self.data.classes.values[1:])

    def put_ranking(self) -> None:
        """Write the slices worth a look of all cases seen so far, best first: again the same while no label comes in,
        other ones after that.
        """
        profiles = [self._as_judged_now(item) for item in self._profiles.values()]
        seed = seed_of(self.job.root.name, self.data.labels_used)
        self.job.put_ranking([
            {"case": item.case, "axis": item.place.axis, "index": item.place.index, "score": round(item.score, 2),
             "reason": item.reason} for item in next_slices(profiles, self.data.names, self.strategy, seed)
        ])

    def all_cases(
        self, network: nn.Module, between: Callable[[], None] = lambda: None,
        later: Callable[[], float] = lambda: 0.0,
    ) -> bool:
        """Every case, the open one first; then the ranking of slices. ``network`` (B,1,D,H,W) -> logits (B,K,D,H,W).
        ``between`` is called before each: what should not wait until many large volumes are done. ``later()``
        so many seconds of the run come after it, as far as is known.

        A stop request is honoured before its patience ends: the rest keeps its earlier suggestions, and the answer is
        False.
        """
        opened, bar = self.job.opened(), self.reporter.status.fraction
        order = sorted(self.data.volumes, key=lambda name: name != opened)
        try:
            for number, name in enumerate(order):
                if self._out_of_time():
                    return False
                self._tell(number, order, bar, later())
                between()
                with self.pace.timing(self._voxels([name])):
                    self.case(name, network)
        finally:
            self.reporter.update(suggesting=0, to_suggest=0)
        self.put_ranking()
        self.reporter.update(first_mask=True)
        return True

    def seconds_of_all(self) -> float:
        """That suggesting every case will take, as far as is known."""
        return self.pace.seconds(self._voxels(self.data.volumes)) or 0.0

    def _tell(self, number: int, order: list[str], bar: float, later: float) -> None:
        """That the case ``number`` of ``order`` is next. The bar, which stood at ``bar``, goes on only where nothing
        comes ``later``.
        """
        left = self.pace.seconds(self._voxels(order[number:]))
        done = self._voxels(order[:number]) / self._voxels(order)
        self.reporter.update(
            message=f"Suggesting: {number + 1} of {counted(len(order), 'volume')}.",
            suggesting=number + 1, to_suggest=len(order),
            seconds_left=None if left is None else left + later, fraction=bar if later else bar + (1 - bar) * done)

    def _voxels(self, names: Iterable[str]) -> int:
        return sum(math.prod(self.data.volumes[name].shape) for name in names)

    def _suggest(self, name: str, predictor: Predictor) -> CaseMaps:
        volume = self.data.volumes[name]
        prediction = predictor.predict(volume, self.data.classes, self.one_piece)
        earlier = self._earlier(name)
        n = self.job.put_result(name, prediction.label, prediction.uncertainty)
        undrawn = [value for value in self.flag_rule.undrawn if (prediction.label == value).any()]
        flag = self.flag_rule.flag(looks_of(prediction.label, prediction.uncertainty), undrawn)
        status = self.reporter.status
        self.reporter.update(results={**status.results, name: n}, flags={**status.flags, name: flag})
        return CaseMaps(
            name, prediction.label, prediction.uncertainty, volume.grid, _array_slices(volume), prediction.second,
            earlier,
        )

    def _earlier(self, name: str) -> NDArray[np.uint8] | None:
        """The label that this run suggested before, where the strategy compares the two."""
        result = self.job.result(name) if self.strategy == "disagreement" else None
        return result.label if result is not None else None

    def _axis(self) -> int:
        """The axis of the engine's order along which people drew most: the same view of every patient."""
        return drawing_axis(place for volume in self.data.volumes.values() for place in volume.slices)

    def _as_judged_now(self, item: Profile) -> Profile:
        """Labels may have come in since the case was predicted."""
        judged = tuple(place.index for place in _array_slices(self.data.volumes[item.case]) if place.axis == item.axis)
        return replace(item, judged=judged)

    def _out_of_time(self) -> bool:
        return self.job.stop_overdue(margin_s=5.0)


def _array_slices(volume: Volume) -> tuple[SliceIndex, ...]:
    return tuple(volume.turn.slice_to_array(place, volume.grid.shape) for place in volume.slices)


def _array_axis(volume: Volume, axis: int) -> int:
    """The axis of the case's own array that lies along ``axis`` of the engine's order; a single image has only one."""
    shape = volume.grid.shape
    return shape.index(1) if shape.count(1) == 1 else volume.turn.sources[axis]
