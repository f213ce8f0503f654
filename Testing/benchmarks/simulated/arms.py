"""What a simulated clinician does in a round: which slices are judged, and what that costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from SemiSegLogic.engine.selection import DEFAULT, next_slices, profile, seed_of
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import AnnotatedSlice, all_slices
from SemiSegLogic.study.first_slices import first_slices, overview
from Testing.benchmarks.simulated.pool import Pool, Trained
from Testing.support.annotator import Effort, judge

BEGUN = "2026-01-01T00:00:00+00:00"  # no time passes


class Arm(ABC):
    """A way of working: ``sizes`` slices, or volumes, in each round. ``seed`` fixes every draw."""

    sizes: tuple[int, ...]
    method = "supervised"
    views = False  # whether its proposals, and what is measured, are averaged over several views

    def __init__(self, pool: Pool, name: str, seed: int, pace_s: float):
        self.pool, self.name, self.seed, self.pace_s = pool, name, seed, pace_s
        self.chance = np.random.default_rng(seed)

    @property
    def starts_from_images(self) -> bool:
        """Whether its first slices are those that the images suggest."""
        return False

    @abstractmethod
    def work(self, number: int, model: Trained | None) -> Effort:
        """Judge the slices of round ``number`` with the help of the model so far."""


class Slices(Arm):
    """A few slices at a time where the strategy named ``name`` says; the first, one after the other, where the images
    alone suggest (the arm ``random`` draws those at random too). The model's proposal is corrected where it is wrong.
    Predicted from several views, as the product does.
    """

    sizes = (6, 3, 3, 4, 8)
    views = True

    def __init__(self, pool: Pool, name: str, seed: int, pace_s: float):
        super().__init__(pool, name, seed, pace_s)
        self.before: dict[str, NDArray[np.uint8]] = {}
        self.strategy = name.split(",")[0]

    @property
    def starts_from_images(self) -> bool:
        """See Arm."""
        return self.strategy != "random"

    def work(self, number: int, model: Trained | None) -> Effort:
        """See the class."""
        shown: dict[str, NDArray[np.uint8]] = {}
        if self.strategy == "random":
            chosen = self._anywhere(self.sizes[number])
        elif model is None:
            chosen = self._first(self.sizes[number])
        else:
            chosen = self._next(model, number, shown)
        if model is not None:
            unseen = [case for case, _ in chosen if case not in shown]
            shown |= {case: self.pool.maps(model, case, views=self.views).label for case in unseen}
        effort = Effort()
        for case, place in chosen:
            truth = self.pool.cases[case].truth
            effort += judge(truth, shown.get(case), place, self.pace_s)
            self.pool.put(case, [place], truth)
        return effort

    def _anywhere(self, count: int) -> list[tuple[str, SliceIndex]]:
        open_slices = [
            (case, place) for case, example in self.pool.cases.items()
            for place in all_slices(example.grid.shape, self.pool.axis) if place not in self.pool.judged[case]
        ]
        return [open_slices[n] for n in self.chance.choice(len(open_slices), count, replace=False)]

    def _first(self, count: int) -> list[tuple[str, SliceIndex]]:
        views = {case: overview(example.image, self.pool.axis) for case, example in self.pool.cases.items()}
        grids = {case: example.grid for case, example in self.pool.cases.items()}
        judged: dict[str, list[AnnotatedSlice]] = {}
        for _ in range(count):
            item = first_slices(views, grids, judged, 1)[0]
            drawn = np.take(self.pool.cases[item.case].truth, item.place.index, item.place.axis).any()
            judged.setdefault(item.case, []).append(AnnotatedSlice(
                item.place.axis, item.place.index, "drawn" if drawn else "empty", "expert", BEGUN,
            ))
        return [(case, item.place) for case, items in judged.items() for item in items]

    def _next(self, model: Trained, number: int, shown: dict[str, NDArray[np.uint8]]) -> list[tuple[str, SliceIndex]]:
        profiles = []
        for case in self.pool.cases:
            maps = self.pool.maps(model, case, self.before.get(case), self.views)
            self.before[case] = shown[case] = maps.label
            profiles.append(profile(maps, self.pool.axis, tuple(self.pool.names)))
        seed = seed_of(f"{self.strategy}-{self.seed}", number)
        found = next_slices(profiles, self.pool.names, self.strategy, seed, self.sizes[number])
        return [(item.case, item.place) for item in found]


class WholeVolumes(Arm):
    """Every slice of the next volume, drawn at random: what MONAI Label does by default. Slices without the organ cost
    nothing here, which is in its favour.
    """

    sizes = (1,) * 5

    def work(self, number: int, model: Trained | None) -> Effort:
        """See the class."""
        effort = Effort()
        for case in self._volumes(self.sizes[number]):
            truth = self.pool.cases[case].truth
            shown = self.pool.maps(model, case).label if model is not None else None
            places = all_slices(truth.shape, self.pool.axis)
            for place in places:
                if np.take(truth, place.index, place.axis).any():
                    effort += judge(truth, shown, place, self.pace_s)
            self.pool.put(case, places, truth)
        return effort

    def _volumes(self, count: int) -> list[str]:
        free = [case for case, places in self.pool.judged.items() if not places]
        return [free[n] for n in self.chance.choice(len(free), count, replace=False)]


class FilledVolumes(WholeVolumes):
    """Every fourth slice of the next volume is drawn, and those between are filled by shape-based interpolation (Raya
    and Udupa 1990); training then takes the whole filled volume for judged.
    """

    every = 4

    def work(self, number: int, model: Trained | None) -> Effort:
        """See the class."""
        effort = Effort()
        for case in self._volumes(self.sizes[number]):
            truth = self.pool.cases[case].truth
            places = every_nth(truth, self.pool.axis, self.every)
            effort += sum((judge(truth, None, place, self.pace_s) for place in places), Effort())
            self.pool.put(case, all_slices(truth.shape, self.pool.axis), filled(truth, places))
        return effort


class SparselyFilledVolumes(FilledVolumes):
    """The same with every eighth slice: three or four of a hippocampus."""

    every = 8


def every_nth(truth: NDArray[np.uint8], axis: int, step: int) -> list[SliceIndex]:
    """The organ's first slice, its last, and evenly spaced ones between, at most ``step`` apart."""
    shown = np.flatnonzero(truth.any(tuple(a for a in range(3) if a != axis)))
    count = -(-(shown[-1] - shown[0]) // step) + 1
    return [SliceIndex(axis, int(n)) for n in np.unique(np.linspace(shown[0], shown[-1], count).round())]


def filled(truth: NDArray[np.uint8], places: list[SliceIndex]) -> NDArray[np.uint8]:
    """``truth`` on ``places``, background beyond them, and between two of them the structure whose signed distance to
    its outline, interpolated, is largest and inside.
    """
    axis = places[0].axis
    known = np.moveaxis(truth, axis, 0)
    label = np.zeros_like(known)
    values = [int(value) for value in np.unique(truth) if value]
    for low, high in pairwise(places):
        ends = [_depths(known[low.index] == value, known[high.index] == value) for value in values]
        for index in range(low.index, high.index + 1):
            share = (index - low.index) / (high.index - low.index)
            depth = np.stack([(1 - share) * first + share * last for first, last in ends])
            label[index] = np.where(depth.max(0) > 0, np.array(values, np.uint8)[depth.argmax(0)], 0)
    return np.moveaxis(label, 0, axis)


def _depths(first: NDArray[np.bool_], last: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Signed distances (a, b) to the outline in voxels, positive inside. A structure that only one of the two shows
    ends half-way to the other.
    """
    inside = [
        np.asarray(distance_transform_edt(mask) - distance_transform_edt(~mask)) if mask.any() else None
        for mask in (first, last)
    ]
    a, b = inside
    if a is None and b is None:
        return np.full(first.shape, -1.0), np.full(first.shape, -1.0)
    if a is None:
        assert b is not None
        return np.full(first.shape, -b.max()), b
    return a, np.full(first.shape, -a.max()) if b is None else b


class OurLoop(Slices):
    """What we suggest to do: the default strategy, and a method that learns from the unlabelled volumes too."""

    method = "mean_teacher"


ARMS: dict[str, type[Arm]] = {
    f"{DEFAULT}, our loop": OurLoop, "whole volumes": WholeVolumes, "clasp_pe": Slices, "strided": Slices,
    "entropy": Slices, "random": Slices, "disagreement": Slices, "filled between": FilledVolumes,
    "filled between eighths": SparselyFilledVolumes,
}
