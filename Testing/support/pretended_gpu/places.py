"""Which tensors lie on the pretended card: known by their memory, which views share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef

GPU, HOST = torch.device("cuda", 0), torch.device("cpu")


class Places:
    """Told what lies on the card; everything else lies on the host."""

    def __init__(self) -> None:
        self._on_gpu: dict[int, StorageWeakRef] = {}

    def put(self, tensor: Tensor, on_gpu: bool) -> None:
        """``tensor``'s memory, and all that shares it, lies there now."""
        storage = tensor.untyped_storage()
        if on_gpu:
            self._on_gpu[storage._cdata] = StorageWeakRef(storage)  # keeps the address from being given to another
        else:
            self._on_gpu.pop(storage._cdata, None)

    def on_gpu(self, tensor: Tensor) -> bool:
        """Whether it lies on the card."""
        return tensor.untyped_storage()._cdata in self._on_gpu

    def forget_the_dead(self) -> None:
        """Memory that nobody holds any more needs no place."""
        for key in [key for key, storage in self._on_gpu.items() if storage.expired()]:
            del self._on_gpu[key]


def tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """All tensors among arguments, in lists and tuples too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)
        elif isinstance(value, dict):
            yield from tensors_in(value.values())


def same_memory(one: Tensor, two: Tensor) -> bool:
    """Whether one is a view of the other, or both are of a third."""
    return one.untyped_storage()._cdata == two.untyped_storage()._cdata
