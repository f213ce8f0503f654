"""CUDA graphs of the pretended card: operations on it, recorded and repeated with everything from the host frozen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from .places import same_memory, tensors_in


@dataclass(frozen=True)
class Recorded:
    """One operation: called again with the same tensors, its results go where the first ones lie."""

    operation: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    results: list[Tensor]
    random: bool


class Recording:
    """What happens on the card while it is open is noted, and undone when it is closed: recording runs nothing."""

    def __init__(self) -> None:
        self.operations: list[Recorded] = []
        self._before: list[tuple[Tensor, Tensor]] = []

    def written(self, tensors: list[Tensor]) -> None:
        """These are about to be written to."""
        self._before += [(tensor, tensor.clone()) for tensor in tensors]

    def undo(self) -> None:
        """All memory as it was."""
        for tensor, before in reversed(self._before):
            tensor.copy_(before)
        self._before.clear()


class Graph:
    """Stands in for torch.cuda.CUDAGraph; ``chance`` runs something with the card's random numbers."""

    def __init__(self, chance: Callable[[Callable[[], Any]], Any]):
        self._chance, self._operations, self.replays = chance, list[Recorded](), 0

    def close(self, recording: Recording) -> None:
        """Everything was recorded."""
        with torch.no_grad(), _disable_current_modes():
            recording.undo()
        self._operations = recording.operations

    def replay(self) -> None:
        """See torch."""
        assert self._operations, "nothing was recorded"
        self.replays += 1
        with torch.no_grad(), _disable_current_modes():
            for one in self._operations:
                self._repeat(one)

    def _repeat(self, one: Recorded) -> None:
        def run() -> Any:
            return one.operation(*one.arguments, **one.named)

        found = self._chance(run) if one.random else run()
        for place, value in zip(one.results, tensors_in([found]), strict=True):
            if not same_memory(place, value):
                place.copy_(value)
