"""Which slices are learned from: the check before a training goes by the same page as the plan."""

from __future__ import annotations

from random import Random

import pytest
import torch

from SemiSegLogic.engine.data.volumes import load_volume
from SemiSegLogic.engine.planning.facts import CaseFacts
from SemiSegLogic.engine.planning.planner import make_plan
from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.runner.data import usable
from SemiSegLogic.seeing import Seeing
from Testing.support.engine import CPU, MIRRORED_TURN


@pytest.mark.parametrize("seed", range(40))
def test_a_slice_teaches_where_a_run_learns_from_it(seed: int) -> None:
    chance = Random(seed)
    grids = [
        Grid((chance.choice((1, 3, 12)), chance.choice((1, 10)), 11), (chance.choice((1.0, 3.0, 9.0)), 1.0, 0.7),
             **({"direction": MIRRORED_TURN} if chance.random() < 0.3 else {}))
        for _ in range(3)
    ]
    judged = [tuple(SliceIndex(axis, 0) for axis in range(3) if chance.random() < 0.6) for _ in grids]
    plan = make_plan([CaseFacts(grid, places) for grid, places in zip(grids, judged, strict=True)], ["core"], CPU)
    seeing = Seeing.of(list(zip(grids, judged, strict=True)))
    for grid, places in zip(grids, judged, strict=True):
        volume = load_volume("c001", torch.zeros(grid.shape).numpy(), grid, plan, CPU.torch)
        assert usable(volume, places, plan) == tuple(place for place in places if seeing.teaches(grid, place))
