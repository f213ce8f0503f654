"""The labels of all volumes of a run, to be looked up together (see slice_label.py for what a label is)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...geometry import IGNORE, Shape
from .slice_label import SliceLabel, Stack, taken
from .staging import sent

Labels = Sequence[SliceLabel | None]


@dataclass(frozen=True, eq=False)
class AxisTable:
    """What lies along one axis of every volume, one volume after the other: ``row`` (S,) int64 the address at which the
    plane of a place begins in all planes, -1 where none was drawn; ``hidden`` (S,) bool, planes held out from training.
    """

    row: Tensor
    hidden: Tensor


@dataclass(frozen=True, eq=False)
class LabelTables:
    """``labels`` of volumes with ``sides`` (V,3). ``first`` (V,3): where each volume begins in the table of an axis;
    ``planes`` (P,) uint8 all that was drawn, a copy: at most half of what the images take.
    """

    labels: Labels
    sides: NDArray[np.int64]
    first: NDArray[np.int64]
    axes: tuple[AxisTable, ...]
    planes: Tensor

    @classmethod
    def of(cls, labels: Labels, shapes: Sequence[Shape], device: torch.device) -> LabelTables:
        """Made anew whenever a label changes."""
        sides = np.array(shapes, np.int64)
        first = np.vstack([np.zeros((1, 3), np.int64), sides.cumsum(0)[:-1]])
        row = [np.full(total, -1, np.int64) for total in sides.sum(0)]
        hidden = [np.zeros(total, bool) for total in sides.sum(0)]
        planes, end = [], 0
        for number, label in enumerate(labels):
            for stack in label.stacks if label else ():
                begin = first[number, stack.axis]
                row[stack.axis][begin + np.array(stack.index)] = end + _plane_starts(stack)
                planes.append(stack.planes.flatten())
                end += stack.planes.numel()
            for place in label.held_out if label else ():
                hidden[place.axis][first[number, place.axis] + place.index] = True
        axes = tuple(AxisTable(torch.from_numpy(a).to(device), torch.from_numpy(b).to(device))
                     for a, b in zip(row, hidden, strict=True))
        all_of_them = torch.cat(planes) if planes else torch.zeros(0, dtype=torch.uint8, device=device)
        return cls(list(labels), sides, first, axes, all_of_them)

    def are_of(self, labels: Labels) -> bool:
        """Whether these are the labels they were made of."""
        return all(mine is theirs for mine, theirs in zip(self.labels, labels, strict=True))

    def at(self, numbers: Sequence[int], near: Tensor) -> Tensor:
        """(B,D,H,W) uint8 values at the places ``near`` (B,3,D,H,W), whole numbers, of the volumes ``numbers``."""
        facts = np.concatenate([self.sides[list(numbers)], self.first[list(numbers)]], 1)
        sides, first = sent(torch.from_numpy(facts), near.device)[..., None, None, None].split([3, 3], 1)
        outside = ((near < 0) | (near >= sides)).any(1)
        place = torch.minimum(near.clamp_min(0).long(), sides - 1)
        table = place + first
        found = torch.full_like(outside, IGNORE, dtype=torch.uint8)
        for axis in self._drawn_axes:
            rows, columns = (other for other in range(3) if other != axis)
            begin = taken(self.axes[axis].row, table[:, axis])
            inside = place[:, rows] * sides[:, columns] + place[:, columns]
            nothing = begin < 0
            value = taken(self.planes, (begin + inside).masked_fill_(nothing, 0)).masked_fill_(nothing, IGNORE)
            found = torch.minimum(found, value)  # IGNORE is the highest value
        for axis in self._hiding_axes:
            outside = outside | taken(self.axes[axis].hidden, table[:, axis])
        return found.masked_fill_(outside, IGNORE)

    @property
    def _drawn_axes(self) -> list[int]:
        return sorted({stack.axis for label in self.labels if label for stack in label.stacks})

    @property
    def _hiding_axes(self) -> list[int]:
        return sorted({place.axis for label in self.labels if label for place in label.held_out})


def _plane_starts(stack: Stack) -> NDArray[np.int64]:
    """Where each plane of a stack begins."""
    return np.arange(len(stack.index), dtype=np.int64) * (stack.planes[0].numel() if len(stack.planes) else 0)
