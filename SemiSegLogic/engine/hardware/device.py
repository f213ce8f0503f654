"""Where to compute and in which arithmetic: measured at start-up, not guessed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import memory_format, nn

from ...errors import SemiSegError
from ...free_memory import available_memory
from ...naming import counted
from ...settings import SettingsError
from .memory import give_back_freed_memory
from .tuning import Timings, has, one_shape, prefer_channels_last, prefer_half, tuned, voxel_seconds

UNKNOWN_MEMORY = 4 << 30  # bytes, taken to be free where the system does not say
OUT_OF_MEMORY = (
    "can't allocate memory",  # the host's allocator on Linux and macOS
    "not enough memory",  # the same on Windows
    "bad allocation",
    "out of memory",  # CUDA's runtime and driver, and Triton
    "ALLOC_FAILED",  # cuBLAS, and cuDNN before version 9
    "ALLOCATION_FAILED",  # cuDNN
    "unable to find an engine",  # no algorithm of cuDNN found room for its workspace; PyTorch drops their own errors
    "STATUS_NOT_INITIALIZED",  # cuBLAS and cuDNN, where there is no room for what they begin with
    "NVML_SUCCESS == r",  # PyTorch, which asks how much there was; a part of a card (MIG) may not tell
)
ONEDNN_OUT_OF_MEMORY = (
    "could not create a primitive", "could not execute a primitive", "could not create a memory object",
)
"""What oneDNN says, and nothing else, when a processor has no memory left for it. Where it cannot compute something it
says "could not create a primitive descriptor for ...".
"""

LOST = ("CUDA error", "CUDA driver error", "CUDNN_STATUS", "CUBLAS_STATUS", "device-side assert", "HIP error")


class DeviceLost(SemiSegError):
    """The graphics card failed; nothing in this process can use it any more."""

    remedy = (
        "Resume the job: it goes on from its last saved state. If the card fails again, choose 'cpu' under Where to "
        "compute, or update the card's driver."
    )


class NoSuchDevice(SettingsError):
    """This computer does not have what was asked for; the message says what it has."""

    remedy = "Train again on 'auto' or 'cpu'. If there is a card, the check of this computer says why it is not seen."


class UnusableCard(NoSuchDevice):
    """PyTorch sees a graphics card and cannot compute on it; the message says which, and why."""

    remedy = (
        "Close other programs that use the card, or choose 'cpu' under Where to compute. If this PyTorch was not made "
        "for the card, Repair (under Set up) installs one that was."
    )


@dataclass(frozen=True)
class Device:
    """``torch`` the device; ``half`` whether networks run under bfloat16 autocast; ``memory`` bytes we may use;
    ``channels_last`` the layout that networks train in; ``voxel_seconds`` about how long the fast network takes for a
    voxel, forward and backward, 0 where that was not measured. ``runners`` share the memory of the computer.
    """

    torch: torch.device
    half: bool
    memory: int
    channels_last: bool = True
    voxel_seconds: float = 0.0
    runners: int = 1

    def shared(self, runners: int) -> Device:
        """The same, with as many at work beside each other: on a processor each plans with its part of the memory. Of
        graphics cards each has its own.
        """
        memory = self.memory // runners if self.torch.type == "cpu" else self.memory
        return replace(self, memory=memory, runners=runners)

    @property
    def name(self) -> str:
        """In words, for the person: the card's name or the number of processor cores."""
        arithmetic = "bfloat16" if self.half else "float32"
        if self.torch.type == "cuda":
            return f"{torch.cuda.get_device_name(self.torch)}, {arithmetic}"
        return f"CPU, {counted(torch.get_num_threads(), 'thread')}, {arithmetic}"

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While the device is used: raises DeviceLost, in words, when it fails."""
        try:
            yield
        except RuntimeError as error:
            if not is_device_lost(error):
                raise
            raise DeviceLost(f"The graphics card stopped working ({_first_line(error)}). The best model so far is "
                             "kept.") from error

    def give_back_memory(self) -> None:
        """Hand what is kept for the next step back to the system once, before a long rest: other programs draw and
        compute on the same device.
        """
        give_back_freed_memory()
        if self.torch.type == "cuda":
            torch.cuda.empty_cache()

    @property
    def layout(self) -> memory_format:
        """The memory layout for networks."""
        return torch.channels_last_3d if self.channels_last else torch.contiguous_format

    def lay_out(self, module: nn.Module) -> None:
        """Bring the kernels (out,in,d,h,w) of ``module`` into the device's layout, in place."""
        for p in module.parameters():
            if p.dim() == 5:
                # copied, for the strides of axes of one element say a layout, too, and contiguous() leaves them alone:
                # a single kernel of the other layout brings all maps that follow into it
                p.data = torch.empty_like(p.data, memory_format=self.layout).copy_(p.data)

    @contextmanager
    def one_shape(self) -> Iterator[None]:
        """While images are all of one shape, as in training: on a GPU the fastest kernels for it are looked for."""
        with one_shape(self.torch):
            yield

    @contextmanager
    def arithmetic(self) -> Iterator[None]:
        """Autocast for the networks; losses convert back to float32 themselves.

        Without its cache of weights: older versions of PyTorch keep what a network cast as a teacher, under no_grad,
        and give it no gradient when it is the student later in the same step. Steps use hardly any weight twice.
        """
        with torch.autocast(self.torch.type, dtype=torch.bfloat16, enabled=self.half, cache_enabled=False):
            yield


def choose(wanted: str = "auto", precision: str = "auto") -> Device:
    """The device for ``wanted`` (auto, cpu, cuda) and ``precision`` (auto, float32, bfloat16).

    Raises NoSuchDevice when a GPU is asked for and there is none, UnusableCard when nothing can be computed on it,
    SettingsError when it does not have that ``precision``.
    """
    require(wanted)
    device = torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")
    if precision == "bfloat16" and not has(precision, device):
        raise SettingsError(f"{torch.cuda.get_device_name(device)} does not have bfloat16, the arithmetic that was "
                            "asked for. Choose 'auto' or 'float32'.")
    timings = _timings(device)
    half = precision == "bfloat16" or (precision == "auto" and prefer_half(timings))
    speed = voxel_seconds(timings, half, device)
    return Device(device, half, free_memory(device), prefer_channels_last(timings, half), speed)


def _timings(device: torch.device) -> Timings:
    """The first that is computed on a device. Raises UnusableCard."""
    try:
        return tuned(device)
    except RuntimeError as error:
        if device.type == "cpu" or not (is_device_lost(error) or is_out_of_memory(error)):
            raise
        raise UnusableCard(f"{torch.cuda.get_device_name(device)} cannot be used by PyTorch {torch.__version__}: "
                           f"{_first_line(error)}") from error


def require(wanted: str) -> None:
    """Raises NoSuchDevice, which names those that there are, when this computer cannot compute on ``wanted`` (auto,
    cpu, cuda).
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise NoSuchDevice(f"A graphics card was asked for (cuda), but PyTorch {torch.__version__} sees none here. "
                           f"Available: cpu (the processor, {counted(os.cpu_count() or 1, 'core')}).")


def free_memory(device: torch.device) -> int:
    """Bytes that a program may still take on ``device`` now; where the system does not tell, 4 GB."""
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # by PyTorch, for this program
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    available = available_memory()
    return UNKNOWN_MEMORY if available is None else available


def is_device_lost(error: BaseException) -> bool:
    """Whether ``error`` is a GPU that failed, by itself or under a faulty program; running out of memory is not."""
    if not isinstance(error, RuntimeError) or is_out_of_memory(error):
        return False
    return any(words in str(error) for words in LOST)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` is PyTorch running out of memory, on a GPU or on the host."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    return str(error) in ONEDNN_OUT_OF_MEMORY or any(words in str(error) for words in OUT_OF_MEMORY)


def _first_line(error: BaseException) -> str:
    """CUDA's errors go on about debugging."""
    return str(error).strip().splitlines()[0]
