"""The card itself: what lies on it, its random numbers, and who waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from .graphs import Graph, Recording
from .places import Places


class Generator:
    """Where the card's random numbers come from. As in PyTorch before 2.13 it takes itself to be recording from the
    beginning of a recording until this is ended.
    """

    def __init__(self) -> None:
        self.recording = False

    def check(self, recording: bool) -> None:
        """Raises RuntimeError when numbers are drawn while no ``recording`` is under way, and it thinks otherwise."""
        if self.recording and not recording:
            raise RuntimeError("Offset increment outside graph capture encountered unexpectedly.")

    def clone_state(self) -> Generator:
        """See torch.Generator."""
        return Generator()

    def graphsafe_set_state(self, other: Generator) -> None:
        """See torch.Generator."""
        self.recording = other.recording


class PretendedGpu:
    """What is on the card, what the host waited for (``waits``), what was recorded (``graphs``), and how many
    operations were asked of it (``launches``; views are none).
    """

    def __init__(self) -> None:
        self.places = Places()
        self.waits: list[str] = []
        self.graphs: list[Graph] = []
        self.launches = 0
        self.kept = 1 << 30  # bytes that nobody uses, but PyTorch keeps for the next who wants some
        self.strictness: str | int = "default"
        self.forced: bool | None = None  # where results go whatever the arguments say
        self.usual = False  # where results go that no argument places
        self.numbers_come_along = False
        self.recording: Recording | None = None
        self.pool: object = None  # to which the allocator takes itself to be recording
        self.generator = Generator()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.chance_state = torch.get_rng_state()

    def with_chance(self, run: Callable[[], Any]) -> Any:
        """``run`` with the card's random numbers instead of the host's."""
        self.generator.check(self.recording is not None)
        host = torch.get_rng_state()
        torch.set_rng_state(self.chance_state)
        try:
            return run()
        finally:
            self.chance_state = torch.get_rng_state()
            torch.set_rng_state(host)

    @contextmanager
    def writing_a_number(self) -> Iterator[None]:
        """Copies of one number from the host come with the operation."""
        self.numbers_come_along = True
        try:
            yield
        finally:
            self.numbers_come_along = False

    def wait(self, why: object) -> None:
        """The host waits for the card."""
        self.waits.append(str(why))
        if self.recording is not None:
            raise RuntimeError(f"CUDA error: operation not permitted when stream is capturing ({why})")
        if self.strictness in ("error", 2):
            raise RuntimeError(f"called a synchronizing CUDA operation ({why})")

    def empty_cache(self) -> None:
        """See torch.cuda."""
        if self.pool is not None:
            raise RuntimeError("captures_underway.empty() INTERNAL ASSERT FAILED at CUDACachingAllocator.cpp")
        self.kept = 0

    def end_pool(self, _device: int, pool: object) -> None:
        """See torch._C._cuda_endAllocateToPool."""
        if self.pool != pool:
            raise RuntimeError("endAllocatePool: not currently recording to mempool_id")
        self.pool = None

    @contextmanager
    def towards(self, forced: bool | None, usual: bool = False) -> Iterator[None]:
        """Results go there; see the attributes."""
        before = self.forced, self.usual
        self.forced, self.usual = forced, usual
        try:
            yield
        finally:
            self.forced, self.usual = before

    def restore_chance(self, state: Tensor) -> None:
        """See torch.cuda.set_rng_state."""
        self.chance_state = state.clone()

    def seed(self, seed: int) -> None:
        """See torch.cuda.manual_seed."""
        with torch.random.fork_rng(devices=[]):
            torch.random.default_generator.manual_seed(seed)
            self.chance_state = torch.get_rng_state()
