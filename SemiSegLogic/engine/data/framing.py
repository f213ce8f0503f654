"""Where a patch lies in its volume: how it is placed, turned and anchored. Numbers only, no voxels.

Rules for sparse labels (a volume with a few judged slices):
(1) the patch is anchored on a judged slice, which lies on the sampling grid exactly: half-voxel centres would skip it;
(2) a sparsely judged volume is turned and stretched only within the plane of that slice;
(3) a coarser grid is anchored on it too;
(4) between two samples of a grid coarser than the volume itself all of it could lie unseen: there one of them is
    anchored on the very voxel that was to be looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ...geometry import Shape, SliceIndex, Triple

Item = TypeVar("Item")

ROTATION = math.radians(17)
STRETCH = 0.15
BLOCK = 24  # random numbers for one patch; no patch needs more than 19


@dataclass(frozen=True)
class View:
    """How a patch lies in its volume: voxel ``p`` of the patch is volume coordinate ``centre + matrix (p - middle)``.

    ``matrix`` (3, 3) and ``centre`` (3,) float64, in voxels of the volume; ``middle`` is (shape - 1) / 2.
    """

    matrix: NDArray[np.float64]
    centre: NDArray[np.float64]

    @property
    def straight_axis(self) -> int | None:
        """The first axis that the patch is not turned out of: the others do not depend on it, nor it on them."""
        turned = self.matrix != 0
        for axis in range(3):
            if turned[axis].sum() == turned[:, axis].sum() == 1 and turned[axis, axis]:
                return axis
        return None

    def thinned(self, thin: Shape) -> View:
        """The same view of a volume that keeps the mean of every ``thin`` voxels."""
        factor = np.array(thin, float)
        return View(self.matrix / factor[:, None], (self.centre - (factor - 1) / 2) / factor)

    def reach(self, shape: Shape) -> NDArray[np.float64]:
        """(3,) how far the patch of ``shape`` extends from its centre along each axis of the volume, in its voxels."""
        half = (np.array(shape) - 1) / 2
        return np.asarray(np.abs(self.matrix) @ half)


class Chance:
    """The chance of one patch: one block of numbers from torch's default generator, used up in order.

    So a saved generator state replays a run, and every patch costs one draw.
    """

    def __init__(self) -> None:
        self._numbers = iter(torch.rand(BLOCK, dtype=torch.float64).tolist())

    def share(self) -> float:
        """Uniform in [0, 1)."""
        return float(next(self._numbers))

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.share()

    def pick(self, items: Sequence[Item]) -> Item:
        """One of ``items``, all alike."""
        return items[int(self.share() * len(items))]


def augmentation(axes: tuple[int, ...], dims: int, left_right: int | None, chance: Chance) -> NDArray[np.float64]:
    """(3, 3) in millimetres: a rotation and stretch among ``axes`` only, perhaps mirrored along ``left_right``."""
    planes = [(1, 2)] if dims == 2 else [(a, b) for a in axes for b in axes if a < b]
    turn = np.eye(3)
    for a, b in planes:
        angle = chance.between(-ROTATION, ROTATION)
        plane = np.eye(3)
        plane[a, a] = plane[b, b] = math.cos(angle)
        plane[a, b], plane[b, a] = -math.sin(angle), math.sin(angle)
        turn = turn @ plane
    stretch = np.ones(3)
    for axis in axes if dims == 3 else (1, 2):
        stretch[axis] = chance.between(1 - STRETCH, 1 + STRETCH)
    if left_right is not None and chance.share() < 0.5:
        stretch[left_right] *= -1
    return turn * stretch


def keep_inside(
    target: Sequence[float], scale: Triple, patch: Shape, volume: Shape, chance: Chance | None
) -> NDArray[np.float64]:
    """(3,) the patch centre nearest ``target`` (d, h, w; voxels of the volume) at which the patch stays inside the
    volume; where the patch is the longer one, the volume's middle. ``scale`` voxels of the volume per voxel of the
    patch; ``chance`` moves the centre by up to an eighth of the patch.
    """
    half = np.array(scale) * (np.array(patch) - 1) / 2
    last = np.array(volume, float) - 1
    centre = np.array(target, float)
    if chance:
        centre += [(chance.share() - 0.5) * side / 2 for side in half]
    centre = np.clip(centre, np.minimum(half, last / 2), np.maximum(last - half, last / 2))
    if chance:
        centre += [(chance.share() - 0.5) * side / 4 for side in np.minimum(half, last / 2)]
    return centre


def anchored(centre: NDArray[np.float64], view: NDArray[np.float64], patch: Shape, place: SliceIndex) -> None:
    """Move ``centre`` (3,) along the slice's axis until the slice lies on a sample of the patch, and inside the patch.
    ``view`` (3,3) is the matrix of its :class:`View`.
    """
    axis, step = place.axis, abs(float(view[place.axis, place.axis])) or 1.0
    middle = (patch[axis] - 1) / 2
    offset = round((place.index - float(centre[axis])) / step + middle)
    offset = min(max(offset, 0), patch[axis] - 1)
    centre[axis] = place.index - step * (offset - middle)


def may_miss(view: NDArray[np.float64], volume: Shape) -> bool:
    """Whether all of a volume (d, h, w) may lie between the samples of a patch, however that is moved by less than a
    sample. ``view`` (3,3) is the matrix of its :class:`View`.
    """
    return bool((np.abs(view).sum(1) > np.array(volume)).any())


def anchored_on_voxel(
    centre: NDArray[np.float64], view: NDArray[np.float64], patch: Shape, voxel: Sequence[float]
) -> None:
    """Move ``centre`` (3,) until the sample of the patch that is nearest to the ``voxel`` (d, h, w) lies on it.
    ``view`` (3,3) is the matrix of its :class:`View`.
    """
    middle, aim = (np.array(patch) - 1) / 2, np.rint(voxel)
    sample = np.rint(np.linalg.solve(view, aim - centre) + middle).clip(0, np.array(patch) - 1)
    centre[:] = aim - view @ (sample - middle)
