"""torch.compile for long runs, where a compiler is at hand; otherwise, or when it fails, networks run as written.

Only patches of the training's shape go through what was compiled: whole volumes differ in shape from case to case, and
each shape would be compiled anew, for minutes.
"""

from __future__ import annotations

import copy
import importlib.util
import logging
import os
import shutil
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..hardware.device import Device, is_out_of_memory
from ..hardware.generators import random_state, restore_random_state
from ..nets import Network

LONG_RUN_S = 1800.0  # compiling takes a minute or more, and gives a quarter of the time back at best
COMPILERS = ("g++", "clang++", "c++", "cl")

Compile = Callable[[Callable[[Tensor], Tensor]], Callable[[Tensor], Tensor]]


def wanted(setting: str, seconds: float, device: Device) -> bool:
    """Whether to compile under ``setting`` (auto, off, on) for a run of ``seconds`` (0: not known)."""
    return setting == "on" or (setting == "auto" and seconds >= LONG_RUN_S and has_compiler(device))


def has_compiler(device: Device) -> bool:
    """Whether what torch.compile calls is installed: a C++ compiler, and for a GPU also Triton."""
    named = os.environ.get("CXX")
    found = any(shutil.which(name) for name in ([named] if named else COMPILERS))
    return found and (device.torch.type != "cuda" or importlib.util.find_spec("triton") is not None)


def compile_networks(
    method: nn.Module, sample: Tensor, device: Device, notify: Callable[[str], None], compiler: Compile | None = None
) -> None:
    """Let every network in ``method`` run compiled on images of the shape of ``sample`` (B,C,D,H,W). ``notify`` is
    called with how it went, in words. After a failure all of them run as written, with the numbers of a run that never
    tried.
    """
    networks = [part for part in method.modules() if isinstance(part, Network)]
    notify("Compiling the networks: a minute or two, once.")
    try:
        for network in networks:
            _compile(network, sample, device, compiler or torch.compile)
    except Exception as error:
        for network in networks:
            network.__dict__.pop("forward", None)
        if is_out_of_memory(error):
            raise
        logging.warning("Compiling failed.", exc_info=error)
        notify(f"The networks could not be compiled ({_first_line(error)}); they run as written.")
    else:
        notify("The networks are compiled.")


def _compile(network: Network, sample: Tensor, device: Device, compiler: Compile) -> None:
    plain = network.forward
    compiled = compiler(plain)
    size = sample.shape[2:]

    def forward(image: Tensor) -> Tensor:
        return compiled(image) if image.shape[2:] == size else plain(image)

    network.forward = forward  # type: ignore[method-assign]
    _try(network, sample, device)


def _try(network: Network, sample: Tensor, device: Device) -> None:
    """Forward and backward in both modes, leaving no trace: what cannot be compiled fails here and not in a step."""
    state, chance, training = copy.deepcopy(network.state_dict()), random_state(), network.training
    try:
        for mode in (True, False):
            network.train(mode)
            learns = mode and any(p.requires_grad for p in network.parameters())
            with torch.set_grad_enabled(learns):
                with device.arithmetic():
                    out = network(sample).float().mean()
                if learns:
                    out.backward()
    finally:
        network.zero_grad(set_to_none=True)
        network.train(training)
        network.load_state_dict(state)
        restore_random_state(chance)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
