"""What a real card allows: which operations may mix host and card, and which make the host wait."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .places import Places, tensors_in

aten = torch.ops.aten
CROSSES = {aten.copy_.default, aten._to_copy.default, aten.set_.source_Tensor}
INDEXES = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default}
WAITS = {
    aten._local_scalar_dense.default, aten.nonzero.default, aten.masked_select.default, aten.equal.default,
    aten._unique2.default, aten.unique_dim.default, aten.unique_consecutive.default, aten.is_nonzero.default,
    aten.repeat_interleave.Tensor, aten.bincount.default, aten.histc.default,
}
JOINS = {aten.cat.default, aten.stack.default, aten._fused_adamw_.tensor_lr, aten._fused_sgd_.tensor_lr}
"""Elsewhere a host's scalar of no dimensions may go along."""
MIXED = "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! ({})"


def check(places: Places, operation: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
    """Raises RuntimeError, as torch does, when ``operation`` is given tensors of the host and of the card."""
    if operation in CROSSES:
        return
    found = list(tensors_in([*arguments[: 1 if operation in INDEXES else None], *named.values()]))
    on_gpu = [places.on_gpu(tensor) for tensor in found]
    for tensor, there in zip(found, on_gpu, strict=True):
        if any(on_gpu) and not there and (tensor.dim() or operation in JOINS):
            raise RuntimeError(MIXED.format(operation))


def waits(places: Places, operation: Any, arguments: tuple[Any, ...]) -> bool:
    """Whether the host has to wait for the card."""
    if operation is aten.copy_.default:
        target, source = arguments[0], arguments[1]
        asynchronous = len(arguments) > 2 and bool(arguments[2])
        return not asynchronous and places.on_gpu(target) != places.on_gpu(source)
    if not any(places.on_gpu(tensor) for tensor in tensors_in(arguments)):
        return False
    if operation in INDEXES:
        chosen = list(tensors_in([arguments[1]]))
        return any(index.dtype in (torch.bool, torch.uint8) or not places.on_gpu(index) for index in chosen)
    return operation in WAITS


def writes(operation: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> list[Tensor]:
    """The tensors that ``operation`` writes to."""
    if operation is aten.native_batch_norm.default:  # its schema says nothing of the averages that it moves
        return list(tensors_in(arguments[3:5]))
    found: list[Tensor] = []
    for number, argument in enumerate(operation._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            value = arguments[number] if number < len(arguments) else named.get(argument.name)
            found += tensors_in([value])
    return found
