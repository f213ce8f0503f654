"""Muon's update as it is published, one kernel after the other, and as ours does it: milliseconds for a network.

    python -m Testing.benchmarks.speed.update [--rounds 15] [--networks fast vnet]

Both sides move the same kernels (of ``muon_with_adamw``) by the same gradients, in turns, in one process, float32, on
one thread; medians. Kernels lie channels-last, as the product keeps them; the published update copies them into
matrices and back. They end within ``apart`` of each other, relative to how far the weights went: the same update.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time

import torch
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.optim import muon_with_adamw
from SemiSegLogic.engine.blocks.optimisers import Muon
from SemiSegLogic.engine.nets import build
from SemiSegLogic.methods.base import Task

RATE, MOMENTUM, PATCH = 0.02, 0.95, (32, 48, 32)


class PublishedMuon:
    """K. Jordan et al. 2024, as written: five Newton-Schulz steps on each matrix itself."""

    def __init__(self, kernels: list[Tensor]):
        self.kernels, self.momenta = kernels, [torch.zeros_like(p) for p in kernels]

    @torch.no_grad()
    def step(self) -> None:
        """One update."""
        for p, momentum in zip(self.kernels, self.momenta, strict=True):
            assert p.grad is not None
            momentum.lerp_(p.grad, 1 - MOMENTUM)
            direction = p.grad.lerp(momentum, MOMENTUM).reshape(len(p), -1)
            longer = max(1.0, direction.shape[0] / direction.shape[1]) ** 0.5
            p.sub_(_newton_schulz(direction).reshape(p.shape), alpha=RATE * longer)


def _newton_schulz(matrix: Tensor) -> Tensor:
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if tall else x


def compared(name: str, rounds: int) -> tuple[float, float, float]:
    """Milliseconds per update as published and as ours, and how far apart the weights of ``name`` end."""
    torch.manual_seed(0)
    network = build(name, Task(1, 3, 3, PATCH, name, (0.8, 0.1, 0.1)))
    kernels, start = _kernels(network), _kernels(copy.deepcopy(network))
    twins = _kernels(copy.deepcopy(network))
    sides = PublishedMuon(kernels), Muon(twins, lr=RATE, momentum=MOMENTUM)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for one, two in zip(kernels, twins, strict=True):
            one.grad = torch.randn_like(one)
            two.grad = one.grad.clone()
        for side, took in zip(sides, times, strict=True):
            begun = time.perf_counter()
            side.step()
            took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times[0]), statistics.median(times[1]), _apart(start, kernels, twins)


def _kernels(network: nn.Module) -> list[Tensor]:
    muon = muon_with_adamw(network, 1.0, 0.0)[0]
    return [p for group in muon.param_groups for p in group["params"]]


def _apart(start: list[Tensor], one: list[Tensor], two: list[Tensor]) -> float:
    gap, way = (
        sum(float((a - b).detach().square().sum()) for a, b in zip(left, right, strict=True)) ** 0.5
        for left, right in ((one, two), (one, start)))
    return gap / way


def main() -> None:
    """See the module."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=15)
    words.add_argument("--networks", nargs="+", default=["fast", "vnet"])
    chosen = words.parse_args()
    torch.set_num_threads(1)
    print("| network | as published, ms | ours, ms | ratio | apart |\n|---|---|---|---|---|")
    for name in chosen.networks:
        published, ours, apart = compared(name, chosen.rounds)
        print(f"| {name} | {published:.1f} | {ours:.1f} | {published / ours:.1f} | {apart:.1e} |", flush=True)


if __name__ == "__main__":
    main()
