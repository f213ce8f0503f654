"""The networks, by name. Each has named feature taps for the methods that look inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from ...settings import SettingsError
from .base import Network
from .fast import FastUNet
from .instance import InstanceUNet
from .plain import PlainUNet
from .planar import make_planar
from .resnet import ResUNet, ResVNet
from .sound import make_sound
from .unet import UNet
from .vnet import VNet

if TYPE_CHECKING:  # the methods import the networks
    from ...methods.base import Task

NETWORKS: dict[str, Callable[[Task], Network]] = {
    "fast": FastUNet.for_task,
    "unet": UNet.for_task,
    "vnet": VNet.for_task,
    "plain": PlainUNet.for_task,
    "resvnet": ResVNet.for_task,
    "resunet": ResUNet.for_task,
    "instance": InstanceUNet.for_task,
}

PARTNERS = {"fast": "plain", "vnet": "resvnet", "unet": "resunet"}
"""For methods with two networks: which other architecture of like size learns beside the first."""


def build(name: str, task: Task) -> Network:
    """The network ``name`` for ``task``, its head biased to the class prior.

    Raises KeyError naming the networks there are.
    """
    if name not in NETWORKS:
        raise KeyError(f"There is no network '{name}'; there are {', '.join(NETWORKS)}.")
    network = NETWORKS[name](task)
    network.start_at_prior(task.prior)
    make = make_planar if task.dims == 2 else make_sound
    make(network)
    # channels-last kernels are what makes 3D convolutions bearable on a CPU; on a GPU this was not measured
    return network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]


def build_pair(name: str, task: Task) -> tuple[Network, Network]:
    """The network ``name`` and its partner of another architecture (``PARTNERS``, read either way).

    Raises SettingsError naming the networks that have a partner.
    """
    partners = PARTNERS | {second: first for first, second in PARTNERS.items()}
    if name not in partners:
        raise SettingsError(f"The network '{name}' has no partner; choose one of {', '.join(partners)}.")
    return build(name, task), build(partners[name], task)


__all__ = [
    "NETWORKS",
    "PARTNERS",
    "FastUNet",
    "InstanceUNet",
    "Network",
    "PlainUNet",
    "ResUNet",
    "ResVNet",
    "UNet",
    "VNet",
    "build",
    "build_pair",
]
