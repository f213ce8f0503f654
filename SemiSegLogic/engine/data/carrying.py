"""What a few drawn slices say of their neighbours: outlines, carried along as the image moves from slice to slice.

A volume with one drawn slice shows a network nothing of how deep a structure is, and what learns from such slices alone
lets it run on beyond its ends. The image itself shows more: from slice to slice outlines move a little, and shrink
towards an end. As a *start* this is worth much, as a truth it is not (Testing/benchmarks/results/carrying.md), so only
the first part of a training from nothing sees it, and then what people drew alone.

    (1)  s_0(x) = distance (mm) from x to an outline drawn on slice 0, positive inside
    (2)  s_{n+1}(x) = s_n(x + d_n(x)),  d_n the flow from slice n+1 to slice n          (see blocks/flow.py)
    (3)  between two drawn slices, n and m slices away: s = (s_n / |n| + s_m / |m|) / (1 / |n| + 1 / |m|)
    (4)  inside where s > DOUBT |n| h, outside where s < -DOUBT |n| h, unknown between; h mm between slices, n to the
         nearest that was drawn                                                              (see outlines.py)

up to REACH times the side of a square as large as what was drawn, and to DEEP times the depth of its pieces: many small
lesions are not one large organ. Related: pseudo-labels by registration between slices
(H. Cai et al.: Orthogonal Annotation Benefits Barely-supervised Medical Image Segmentation, CVPR 2023), there by a
trained network and kept as labels; outlines mixed by distance: S. Raya, J. Udupa: Shape-Based Interpolation of
Multidimensional Objects, IEEE Trans. Med. Imaging 1990.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import IGNORE, SliceIndex
from ..blocks.flow import flow, moved, windowed
from .outlines import decided, mixed, outlines, reach_of
from .slice_label import SliceLabel
from .volumes import Volume

FEW = 3  # drawn slices of a volume, at most
DOUBT = 0.2  # mm for each mm from the nearest drawn slice
WINDOW_MM, FEWEST = 3.0, 3.0  # what moves alike; at least so many pixels
MOST = 32  # drawn slices that are carried: a tenth to a fifth of a second for each, of an atrium
AT_ONCE = 1 << 22  # pixels whose flow is looked for at once


@dataclass(frozen=True)
class FewSlices:
    """The slices of ``volume`` to learn from, at ``places`` along one axis; ``values`` class indices on any of them."""

    volume: Volume
    places: tuple[SliceIndex, ...]
    values: tuple[int, ...]

    @classmethod
    def of(cls, volume: Volume) -> FewSlices | None:
        """None where there are none to learn from, or more than FEW, or along several axes, which tell of depth; where
        nothing is on them; and where no slice is left between them.
        """
        places = volume.training_slices
        axes = {place.axis for place in places}
        if len(axes) != 1 or len(places) > FEW or volume.shape[min(axes)] == len(places):
            return None
        values = tuple(sorted({value for place in places for value in volume.foreground[place]}))
        return cls(volume, places, values) if values else None

    @property
    def axis(self) -> int:
        """Along which they lie."""
        return self.places[0].axis

    @property
    def step(self) -> int:
        """How many slices of the case are one of the kept image."""
        return self.volume.thin[self.axis]

    def plane(self, place: SliceIndex) -> NDArray[np.uint8]:
        """(a, b) class indices, or IGNORE, at the resolution of the case."""
        return self.volume.plane(place).cpu().numpy()

    @property
    def spacing(self) -> tuple[float, float, float]:
        """mm between slices of the case, and of its pixels within them (d, a, b)."""
        rest = [value for other, value in enumerate(self.volume.spacing) if other != self.axis]
        return self.volume.spacing[self.axis], rest[0], rest[1]

    def unthinned(self, window: tuple[slice, slice]) -> tuple[slice, slice]:
        """The same rows and columns of the case."""
        steps = [thin for axis, thin in enumerate(self.volume.thin) if axis != self.axis]
        rows, columns = (slice(part.start * step, part.stop * step) for part, step in zip(window, steps, strict=True))
        return rows, columns

    def images(self) -> Tensor:
        """(N,a,b) the kept image, a view, their axis first."""
        return self.volume.image[0].movedim(self.axis, 0)

    def window(self, margin: float) -> tuple[slice, slice]:
        """Rows and columns of the kept image within ``margin`` mm of what is drawn on any of the slices: all else is
        background there, and need not be looked at.
        """
        drawn = np.logical_or.reduce([(plane > 0) & (plane < IGNORE) for plane in map(self.plane, self.places)])
        found, steps = [], [thin for axis, thin in enumerate(self.volume.thin) if axis != self.axis]
        for axis, (step, pixel) in enumerate(zip(steps, self.spacing[1:], strict=True)):
            where, more = np.flatnonzero(drawn.any(1 - axis)), round(margin / pixel)
            first, last = max(int(where[0]) - more, 0), min(int(where[-1]) + more, drawn.shape[axis] - 1)
            found.append(slice(first // step, last // step + 1))
        return found[0], found[1]

    def stretch(self, place: SliceIndex, count: int) -> tuple[int, int]:
        """First and last of the kept slices to which ``place`` is carried: ``count`` to each side, but not beyond the
        next drawn ones.
        """
        own, others = place.index // self.step, [place.index // self.step for place in self.places]
        first = max([own - count, 0, *(other + 1 for other in others if other < own)])
        return first, min([own + count, len(self.images()) - 1, *(other - 1 for other in others if other > own)])


class Carrying:
    """Shows training what the few drawn slices of ``volumes`` say of their neighbours too, up to share ``until`` of a
    training, and then what people drew and nothing else. Patches lie around drawn slices all the time.
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
    """Carry the few drawn slices of ``volumes``, MOST in all; returns the names of those volumes."""
    few = [drawn for drawn in map(FewSlices.of, volumes) if drawn is not None]
    counts = accumulate(len(drawn.places) for drawn in few)
    carried = [drawn for drawn, count in zip(few, counts, strict=True) if count <= MOST]
    for drawn in carried:
        drawn.volume.label = carried_label(drawn)
    return [drawn.volume.name for drawn in carried]


def forget_carried(volumes: Iterable[Volume]) -> None:
    """Show training what people drew, and nothing else."""
    for volume in volumes:
        volume.hold_out(volume.held_out)


def carried_label(drawn: FewSlices) -> SliceLabel:
    """Equations (1) to (4): the drawn slices as they are, and the others within reach as far as they are known."""
    volume, axis, (between, *pixel) = drawn.volume, drawn.axis, drawn.spacing
    planes = {place.index: drawn.plane(place) for place in drawn.places}
    reach = max(reach_of(plane, (pixel[0], pixel[1])) for plane in planes.values())
    distances = outlines([planes[place.index] for place in drawn.places], drawn.values, (pixel[0], pixel[1]))
    window, shape = drawn.window(reach), planes[drawn.places[0].index].shape
    fields: dict[int, list[tuple[int, Tensor]]] = {}
    for place, own in zip(drawn.places, distances, strict=True):
        for number, field in _carried(drawn, place, own, window, round(reach / (between * drawn.step))):
            fields.setdefault(number, []).append((place.index, field))
    for number, found in fields.items():
        for index in range(number * drawn.step, min((number + 1) * drawn.step, volume.shape[axis])):
            if index not in planes:
                apart = [between * abs(index - start) for start, _ in found]
                field = mixed([field for _, field in found], apart)
                planes[index] = np.zeros(shape, np.uint8)
                part = planes[index][drawn.unthinned(window)]
                part[:] = decided(_enlarged(field, part.shape), drawn.values, DOUBT * min(apart))
    order = sorted(planes)
    return SliceLabel.of({axis: (order, np.stack([planes[index] for index in order]))}, volume.shape, volume.device)


def _carried(
    drawn: FewSlices, place: SliceIndex, distances: NDArray[np.float32], window: tuple[slice, slice], count: int
) -> Iterable[tuple[int, Tensor]]:
    """Equation (2): the number of each kept slice to which ``place`` is carried, and the (K,h,w) distances there, in
    the ``window`` of the kept image.
    """
    first, last = drawn.stretch(place, count)
    images = _prepared(drawn.images()[first : last + 1, *window].to(drawn.volume.device))
    here = torch.from_numpy(distances[:, *drawn.unthinned(window)]).to(images.device)
    start = F.interpolate(here[None], images.shape[1:], mode="bilinear", antialias=True)
    middle = place.index // drawn.step
    yield middle, start[0]
    for way, end in ((-1, first), (1, last)):
        numbers, field = list(range(middle, end + way, way)), start
        for number, by in zip(numbers[1:], _flows(images, [n - first for n in numbers], drawn), strict=True):
            field = moved(field, by[None])
            yield number, field[0]


def _enlarged(field: Tensor, shape: tuple[int, ...]) -> Tensor:
    """(K,h,w) at the resolution of the case, (K,a,b)."""
    return field if field.shape[1:] == shape else F.interpolate(field[None], shape, mode="bilinear")[0]


def _flows(images: Tensor, numbers: Sequence[int], drawn: FewSlices) -> Iterable[Tensor]:
    """(2,h,w) from each of the slices ``numbers`` of ``images`` but the first to the one before it, in order."""
    kept = [own * thin for own, thin in zip(drawn.volume.spacing, drawn.volume.thin, strict=True)]
    radius = max(FEWEST, WINDOW_MM / min(side for axis, side in enumerate(kept) if axis != drawn.axis))
    pairs = list(pairwise(numbers))
    several = max(1, AT_ONCE // images[0].numel())
    for start in range(0, len(pairs), several):
        source, to = (list(part) for part in zip(*pairs[start : start + several], strict=True))
        yield from flow(images[to], images[source], radius)


def _prepared(images: Tensor) -> Tensor:
    """(N,h,w) float32 in [0, 1]: what is brighter or darker than all but a hundredth of the pixels is no landmark."""
    values = images.float()
    some = values.flatten()[:: max(1, values.numel() // 100_000)]
    low, high = torch.quantile(some, values.new_tensor([0.01, 0.99]))
    return windowed(((values - low) / (high - low).clamp_min(1e-6)).clamp(0, 1)[:, None], 0.6)[:, 0]
