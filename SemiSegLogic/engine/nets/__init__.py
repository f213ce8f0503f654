"""The networks, by name. Each has named feature taps for the methods that look inside."""

from __future__ import annotations

from collections.abc import Callable

from ...methods.base import Task
from .base import Network
from .fast import FastUNet
from .unet import UNet
from .vnet import VNet

NETWORKS: dict[str, Callable[[Task], Network]] = {
    "fast": FastUNet.for_task,
    "unet": UNet.for_task,
    "vnet": VNet.for_task,
}


def build(name: str, task: Task) -> Network:
    """The network ``name`` for ``task``, its head biased to the class prior.

    Raises KeyError naming the networks there are.
    """
    if name not in NETWORKS:
        raise KeyError(f"There is no network '{name}'; there are {', '.join(NETWORKS)}.")
    network = NETWORKS[name](task)
    network.start_at_prior(task.prior)
    return network


__all__ = ["NETWORKS", "FastUNet", "Network", "UNet", "VNet", "build"]
