"""What stands in for torch.cuda while the card is pretended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .graphs import Graph, Recording

if TYPE_CHECKING:
    from .card import PretendedGpu

MEMORY = 8 << 30


class Event:
    """Everything has always happened already."""

    def __init__(self, **_named: Any):
        self.recorded = 0

    def record(self, _stream: object = None) -> None:
        """See torch."""
        self.recorded += 1

    def synchronize(self) -> None:
        """See torch."""

    def query(self) -> bool:
        """See torch."""
        return True


class Stream:
    """All of them are in order."""

    def wait_stream(self, _other: object) -> None:
        """See torch."""

    def synchronize(self) -> None:
        """See torch."""


class Streams:
    """Which of them is in use."""

    def __init__(self) -> None:
        self.current = Stream()

    def choose(self, stream: Stream) -> None:
        """See torch.cuda.set_stream."""
        self.current = stream

    @contextmanager
    def within(self, stream: Stream) -> Iterator[None]:
        """See torch.cuda.stream."""
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before


def stand_ins(gpu: PretendedGpu) -> dict[str, Any]:
    """By their names in torch.cuda."""

    streams = Streams()

    def strictness(mode: str | int) -> None:
        gpu.strictness = mode

    @contextmanager
    def graph(target: Graph, pool: object = "its own", stream: Stream | None = None) -> Iterator[None]:
        gpu.empty_cache()
        before, gpu.recording, gpu.pool = gpu.chance_state, Recording(), pool
        recording, outside, gpu.generator.recording = gpu.recording, streams.current, True
        streams.current = stream or Stream()
        try:
            yield
            # when a recording fails and cannot be ended, torch stays on the other stream and at the other memory, and
            # its generator in the recording
            streams.current, gpu.pool, gpu.generator.recording = outside, None, False
        finally:
            gpu.recording, gpu.chance_state = None, before
            target.close(recording)

    def made() -> Graph:
        gpu.graphs.append(Graph(gpu.with_chance))
        return gpu.graphs[-1]

    return _facts() | {
        "mem_get_info": lambda *_: (MEMORY - gpu.kept, MEMORY), "memory_reserved": lambda *_: gpu.kept,
        "Event": Event, "Stream": Stream, "current_stream": lambda *_: streams.current, "stream": streams.within,
        "set_stream": streams.choose, "default_generators": (gpu.generator,), "graph_pool_handle": object,
        "synchronize": lambda *_: None, "empty_cache": gpu.empty_cache, "CUDAGraph": made, "graph": graph,
        "set_sync_debug_mode": strictness, "get_sync_debug_mode": lambda: gpu.strictness,
        "get_rng_state": lambda *_: gpu.chance_state, "set_rng_state": lambda state, *_: gpu.restore_chance(state),
    }


def _facts() -> dict[str, Callable[..., Any]]:
    return {
        "is_available": lambda: True, "device_count": lambda: 1, "current_device": lambda: 0,
        "get_device_name": lambda *_: "Pretended card", "get_device_capability": lambda *_: (8, 0),
        "memory_allocated": lambda *_: 0, "max_memory_allocated": lambda *_: 0,
    }
