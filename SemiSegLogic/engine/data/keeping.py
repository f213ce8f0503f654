"""Where the images of a run are kept: on the GPU, in memory, or in the cache's mapped files, whichever holds them all.

The choice is made once for all volumes, from their number and size, so that no step is slower than another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...errors import SemiSegError
from ...geometry import Grid, Shape
from ..hardware.device import Device, free_memory
from ..planning.plan import Plan
from .cache import Cache
from .greys import VERSION, slabs
from .volumes import Volume

ON_DEVICE, IN_MEMORY, MAPPED = "device", "memory", "mapped"
SHARE_OF_DEVICE = 0.4  # for images; the rest is for networks, activations and labels
SHARE_OF_HOST = 0.25
WORTH_CACHING = 1 << 20  # bytes; a smaller volume is prepared in less time than its files take to look up


class NoRoom(SemiSegError):
    """The volumes fit neither into memory nor on the disk; the message says how much is missing where."""


@dataclass
class Keeper:
    """Brings images to where they are kept. ``storage`` is one of ON_DEVICE, IN_MEMORY, MAPPED; ``room`` voxels of
    all of them, which lie together on a device, so that a batch can be cut from them at once (see pool.py).
    """

    plan: Plan
    device: Device
    cache: Cache
    storage: str
    room: int = 0
    _free: Tensor | None = None

    @classmethod
    def of(cls, grids: Sequence[Grid], plan: Plan, device: Device, cache: Cache) -> Keeper:
        """For cases on ``grids``."""
        room = sum(int(np.prod(plan.kept_shape(grid))) for grid in grids)
        total = 2 * room
        on_gpu = device.torch.type != "cpu"
        if on_gpu and total <= device.memory * SHARE_OF_DEVICE:
            storage = ON_DEVICE
        else:
            host = free_memory(torch.device("cpu")) / device.runners
            storage = IN_MEMORY if total <= host * SHARE_OF_HOST else MAPPED
        return cls(plan, device, cache, storage, room)

    def load(self, name: str, digest: str, read: Callable[[], NDArray[np.generic]], grid: Grid) -> Volume:
        """The unlabelled volume of the image with ``digest``; ``read`` gives its array (k, j, i) and is only asked when
        the cache has none. Raises NoRoom, and what ``read`` raises.
        """
        turn, thin = self.plan.orientation(grid), self.plan.thin(grid)
        image = torch.from_numpy(self._prepared(digest, read, grid, self.plan.kept_shape(grid)))[None]
        if self.storage == ON_DEVICE:
            image = self._part_of_room(image.numel()).view(image.shape).copy_(image)
        return Volume(name, grid, turn, self.plan.taken_spacing(grid), image, thin, self.device.torch)

    def _part_of_room(self, voxels: int) -> Tensor:
        """The next ``voxels`` of the room on the device."""
        if self._free is None:
            self._free = torch.empty(self.room, dtype=torch.float16, device=self.device.torch)
        part, self._free = self._free[:voxels], self._free[voxels:]
        return part

    def _prepared(
        self, digest: str, read: Callable[[], NDArray[np.generic]], grid: Grid, shape: Shape
    ) -> NDArray[np.float16]:
        turn, thin = self.plan.orientation(grid), self.plan.thin(grid)
        if 2 * int(np.prod(shape)) < WORTH_CACHING and self.storage != MAPPED:
            return np.concatenate(list(slabs(read(), turn, thin)))
        key = self._key(digest, grid)
        mapped = self.cache.get(key, shape)
        array = read() if mapped is None else None
        if array is not None:
            mapped = self.cache.put(key, shape, slabs(array, turn, thin))
        if mapped is not None:
            return np.array(mapped) if self.storage == IN_MEMORY else mapped
        assert array is not None
        self._require_memory(shape)
        return np.concatenate(list(slabs(array, turn, thin)))

    def _require_memory(self, shape: Shape) -> None:
        """Raises NoRoom when a volume that could not be cached leaves too little memory to train with."""
        need, free = 2 * 2 * int(np.prod(shape)), free_memory(torch.device("cpu"))
        if need > free * (1 - SHARE_OF_HOST):
            raise NoRoom(f"The volumes fit neither into memory (free: {free / 1e9:.1f} GB) nor on the disk. "
                         f"{self.cache.problem}")

    def _key(self, digest: str, grid: Grid) -> str:
        """Content, spacing, orientation, thinning, and how greys are normalised."""
        turn = self.plan.orientation(grid)
        rest = f"{grid.spacing} {turn} {self.plan.thin(grid)} {VERSION}"
        return f"{digest[:40]}-{hashlib.sha256(rest.encode()).hexdigest()[:16]}"
