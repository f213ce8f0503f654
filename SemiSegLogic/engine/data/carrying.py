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

each structure up to REACH times the side of a square as large as what was drawn of it, and to DEEP times the depth of
its pieces: many small lesions are not one large organ (see following.py). Related: pseudo-labels by registration
between slices (H. Cai et al.: Orthogonal Annotation Benefits Barely-supervised Medical Image Segmentation, CVPR 2023),
there by a trained network and kept as labels; outlines mixed by distance: S. Raya, J. Udupa: Shape-Based Interpolation
of Multidimensional Objects, IEEE Trans. Med. Imaging 1990.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from ...geometry import SliceIndex
from ..blocks.flow import flow, windowed
from .confirming import Opinion, PlanesAlong, confirmed
from .few_slices import FewSlices, Window, few_of
from .following import Followed, around
from .outlines import decided
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


def carried_planes(drawn: FewSlices) -> PlanesAlong:
    """Equations (1) to (4): the drawn slices as they are, and the others within reach as far as they are known."""
    planes = {place.index: drawn.plane(place) for place in drawn.places}
    followed, shape = Followed.all_of(drawn, DOUBT), planes[drawn.places[0].index].shape
    window = around(followed)
    part = drawn.unthinned(window)
    for place in drawn.places:
        _carry(drawn, place, followed, window)
    for number in sorted({number for one in followed for number in one.known}):
        from_there = {start for one in followed for start, _ in one.at(number)}
        for index in range(number * drawn.step, min((number + 1) * drawn.step, drawn.volume.shape[drawn.axis])):
            if index not in planes:
                apart = drawn.spacing[0] * min(abs(index - start) for start in from_there)
                planes[index] = np.zeros(shape, np.uint8)
                here = planes[index][part]
                here[:] = decided([one.near(number, index, drawn, window) for one in followed], here.shape,
                                  DOUBT * apart)
    return planes


def _carry(drawn: FewSlices, place: SliceIndex, followed: Sequence[Followed], window: Window) -> None:
    """Equation (2): from ``place`` to the kept slices within reach of any of those ``followed``, in the ``window`` of
    the kept image that holds theirs.
    """
    first, last = drawn.stretch(place, max(one.count for one in followed))
    images = _prepared(drawn.images()[first : last + 1, *window].to(drawn.volume.device))
    middle, own = place.index // drawn.step, drawn.places.index(place)
    for one in followed:
        one.stands(middle, place.index, one.starts[own], 0)
    for way, end in ((-1, first), (1, last)):
        numbers, fields = list(range(middle, end + way, way)), [one.starts[own] for one in followed]
        flows = _flows(images, [number - first for number in numbers], drawn)
        for away, (number, by) in enumerate(zip(numbers[1:], flows, strict=True), 1):
            fields = [one.moves(field, by, window, away) for one, field in zip(followed, fields, strict=True)]
            for one, field in zip(followed, fields, strict=True):
                one.stands(number, place.index, field, away)


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
