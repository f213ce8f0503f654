"""The volumes of a run, decoded once and kept on the training device.

Images are float16, normalised per volume; labels are uint8 class indices with IGNORE where nobody judged. Both lie in
the engine's axis order (see plan.py). Eighty scans of 200x140x88 take 0.4 GB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import SemiSegError
from ..geometry import IGNORE, Grid, Orientation, SliceIndex
from .plan import Plan


class LabelError(SemiSegError):
    """A label cannot be used; the message names the case, the value and the remedy."""


@dataclass
class Volume:
    """One case.

    ``image`` (1,D,H,W) float16. ``spacing`` (d, h, w) mm. ``judged`` (D,H,W) uint8 class index or IGNORE, None when
    nothing is judged; ``label`` the same without the slices held out from training. ``slices`` all judged slices in
    engine order, ``held_out`` those kept aside. ``foreground`` voxels (N, 2) of each class in each slice.
    """

    name: str
    grid: Grid
    turn: Orientation
    spacing: tuple[float, float, float]
    image: Tensor
    judged: Tensor | None = None
    label: Tensor | None = None
    slices: tuple[SliceIndex, ...] = ()
    held_out: tuple[SliceIndex, ...] = ()
    foreground: dict[SliceIndex, dict[int, Tensor]] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(D, H, W) voxels."""
        _, d, h, w = self.image.shape
        return d, h, w

    @property
    def training_slices(self) -> tuple[SliceIndex, ...]:
        """The judged slices that training may see."""
        return tuple(place for place in self.slices if place not in self.held_out)

    @property
    def is_dense(self) -> bool:
        """True when every slice along one axis is judged: the whole volume is labelled. A single slice is not dense:
        what is turned out of its plane leaves it.
        """
        axes = [place.axis for place in self.slices]
        return any(axes.count(axis) == self.shape[axis] > 1 for axis in set(axes))

    def plane(self, place: SliceIndex) -> Tensor:
        """The label of one slice, a view."""
        assert self.judged is not None
        return self.judged.select(place.axis, place.index)

    def hold_out(self, places: Sequence[SliceIndex]) -> None:
        """Keep the judged slices ``places`` from training from now on (and only them)."""
        self.held_out = tuple(place for place in places if place in self.slices)
        self.label = self.judged
        if self.held_out and self.judged is not None:
            self.label = self.judged.clone()
            for place in self.held_out:
                self.label.select(place.axis, place.index).fill_(IGNORE)

    def to_array(self, values: Tensor) -> NDArray[np.generic]:
        """A (D,H,W) tensor back as the case's own ``(k, j, i)`` array."""
        return np.ascontiguousarray(self.turn.invert(values.cpu().numpy()))


class Classes:
    """Structure values of the study (any in 1..254) to class indices 1..K-1 and back; 0 is background in both."""

    def __init__(self, values: Sequence[int]):
        self.values = (0, *sorted(values))
        self._index = np.full(256, -1, np.int16)
        self._index[list(self.values)] = np.arange(len(self.values))
        self._index[IGNORE] = IGNORE

    def __len__(self) -> int:
        return len(self.values)

    def to_index(self, label: NDArray[np.uint8], case: str) -> NDArray[np.uint8]:
        """Structure values to class indices. Raises LabelError on a value that no structure has."""
        found = np.unique(label)
        unknown = [int(value) for value in found if self._index[value] < 0]
        if unknown:
            raise LabelError(
                f"Case {case} has voxels of value {unknown[0]}, but the structures have the values "
                f"{list(self.values[1:])}. Redraw them or add the structure."
            )
        return self._index[label].astype(np.uint8)

    def to_value(self, index: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Class indices to structure values."""
        return np.array(self.values, np.uint8)[index]


def normalise(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """Zero mean and unit deviation after clipping to the 0.5 and 99.5 percentiles, which bright outliers cannot move.

    Percentiles and moments come from about a million voxels. An image that is constant but for less than that share
    of it is scaled to its range instead, and a constant image becomes all zeros.
    """
    sample = image.ravel()[:: _stride(image)].astype(np.float64)
    low, high = np.percentile(sample, [0.5, 99.5])
    inside = np.clip(sample, low, high)
    middle, scale = inside.mean(), inside.std()
    if scale <= 1e-12 * abs(middle):
        low, high = float(image.min()), float(image.max())
        middle, scale = low, (high - low) or 1.0
    clipped = np.clip(image, low, high).astype(np.float64, copy=False)
    clipped -= middle
    clipped /= scale
    return clipped.astype(np.float32)


def _stride(image: NDArray[np.generic]) -> int:
    """A step through the voxels that takes about a million of them and comes by every column of the image."""
    step = max(1, image.size // 1_000_000)
    while math.gcd(step, image.shape[-1]) > 1:
        step += 1
    return step


def load_volume(name: str, array: NDArray[np.generic], grid: Grid, plan: Plan, device: torch.device) -> Volume:
    """An unlabelled volume of ``array (k, j, i)`` on ``device``."""
    turn = plan.orientation(grid)
    image = np.ascontiguousarray(turn.apply(normalise(array))).astype(np.float16)
    return Volume(name, grid, turn, turn.triple(grid.spacing), torch.from_numpy(image)[None].to(device))


def set_label(volume: Volume, label: NDArray[np.uint8], slices: Sequence[SliceIndex], classes: Classes) -> None:
    """Give ``volume`` its label: ``label (k, j, i)`` structure values, IGNORE outside ``slices`` (in ``(k, j, i)``)."""
    if label.shape != volume.grid.shape:
        raise LabelError(f"The label of case {volume.name} has {label.shape} voxels, its image {volume.grid.shape}.")
    index = np.ascontiguousarray(volume.turn.apply(classes.to_index(label, volume.name)))
    volume.judged = torch.from_numpy(index).to(volume.image.device)
    volume.slices = tuple(sorted(volume.turn.slice_to_canonical(place, volume.grid.shape) for place in slices))
    volume.foreground = {place: _foreground(volume.plane(place)) for place in volume.slices}
    volume.hold_out(volume.held_out)


def _foreground(plane: Tensor) -> dict[int, Tensor]:
    """Class index -> (N, 2) int64 coordinates of its voxels in a judged plane."""
    present = [int(value) for value in plane.unique() if 0 < int(value) < IGNORE]
    return {value: (plane == value).nonzero() for value in present}


def class_prior(volumes: Sequence[Volume], classes: int) -> tuple[float, ...]:
    """Frequencies of the classes in the judged voxels, at least 1e-3 each, summing to 1."""
    counts = torch.zeros(classes, dtype=torch.float64)
    for volume in volumes:
        if volume.label is not None:
            counts += torch.bincount(volume.label.flatten().long().cpu(), minlength=256)[:classes].double()
    share = (counts / counts.sum().clamp_min(1)).clamp_min(1e-3)
    return tuple((share / share.sum()).tolist())
