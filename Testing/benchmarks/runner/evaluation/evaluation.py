"""Predicting the test cases and measuring them in both modes; case by case, so that it can be interrupted too."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SemiSegLogic.engine.data.volumes import Volume
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.geometry import Shape
from SemiSegLogic.methods.base import Method

from ..data.training_set import TrainingSet
from ..definitions.checked import BenchmarkError
from ..definitions.datasets import CaseData
from ..definitions.recipe import Recipe
from .metrics import clinical, legacy
from .postprocessing import as_ellipses, heaviest_piece, largest_piece

COLUMNS = ("dice", "hd95_mm", "assd_mm", "surface_dice_1mm", "surface_dice_2mm",
           "legacy_dice", "legacy_jaccard", "legacy_hd95", "legacy_asd")
Scores = dict[str, list[float | None]]
"""Structure value -> the numbers of COLUMNS."""


class Evaluation:
    """Predicts with the ``members`` that were trained on the set ``taught`` as ``recipe`` says, and those of
    ``beside``, which see other voxels.
    """

    def __init__(
        self, taught: TrainingSet, members: Sequence[Method], recipe: Recipe, beside: Evaluation | None = None
    ):
        self.taught, self.recipe, self.beside = taught, recipe, beside
        self.networks = [method.predictor().eval() for method in members]

    def scores(self, case: CaseData) -> Scores:
        """All numbers of ``case``, on its own full grid."""
        found = self.label(case)
        return {str(value): measure(found == value, case.label == value, case.grid.spacing)
                for value in self.taught.classes.values[1:]}

    def label(self, case: CaseData) -> NDArray[np.uint8]:
        """The predicted structure values (k, j, i)."""
        volume = self.taught.unseen(case)
        shares = self._with_beside(case, volume, self._probabilities(volume))
        label = self.taught.classes.to_value(volume.to_array(shares.argmax(0).to(torch.uint8)))
        if self.recipe.surest:
            label = heaviest_piece(label, self._by_structure(volume, shares))
        elif self.recipe.largest:
            label = largest_piece(label, self.taught.classes.values[1:])
        return as_ellipses(label, self.taught.classes.values[1:]) if self.recipe.ellipses else label

    def _with_beside(self, case: CaseData, volume: Volume, shares: Tensor) -> Tensor:
        """``shares`` (K,D,H,W) of the members averaged with those of the members beside them."""
        if self.beside is None:
            return shares
        own, other = len(self.networks), len(self.beside.networks)
        return (own * shares + other * self.beside._probabilities(self.beside.taught.unseen(case))) / (own + other)

    def _by_structure(self, volume: Volume, shares: Tensor) -> dict[int, NDArray[np.generic]]:
        """Structure value -> its share of ``shares`` (K,D,H,W), (k, j, i) float32."""
        return {value: volume.to_array(share)
                for value, share in zip(self.taught.classes.values[1:], shares[1:], strict=True)}

    @torch.no_grad()
    def _probabilities(self, volume: Volume) -> Tensor:
        """(K,D,H,W): the mean over members and mirror images."""
        axes = _mirrors(self._mirror_axis(volume)) if self.recipe.flips else [()]
        maps = []
        for network, flips in product(self.networks, axes):
            turned = _mirrored(volume, flips)
            maps.append(torch.flip(self._of(network, turned), flips) if flips else self._of(network, turned))
        return torch.stack(maps).mean(0)

    def _of(self, network: nn.Module, volume: Volume) -> Tensor:
        if self.recipe.stride is None:
            return Predictor(network, self.taught.plan, self.taught.device).probabilities(volume)
        if self.taught.plan.scale(volume.spacing) != (1.0, 1.0, 1.0):
            raise BenchmarkError(f"Recipe {self.recipe.name} slides windows, which needs volumes at its spacing.")

        def run(image: Tensor) -> Tensor:
            with self.taught.device.arithmetic():
                return torch.softmax(network(image).float(), 1)

        d, h, w = self.recipe.stride
        return windows(run, volume.image[None].to(volume.device).float(), self.taught.plan.patch, (d, h, w))

    def _mirror_axis(self, volume: Volume) -> int | None:
        """The axis from right to left, where training mirrored it too."""
        axis = volume.turn.sources.index(volume.grid.orientation().sources[2])
        return axis if self.taught.plan.mirror and (self.taught.plan.dims == 3 or axis > 0) else None


def measure(
    found: NDArray[np.bool_], true: NDArray[np.bool_], spacing: tuple[float, float, float]
) -> list[float | None]:
    """The numbers of COLUMNS, rounded to six digits behind the point."""
    a, b = clinical(found, true, spacing), legacy(found, true)
    numbers = [a.dice, a.hd95, a.assd, a.surface_dice_1mm, a.surface_dice_2mm, b.dice, b.jaccard, b.hd95, b.asd]
    return [None if number is None else round(number, 6) for number in numbers]


def windows(run: Callable[[Tensor], Tensor], image: Tensor, patch: Shape, stride: Shape) -> Tensor:
    """(K,D,H,W): the plain mean of ``run``'s probabilities over windows of ``patch`` at ``stride`` voxels, the last one
    of each axis at the border, as the papers' evaluation does; a smaller ``image`` (1,1,D,H,W) is padded with zeros.
    """
    sides = image.shape[2:]
    pads = [max(0, wanted - side) for wanted, side in zip(patch, sides, strict=True)]
    before = [pad // 2 for pad in pads]
    both = [(start, pad - start) for start, pad in zip(before, pads, strict=True)]
    wide = nn.functional.pad(image, [side for pair in reversed(both) for side in pair])
    total, count = None, torch.zeros(wide.shape[2:], device=image.device)
    starts = [_starts(n, p, s) for n, p, s in zip(wide.shape[2:], patch, stride, strict=True)]
    for corner in product(*starts):
        place = tuple(slice(c, c + p) for c, p in zip(corner, patch, strict=True))
        shares = run(wide[(slice(None), slice(None), *place)])[0]
        if total is None:
            total = torch.zeros(len(shares), *wide.shape[2:], device=image.device)
        total[(slice(None), *place)] += shares
        count[place] += 1
    assert total is not None
    inner = tuple(slice(start, start + side) for start, side in zip(before, sides, strict=True))
    return (total / count)[(slice(None), *inner)]


def _starts(side: int, patch: int, stride: int) -> list[int]:
    return sorted({*range(0, side - patch, stride), side - patch})


def _mirrors(axis: int | None) -> list[tuple[int, ...]]:
    """Nothing, and the axis of a (K,D,H,W) map."""
    return [()] if axis is None else [(), (axis + 1,)]


def _mirrored(volume: Volume, flips: tuple[int, ...]) -> Volume:
    if not flips:
        return volume
    return dataclasses.replace(volume, image=torch.flip(volume.image, flips))
