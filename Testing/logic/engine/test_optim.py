"""Learning-rate curves at points worked out by hand, and Muon against the singular value decomposition."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from SemiSegLogic.engine.nets import NETWORKS, build
from SemiSegLogic.engine.optim import (
    Muon,
    build_optimisers,
    muon_with_adamw,
    one_cycle,
    orthogonalise,
    poly,
    rate_factor,
    sigmoid_ramp,
)
from SemiSegLogic.methods.base import Task


@pytest.mark.parametrize(
    ("progress", "expected"), [(0, 0.04), (0.075, 0.5), (0.15, 1.0), (0.575, 0.51), (1.0, 0.02), (0.15 - 1e-9, 1.0)]
)
def test_one_cycle_rises_in_a_line_and_falls_as_a_cosine(progress: float, expected: float) -> None:
    assert one_cycle(progress) == pytest.approx(expected, abs=1e-6)


def test_poly_and_ramp_by_hand() -> None:
    assert poly(0) == 1
    assert poly(0.75, power=0.5) == pytest.approx(0.5)
    assert sigmoid_ramp(0, 0.4) == pytest.approx(math.exp(-5))
    assert sigmoid_ramp(0.2, 0.4) == pytest.approx(math.exp(-1.25))
    assert sigmoid_ramp(0.4, 0.4) == sigmoid_ramp(0.9, 0.4) == sigmoid_ramp(0, 0) == 1


def test_rate_factors_by_name() -> None:
    assert rate_factor("steps", 0.9, 2499) == 1
    assert rate_factor("steps", 0.9, 5000) == pytest.approx(0.01)
    assert rate_factor("constant", 0.9, 9) == 1
    assert rate_factor("poly", 0.5, 0) == pytest.approx(0.5**0.9)
    assert rate_factor("one_cycle", 0.15, 0) == 1


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (6, 6), (1, 5), (32, 864)])
def test_orthogonalise_keeps_directions_and_levels_singular_values(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape, dtype=torch.float64)
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    out = orthogonalise(matrix)
    inner = u.T @ out @ v.T  # diagonal in the old singular vectors
    assert float((inner - inner.diag().diag()).abs().max()) < 1e-8
    strong = s > 0.02 * s.norm()
    assert bool(((inner.diag() > 0.6) & (inner.diag() < 1.3))[strong].all())


def test_orthogonalise_agrees_with_iterating_the_matrix_itself() -> None:
    torch.manual_seed(1)
    matrix = torch.randn(5, 12)
    x = matrix.double() / matrix.norm()
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    assert torch.allclose(orthogonalise(matrix).double(), x, atol=1e-4)


@pytest.mark.parametrize("scale", [0.0, 1e-20, 1e-3, 1e4])
def test_orthogonalise_is_finite_for_any_size_and_rank(scale: float) -> None:
    torch.manual_seed(2)
    low_rank = scale * torch.randn(16, 1) @ torch.randn(1, 64)
    out = orthogonalise(low_rank)
    assert bool(out.isfinite().all())
    assert float(torch.linalg.matrix_norm(out, 2)) < 1.3


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
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


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_is_in_exactly_one_group_and_stem_and_head_in_adamw(name: str, dims: int) -> None:
    network = build(name, Task(1, 3, dims, (16, 16, 16) if dims == 3 else (1, 16, 16), name, (0.8, 0.1, 0.1)))
    muon, adamw = muon_with_adamw(network, 3e-3, 0.01)
    groups = [[id(p) for group in o.param_groups for p in group["params"]] for o in (muon, adamw)]
    assert sorted(groups[0] + groups[1]) == sorted(id(p) for p in network.parameters())
    assert all(p.dim() > 1 for group in muon.param_groups for p in group["params"])
    head = {id(p) for p in network.head.parameters()}
    assert head <= set(groups[1])
    assert id(next(p for p in network.parameters() if p.dim() > 1)) in groups[1]
    assert muon.param_groups[0]["lr"] == pytest.approx(0.02)
    assert len(groups[0]) >= 4


def test_optimisers_by_name() -> None:
    net = nn.Sequential(nn.Conv3d(1, 2, 1), nn.Conv3d(2, 2, 1), nn.Conv3d(2, 2, 1))
    net[0].requires_grad_(False)
    (adamw,) = build_optimisers("adamw", net, 1e-3, 0.1)
    assert len(adamw.param_groups[0]["params"]) == 4
    (sgd,) = build_optimisers("sgd", net, 1e-2, 0.1)
    assert (sgd.param_groups[0]["momentum"], sgd.param_groups[0]["lr"]) == (0.9, 1e-2)
    assert [type(o).__name__ for o in build_optimisers("muon", net, 1e-3, 0.1)] == ["Muon", "AdamW"]
