"""The volumes of a run.

Images are float16, normalised per volume; labels are uint8 class indices on the judged slices (see slice_label.py).
Both lie in the engine's axis order (see plan.py). Eighty scans of 200x140x88 take 0.4 GB. Where an image lies (GPU,
memory, mapped file) is decided in keeping.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import SemiSegError
from ...geometry import AXIS_NAMES, IGNORE, Grid, Orientation, Planes, Shape, SliceIndex, Triple, plane
from ..planning.plan import Plan
from .greys import slabs
from .slice_label import Drawn, SliceLabel

MOST_SPOTS = 4096  # to look at; a dense label of a large volume has millions
SPECK = 5  # voxels of a structure in a volume: so few were a slip of the hand, and are not looked for in particular
UNKNOWN = 254  # no class has this index but the last of 255, and then every value is known


class LabelError(SemiSegError):
    """A label cannot be used; the message names the case, the value and the remedy."""


@dataclass
class Volume:
    """One case.

    ``image`` (1,d,h,w) float16: where the plan is coarser than the case, the mean of every ``thin`` voxels (see
    :meth:`Plan.thin`), else all of them. ``spacing`` (d, h, w) mm of the case, as the plan takes it. ``judged`` what
    people drew, None when nobody did; ``label`` the same without the slices held out from training. ``slices`` the
    judged slices to learn from in engine order, ``held_out`` those of them kept aside, ``shown`` the classes of which
    the others show more than a SPECK. ``foreground`` voxels (N, 2) of each class in each slice, at most ``MOST_SPOTS``.
    """

    name: str
    grid: Grid
    turn: Orientation
    spacing: Triple
    image: Tensor
    thin: Shape = (1, 1, 1)
    where: torch.device | None = None
    judged: SliceLabel | None = None
    label: SliceLabel | None = None
    slices: tuple[SliceIndex, ...] = ()
    held_out: tuple[SliceIndex, ...] = ()
    shown: frozenset[int] = frozenset()
    foreground: dict[SliceIndex, dict[int, Tensor]] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """(D, H, W) voxels of the case itself."""
        return self.turn.triple(self.grid.shape)

    @property
    def device(self) -> torch.device:
        """Where its patches are made and its label lies."""
        return self.where or self.image.device

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
        """What was drawn on one slice, (a, b) uint8 class index or IGNORE, a view. Raises KeyError where none is."""
        assert self.judged is not None
        return self.judged.plane(place)

    def hold_out(self, places: Sequence[SliceIndex]) -> None:
        """Keep the judged slices ``places`` from training from now on (and only them)."""
        self.held_out = tuple(place for place in places if place in self.slices)
        self.label = None if self.judged is None else self.judged.without(self.held_out)
        voxels = Counter[int]()
        for place in self.training_slices:
            voxels.update({number: len(spots) for number, spots in self.foreground[place].items()})
        self.shown = frozenset(number for number, count in voxels.items() if count > SPECK)

    def to_array(self, values: Tensor) -> NDArray[np.generic]:
        """A (D,H,W) tensor back as the case's own ``(k, j, i)`` array."""
        return np.ascontiguousarray(self.turn.invert(values.cpu().numpy()))


class Classes:
    """Structure values of the study (any in 1..254) to class indices 1..K-1 and back; 0 is background in both.

    A large volume has hundreds of millions of voxels, and bytes are translated several times faster than indexed.
    """

    def __init__(self, values: Sequence[int]):
        self.values = (0, *sorted(values))
        self._to_value = bytes(self.values).ljust(256, b"\0")
        to_index = bytearray([UNKNOWN]) * 256
        for index, value in enumerate(self.values):
            to_index[value] = index
        to_index[IGNORE] = IGNORE
        self._to_index = bytes(to_index)

    def __len__(self) -> int:
        return len(self.values)

    def to_index(self, label: NDArray[np.uint8], case: str) -> NDArray[np.uint8]:
        """Structure values (any axes) to class indices, IGNORE to itself. Raises LabelError on any other value."""
        index = _translated(label, self._to_index)
        if len(self.values) <= UNKNOWN and (index == UNKNOWN).any():
            raise LabelError(
                f"Case {case} has voxels of value {int(label[index == UNKNOWN].min())}, but the structures have the "
                f"values {list(self.values[1:])}. Redraw them or add the structure."
            )
        return index

    def values_of(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """The structure values of some class indices."""
        return tuple(self.values[number] for number in numbers)

    def to_value(self, index: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Class indices (any axes) to structure values, uint8. Raises IndexError on an index that no class has."""
        if index.size and not 0 <= index.min() <= index.max() < len(self.values):
            raise IndexError(f"There are {len(self.values)} classes, but an index of {index.max()}.")
        return _translated(index.astype(np.uint8, copy=False), self._to_value)


def _translated(values: NDArray[np.uint8], table: bytes) -> NDArray[np.uint8]:
    """``table[values]`` in C order."""
    found = bytearray(values.astype(np.uint8, order="C", casting="safe", copy=False)).translate(table)
    return np.frombuffer(found, np.uint8).reshape(values.shape)


def load_volume(name: str, array: NDArray[np.generic], grid: Grid, plan: Plan, device: torch.device) -> Volume:
    """An unlabelled volume of ``array (k, j, i)``, all of it on ``device``."""
    turn, thin = plan.orientation(grid), plan.thin(grid)
    image = torch.from_numpy(np.concatenate(list(slabs(array, turn, thin))))
    return Volume(name, grid, turn, plan.taken_spacing(grid), image[None].to(device), thin)


def set_label(volume: Volume, label: NDArray[np.uint8], slices: Sequence[SliceIndex], classes: Classes) -> None:
    """Give ``volume`` its label: ``label`` (k, j, i) structure values of which ``slices`` (in (k, j, i)) are judged.
    Raises LabelError on another shape or an unknown value.
    """
    if label.shape != volume.grid.shape:
        raise LabelError(f"The label of case {volume.name} has {label.shape} voxels, its image {volume.grid.shape}.")
    set_planes(volume, {place: plane(label, place) for place in slices}, slices, classes)


def set_planes(volume: Volume, planes: Planes, slices: Sequence[SliceIndex], classes: Classes) -> None:
    """Give ``volume`` its label: ``planes`` structure values of the judged slices, of which ``slices`` are to be
    learned from; both in (k, j, i). Raises LabelError on another shape or an unknown value.
    """
    drawn = dict(_drawn(volume, planes, axis, classes) for axis in sorted({place.axis for place in planes}))
    volume.judged = SliceLabel.of(drawn, volume.shape, volume.device)
    volume.slices = tuple(sorted(volume.turn.slice_to_canonical(place, volume.grid.shape) for place in slices))
    volume.foreground = {place: _foreground(volume.plane(place)) for place in volume.slices}
    volume.hold_out(volume.held_out)


def _drawn(volume: Volume, planes: Planes, axis: int, classes: Classes) -> tuple[int, Drawn]:
    """The planes along ``axis`` of (k, j, i) as class indices, along the engine's axis, in its order."""
    places = sorted(place for place in planes if place.axis == axis)
    across = tuple(side for other, side in enumerate(volume.grid.shape) if other != axis)
    for place in places:
        if planes[place].shape != across:
            raise LabelError(f"Slice {place.index} along {AXIS_NAMES[axis]} of case {volume.name} was drawn with "
                             f"{planes[place].shape} voxels, its image has {across} there.")
    turned = volume.turn.apply(classes.to_index(np.stack([planes[place] for place in places], axis), volume.name))
    own = sorted(volume.turn.slice_to_canonical(place, volume.grid.shape) for place in places)
    return own[0].axis, ([place.index for place in own], np.moveaxis(turned, own[0].axis, 0))


def _foreground(plane: Tensor) -> dict[int, Tensor]:
    """Class index -> (N, 2) int64 coordinates of its voxels in a judged plane, evenly thinned out to MOST_SPOTS."""
    plane = plane.cpu()
    present = [value for value in np.unique(plane.numpy()).tolist() if 0 < value < IGNORE]
    spots = {value: (plane == value).nonzero() for value in present}
    return {value: found[:: -(-len(found) // MOST_SPOTS)].clone() for value, found in spots.items()}


def class_prior(volumes: Sequence[Volume], classes: int) -> tuple[float, ...]:
    """Frequencies of the classes in the judged voxels, at least 1e-3 each, summing to 1."""
    counts = np.zeros(classes)
    for volume in volumes:
        if volume.label is not None:
            counts += volume.label.counts()[:classes]
    share = torch.from_numpy(counts / max(counts.sum(), 1)).clamp_min(1e-3)
    return tuple((share / share.sum()).tolist())
