"""Prediction of whole volumes on their own grid, with uncertainty.

One fully convolutional pass over volumes not much larger than the patches of training, else windows that are not,
blended with Gaussian weights (see windows.py). A volume passes through in rows along D: what is in memory at any time
is one row of windows, and for plans coarser than the case its probabilities at the plan's spacing.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ...geometry import IGNORE, Shape, SliceIndex
from ...methods.base import entropy
from ..data.volumes import Classes, Volume
from ..hardware.device import Device, is_out_of_memory
from ..hardware.threads import Threads
from ..nets.base import classes_of, slice_shape
from ..planning.plan import STRIDE, Plan
from .folding import folded
from .fragments import leave_out
from .regrid import SLAB_VALUES, Cut, along, middles, resized
from .windows import MOST_TOGETHER, Run, rows, window_shape

PREDICTION_BYTES = {
    "fast": (84, 155), "plain": (75, 151), "vnet": (233, 345), "resvnet": (264, 607), "unet": (305, 452),
    "resunet": (404, 808),
}
"""Per voxel of a pass with two classes, in bfloat16 and in float32, as measured on a CPU (see
Testing/benchmarks/results/voxel_costs.md); where only bfloat16 was measured, twice that.
"""
OTHER_BYTES = (944, 1451)  # the hungriest of them all, with InstanceNorm
CLASS_BYTES = 12  # more for every further class: logits twice, probabilities once
MOST_MEMORY = 4 << 30
REACH = MappingProxyType({"fast": 1.5, "plain": 1.5})
"""Sides of what is seen at a time over those of a training patch; 1 for networks that are not named. With more context
than it was taught on a network does worse: in one pass V-Net lost 0.04 Dice on four scans, and the fast network 0.009
on thirty against windows of this size (Testing/benchmarks/results/inference.md).
"""


@dataclass(frozen=True)
class Prediction:
    """On the case's own ``(k, j, i)`` grid: ``label`` uint8 structure values, ``uncertainty`` uint8, 255 undecided;
    ``second`` uint8, the value that is most probable after the model's best.
    """

    label: NDArray[np.uint8]
    uncertainty: NDArray[np.uint8]
    second: NDArray[np.uint8]


class Predictor:
    """Runs ``network`` (B,1,D,H,W) -> logits (B,K,D,H,W) over volumes. ``flips`` names axes (0, 1, 2) along which the
    volume is also seen mirrored, in every combination: the mean of 2, 4 or 8 passes, for an uncertainty that knows of
    them. ``reach``: sides of what is seen at a time over those of a patch, REACH when None. The network must not change
    while its predictor lives: normalisation is folded into a copy.
    """

    def __init__(
        self, network: nn.Module, plan: Plan, device: Device, flips: tuple[int, ...] = (), reach: float | None = None
    ):
        self.network, self.plan, self.device = folded(network), plan, device
        if self.network is not network:  # what learns must stay where it lies: its steps may be recorded there
            device.lay_out(self.network)
        self.whole, self.classes = slice_shape(network), classes_of(network)
        self.views = [chosen for count in range(len(flips) + 1) for chosen in combinations(flips, count)]
        self._reach = REACH.get(plan.network, 1.0) if reach is None else reach
        self._budget = min(device.memory / 2, MOST_MEMORY)

    @torch.no_grad()
    def probabilities(self, volume: Volume) -> Tensor:
        """(K,D,H,W) float32 on the volume's own voxels, in engine order."""
        return torch.cat([part for _, part in self.parts(volume)], 1)

    @torch.no_grad()
    def planes(self, volume: Volume, places: Sequence[SliceIndex]) -> dict[SliceIndex, Tensor]:
        """Probabilities (K,a,b) float32 of ``places`` (engine order, one at least) on the volume's own voxels. Only
        windows that show them are looked at, and nothing else is brought to the volume's voxels.
        """
        seen = self._seen(volume)
        d, h, w = seen.shape
        kept = torch.float32 if (d, h, w) == volume.shape else torch.float16
        cuts = {place: Cut(place, volume.shape, (d, h, w), kept) for place in places}
        wanted = {row for cut in cuts.values() for row in cut.rows}
        for start, part in self._rows(seen, wanted):
            for cut in cuts.values():
                cut.take(start, part)
        return {place: cut.plane() for place, cut in cuts.items()}

    @torch.no_grad()
    def predict(self, volume: Volume, classes: Classes, one_piece: Collection[int] = ()) -> Prediction:
        """Label and uncertainty. On judged slices the label is the person's own and the uncertainty 0. Fragments of the
        structures with the values ``one_piece`` are left out.
        """
        label, unsure, second = (np.empty(volume.shape, np.uint8) for _ in range(3))
        for start, probabilities in _in_slabs(self.parts(volume)):
            here = slice(start, start + probabilities.shape[1])
            doubt = entropy(probabilities[None])[0, 0]
            found, following = two_best(probabilities)
            _keep_judged(volume, start, found, doubt)
            label[here], second[here] = found.cpu().numpy(), following.cpu().numpy()
            unsure[here] = (doubt * 255).round().to(torch.uint8).cpu().numpy()
        numbers = [number for number, value in enumerate(classes.values) if value and value in one_piece]
        leave_out(label, second, numbers, volume.judged)
        for row in range(len(label)):  # not all at once: that would be two more copies of a large volume
            label[row], second[row] = classes.to_value(label[row]), classes.to_value(second[row])
        return Prediction(*(np.ascontiguousarray(volume.turn.invert(item)) for item in (label, unsure, second)))

    @torch.no_grad()
    def parts(self, volume: Volume) -> Iterator[tuple[int, Tensor]]:
        """Probabilities (K,n,H,W) float32 of consecutive parts of the volume along D, with their first row."""
        seen = self._seen(volume)
        if tuple(seen.shape) == volume.shape:
            yield from self._rows(seen)
            return
        kept = torch.cat([part.to(torch.float16) for _, part in self._rows(seen)], 1)
        depth, height, width = volume.shape
        step = max(1, SLAB_VALUES // (len(kept) * height * width))
        place = middles(depth, kept.shape[1], kept.shape[1] / depth)
        with Threads(active=self.device.torch.type == "cpu") as threads:
            for start in range(0, depth, step):
                begun = time.perf_counter()
                part = along(kept, 1, place[start : start + step])
                yield start, F.interpolate(part, size=(height, width), mode="bilinear", align_corners=False)
                # what was made of the part meanwhile counts as well
                threads.took(time.perf_counter() - begun)

    def _rows(self, seen: Tensor, wanted: Collection[int] | None = None) -> Iterator[tuple[int, Tensor]]:
        """Probabilities of ``seen`` (D,H,W) in consecutive parts; with smaller windows from the start when memory runs
        out. Rows that are not ``wanted`` (None: all are) may be missing or wrong.
        """
        # in float32 the number of threads changes the last digit of a network
        with Threads(active=self.device.torch.type == "cpu" and self.device.half) as threads:
            yield from self._fitting_rows(seen, threads.timed(self._run), wanted)

    def _fitting_rows(self, seen: Tensor, run: Run, wanted: Collection[int] | None) -> Iterator[tuple[int, Tensor]]:
        while True:
            window = self._window(seen)
            try:
                first = rows(seen, run, window, self._together(window), wanted)
                head = next(first)
            except Exception as error:
                if not is_out_of_memory(error) or not self._step_down(seen, window, error):
                    raise
                continue
            yield head
            yield from first
            return

    def _step_down(self, seen: Tensor, window: Shape, error: Exception) -> bool:
        """Allow half the memory from now on; False when windows cannot get smaller."""
        self._budget = min(self._budget, math.prod(window) * self._voxel_bytes()) / 2
        logging.warning("Out of memory predicting windows of %s: %s", window, error)
        if self.device.torch.type == "cuda":
            torch.cuda.empty_cache()
        return self._window(seen) != window

    def _window(self, seen: Tensor) -> Shape:
        d, h, w = self.plan.patch
        size = (seen.shape[0], seen.shape[1], seen.shape[2])
        least = (1, 2 * h, 2 * w)
        if self.plan.dims == 3:
            least = (d, h, w)
            size = (_within(size[0], self._reach * d), _within(size[1], self._reach * h),
                    _within(size[2], self._reach * w))
        return window_shape(size, (least[0], *size[1:]) if self.whole else least, self._budget / self._voxel_bytes())

    def _together(self, window: Shape) -> int:
        fitting = int(self._budget / self._voxel_bytes() / math.prod(window))
        return min(max(fitting, 1), MOST_TOGETHER)

    def _voxel_bytes(self) -> float:
        bytes_each = PREDICTION_BYTES.get(self.plan.network, OTHER_BYTES)[0 if self.device.half else 1]
        return bytes_each + CLASS_BYTES * (self.classes - 2)

    def _seen(self, volume: Volume) -> Tensor:
        """(D,H,W) at the plan's spacing: the volume's own voxels as they are kept, else float16 between them."""
        image, scale = volume.image[0], self.plan.scale(volume.spacing)
        size = [max(1, round(side / step)) for side, step in zip(volume.shape, scale, strict=True)]
        if self.whole is not None:
            size[1:] = self.whole
        if tuple(size) == volume.shape:
            return image
        steps = [side / count / thin for side, count, thin in zip(volume.shape, size, volume.thin, strict=True)]
        places = [middles(n, side, step) for n, side, step in zip(size, image.shape, steps, strict=True)]
        return resized(image, places)

    def _run(self, image: Tensor) -> Tensor:
        """Probabilities (B,K,d,h,w) float32 of ``image`` (B,1,d,h,w), the mean over all views."""
        image = image.to(self.device.torch, torch.float32)
        total = self._softmax(image)
        for axes in self.views[1:]:
            turned = [axis + 2 for axis in axes]
            total += self._softmax(image.flip(turned)).flip(turned)
        return total.div_(len(self.views)) if len(self.views) > 1 else total

    def _softmax(self, image: Tensor) -> Tensor:
        was_training = self.network.training
        self.network.eval()
        try:
            with self.device.arithmetic():
                return torch.softmax(self.network(image).float(), 1)
        finally:
            self.network.train(was_training)


def _in_slabs(parts: Iterable[tuple[int, Tensor]]) -> Iterator[tuple[int, Tensor]]:
    """``parts`` a few rows at a time: what is computed from probabilities takes several times their memory."""
    for start, part in parts:
        step = max(1, SLAB_VALUES // part[:, 0].numel())
        for first in range(0, part.shape[1], step):
            yield start + first, part[:, first : first + step]


def two_best(probabilities: Tensor) -> tuple[Tensor, Tensor]:
    """The class of the largest and of the second-largest of ``probabilities`` (K,...) float32: two tensors (...) uint8.
    Of equal ones the lower class comes first.

    Comparing whole planes class by class is 2 to 9 times faster on a CPU than topk, and argmax is slower still: both
    gather the classes of every single voxel. Comparisons are written as float32, in which class indices are exact: as
    bool they take longer.
    """
    classes = len(probabilities)
    if classes == 2:
        upper = (probabilities[1] > probabilities[0]).view(torch.uint8)
        return upper, 1 - upper
    zero, one, *others = probabilities
    best, following = torch.maximum(zero, one), torch.minimum(zero, one)
    here, other = torch.empty_like(best), torch.empty_like(best)
    for one in others:
        torch.maximum(following, torch.minimum(best, one, out=here), out=following)
        torch.maximum(best, one, out=best)
    # classes are counted from behind, so that the maximum of those that are equal is the lowest
    first, second = torch.zeros_like(best), torch.zeros_like(best)
    for behind, one in zip(range(classes, 0, -1), probabilities, strict=True):
        torch.maximum(first, torch.eq(one, best, out=here).mul_(behind), out=first)
    for behind, one in zip(range(classes, 0, -1), probabilities, strict=True):
        torch.eq(one, following, out=here).mul_(torch.ne(first, behind, out=other))
        torch.maximum(second, here.mul_(behind), out=second)
    return (classes - first).to(torch.uint8), (classes - second).to(torch.uint8)


def _keep_judged(volume: Volume, start: int, found: Tensor, doubt: Tensor) -> None:
    """Put what people drew into ``found`` (n,H,W) uint8, the part of the volume from ``start`` on, and no ``doubt``."""
    if volume.judged is None:
        return
    n, h, w = found.shape
    for where, drawn in volume.judged.pieces((start, 0, 0), (n, h, w)):
        judged = drawn.to(found.device)
        found[where] = torch.where(judged != IGNORE, judged, found[where])
        doubt[where] = doubt[where].masked_fill(judged != IGNORE, 0)


def _within(length: int, most: float) -> int:
    """``length``, or ``most`` in whole strides of the networks where that is less."""
    return length if most >= length else min(length, math.ceil(most / STRIDE) * STRIDE)
