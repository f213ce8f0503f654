"""Cases with structures in several pieces, of which no data set is at hand: made from those of another data set."""

from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from Testing.benchmarks.runner.definitions.datasets import CaseData, Collection

SPOT, ORGAN = 1, 2


class Pairs(Collection):
    """Every volume beside its mirror image: paired organs, as both hippocampi are."""

    def case(self, name: str) -> CaseData:
        """Twice as wide."""
        found = super().case(name)
        image, label = (np.concatenate([array, array[..., ::-1]], -1) for array in (found.image, found.label))
        sides = found.grid.shape
        return replace(found, image=image, label=label, grid=replace(found.grid, shape=(*sides[:2], 2 * sides[2])))


class Spots(Collection):
    """Noise with an organ (2) and four to nine spots (1) of 2 to 5 voxels' radius in and around it; half as many
    look-alikes of either, fainter or too small. Only the grids are those of the data set.
    """

    def case(self, name: str) -> CaseData:
        """The same again for the same name."""
        grid, random = super().case(name).grid, np.random.default_rng(zlib.crc32(name.encode()))
        shape, label = np.array(grid.shape), np.zeros(grid.shape, np.uint8)
        image = ndimage.gaussian_filter(random.normal(size=grid.shape), 1.0)
        label[_ball(grid.shape, shape / 2 + random.normal(0, 2, 3), shape.min() / 3)] = ORGAN
        image += 0.6 * (label == ORGAN)
        for _ in range(random.integers(4, 10)):
            spot = _ball(grid.shape, random.uniform(0.15, 0.85, 3) * shape, random.uniform(2, 5))
            label[spot] = SPOT
            image[spot] += 1.2
        for _ in range(3):
            image[_ball(grid.shape, random.uniform(0, 1, 3) * shape, random.uniform(1, 4))] += 0.6
        return CaseData(name, image.astype(np.float32), label, grid)


def _ball(shape: tuple[int, ...], centre: NDArray[np.float64], radius: float) -> NDArray[np.bool_]:
    places = np.indices(shape).transpose(1, 2, 3, 0)
    found: NDArray[np.bool_] = ((places - centre) ** 2).sum(-1) < radius**2
    return found
