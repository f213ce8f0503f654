"""Patches as the 3D papers cut them: a random crop, turned by right angles and mirrored in the plane; no grey values
changed (Yu et al. 2019, released code; BCP, MC-Net, SS-Net and others took it over).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from SemiSegLogic.engine.data.patches import NothingLabelled, Sampler
from SemiSegLogic.engine.data.staging import sent
from SemiSegLogic.geometry import IGNORE, Shape
from SemiSegLogic.methods.base import Need, Patches

from ..definitions.checked import BenchmarkError


class TurningSampler(Sampler):
    """Draws such patches. Volumes smaller than a patch are padded with zeros, their labels with background."""

    def draw(self, need: Need) -> tuple[Patches, Patches]:
        """See :class:`Sampler`. Raises NothingLabelled, and BenchmarkError for a method that wants whole slices."""
        if need.whole_slice:
            raise BenchmarkError("This method learns from whole slices; the papers' crops are for volumes. Choose a "
                                 "recipe with augmentation 'product'.")
        known = self.labelled()
        if need.labelled and not known:
            raise NothingLabelled("The protocol's cell has no annotated slice.")
        free = sorted(set(range(len(self.volumes))) - set(known)) or known
        with_label = self._crops(known, need.labelled, need.shape, True)
        return with_label, self._crops(free, need.unlabelled, need.shape, False)

    def _crops(self, among: Sequence[int], count: int, shape: Shape, labelled: bool) -> Patches:
        device = self.volumes[0].device
        if not count:
            empty = torch.empty(0, *shape, device=device)
            return Patches(empty[:, None], empty.long(), torch.empty(0, 3, device=device), empty.long().new_empty(0))
        order = torch.randperm(len(among)).repeat(-(-count // len(among)))[:count]  # other volumes, while there are any
        chosen = [among[int(number)] for number in order]
        images, labels, places = zip(*(self._crop(number, shape, labelled) for number in chosen), strict=True)
        return Patches(torch.stack(images), torch.stack(labels), sent(torch.stack(places), device),
                       sent(torch.tensor(chosen), device))

    def _crop(self, number: int, shape: Shape, labelled: bool) -> tuple[Tensor, Tensor, Tensor]:
        volume = self.volumes[number]
        label = volume.label if labelled else None
        corner = [_upto(max(side - wanted, 0)) for side, wanted in zip(volume.shape, shape, strict=True)]
        size = [min(side, wanted) for side, wanted in zip(volume.shape, shape, strict=True)]
        part = volume.image[0][tuple(slice(start, start + side) for start, side in zip(corner, size, strict=True))]
        image = _padded(part, shape).to(volume.device).float()
        known = torch.full(shape, IGNORE, device=volume.device) if label is None else _padded(
            label.box(corner, (size[0], size[1], size[2])), shape)
        turn, axis = (_upto(3) if shape[1] == shape[2] else 2 * _upto(1)), 1 + _upto(1)
        image, known = (torch.rot90(part, turn, (1, 2)).flip(axis) for part in (image, known))
        middle = torch.tensor(corner) + (torch.tensor(shape) - 1) / 2
        place = (middle / torch.tensor([max(side - 1, 1) for side in volume.shape])).clamp(0, 1)
        return image[None].contiguous(), known.long().contiguous(), place


def _padded(part: Tensor, shape: Shape) -> Tensor:
    """``part`` (d,h,w) with zeros around it where it is smaller than ``shape``."""
    pads = [side - own for side, own in zip(shape, part.shape, strict=True)]
    return nn.functional.pad(part, [n for pad in reversed(pads) for n in (pad // 2, pad - pad // 2)])


def _upto(last: int) -> int:
    """A whole number in 0..``last``."""
    return int(torch.randint(last + 1, ()).item())
