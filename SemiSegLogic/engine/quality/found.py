"""What a model finds in a volume: with fragments of its structures, and without."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import SliceIndex, planes_of
from ...methods.base import entropy
from ..data.volumes import Volume
from ..prediction.fragments import leave_out
from ..prediction.predict import two_best
from ..prediction.regrid import Cut
from .flags import Looks
from .one_piece import Evidence, evidence_of
from .scores import SliceScore, score_of

Parts: TypeAlias = Iterable[tuple[int, Tensor]]
"""Probabilities (K,n,H,W) of a volume in consecutive parts along D, each with its first row."""


@dataclass(frozen=True)
class Suggested:
    """What would be suggested of a volume: ``sizes`` (K,) voxels of each class, and the ``slices`` held out, (a, b)
    uint8 class index.
    """

    sizes: NDArray[np.int64]
    slices: dict[SliceIndex, NDArray[np.uint8]]

    @classmethod
    def of(cls, label: NDArray[np.uint8], volume: Volume, classes: int) -> Suggested:
        """Of all of it, ``label`` (D,H,W) class index."""
        sizes = sum(np.bincount(plane.ravel(), minlength=classes) for plane in label)
        return cls(np.asarray(sizes), planes_of(label, volume.held_out))


@dataclass(frozen=True)
class Found:
    """What is predicted of ``volume``: ``everything``, and what is ``whole``: the same without fragments of any
    structure. The summed ``doubt``; ``planes`` probabilities (K,a,b) and truth (a,b) of the held-out slices;
    ``evidence`` by class 1..K-1.
    """

    volume: Volume
    everything: Suggested
    whole: Suggested
    doubt: float
    planes: list[tuple[Tensor, Tensor]]
    evidence: list[Evidence]

    @classmethod
    def of(cls, parts: Parts, volume: Volume, classes: int) -> Found:
        """From probabilities that come in ``parts``: of these no more than one is in memory at a time."""
        label, second = (np.empty(volume.shape, np.uint8) for _ in range(2))
        cuts = {place: Cut(place, volume.shape, volume.shape) for place in volume.held_out}
        doubt = 0
        for start, probabilities in parts:
            best, following = two_best(probabilities)
            here = slice(start, start + probabilities.shape[1])
            label[here], second[here] = best.cpu().numpy(), following.cpu().numpy()
            doubt += int((entropy(probabilities[None]) * 255).round().sum(dtype=torch.float64))
            for cut in cuts.values():
                cut.take(start, probabilities)
        whole = label.copy()
        leave_out(whole, second, range(1, classes))
        evidence = [evidence_of(volume, label, whole, number) for number in range(1, classes)]
        planes = [(cut.plane().cpu(), volume.plane(place).cpu()) for place, cut in cuts.items()]
        everything, without = (Suggested.of(item, volume, classes) for item in (label, whole))
        return cls(volume, everything, without, doubt / 255, planes, evidence)

    def scores(self, one_piece: Sequence[int]) -> Iterator[SliceScore]:
        """Of the held-out slices, without fragments of the classes ``one_piece``."""
        for place in self.volume.held_out:
            yield score_of(self.volume, place, [item.slices[place] == n for n, item in self._suggested(one_piece)])

    def looks(self, one_piece: Sequence[int]) -> Looks:
        """Of the same."""
        return Looks.of(self.doubt, sum(int(item.sizes[number]) for number, item in self._suggested(one_piece)))

    def _suggested(self, one_piece: Sequence[int]) -> Iterator[tuple[int, Suggested]]:
        """By class from 1."""
        for number in range(1, len(self.evidence) + 1):
            yield number, self.whole if number in one_piece else self.everything
