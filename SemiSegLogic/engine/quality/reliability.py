"""Whether a model that says 80 % sure is right in 80 % of such voxels.

C. Guo, G. Pleiss, Y. Sun, K. Weinberger: On Calibration of Modern Neural Networks, ICML 2017: expected calibration
error (equation 5, here with 10 bins) and temperature scaling (section 4.2). Only the surroundings of the structures
count, since all the empty background is right and sure of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from ...geometry import IGNORE
from ...naming import counted

BINS = 10
NEAR_VOXELS = 3
TEMPERATURES = (0.5, 0.7, 0.85, 1.0, 1.2, 1.4, 1.7, 2.0, 2.5, 3.0)


@dataclass(frozen=True)
class Reliability:
    """Sums over voxels near the structures of held-out slices. By bin of confidence (of equal width, from 0 to 1): how
    many (``voxels``), their summed ``confidence``, how many were ``right``. ``loss`` summed negative log-likelihood at
    each of TEMPERATURES.
    """

    voxels: tuple[float, ...]
    confidence: tuple[float, ...]
    right: tuple[float, ...]
    loss: tuple[float, ...]

    def __add__(self, other: Self) -> Reliability:
        return type(self)(
            _sum(self.voxels, other.voxels), _sum(self.confidence, other.confidence), _sum(self.right, other.right),
            _sum(self.loss, other.loss),
        )

    @property
    def error(self) -> float:
        """Expected calibration error in [0, 1]: how far confidence and share of right voxels lie apart on average."""
        gaps = sum(abs(c - r) for c, r in zip(self.confidence, self.right, strict=True))
        return gaps / max(sum(self.voxels), 1.0)

    @property
    def temperature(self) -> float:
        """By what the logits should be divided to be believed: above 1 the model is surer than it should be."""
        return TEMPERATURES[min(range(len(TEMPERATURES)), key=lambda number: self.loss[number])]

    def words(self) -> str:
        """For the card."""
        gap = sum(self.confidence) - sum(self.right)
        lean = "more sure than it should be" if gap > 0 else "less sure than it should be"
        close = "close to the truth" if self.error < 0.05 else lean
        points = counted(round(100 * self.error), "percentage point")
        return (f"Near the structures its confidence is off by {points} on average "
                f"({close}; temperature {self.temperature:g}).")


def reliability_of(planes: Sequence[tuple[Tensor, Tensor]]) -> Reliability:
    """From slices: probabilities (K,H,W) and truth (H,W), class index or IGNORE."""
    together = [_near(probabilities, truth) for probabilities, truth in planes]
    probabilities = torch.cat([known for known, _ in together], 1)
    truth = torch.cat([label for _, label in together])
    confidence, guess = probabilities.max(0)
    place = (confidence * BINS).long().clamp_max(BINS - 1)
    weights = (torch.ones_like(confidence), confidence, guess == truth)
    voxels, sure, right = (tuple(torch.bincount(place, weight.double(), BINS).tolist()) for weight in weights)
    logits = probabilities.double().clamp_min(1e-8).log()
    losses = [float(torch.nn.functional.cross_entropy((logits / t).T, truth, reduction="sum")) for t in TEMPERATURES]
    return Reliability(voxels, sure, right, tuple(losses))


def _sum(one: Sequence[float], two: Sequence[float]) -> tuple[float, ...]:
    return tuple(a + b for a, b in zip(one, two, strict=True))


def _near(probabilities: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Probabilities (K,N) and truth (N,) of the judged voxels in and around what was drawn or found."""
    some = ((probabilities.argmax(0) > 0) | ((truth > 0) & (truth != IGNORE))).float()
    near = torch.nn.functional.max_pool2d(some[None], 2 * NEAR_VOXELS + 1, 1, NEAR_VOXELS)[0] > 0
    near &= truth != IGNORE
    return probabilities[:, near].float(), truth[near].long()
