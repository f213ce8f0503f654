"""A live run's plan follows what is drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.device import Device
from SemiSegLogic.engine.plan import CaseFacts, Plan, make_plan
from SemiSegLogic.engine.volumes import Classes, load_volume, set_label
from SemiSegLogic.geometry import Grid, SliceIndex, sparse_label
from SemiSegLogic.runner.live.plans import differs, facts_of

CPU = Device(torch.device("cpu"), False, 8 << 30)
TILTED = (0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("direction", [UPRIGHT, TILTED])
def test_the_facts_of_a_loaded_volume_are_those_of_its_label(direction: tuple[float, ...], tmp_path: Path) -> None:
    grid = Grid((12, 20, 16), (2.0, 1.0, 0.5), (0.0, 0.0, 0.0), direction)
    whole = np.zeros(grid.shape, np.uint8)
    whole[3:9, 5:15, 4:7] = 1
    places = (SliceIndex(0, 4), SliceIndex(0, 8), SliceIndex(0, 11))
    label = sparse_label(whole, places)
    drawn = CaseFacts(grid, places, (5, 10, 3))
    plan = make_plan([drawn], ["one"], CPU)
    volume = load_volume("c001", np.random.default_rng(0).normal(size=grid.shape), grid, plan, CPU.torch)
    assert facts_of(volume) == CaseFacts(grid, ())
    set_label(volume, label, places, Classes([1]))
    found = facts_of(volume)
    assert (sorted(found.slices), found.extent) == (sorted(places), drawn.extent)


def test_a_plan_is_outgrown_by_another_axis_or_clearly_other_patches_only() -> None:
    plan = Plan(3, 0, (1.0, 1.0, 1.0), (16, 32, 32))
    assert not differs(plan, Plan(3, 0, (1.0, 1.0, 1.0), (24, 40, 32)))
    assert differs(plan, Plan(3, 0, (1.0, 1.0, 1.0), (32, 32, 32)))
    assert differs(plan, Plan(3, 1, (1.0, 1.0, 1.0), (16, 32, 32)))
    assert differs(plan, Plan(3, 0, (2.0, 2.0, 2.0), (16, 32, 32)))
    assert differs(plan, Plan(2, 0, (1.0, 1.0, 1.0), (1, 32, 32)))
