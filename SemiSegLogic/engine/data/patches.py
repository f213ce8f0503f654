"""Drawing batches of patches: which volume, where to look (see framing.py), and the voxels (see resampling.py).

The cost of a draw depends on the patches alone, not on the number of volumes or their size. Where each patch looks is
drawn as one block of numbers (framing.Chance), the labelled patches first, then come the grey values' perturbations of
the labelled and of the unlabelled batch: a saved generator state replays a run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...errors import SemiSegError
from ...geometry import IGNORE, Shape, SliceIndex, Triple
from ...methods.base import Need, Patches
from ..blocks.perturb import weak
from ..hardware.generators import random_state, restore_random_state
from ..planning.plan import Plan
from .framing import Chance, View, anchored, anchored_on_voxel, augmentation, keep_inside, may_miss
from .pool import Pool
from .repeats import Repeats
from .resampling import sample_image, sample_label
from .staging import Staging, sent
from .volumes import Volume

TOWARDS_STRUCTURE = 0.67
ONCE = Repeats()


class NothingLabelled(SemiSegError):
    """No volume has a judged slice that training may see; the message says what to do."""


@dataclass(frozen=True)
class Look:
    """A patch to be cut: volume ``number`` seen in ``view``."""

    number: int
    view: View


class Sampler:
    """Draws batches from ``volumes``, whichever of them are labelled at that moment."""

    def __init__(self, volumes: Sequence[Volume], plan: Plan, augment: bool = True):
        self.volumes, self.plan, self.augment = list(volumes), plan, augment
        self.staging = Staging(self.volumes[0].device) if self.volumes else None
        self.pool = Pool.of(self.volumes)
        self._repeats = ONCE

    def labelled(self) -> list[int]:
        """Indices of the volumes with a judged slice that training may see."""
        return [n for n, volume in enumerate(self.volumes) if volume.training_slices]

    def draw(self, need: Need) -> tuple[Patches, Patches]:
        """``need.labelled`` patches around judged slices, ``need.unlabelled`` patches from anywhere.

        Unlabelled patches come from volumes without labels where there are any, else from all.
        Raises NothingLabelled.
        """
        looks = with_label, without = self._looks(need)
        images = self._images([*with_label, *without], need.shape).split([len(with_label), len(without)])
        nobody = self._nothing(len(without), need.shape, torch.int64).fill_(IGNORE)
        labels = self._labels(with_label, need.shape), nobody
        labelled, unlabelled = (self._patches(*parts) for parts in zip(looks, images, labels, strict=True))
        return labelled, unlabelled

    def labelled_share(self, need: Need, draws: int = 16) -> float:
        """Mean share of judged voxels in a labelled patch, in [0, 1]. Leaves the random generator as it was."""
        state = random_state()
        looks, _ = self._looks(Need(draws, 0, need.shape, need.whole_slice))
        restore_random_state(state)
        shares = [float((self._labels([look], need.shape) != IGNORE).float().mean()) for look in looks]
        return float(np.mean(shares))

    def look_at_label(self, number: int, need: Need, repeats: Repeats = ONCE) -> Look:
        """A patch around a judged slice of volume ``number``."""
        volume, chance = self.volumes[number], Chance()
        place, target = choose_place(volume, chance, need.whole_slice, repeats)
        axes = (0, 1, 2) if volume.is_dense else tuple(axis for axis in range(3) if axis != place.axis)
        return Look(number, self._view(volume, need, target, axes, place, chance))

    def look_anywhere(self, number: int, need: Need) -> Look:
        """A patch anywhere in volume ``number``."""
        volume, chance = self.volumes[number], Chance()
        target = [chance.share() * (side - 1) for side in volume.shape]
        place = SliceIndex(0, round(target[0]))
        return Look(number, self._view(volume, need, target, (0, 1, 2), place, chance))

    def repeats(self, known: Sequence[int]) -> Repeats:
        """How much more often what is drawn in few of the volumes ``known`` is looked at."""
        shown = tuple(self.volumes[number].shown for number in known)
        if shown != self._repeats.shown:
            self._repeats = Repeats.of(shown)
        return self._repeats

    def _looks(self, need: Need) -> tuple[list[Look], list[Look]]:
        known = self.labelled()
        if need.labelled and not known:
            raise NothingLabelled(
                "No slice is done, so there is nothing to train on. Draw on at least one slice and mark it as done."
            )
        free = sorted(set(range(len(self.volumes))) - set(known)) or known
        repeats = self.repeats(known)
        often = [known[place] for place in repeats.volumes]
        with_label = [self.look_at_label(n, need, repeats) for n in _some(often, need.labelled)]
        return with_label, [self.look_anywhere(n, need) for n in _some(free, need.unlabelled)]

    def _view(
        self, volume: Volume, need: Need, target: list[float], axes: tuple[int, ...], place: SliceIndex, chance: Chance
    ) -> View:
        scale, spacing = self._scale(volume, need), np.array(volume.spacing)
        turn = augmentation(axes, self.plan.dims, self._left_right(volume), chance) if self.augment else np.eye(3)
        # turn in millimetres, so that a rotation stays one on anisotropic voxels
        matrix = turn * (np.array(scale) * spacing) / spacing[:, None]
        if need.whole_slice:
            target = [target[0], *((side - 1) / 2 for side in volume.shape[1:])]
        centre = keep_inside(target, scale, need.shape, volume.shape, chance if self.augment else None)
        for axis in (place.axis,) if self.augment or need.whole_slice else (0, 1, 2):
            index = place.index if axis == place.axis else round(target[axis])
            anchored(centre, matrix, need.shape, SliceIndex(axis, index))
        if may_miss(matrix, volume.shape):
            anchored_on_voxel(centre, matrix, need.shape, target)
        return View(matrix, centre)

    def _left_right(self, volume: Volume) -> int | None:
        """The engine axis that runs from right to left in ``volume``, if swapping the sides is allowed: a single slice
        has its own order.
        """
        axis = volume.turn.sources.index(volume.grid.orientation().sources[2])
        return axis if self.plan.mirror and (self.plan.dims == 3 or axis > 0) else None

    def _scale(self, volume: Volume, need: Need) -> Triple:
        d, h, w = self.plan.scale(volume.spacing)
        if need.whole_slice:
            h, w = volume.shape[1] / need.shape[1], volume.shape[2] / need.shape[2]
        return d, h, w

    def _patches(self, looks: list[Look], image: Tensor, label: Tensor) -> Patches:
        places = [look.view.centre / np.maximum(np.array(self.volumes[look.number].shape) - 1, 1) for look in looks]
        position = torch.tensor(np.array(places).reshape(-1, 3).clip(0, 1), dtype=torch.float32)
        numbers = torch.tensor([look.number for look in looks], dtype=torch.int64)
        grey = weak(image) if self.augment and looks else image
        return Patches(grey, label, sent(position, label.device), sent(numbers, label.device))

    def _images(self, looks: list[Look], shape: Shape) -> Tensor:
        """(B,1,D,H,W) float32: all at once where the volumes lie together, else one by one."""
        if self.pool and looks:
            return self.pool.images([look.number for look in looks], [look.view for look in looks], shape)
        images = self._nothing(len(looks), (1, *shape), torch.float32)
        for look, out in zip(looks, images, strict=True):
            volume = self.volumes[look.number]
            assert self.staging is not None
            out.copy_(sample_image(volume.image[0], look.view.thinned(volume.thin), shape, self.staging.fetch))
        return images

    def _labels(self, looks: list[Look], shape: Shape) -> Tensor:
        """(B,D,H,W) int64, as :meth:`_images`."""
        if self.pool and looks:
            return self.pool.labels([look.number for look in looks], [look.view for look in looks], shape)
        labels = self._nothing(len(looks), shape, torch.int64)
        for look, out in zip(looks, labels, strict=True):
            sample_label(self.volumes[look.number].label, look.view, shape, out)
        return labels

    def _nothing(self, count: int, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        return torch.empty(count, *shape, dtype=dtype, device=self.volumes[0].device)


def choose_place(
    volume: Volume, chance: Chance, whole_slice: bool = False, repeats: Repeats = ONCE
) -> tuple[SliceIndex, list[float]]:
    """A judged slice and a voxel (d, h, w) in it: mostly on a structure, every structure of the volume equally often
    but for ``repeats``.

    For a ``whole_slice`` it is one along depth where there is any: of the others only a line would be seen.
    """
    slices = volume.training_slices
    if whole_slice:
        slices = tuple(place for place in slices if place.axis == 0) or slices
    classes = sorted({value for place in slices for value in volume.foreground[place]})
    if classes and chance.share() < TOWARDS_STRUCTURE:
        wanted = chance.pick(repeats.repeated(classes))
        place = chance.pick([place for place in slices if wanted in volume.foreground[place]])
        spots = volume.foreground[place][wanted]
        inside = [float(side) for side in spots[int(chance.share() * len(spots))].tolist()]
    else:
        place = chance.pick(slices)
        inside = [chance.share() * (side - 1) for a, side in enumerate(volume.shape) if a != place.axis]
    inside.insert(place.axis, place.index)
    return place, inside


def _some(items: list[int], count: int) -> list[int]:
    """``count`` of ``items``, each drawn anew."""
    return [items[n] for n in torch.randint(len(items), (count,)).tolist()] if count else []
