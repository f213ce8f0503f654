"""What a few drawn slices say of their neighbours: outlines, carried along as the image moves from slice to slice.

A volume with one drawn slice shows a network nothing of how deep a structure is, and what learns from such slices alone
lets it run on beyond its ends. The image itself shows more: from slice to slice outlines move a little, and shrink
towards an end. As a *start* this is worth much, as a truth it is not, and a network that goes on from it forgets it
again (Testing/benchmarks/results/carrying.md). So the first part of each stretch of training sees it, while the
learning rate is high, and then what people drew alone: the sooner, the more slices are drawn. From a single slice, a
stretch that goes on from a model sees what that model confirms (see confirming.py).

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

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import SliceIndex
from ..blocks.flow import flow, moved, windowed
from .confirming import Opinion, Planes, confirmed
from .few_slices import FewSlices, few_of
from .outlines import decided, mixed, outlines, reach_of
from .slice_label import SliceLabel
from .volumes import Volume

DOUBT = 0.2  # mm for each mm from the nearest drawn slice
WINDOW_MM, FEWEST = 3.0, 3.0  # what moves alike; at least so many pixels
OTHERS = 1  # volumes with drawn slices: from a slice alone a model learns no more than what is carried from it
MOST = 32  # drawn slices that are carried: a tenth to a fifth of a second for each, of an atrium
AT_ONCE = 1 << 22  # pixels whose flow is looked for at once

T = TypeVar("T")
Basis = tuple[SliceLabel | None, tuple[SliceIndex, ...]]
"""What was drawn in a volume, and which of it is held out: what its carried outlines come from."""


class Carrying:
    """Shows training what the few drawn slices of ``volumes`` say of their neighbours too, and then what people drew
    and nothing else: a volume with one drawn slice up to share ``until`` of a stretch of training, one with n slices up
    to ``until`` / n. Patches lie around drawn slices all the time. ``opinion``: the model that training goes on from.
    It is asked where a single slice says how deep a structure is, and OTHERS from which it may know better.
    """

    def __init__(self, volumes: Sequence[Volume], until: float, opinion: Opinion | None = None):
        self.volumes, self.until, self.opinion = list(volumes), until, opinion
        self.carried: tuple[str, ...] = ()
        self._basis: list[Basis] = []
        self._few: list[FewSlices] = []
        self._asked: Opinion | None = None
        self._known: dict[str, tuple[Basis, Opinion | None, SliceLabel]] = {}

    def at(self, share: float) -> None:
        """To be told the ``share`` of the stretch that is done, before it and behind every step: slices that were
        drawn meanwhile are carried as well. A share may be less than the one before, where a stretch begins anew.
        """
        basis = [_basis(volume) for volume in self.volumes]
        changed = basis != self._basis
        if changed:
            self._few, self._basis = few_of(self.volumes, MOST), basis
            learned = sum(bool(volume.training_slices) for volume in self.volumes)
            self._asked = self.opinion if learned > OTHERS else None
        wanted = [drawn for drawn in self._few if share < self.until / len(drawn.places)]
        names = tuple(drawn.volume.name for drawn in wanted)
        if changed or names != self.carried:
            self._show(wanted)
            self.carried = names

    def then(self, after: Callable[[T, float], bool]) -> Callable[[T, float], bool]:
        """``after(progress, share)`` of a trainer, which tells the share here first."""
        def both(progress: T, share: float) -> bool:
            self.at(share)
            return after(progress, share)

        return both

    def _show(self, wanted: Iterable[FewSlices]) -> None:
        """Each volume is carried once, until something else is drawn in it."""
        for volume in self.volumes:
            volume.hold_out(volume.held_out)
        for drawn in wanted:
            volume, asked = drawn.volume, self._asked if len(drawn.places) == 1 else None
            known = self._known.get(volume.name)
            if known is None or known[:2] != (_basis(volume), asked):
                known = self._known[volume.name] = _basis(volume), asked, _label(drawn, asked)
            volume.label = known[-1]


def _basis(volume: Volume) -> Basis:
    return volume.judged, volume.held_out


def _label(drawn: FewSlices, asked: Opinion | None) -> SliceLabel:
    planes = carried_planes(drawn)
    return drawn.label(planes if asked is None else confirmed(planes, drawn, asked))


def carried_planes(drawn: FewSlices) -> Planes:
    """Equations (1) to (4): the drawn slices as they are, and the others within reach as far as they are known."""
    between, *pixel = drawn.spacing
    planes = {place.index: drawn.plane(place) for place in drawn.places}
    reach = max(reach_of(plane, (pixel[0], pixel[1])) for plane in planes.values())
    distances = outlines([planes[place.index] for place in drawn.places], drawn.values, (pixel[0], pixel[1]))
    window, shape = drawn.window(reach), planes[drawn.places[0].index].shape
    fields: dict[int, list[tuple[int, Tensor]]] = {}
    for place, own in zip(drawn.places, distances, strict=True):
        for number, field in _carried(drawn, place, own, window, round(reach / (between * drawn.step))):
            fields.setdefault(number, []).append((place.index, field))
    for number, found in fields.items():
        for index in range(number * drawn.step, min((number + 1) * drawn.step, drawn.volume.shape[drawn.axis])):
            if index not in planes:
                apart = [between * abs(index - start) for start, _ in found]
                field = mixed([field for _, field in found], apart)
                planes[index] = np.zeros(shape, np.uint8)
                part = planes[index][drawn.unthinned(window)]
                part[:] = decided(_enlarged(field, part.shape), drawn.values, DOUBT * min(apart))
    return planes


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
