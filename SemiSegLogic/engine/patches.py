"""Cutting patches: where to look, how to turn what is seen, and one resampling from the native voxels.

Rules for sparse labels (a volume with a few judged slices):
(1) the patch is anchored on a judged slice, which lies on the sampling grid exactly: half-voxel centres would skip it;
(2) a sparsely judged volume is turned and stretched only within the plane of that slice;
(3) a coarser grid is anchored on it too.
Every random draw comes from torch's default generator, so that a saved generator state replays a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import SemiSegError
from ..geometry import IGNORE, SliceIndex
from ..methods.base import Need, Patches
from .checkpoint import random_state, restore_random_state
from .perturb import weak
from .plan import Plan, Shape
from .volumes import Volume

Item = TypeVar("Item")

ROTATION = math.radians(17)
STRETCH = 0.15
TOWARDS_STRUCTURE = 0.67


class NothingLabelled(SemiSegError):
    """No volume has a judged slice that training may see; the message says what to do."""


@dataclass(frozen=True)
class View:
    """How a patch lies in its volume: voxel ``p`` of the patch is volume coordinate ``centre + matrix (p - middle)``.

    ``matrix`` (3, 3) and ``centre`` (3,) float64, in voxels of the volume; ``middle`` is (shape - 1) / 2.
    """

    matrix: Tensor
    centre: Tensor


class Sampler:
    """Draws batches from ``volumes``, whichever of them are labelled at that moment."""

    def __init__(self, volumes: Sequence[Volume], plan: Plan, augment: bool = True):
        self.volumes, self.plan, self.augment = list(volumes), plan, augment

    def labelled(self) -> list[int]:
        """Indices of the volumes with a judged slice that training may see."""
        return [n for n, volume in enumerate(self.volumes) if volume.training_slices]

    def draw(self, need: Need) -> tuple[Patches, Patches]:
        """``need.labelled`` patches around judged slices, ``need.unlabelled`` patches from anywhere.

        Unlabelled patches come from volumes without labels where there are any, else from all.
        Raises NothingLabelled.
        """
        known = self.labelled()
        if need.labelled and not known:
            raise NothingLabelled("No annotated slice to train on. Draw at least one slice and mark it as done.")
        free = [n for n in range(len(self.volumes)) if n not in known] or known
        with_label = [self._labelled_patch(_pick(known), need) for _ in range(need.labelled)]
        without = [self._free_patch(_pick(free), need) for _ in range(need.unlabelled)]
        return self._batch(with_label, need.shape), self._batch(without, need.shape)

    def labelled_share(self, need: Need, draws: int = 16) -> float:
        """Mean share of judged voxels in a labelled patch, in [0, 1]. Leaves the random generator as it was."""
        state = random_state()
        labelled, _ = self.draw(Need(draws, 0, need.shape, need.whole_slice))
        restore_random_state(state)
        return float((labelled.label != IGNORE).float().mean())

    def _labelled_patch(self, number: int, need: Need) -> tuple[int, View, bool]:
        volume = self.volumes[number]
        place, target = choose_place(volume, need.whole_slice)
        axes = (0, 1, 2) if volume.is_dense else tuple(axis for axis in range(3) if axis != place.axis)
        return number, self._view(volume, need, target, axes, place), True

    def _free_patch(self, number: int, need: Need) -> tuple[int, View, bool]:
        volume = self.volumes[number]
        target = torch.tensor([torch.rand(()).item() * (side - 1) for side in volume.shape], dtype=torch.float64)
        place = SliceIndex(0, round(float(target[0])))
        return number, self._view(volume, need, target, (0, 1, 2), place), False

    def _view(self, volume: Volume, need: Need, target: Tensor, axes: tuple[int, ...], place: SliceIndex) -> View:
        scale = self._scale(volume, need)
        turn = augmentation(axes, self.plan.dims, self._left_right(volume)) if self.augment else torch.eye(3).double()
        spacing = torch.tensor(volume.spacing, dtype=torch.float64)
        # turn in millimetres, so that a rotation stays one on anisotropic voxels
        matrix = torch.diag(1 / spacing) @ turn @ torch.diag(scale * spacing)
        if need.whole_slice:
            target = torch.cat([target[:1], (torch.tensor(volume.shape[1:], dtype=torch.float64) - 1) / 2])
        centre = keep_inside(target, scale, need.shape, volume.shape, self.augment)
        for axis in (place.axis,) if self.augment or need.whole_slice else (0, 1, 2):
            index = place.index if axis == place.axis else round(float(target[axis]))
            centre = anchored(centre, matrix, need.shape, SliceIndex(axis, index))
        return View(matrix, centre)

    def _left_right(self, volume: Volume) -> int | None:
        """The engine axis that runs from right to left in ``volume``, if swapping the sides is allowed: a single slice
        has its own order.
        """
        axis = volume.turn.sources.index(volume.grid.orientation().sources[2])
        return axis if self.plan.mirror and (self.plan.dims == 3 or axis > 0) else None

    def _scale(self, volume: Volume, need: Need) -> Tensor:
        scale = list(self.plan.scale(volume.spacing))
        if need.whole_slice:
            scale[1:] = [side / wanted for side, wanted in zip(volume.shape[1:], need.shape[1:], strict=True)]
        return torch.tensor(scale, dtype=torch.float64)

    def _batch(self, picks: list[tuple[int, View, bool]], shape: Shape) -> Patches:
        device = self.volumes[0].image.device
        if not picks:
            empty = torch.empty(0, *shape, device=device)
            return Patches(empty[:, None], empty.long(), torch.empty(0, 3, device=device), empty.long().new_empty(0))
        images, labels, positions = [], [], []
        for number, view, with_label in picks:
            volume = self.volumes[number]
            coordinates = coordinates_of(view, shape, device)
            images.append(sample_image(volume.image, coordinates))
            labels.append(sample_label(volume.label if with_label else None, coordinates))
            positions.append(view.centre / torch.tensor([max(side - 1, 1) for side in volume.shape]))
        image = torch.stack(images)
        return Patches(
            weak(image) if self.augment else image,
            torch.stack(labels),
            torch.stack(positions).clamp(0, 1).float().to(device),
            torch.tensor([number for number, _, _ in picks], device=device),
        )


def choose_place(volume: Volume, whole_slice: bool = False) -> tuple[SliceIndex, Tensor]:
    """A judged slice and a voxel (3,) in it: mostly on a structure, every structure of the volume equally often.

    For a ``whole_slice`` it is one along depth where there is any: of the others only a line would be seen.
    """
    slices = volume.training_slices
    if whole_slice:
        slices = tuple(place for place in slices if place.axis == 0) or slices
    classes = sorted({value for place in slices for value in volume.foreground[place]})
    if classes and torch.rand(()).item() < TOWARDS_STRUCTURE:
        wanted = _pick(classes)
        place = _pick([place for place in slices if wanted in volume.foreground[place]])
        spots = volume.foreground[place][wanted]
        inside = spots[int(torch.randint(len(spots), ()).item())].tolist()
    else:
        place = _pick(slices)
        inside = [torch.rand(()).item() * (side - 1) for a, side in enumerate(volume.shape) if a != place.axis]
    inside.insert(place.axis, place.index)
    return place, torch.tensor(inside, dtype=torch.float64)


def augmentation(axes: tuple[int, ...], dims: int, left_right: int | None) -> Tensor:
    """(3, 3) float64 in millimetres: a rotation and stretch among ``axes`` only, perhaps mirrored."""
    planes = [(1, 2)] if dims == 2 else [(a, b) for a in axes for b in axes if a < b]
    turn = torch.eye(3, dtype=torch.float64)
    for a, b in planes:
        angle = _between(-ROTATION, ROTATION)
        plane = torch.eye(3, dtype=torch.float64)
        plane[a, a] = plane[b, b] = math.cos(angle)
        plane[a, b], plane[b, a] = -math.sin(angle), math.sin(angle)
        turn = turn @ plane
    stretch = torch.ones(3, dtype=torch.float64)
    for axis in axes if dims == 3 else (1, 2):
        stretch[axis] = _between(1 - STRETCH, 1 + STRETCH)
    if left_right is not None and torch.rand(()).item() < 0.5:
        stretch[left_right] *= -1
    return turn @ torch.diag(stretch)


def keep_inside(target: Tensor, scale: Tensor, patch: Shape, volume: Shape, jitter: bool) -> Tensor:
    """The patch centre nearest ``target`` (voxels) at which the patch stays inside the volume; where the patch is the
    longer one, the volume's middle. ``jitter`` moves it by up to an eighth of the patch.
    """
    half = scale * (torch.tensor(patch, dtype=torch.float64) - 1) / 2
    last = torch.tensor(volume, dtype=torch.float64) - 1
    if jitter:
        target = target + (torch.rand(3, dtype=torch.float64) - 0.5) * half / 2
    low, high = torch.minimum(half, last / 2), torch.maximum(last - half, last / 2)
    centre = torch.minimum(torch.maximum(target, low), high)
    slack = (torch.rand(3, dtype=torch.float64) - 0.5) * torch.minimum(half, last / 2) / 4
    return centre + slack if jitter else centre


def anchored(centre: Tensor, matrix: Tensor, patch: Shape, place: SliceIndex) -> Tensor:
    """``centre`` moved along the slice's axis until the slice lies on a sample of the patch, and inside the patch."""
    axis, step = place.axis, abs(float(matrix[place.axis, place.axis])) or 1.0
    middle = (patch[axis] - 1) / 2
    offset = round((place.index - float(centre[axis])) / step + middle)
    offset = min(max(offset, 0), patch[axis] - 1)
    moved = centre.clone()
    moved[axis] = place.index - step * (offset - middle)
    return moved


def coordinates_of(view: View, shape: Shape, device: torch.device) -> Tensor:
    """(D,H,W,3) float32: the volume coordinates (voxels, order d, h, w) that the patch samples."""
    ranges = [torch.arange(n, dtype=torch.float32, device=device) - (n - 1) / 2 for n in shape]
    matrix = view.matrix.float().to(device)
    d, h, w = (line[:, None] * matrix[:, axis] for axis, line in enumerate(ranges))
    return d[:, None, None] + h[None, :, None] + w[None, None, :] + view.centre.float().to(device)


def sample_image(image: Tensor, coordinates: Tensor) -> Tensor:
    """Trilinear values (1,D,H,W) float32 of ``image`` (1,d,h,w); the border voxel continues outside.

    Only the box around the coordinates is converted from float16.
    """
    size = image.shape[1:]
    flat = coordinates.reshape(-1, 3)
    low, high = flat.amin(0).floor().long().tolist(), flat.amax(0).ceil().long().tolist()
    # clamp(min, max) on both ends: a patch wholly outside still sees the border voxel
    starts = [min(max(a, 0), n - 1) for a, n in zip(low, size, strict=True)]
    stops = [min(max(b, 0), n - 1) + 1 for b, n in zip(high, size, strict=True)]
    box = image[:, starts[0] : stops[0], starts[1] : stops[1], starts[2] : stops[2]].float()
    extent = torch.tensor([max(b - a - 1, 1) for a, b in zip(starts, stops, strict=True)], device=image.device)
    place = 2 * (coordinates - torch.tensor(starts, device=image.device)) / extent - 1
    return F.grid_sample(box[None], place.flip(-1)[None], padding_mode="border", align_corners=True)[0]


def sample_label(label: Tensor | None, coordinates: Tensor) -> Tensor:
    """Nearest values (D,H,W) int64 of ``label`` (d,h,w) uint8; IGNORE outside the volume or without a label."""
    shape = coordinates.shape[:3]
    if label is None:
        return torch.full(shape, IGNORE, dtype=torch.int64, device=coordinates.device)
    nearest = coordinates.round().long()
    last = torch.tensor(label.shape, device=label.device) - 1
    inside = ((nearest >= 0) & (nearest <= last)).all(-1)
    nearest = torch.minimum(nearest.clamp_min(0), last)
    values = label[nearest[..., 0], nearest[..., 1], nearest[..., 2]].long()
    return values.masked_fill(~inside, IGNORE)


def _between(low: float, high: float) -> float:
    return low + (high - low) * torch.rand((), dtype=torch.float64).item()


def _pick(items: Sequence[Item]) -> Item:
    return items[int(torch.randint(len(items), ()).item())]
