"""Turned networks see turned volumes as they saw them before."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch

from SemiSegLogic.engine.nets import NETWORKS, build
from SemiSegLogic.engine.nets.turning import turned
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.geometry import Grid
from SemiSegLogic.methods.base import Task
from SemiSegLogic.seeing import depth_first

AXES = list(permutations(range(3)))


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_of_volumes_can_be_turned(name: str) -> None:
    task = Task(1, 3, 3, (16, 32, 32), name, (0.5, 0.3, 0.2))
    torch.manual_seed(0)
    network = build(name, task).eval()
    image = torch.randn(1, 1, 16, 24, 20, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = network(image)
        for axes in AXES if name == "fast" else [(2, 0, 1)]:
            order = (0, 1, *(2 + axis for axis in axes))
            other = build(name, task).eval()
            other.load_state_dict(turned(network.state_dict(), axes))
            assert torch.allclose(other(image.permute(order)), expected.permute(order), atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("mine", range(3))
@pytest.mark.parametrize("theirs", range(3))
def test_a_plan_knows_which_axis_was_which(mine: int, theirs: int) -> None:
    grid = Grid((4, 5, 6), (1.0, 1.0, 1.0))
    plan, other = (Plan(3, axis, (1.0, 1.0, 1.0), (8, 8, 8)) for axis in (mine, theirs))
    sides = depth_first(grid, theirs).triple(grid.shape)
    assert tuple(sides[axis] for axis in plan.axes_in(other)) == depth_first(grid, mine).triple(grid.shape)
    assert Plan(2, mine, (1.0, 1.0, 1.0), (1, 8, 8)).axes_in(other) == (0, 1, 2)
