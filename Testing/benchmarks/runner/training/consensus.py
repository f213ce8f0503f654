"""What predictions of one organ in many scans have in common, against what each of them has alone.

A network that learned from a single slice runs on where the image does: in one scan into the ventricle, in the next
into an artery. Laid over each other, brought to one place and size, the organ is what most of them share.

    (1)  c_i, s_i   the pose of scan i: median, and WIDE standard deviations, of the voxels of the largest piece of all
                    structures together in q_i, along each axis; q_i = p_i at first
    (2)  a_i(u)   = mean over j != i of q_j(c_j + s_j u)                                    u in [-1/2, 1/2]^3
    (3)  q_i(x)  ~  max(p_i(x), LEAST) max(a_i((x - c_i) / s_i), LEAST)^weight              summing to 1 over classes

TIMES over, as poses get better with what they are taken from. Related: probabilistic atlases as priors (J. Ashburner,
K. Friston: Unified segmentation, NeuroImage 2005), there of manual labels in registered scans.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

LEAST = 0.02  # a share that a scan and all others may overrule
TIMES = 3
WIDE = 4.0
"""A box has 3.5 standard deviations from end to end, a ball 4.5. What reaches farther counts as background in equation
(3), which leaves a network that is sure of it unknown there: leaks reach far. See results/students.md.
"""
SHAPE = (48, 64, 64)  # of the common frame, voxels

Shares = NDArray[np.floating]
"""(K,D,H,W) in [0, 1], summing to 1 over classes; class 0 is background."""


@dataclass(frozen=True)
class Pose:
    """Equation (1), in voxels (d, h, w): where an organ lies, and how large it is."""

    centre: NDArray[np.float64]
    size: NDArray[np.float64]

    @classmethod
    def of(cls, shares: Shares) -> Self | None:
        """None where nothing is found."""
        pieces, count = ndimage.label(shares[0] < 0.5, np.ones((3, 3, 3)))
        if not count:
            return None
        largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
        inside = np.argwhere(pieces == largest)
        return cls(np.median(inside, 0), WIDE * np.maximum(inside.std(0), 1))

    def to_frame(self, shares: Shares) -> Shares:
        """(K, *SHAPE) float32: the scan in the common frame; background where it does not reach."""
        step = self.size / np.array(SHAPE)
        return _resampled(shares, step, self.centre - step * (np.array(SHAPE) - 1) / 2, SHAPE)

    def from_frame(self, atlas: Shares, shape: tuple[int, ...]) -> Shares:
        """(K, *shape) float32: the common frame in the scan."""
        step = self.size / np.array(SHAPE)
        return _resampled(atlas, 1 / step, (np.array(SHAPE) - 1) / 2 - self.centre / step, shape)


def agreed(found: Sequence[Shares], weight: float) -> list[Shares]:
    """Equation (3) for each of the scans ``found``; one in which nothing is found, or that has no other to be compared
    with, stays as it is.
    """
    now = list(found)
    for _ in range(TIMES):
        poses = [Pose.of(shares) for shares in now]
        laid = {n: pose.to_frame(now[n]) for n, pose in enumerate(poses) if pose is not None}
        if len(laid) < 2:
            return now
        together = np.sum(list(laid.values()), axis=0)
        for n, own in laid.items():
            pose = poses[n]
            assert pose is not None
            now[n] = _posterior(found[n], pose, (together - own) / (len(laid) - 1), weight)
    return now


def _posterior(shares: Shares, pose: Pose, atlas: Shares, weight: float) -> Shares:
    there = pose.from_frame(atlas, shares.shape[1:])
    both = np.maximum(shares, LEAST) * np.maximum(there, LEAST) ** weight
    return (both / both.sum(0)).astype(shares.dtype)


def _resampled(
    shares: Shares, step: NDArray[np.float64], first: NDArray[np.float64], shape: tuple[int, ...]
) -> Shares:
    """(K, *shape) float32: ``shares`` at ``first + step * index``, linear; background beyond their ends."""
    return np.stack([ndimage.affine_transform(share.astype(np.float32), step, first, shape, order=1, cval=float(not k))
                     for k, share in enumerate(shares)])
