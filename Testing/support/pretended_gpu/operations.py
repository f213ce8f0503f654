"""Every operation that is carried out, those of gradients too."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from . import rules
from .card import PretendedGpu
from .graphs import Recorded
from .places import same_memory, tensors_in


class Operations(TorchDispatchMode):
    """Sees every operation, those of gradients too."""

    def __init__(self, gpu: PretendedGpu):
        super().__init__()
        self.gpu = gpu
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """See torch."""
        kwargs, gpu = kwargs or {}, self.gpu
        rules.check(gpu.places, func, args, kwargs)
        if rules.waits(gpu.places, func, args) and not (gpu.numbers_come_along and args[-1].dim() == 0):
            gpu.wait(func)
        there = self._place(func, args, kwargs)
        if there and gpu.recording is not None:
            gpu.recording.written(rules.writes(func, args, kwargs))
        random = there and torch.Tag.nondeterministic_seeded in func.tags
        found = gpu.with_chance(lambda: func(*args, **kwargs)) if random else func(*args, **kwargs)
        self._put(found, args, kwargs, there)
        gpu.launches += there and not func.is_view
        if there and gpu.recording is not None:
            gpu.recording.operations.append(Recorded(func, args, kwargs, list(tensors_in([found])), random))
        self.count += 1
        if self.count % 1000 == 0:
            gpu.places.forget_the_dead()
        return found

    def _place(self, func: Any, args: Any, kwargs: Any) -> bool:
        given = list(tensors_in([*args, *kwargs.values()]))
        if func is rules.aten.copy_.default:
            return self.gpu.places.on_gpu(given[0])
        if self.gpu.forced is not None:
            return self.gpu.forced
        return any(self.gpu.places.on_gpu(tensor) for tensor in given) if given else self.gpu.usual

    def _put(self, found: Any, args: Any, kwargs: Any, there: bool) -> None:
        given = list(tensors_in([*args, *kwargs.values()]))
        for tensor in tensors_in([found]):
            if not any(same_memory(tensor, one) for one in given):
                self.gpu.places.put(tensor, there)
