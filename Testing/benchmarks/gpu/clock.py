"""Time on a device that works while the program goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from SemiSegLogic.engine.hardware.device import Device


def seconds_of(at: Device, work: Callable[[], object]) -> float:
    """How long ``work`` takes, all that the device does of it included."""
    wait_for(at)
    begun = time.perf_counter()
    work()
    wait_for(at)
    return time.perf_counter() - begun


def wait_for(at: Device) -> None:
    """Until the device has done all that it was told."""
    if at.torch.type == "cuda":
        torch.cuda.synchronize(at.torch)
