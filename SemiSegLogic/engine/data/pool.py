"""All patches of a batch at once, from volumes that lie in one piece of a GPU's memory.

Small patches cost a GPU less than their launches cost the host. Cut one by one (resampling.py), every patch takes some
thirty of them; together they take the same number however many there are. The values are the same: trilinear, the
border voxel continued outside, and labels of the nearest voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...geometry import Shape
from .framing import View
from .label_tables import LabelTables
from .slice_label import LAST_INT32, taken
from .staging import sent
from .volumes import Volume


@dataclass(frozen=True)
class Aim:
    """Where a batch looks, on the device: ``matrix`` (B,3,3) and ``centre`` (B,3) float32, see framing.View."""

    matrix: Tensor
    centre: Tensor

    @classmethod
    def of(cls, views: Sequence[View], device: torch.device) -> Aim:
        """One transfer for all of them."""
        numbers = np.stack([np.concatenate([view.matrix.ravel(), view.centre]) for view in views]).astype(np.float32)
        matrix, centre = sent(torch.from_numpy(numbers), device).split([9, 3], 1)
        return cls(matrix.view(-1, 3, 3), centre)

    def coordinates(self, shape: Shape) -> Tensor:
        """(B,3,D,H,W) float32: the voxels (d, h, w) of each volume that the voxels of its patch lie on."""
        d, h, w = (self._line(axis, side) for axis, side in enumerate(shape))
        w = w + self.centre[..., None]
        return d[..., None, None] + h[..., None, :, None] + w[..., None, None, :]

    def _line(self, axis: int, side: int) -> Tensor:
        steps = torch.arange(side, dtype=torch.float32, device=self.centre.device) - (side - 1) / 2
        return self.matrix[:, :, axis, None] * steps


class Pool:
    """Cuts patches from ``volumes``, whose images are parts of one tensor."""

    def __init__(self, volumes: Sequence[Volume]):
        self.volumes = list(volumes)
        image = self.volumes[0].image
        self.device = image.device
        self._room = image.as_strided((image.untyped_storage().nbytes() // image.element_size(),), (1,), 0)
        self._index = torch.int32 if len(self._room) <= LAST_INT32 else torch.int64
        self._sizes = np.array([volume.image.shape[1:] for volume in self.volumes])
        self._starts = np.array([volume.image.storage_offset() for volume in self.volumes])
        self._tables: LabelTables | None = None

    @classmethod
    def of(cls, volumes: Sequence[Volume]) -> Pool | None:
        """Where they lie together on a GPU; None where they do not."""
        places = {volume.image.untyped_storage().data_ptr() for volume in volumes}
        together = len(places) == 1 and all(volume.image.device.type != "cpu" for volume in volumes)
        return cls(volumes) if together else None

    def images(self, numbers: Sequence[int], views: Sequence[View], shape: Shape) -> Tensor:
        """(B,1,D,H,W) float32 of the volumes ``numbers``, each in its view."""
        thinned = [view.thinned(self.volumes[number].thin) for number, view in zip(numbers, views, strict=True)]
        size, start = self._facts(numbers)
        place = Aim.of(thinned, self.device).coordinates(shape).clamp_min_(0)
        place = torch.minimum(place, (size - 1)[..., None, None, None].float())
        low = place.floor()
        share, low = place.sub_(low), low.to(self._index)
        high = torch.minimum(low + 1, (size - 1)[..., None, None, None])
        stride = torch.stack([size[:, 1] * size[:, 2], size[:, 2], torch.ones_like(start)], 1)[..., None, None, None]
        low, high = low * stride, high * stride
        low[:, 0] += start[:, None, None, None]
        high[:, 0] += start[:, None, None, None]
        return self._trilinear(low, high, share)[:, None]

    def labels(self, numbers: Sequence[int], views: Sequence[View], shape: Shape) -> Tensor:
        """(B,D,H,W) int64 class index, IGNORE where nobody judged and outside of the volume."""
        near = Aim.of(views, self.device).coordinates(shape).round_()
        return self._known().at(numbers, near).long()

    def _facts(self, numbers: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Sizes (B,3) and starts (B,) of the images."""
        facts = np.column_stack([self._sizes[list(numbers)], self._starts[list(numbers)]])
        size, start = sent(torch.from_numpy(facts), self.device).to(self._index).split([3, 1], 1)
        return size, start[:, 0]

    def _trilinear(self, low: Tensor, high: Tensor, share: Tensor) -> Tensor:
        """(B,D,H,W) from the addresses of the corners (B,3,D,H,W), a part for each axis."""
        (z, y, x), (z1, y1, x1) = low.unbind(1), high.unbind(1)
        dz, dy, dx = share.unbind(1)
        rows = torch.stack([y, y1])

        def plane(depth: Tensor) -> Tensor:
            both = rows + depth
            upper, lower = self._at(both + x).lerp_(self._at(both + x1), dx).unbind()
            return upper.lerp_(lower, dy)

        return plane(z).lerp_(plane(z1), dz)

    def _at(self, address: Tensor) -> Tensor:
        return taken(self._room, address).float()

    def _known(self) -> LabelTables:
        """The labels as they are now: people draw while a model learns."""
        labels = [volume.label for volume in self.volumes]
        if self._tables is None or not self._tables.are_of(labels):
            self._tables = LabelTables.of(labels, [volume.shape for volume in self.volumes], self.device)
        return self._tables
