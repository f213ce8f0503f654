"""Within :func:`pretended_gpu`, torch.cuda has one card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.nn.utils import clip_grad
from torch.utils._foreach_utils import _group_tensors_by_device_and_dtype as group_below

from SemiSegLogic.engine.hardware import tuning
from SemiSegLogic.engine.nets import sound
from SemiSegLogic.files import write_json

from .calls import Calls
from .card import PretendedGpu
from .operations import Operations
from .places import GPU, tensors_in
from .torch_cuda import stand_ins

GROUPED = "_group_tensors_by_device_and_dtype"
FIGURES = {"float32": dict.fromkeys(tuning.LAYOUTS, 1000.0), "bfloat16": dict.fromkeys(tuning.LAYOUTS, 400.0)}
"""Milliseconds: about as slow as the processor that computes in the card's place, so that patches are as small."""


@contextmanager
def pretended_gpu(measured: bool = True) -> Iterator[PretendedGpu]:
    """Within, torch.cuda has one card; ``measured``: which arithmetic is the faster one on it is known from before. To
    measure it takes the processor that stands in for it a quarter of a minute, and beside a busy program the other one
    may win.
    """
    gpu = PretendedGpu()
    with ExitStack() as stack:
        for name, value in stand_ins(gpu).items():
            stack.enter_context(mock.patch.object(torch.cuda, name, value))
        for name, stand_in in (("_cuda_endAllocateToPool", gpu.end_pool), ("_cuda_releasePool", lambda *_: None)):
            stack.enter_context(mock.patch.object(torch._C, name, stand_in, create=True))
        kept = Path(stack.enter_context(TemporaryDirectory())) / "tuning.json"  # not among the user's own figures
        stack.enter_context(mock.patch.object(tuning, "default_file", return_value=kept))
        if measured:
            write_json(kept, {tuning.name_of(GPU): FIGURES})
        seeded = torch.manual_seed
        stack.enter_context(mock.patch.object(torch, "manual_seed", lambda seed: (gpu.seed(seed), seeded(seed))[1]))
        autocast = torch.autocast
        stack.enter_context(mock.patch.object(torch, "autocast", lambda _kind, **named: autocast("cpu", **named)))
        stack.enter_context(mock.patch.object(sound, "_in_half_on_processor", _in_half))
        stack.enter_context(mock.patch.object(clip_grad, GROUPED, _grouped))
        stack.enter_context(mock.patch.object(torch, "load", _loading(gpu, torch.load)))
        stack.enter_context(Operations(gpu))
        stack.enter_context(Calls(gpu))
        yield gpu


def _in_half(_x: Tensor) -> bool:
    """What is asked for of the card is computed by the processor, whose convolutions are not all sound."""
    return torch.is_autocast_enabled("cpu")


def _loading(gpu: PretendedGpu, load: Callable[..., Any]) -> Callable[..., Any]:
    """torch.load, which brings all that it finds to ``map_location``."""

    def loaded(file: Any, map_location: torch.device, **named: Any) -> Any:
        found = load(file, map_location="cpu", **named)
        for tensor in tensors_in([found]) if map_location.type == "cuda" else ():
            gpu.places.put(tensor, True)
        return found

    return loaded


def _grouped(lists: list[list[Tensor]], with_indices: bool = False) -> dict[Any, Any]:
    """As torch groups them below the level that is seen here, where all tensors are the processor's."""
    found = group_below(lists, with_indices)
    return {(lists[0][0].device, dtype): group for (_, dtype), group in found.items()}
