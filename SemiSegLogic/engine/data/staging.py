"""From the host to a GPU through pinned memory, so that nobody waits: the GPU fetches when it comes to it, and the host
goes on meanwhile to draw the next patches.

Of volumes that stay in host memory (or in a mapped file) only the box that a patch needs is copied, into a pinned
buffer that is used again and again: nothing is allocated once the largest box has been seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SLOTS = 8  # boxes under way at the same time


def sent(values: Tensor, device: torch.device) -> Tensor:
    """A few ``values`` (any axes) of the host on ``device``. PyTorch keeps their pinned memory until the GPU has
    fetched them, and then uses it again.
    """
    return values if device.type == "cpu" else values.pin_memory().to(device, non_blocking=True)


@dataclass
class Slot:
    """A pinned buffer (N,) float16 and the event that tells when the GPU has fetched what lies in it."""

    buffer: Tensor
    fetched: torch.cuda.Event


class Staging:
    """Brings parts of volumes to ``device``."""

    def __init__(self, device: torch.device):
        self.device = device
        self._slots: list[Slot | None] = [None] * SLOTS
        self._turn = 0

    def fetch(self, part: Tensor) -> Tensor:
        """``part`` (float16, anywhere) as float32 on the device."""
        if part.device.type == self.device.type:
            return part.float()
        slot = self._free_slot(part.numel())
        pinned = slot.buffer[: part.numel()].view(part.shape)
        pinned.copy_(part)
        arrived = pinned.to(self.device, non_blocking=True)
        slot.fetched.record()
        return arrived.float()

    def _free_slot(self, size: int) -> Slot:
        """The next slot, once the GPU is done with it, with room for ``size`` values."""
        number = self._turn = (self._turn + 1) % SLOTS
        slot = self._slots[number]
        if slot is not None:
            slot.fetched.synchronize()
        if slot is None or slot.buffer.numel() < size:
            buffer = torch.empty(size + size // 4, dtype=torch.float16, pin_memory=True)
            slot = self._slots[number] = Slot(buffer, torch.cuda.Event())
        return slot
