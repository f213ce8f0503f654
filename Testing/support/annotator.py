"""An annotator that is made of an expert's labels: corrects a suggestion on a slice, and counts what that costs.

Time is modelled, not measured. Kuo et al. (Cost-Sensitive Active Learning for Intracranial Hemorrhage Detection, MICCAI
2018) found the length of the outline to predict labelling time; tracing one hippocampus by hand takes about 30 minutes
(Firbank et al., Human Brain Mapping 2008). So a millimetre of outline costs 30 minutes over the length of all outlines
of a mean hippocampus, in other organs too, and only the stretches where the suggestion is wrong are drawn. The seconds
to look at a slice are our guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.geometry import SliceIndex

SECONDS_PER_ORGAN = 1800.0
LOOK_S = 5.0
PACE_S = 1.436  # per millimetre of outline: ``pace`` of the sample data's hippocampi (1 mm voxels) in coronal slices


@dataclass(frozen=True)
class Effort:
    """What a person did: ``slices`` judged, empty ones too, ``voxels`` changed, ``seconds`` of modelled time."""

    slices: int = 0
    voxels: int = 0
    seconds: float = 0.0

    def __add__(self, more: Effort) -> Effort:
        return Effort(self.slices + more.slices, self.voxels + more.voxels, self.seconds + more.seconds)


def pace(references: Iterable[NDArray[np.uint8]], axis: int) -> float:
    """Seconds per voxel side of outline, from whole organs traced slice by slice along ``axis``."""
    lengths = [sum(outline(plane).sum() for plane in np.moveaxis(label, axis, 0)) for label in references]
    return SECONDS_PER_ORGAN / float(np.mean(lengths))


def judge(
    truth: NDArray[np.uint8], suggestion: NDArray[np.uint8] | None, place: SliceIndex, pace_s: float
) -> Effort:
    """The effort of making slice ``place`` of ``suggestion`` (k, j, i; None: nothing is there) what ``truth`` says. A
    suggestion that would take longer to correct than to clear is cleared and drawn anew.
    """
    wanted = np.take(truth, place.index, place.axis)
    anew = _correction(wanted, np.zeros_like(wanted), pace_s)
    if suggestion is None:
        return anew
    return min(anew, _correction(wanted, np.take(suggestion, place.index, place.axis), pace_s), key=_seconds)


def _correction(wanted: NDArray[np.uint8], shown: NDArray[np.uint8], pace_s: float) -> Effort:
    wrong = wanted != shown
    stretches = (outline(wanted) | outline(shown)) & _with_neighbours(wrong)
    return Effort(1, int(wrong.sum()), LOOK_S + pace_s * float(stretches.sum()))


def _seconds(effort: Effort) -> float:
    return effort.seconds


def outline(plane: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """(a, b) bool: voxels of a structure with a neighbour of another value."""
    padded = np.pad(plane, 1)
    middle = padded[1:-1, 1:-1]
    sides = (padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:])
    return (middle > 0) & np.any([side != middle for side in sides], axis=0)


def _with_neighbours(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(mask, 1)
    return mask | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
