"""Every optimiser against torch's own or by hand; states survive; no compiler is loaded."""

from __future__ import annotations

import copy
import subprocess
import sys

import pytest
import torch
from torch import nn

from SemiSegLogic.engine.blocks.optimisers import SGD, AdamW, Descent, Muon
from Testing.support.plain.orthogonal import orthogonalise

LAYOUTS = [torch.contiguous_format, torch.channels_last_3d]


def _network(layout: torch.memory_format = torch.contiguous_format) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv3d(2, 4, (1, 2, 3)), nn.BatchNorm3d(4), nn.ReLU(), nn.Conv3d(4, 3, 2))
    return network.to(memory_format=layout)  # type: ignore[call-overload]


def _gradients(network: nn.Module, seed: int) -> None:
    """Gradients in another layout than the parameters; the last bias has one in every other step only."""
    generator = torch.Generator().manual_seed(seed)
    for p in network.parameters():
        p.grad = torch.randn(p.shape, generator=generator)
    if seed % 2:
        network[3].bias.grad = None


def _near(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.parameters(), two.parameters(), strict=True)
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-7) for a, b in pairs)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["sgd", "plain", "adamw"])
def test_sgd_and_adamw_move_as_torchs_own(kind: str, layout: torch.memory_format) -> None:
    mine, theirs = _network(layout), _network(layout)
    ours: Descent
    if kind == "adamw":
        ours = AdamW(mine.parameters(), lr=0.01, weight_decay=0.1)
        other: torch.optim.Optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1)
    else:
        numbers = {"lr": 0.1, "momentum": 0.9 if kind == "sgd" else 0.0, "weight_decay": 0.01}
        ours, other = SGD(mine.parameters(), **numbers), torch.optim.SGD(theirs.parameters(), **numbers)
    for step in range(5):
        for network, optimiser in ((mine, ours), (theirs, other)):
            _gradients(network, step)
            optimiser.param_groups[0]["lr"] *= 0.8
            optimiser.step()
        assert _near(mine, theirs)
    assert not _near(mine, _network(layout))


@pytest.mark.parametrize("kind", [SGD, AdamW, Muon])
def test_a_restored_optimiser_goes_on_to_the_bit(kind: type[Descent]) -> None:
    def steps(network: nn.Module, optimiser: Descent, numbers: range) -> None:
        for step in numbers:
            _gradients(network, step)
            optimiser.step()

    def built(network: nn.Module) -> Descent:
        weights = [p for p in network.parameters() if p.dim() > 1] if kind is Muon else network.parameters()
        return kind(weights, lr=0.01)

    straight, begun = _network(), _network()
    steps(straight, built(straight), range(5))
    first = built(begun)
    steps(begun, first, range(2))
    saved = copy.deepcopy(first.state_dict())
    resumed = copy.deepcopy(begun)
    second = built(resumed)
    second.param_groups[0]["lr"] = 7.0
    second.load_state_dict(saved)
    assert second.param_groups[0]["lr"] == 0.01
    steps(resumed, second, range(2, 5))
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters(), resumed.parameters(), strict=True))


def test_the_state_of_torchs_own_adamw_is_taken_over() -> None:
    mine, theirs = _network(), _network()
    other = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.01)
    for step in (0, 2):
        _gradients(theirs, step)
        other.step()
    mine.load_state_dict(theirs.state_dict())
    ours = AdamW(mine.parameters(), lr=0.5)
    ours.load_state_dict(other.state_dict())
    for network, optimiser in ((mine, ours), (theirs, other)):
        _gradients(network, 4)
        optimiser.step()
    assert _near(mine, theirs)


def test_a_state_of_other_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="of 6 parameters, there are 1"):
        SGD([nn.Parameter(torch.zeros(2))], lr=0.1).load_state_dict(SGD(_network().parameters(), lr=0.1).state_dict())


def test_gradients_are_forgotten_or_zeroed() -> None:
    p = nn.Parameter(torch.ones(2))
    optimiser = SGD([p], lr=1.0)
    p.grad = torch.ones(2)
    optimiser.zero_grad(set_to_none=False)
    assert p.grad is not None
    assert torch.equal(p.grad, torch.zeros(2))
    optimiser.zero_grad()
    assert p.grad is None
    optimiser.step()
    assert torch.equal(p, torch.ones(2))


def test_both_halves_of_a_step_make_a_step_and_the_second_reads_the_rate_from_the_device() -> None:
    p = nn.Parameter(torch.ones(1))
    optimiser = SGD([p], lr=1.0)
    p.grad = torch.ones(1)
    optimiser.prepare()
    optimiser.param_groups[0]["lr"] = 99.0
    optimiser.apply()
    assert float(p.detach()) == 0.0


@pytest.mark.parametrize("kind", ["muon", "sgd", "adamw"])
def test_training_does_not_load_torchs_compiler(kind: str) -> None:
    code = f"""
import sys, torch
from SemiSegLogic.engine.blocks.optim import build_optimisers
net = torch.nn.Sequential(*[torch.nn.Conv3d(1, 1, 1) for _ in range(3)])
optimisers = build_optimisers("{kind}", net, 0.1, 0.1)
net(torch.ones(1, 1, 2, 2, 2)).sum().backward()
torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0, foreach=True)
for optimiser in optimisers:
    optimiser.step(); optimiser.load_state_dict(optimiser.state_dict()); optimiser.zero_grad()
sys.exit("torch._dynamo" in sys.modules or "sympy" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=120, check=False).returncode == 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_two_muon_steps_on_a_kernel_by_hand(layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    conv = nn.Conv3d(2, 3, (1, 2, 2), bias=False).double().to(memory_format=layout)
    weight, momentum = conv.weight.detach().clone(), torch.zeros(3, 8, dtype=torch.float64)
    optimiser = Muon(conv.parameters(), lr=0.1, momentum=0.8, weight_decay=0.5)
    for _ in range(2):
        conv.weight.grad = torch.randn_like(conv.weight)
        gradient = conv.weight.grad.reshape(3, 8)
        optimiser.step()
        momentum = 0.8 * momentum + 0.2 * gradient
        direction = 0.2 * gradient + 0.8 * momentum
        weight = weight * (1 - 0.1 * 0.5) - 0.1 * orthogonalise(direction).reshape(weight.shape)
        assert torch.allclose(conv.weight, weight, atol=1e-9)


def test_tall_kernels_take_longer_steps_and_those_without_gradient_none() -> None:
    tall, idle = nn.Parameter(torch.zeros(16, 4)), nn.Parameter(torch.ones(2, 2))
    optimiser = Muon([tall, idle], lr=1.0)
    tall.grad = torch.randn(16, 4)
    optimiser.step()
    size = torch.linalg.svdvals(tall.detach())
    assert bool(((size > 2 * 0.6) & (size < 2 * 1.3)).all())
    assert torch.equal(idle, torch.ones(2, 2))
