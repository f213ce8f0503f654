"""Learning-rate curves at points worked out by hand; which parameter goes to which optimiser."""

from __future__ import annotations

import math

import pytest
from torch import nn

from SemiSegLogic.engine.blocks.optim import (
    build_optimisers,
    muon_with_adamw,
    one_cycle,
    poly,
    rate_factor,
    sigmoid_ramp,
)
from SemiSegLogic.engine.nets import NETWORKS, build
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
