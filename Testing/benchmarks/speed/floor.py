"""How fast can this device be? Peak of matrix products, bandwidth of copies, and what a piece of work must do at least.

    python -m Testing.benchmarks.speed.floor

The floor of a step is max(FLOPs / peak, bytes / bandwidth). FLOPs are those of convolutions and matrix products; bytes
are what these must read and write at least once, weights, inputs and outputs, in the arithmetic that is used: a step
whose norms and activations were all fused into them could come near.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

HEAVY = ("convolution", "convolution_backward", "mm", "addmm", "bmm")


@dataclass(frozen=True)
class Speeds:
    """What a device can do: ``flops`` per second by precision, ``bytes`` per second of a copy (read and written)."""

    flops: dict[str, float]
    bytes: float


@dataclass(frozen=True)
class Amount:
    """``flops`` and ``bytes`` of a piece of work; ``traffic`` bytes that all its operations, one by one, move."""

    flops: float
    bytes: float
    traffic: float

    def floor(self, device: Speeds, precision: str) -> float:
        """Seconds it must take at least."""
        return max(self.flops / device.flops[precision], self.bytes / device.bytes)

    def bound(self, device: Speeds, precision: str) -> str:
        """What it is that holds it up."""
        return "arithmetic" if self.flops / device.flops[precision] > self.bytes / device.bytes else "memory"


def measure_device(device: torch.device, size: int = 0) -> Speeds:
    """Peak and bandwidth, each the best of several tries. On a GPU the peak of float32 is that of TF32, in which
    convolutions run there. Leaves the random generators as they were.
    """
    size = size or (8192 if device.type == "cuda" else 2048)
    flops, chance = {}, torch.Generator(device).manual_seed(0)
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        # not all ones: a card draws less power for them, and runs faster than on any real numbers
        matrix = torch.randn(size, size, generator=chance, device=device, dtype=dtype)
        with _tf32():
            flops[name] = 2 * size**3 / best(lambda m=matrix: m @ m, device)
    block = torch.ones(16 * size * size, device=device, dtype=torch.uint8)
    target = torch.empty_like(block)
    return Speeds(flops, 2 * block.numel() / best(lambda: target.copy_(block), device))


@contextmanager
def _tf32() -> Iterator[None]:
    """Matrix products in the arithmetic that cuDNN's convolutions have by default; they are not by themselves."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def best(work: Callable[[], object], device: torch.device, tries: int = 8) -> float:
    """The shortest time in seconds."""
    shortest = float("inf")
    for _ in range(tries):
        begun = time.perf_counter()
        work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        shortest = min(shortest, time.perf_counter() - begun)
    return shortest


class _Traffic(TorchDispatchMode):
    """Adds up the bytes of tensors that go into operations and come out of them."""

    def __init__(self) -> None:
        super().__init__()
        self.heavy = self.all = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if not func.is_view:
            moved = _bytes(args) + _bytes(out)
            self.all += moved
            self.heavy += moved if func._overloadpacket.__name__ in HEAVY else 0
        return out


def _bytes(values: object) -> int:
    if isinstance(values, Tensor):
        return values.numel() * values.element_size()
    return sum(_bytes(value) for value in values) if isinstance(values, list | tuple) else 0


def amount_of(work: Callable[[], object]) -> Amount:
    """Count ``work``, which is run once."""
    with FlopCounterMode(display=False) as counter, _Traffic() as traffic:
        work()
    return Amount(float(counter.get_total_flops()), float(traffic.heavy), float(traffic.all))


def main() -> None:
    """Print what this computer's processor and, if there is one, its GPU can do."""
    kinds = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    for kind in kinds:
        can = measure_device(torch.device(kind))
        words = ", ".join(f"{name} {value / 1e12:.2f} TFLOP/s" for name, value in can.flops.items())
        print(f"{kind}: {words}, copies {can.bytes / 1e9:.1f} GB/s")


if __name__ == "__main__":
    main()
