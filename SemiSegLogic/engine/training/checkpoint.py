"""The state of a run on disk: whole or absent, and free of code (``weights_only``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import SemiSegError
from ...files import replace_file
from ...methods.base import Optimiser
from ..hardware.generators import random_state, restore_random_state

START_AGAIN = "Delete it to start this run again."


class CheckpointError(SemiSegError):
    """A checkpoint cannot be read; the message names the file and the remedy."""


def save(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` (tensors and plain data) to ``path``, replacing it at once. Raises FileError where the disk
    refuses.
    """

    def write(temporary: Path) -> None:
        try:
            with temporary.open("wb") as stream:  # given a path, PyTorch never tells what the disk said
                torch.save(state, stream)
        except RuntimeError as error:
            refusal = _of_disk(error)
            if refusal is None:
                raise
            raise refusal from error

    replace_file(path, write)


def _of_disk(error: BaseException) -> OSError | None:
    """What the disk said, where PyTorch only tells that the bytes it had written are not as many as they should be."""
    behind = error.__context__
    return behind if behind is None or isinstance(behind, OSError) else _of_disk(behind)


def load(path: Path, device: torch.device, remedy: str = START_AGAIN) -> dict[str, Any]:
    """The state in ``path``, its tensors on ``device``. Raises CheckpointError, which ends with ``remedy``."""
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}. {remedy}") from error
    except Exception as error:  # torch's own words advise to load it with code and all: they go to the log only
        raise CheckpointError(f"{path} cannot be read: it is damaged, or SemiSeg did not write it. {remedy}") from error


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """A copy of the module's state in host memory."""
    return {name: value.detach().cpu().clone() for name, value in module.state_dict().items()}


def warm_start(module: nn.Module, weights: Mapping[str, Tensor]) -> int:
    """Start every network inside ``module`` that has the parameters of ``weights`` from them; returns how many did.

    A parameter of another shape (the head, when structures were added) keeps its fresh values.
    """
    taken = 0
    for part in module.modules():
        own = part.state_dict()
        if own.keys() == weights.keys():
            part.load_state_dict({k: v if v.shape == own[k].shape else own[k] for k, v in weights.items()})
            taken += 1
    return taken


def training_state(method: nn.Module, optimisers: Sequence[Optimiser]) -> dict[str, Any]:
    """Everything a run needs to go on: weights, buffers, moments, generators."""
    return {
        "method": method.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in optimisers],
        "random": random_state(),
    }


def restore_training_state(state: dict[str, Any], method: nn.Module, optimisers: Sequence[Optimiser]) -> None:
    """The inverse of :func:`training_state`."""
    method.load_state_dict(state["method"])
    for optimiser, saved in zip(optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(saved)
    restore_random_state(state["random"])
