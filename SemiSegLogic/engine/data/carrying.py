"""What a single drawn slice says of its neighbours: its outlines, carried along as the image moves from slice to slice.

A volume with one drawn slice shows a network nothing of how deep a structure is, and what learns from such slices alone
lets it run on beyond its ends. The image itself shows more: from slice to slice outlines move a little, and shrink
towards an end. As a *start* this is worth much, as a truth it is not (Testing/benchmarks/results/carrying.md), so only
the first part of a training from nothing sees it, and then what people drew alone.

    (1)  s_0(x) = distance (mm) from x to the outline drawn on slice 0, positive inside
    (2)  s_{n+1}(x) = s_n(x + d_n(x)),  d_n the flow from slice n+1 to slice n          (see blocks/flow.py)
    (3)  inside where s_n > DOUBT |n| h, outside where s_n < -DOUBT |n| h, unknown between; h mm between slices

up to REACH times the side of a square as large as what was drawn. Related: pseudo-labels by registration between slices
(H. Cai et al.: Orthogonal Annotation Benefits Barely-supervised Medical Image Segmentation, CVPR 2023), there by a
trained network and kept as labels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from ...geometry import IGNORE, SliceIndex
from ..blocks.flow import flow, moved, windowed
from .slice_label import SliceLabel
from .volumes import Volume

REACH = 0.5  # times the side: a ball drawn through its middle ends there
DOUBT = 0.2  # mm for each mm from the drawn slice
WINDOW_MM = 3.0  # what moves alike; at least FEWEST pixels
FEWEST = 3.0
MOST = 16  # volumes whose slice is carried: a fifth of a second each, of an atrium
AT_ONCE = 1 << 22  # pixels whose flow is looked for at once


@dataclass(frozen=True)
class OnlySlice:
    """The one slice of ``volume`` to learn from, at ``place``, with the class indices ``values`` on it."""

    volume: Volume
    place: SliceIndex
    values: tuple[int, ...]

    @classmethod
    def of(cls, volume: Volume) -> OnlySlice | None:
        """None where there is no slice to learn from, or several, or nothing on it, or the volume has no other."""
        if len(volume.training_slices) != 1:
            return None
        place = volume.training_slices[0]
        if volume.shape[place.axis] == 1:
            return None
        values = tuple(sorted(volume.foreground[place]))
        return cls(volume, place, values) if values else None

    @property
    def plane(self) -> NDArray[np.uint8]:
        """(a, b) class indices, or IGNORE, at the resolution of the case."""
        return self.volume.plane(self.place).cpu().numpy()

    def along_first(self, triple: Sequence[float]) -> tuple[float, float, float]:
        """(d, h, w) in the order of :meth:`slices`."""
        axis = self.place.axis
        rest = [value for other, value in enumerate(triple) if other != axis]
        return triple[axis], rest[0], rest[1]

    def slices(self) -> Tensor:
        """(N,a,b) the kept image, a view, the slice's axis first."""
        return self.volume.image[0].movedim(self.place.axis, 0)


class Carrying:
    """Shows training what the only drawn slice of each of ``volumes`` says of its neighbours too, up to share ``until``
    of a training, and then what people drew and nothing else. Patches lie around drawn slices all the time.
    """

    def __init__(self, volumes: Sequence[Volume], until: float):
        self.volumes, self.until, self.carried = volumes, until, list[str]()
        self._begun = False

    def at(self, share: float) -> None:
        """To be told the ``share`` of the training that is done, before it and behind every step."""
        if not self._begun and share < self.until:
            self.carried = carry(self.volumes)
        elif self.carried and share >= self.until:
            forget_carried(self.volumes)
            self.carried = []
        self._begun = True


def carry(volumes: Iterable[Volume]) -> list[str]:
    """Carry the only drawn slice of ``volumes``, of MOST at most; returns the names of those."""
    alone = [drawn for drawn in map(OnlySlice.of, volumes) if drawn is not None][:MOST]
    for drawn in alone:
        drawn.volume.label = carried_label(drawn)
    return [drawn.volume.name for drawn in alone]


def forget_carried(volumes: Iterable[Volume]) -> None:
    """Show training what people drew, and nothing else."""
    for volume in volumes:
        volume.hold_out(volume.held_out)


def carried_label(drawn: OnlySlice) -> SliceLabel:
    """Equations (1) to (3): the drawn slice as it is, and its neighbours within reach as far as they are known."""
    volume, place = drawn.volume, drawn.place
    own, height, width = drawn.along_first(volume.spacing)
    step = int(drawn.along_first(volume.thin)[0])
    distances = signed_distances(drawn.plane, drawn.values, (height, width))
    reach = REACH * _side(drawn.plane, height * width)
    planes = {place.index: drawn.plane}
    for number, field in _carried(drawn, distances, round(reach / (own * step))):
        for index in range(number * step, min((number + 1) * step, volume.shape[place.axis])):
            planes.setdefault(index, decided(field, drawn.values, DOUBT * own * abs(index - place.index)))
    order = sorted(planes)
    return SliceLabel.of({place.axis: (order, np.stack([planes[index] for index in order]))}, volume.shape,
                         volume.device)


def signed_distances(
    plane: NDArray[np.uint8], values: Sequence[int], spacing: tuple[float, float]
) -> NDArray[np.float32]:
    """Equation (1), (K,a,b) mm for each of ``values`` of ``plane`` (a, b); what is IGNORE there is outside."""
    def distance(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
        if inside.all():  # no outline within the slice: as far as it is wide
            return np.full(inside.shape, max(np.array(inside.shape) * spacing))
        return np.asarray(ndimage.distance_transform_edt(inside, sampling=spacing))

    return np.stack([distance(plane == value) - distance(plane != value) for value in values]).astype(np.float32)


def decided(distances: Tensor, values: Sequence[int], doubt: float) -> NDArray[np.uint8]:
    """Equation (3) for (K,a,b) ``distances`` of the classes ``values``: (a, b) class indices, IGNORE where the best
    class is not ``doubt`` mm ahead of what else the pixel could be, background included.
    """
    best = -distances.amax(0)  # background: as far in as all else is out
    second, label = torch.full_like(best, -torch.inf), torch.zeros_like(best, dtype=torch.uint8)
    for value, distance in zip(values, distances, strict=True):  # argmax and topk take ten times as long
        second = torch.maximum(second, torch.minimum(best, distance))
        label = label.masked_fill_(distance > best, value)
        best = torch.maximum(best, distance)
    # both sides of an outline move: twice the doubt, as the candidates are s and -s
    return label.masked_fill_(best - second < 2 * doubt, IGNORE).cpu().numpy()


def _carried(drawn: OnlySlice, distances: NDArray[np.float32], count: int) -> Iterable[tuple[int, Tensor]]:
    """Equation (2): the number of each kept slice, up to ``count`` before and behind the drawn one's, and the (K,a,b)
    distances there, at the resolution of the case.
    """
    slices, step = drawn.slices(), int(drawn.along_first(drawn.volume.thin)[0])
    middle = drawn.place.index // step
    first, last = max(middle - count, 0), min(middle + count, len(slices) - 1)
    images = _prepared(slices[first : last + 1].to(drawn.volume.device))
    full = torch.from_numpy(distances).to(images.device)[None]
    start = F.interpolate(full, images.shape[1:], mode="bilinear", antialias=True)
    yield middle, full[0]
    for way in (-1, 1):
        numbers = list(range(middle, (first if way < 0 else last) + way, way))
        field = start
        for number, by in zip(numbers[1:], _flows(images, [n - first for n in numbers], drawn), strict=True):
            field = moved(field, by[None])
            yield number, F.interpolate(field, distances.shape[1:], mode="bilinear")[0]


def _flows(images: Tensor, numbers: Sequence[int], drawn: OnlySlice) -> Iterable[Tensor]:
    """(2,h,w) from each of the slices ``numbers`` of ``images`` but the first to the one before it, in order."""
    spacing = [own * thin for own, thin in zip(drawn.volume.spacing, drawn.volume.thin, strict=True)]
    radius = max(FEWEST, WINDOW_MM / min(drawn.along_first(spacing)[1:]))
    pairs = list(zip(numbers[1:], numbers, strict=False))
    several = max(1, AT_ONCE // images[0].numel())
    for start in range(0, len(pairs), several):
        to, source = (list(part) for part in zip(*pairs[start : start + several], strict=True))
        yield from flow(images[to], images[source], radius)


def _prepared(images: Tensor) -> Tensor:
    """(N,h,w) float32 in [0, 1]: what is brighter or darker than all but a hundredth of the pixels is no landmark."""
    values = images.float()
    some = values.flatten()[:: max(1, values.numel() // 100_000)]
    low, high = torch.quantile(some, values.new_tensor([0.01, 0.99]))
    return windowed(((values - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)[:, None], 0.6)[:, 0]


def _side(plane: NDArray[np.uint8], pixel: float) -> float:
    """mm of a square as large as all that is drawn on ``plane``, of pixels of ``pixel`` mm2."""
    return math.sqrt(int(((plane > 0) & (plane < IGNORE)).sum()) * pixel)
