"""How many views a live suggestion is averaged over."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from SemiSegLogic.engine.data.volumes import Classes, load_volume
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.prediction.averaging import ViewAveraged
from SemiSegLogic.geometry import Grid
from SemiSegLogic.runner.data import Data
from SemiSegLogic.runner.live.views import MOMENT_S, Views
from SemiSegLogic.settings.recommended import VIEW_VOXELS_PER_SECOND, ZOOMS

CPU = Device(torch.device("cpu"), False, 8 << 30)


def views_of(*shapes: tuple[int, int, int], mirror: bool = True) -> tuple[Views, Data]:
    plan = Plan(3, 0, (1.0, 1.0, 1.0), (8, 8, 8), mirror=mirror)
    volumes = {
        f"c{n}": load_volume(f"c{n}", np.zeros(shape, np.float32), Grid(shape), plan, CPU.torch)
        for n, shape in enumerate(shapes)
    }
    data = Data(volumes, Classes([1]), plan, {1: "one"}, {})
    return Views(data, CPU), data


@pytest.mark.parametrize(("share_of_a_moment", "expected"), [(0.1, (2, ZOOMS)), (0.5, (2, ())), (1.5, (None, ()))])
def test_a_volume_is_seen_from_what_fits_into_a_moment(
    share_of_a_moment: float, expected: tuple[int | None, tuple[float, ...]]
) -> None:
    side = round((share_of_a_moment * MOMENT_S * VIEW_VOXELS_PER_SECOND) ** (1 / 3))
    views, data = views_of((side, side, side))
    assert views.of(data.volumes["c0"]) == expected


def test_sides_that_must_not_be_swapped_are_not_mirrored() -> None:
    views, data = views_of((8, 8, 8), mirror=False)
    assert views.of(data.volumes["c0"]) == (None, ZOOMS)


def test_one_view_is_the_network_itself() -> None:
    network = nn.Conv3d(1, 2, 1)
    views, data = views_of((8, 8, 8), (200, 200, 200))
    assert views.averaged(network, data.volumes["c1"]) is network
    assert isinstance(views.averaged(network, data.volumes["c0"]), ViewAveraged)
