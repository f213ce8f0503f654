"""Batches cut at once against the same batches cut patch by patch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data.cache import Cache
from SemiSegLogic.engine.data.keeping import Keeper
from SemiSegLogic.engine.data.label_tables import LabelTables
from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.engine.data.pool import Pool
from SemiSegLogic.engine.data.slice_label import SliceLabel
from SemiSegLogic.engine.data.volumes import Volume
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.geometry import IGNORE, Grid, SliceIndex
from SemiSegLogic.methods.base import Need, Patches
from Testing.support.engine import plan_of, volume_of
from Testing.support.pretended_gpu import pretended_gpu

SHAPES = ((7, 9, 11), (12, 6, 8), (5, 14, 9))
DRAWN = (
    (SliceIndex(0, 1), SliceIndex(0, 4)),
    (SliceIndex(0, 3), SliceIndex(1, 2), SliceIndex(2, 5)),
    tuple(SliceIndex(0, index) for index in range(5)),
)
PLANS = {
    "fine": plan_of((4, 6, 8)), "coarse": plan_of((4, 6, 6), spacing=(2.0, 1.5, 1.0)),
    "larger than the volumes": plan_of((16, 16, 16)), "slices": plan_of((1, 8, 8), dims=2),
}


def _volumes(plan: Plan, held_out: bool = False) -> list[Volume]:
    """Three labelled volumes and one without, of which the images lie in one tensor."""
    chance = np.random.default_rng(2)
    made = []
    for shape, drawn in zip(SHAPES, DRAWN, strict=True):
        image = chance.normal(0, 100, shape).astype(np.float32)
        made.append(volume_of(image, chance.integers(0, 3, shape).astype(np.uint8), drawn, plan))
    made.append(volume_of(chance.normal(0, 100, (9, 9, 9)).astype(np.float32), plan=plan))
    if held_out:
        made[0].hold_out([SliceIndex(0, 4)])
        made[1].hold_out([SliceIndex(1, 2)])
        made[2].hold_out([SliceIndex(0, 0), SliceIndex(0, 3)])
    _together(made)
    return made


def _together(volumes: Sequence[Volume]) -> None:
    room = torch.cat([volume.image.flatten() for volume in volumes])
    for volume in volumes:
        part, room = room[: volume.image.numel()], room[volume.image.numel() :]
        volume.image = part.view(volume.image.shape)


def _drawn(sampler: Sampler, need: Need, seed: int) -> tuple[Patches, Patches]:
    torch.manual_seed(seed)
    return sampler.draw(need)


@pytest.mark.parametrize("held_out", [False, True], ids=["all", "some held out"])
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_batch_cut_at_once_is_the_batch_cut_in_turn(plan: Plan, held_out: bool) -> None:
    sampler = Sampler(_volumes(plan, held_out), plan)
    need = Need(6, 4, plan.patch)
    assert sampler.pool is None  # on a processor patches are cut one by one
    for seed in range(8):
        in_turn = _drawn(sampler, need, seed)
        sampler.pool = Pool(sampler.volumes)
        at_once = _drawn(sampler, need, seed)
        sampler.pool = None
        for one, two in zip(in_turn, at_once, strict=True):
            assert torch.allclose(one.image, two.image, atol=2e-3)
            assert torch.equal(one.label, two.label)
            assert torch.equal(one.position, two.position)
            assert torch.equal(one.volume, two.volume)
        assert (in_turn[0].label != IGNORE).flatten(1).any(1).all()


def test_labels_that_come_or_change_are_seen_by_the_next_batch() -> None:
    plan = PLANS["fine"]
    volumes = _volumes(plan)
    sampler = Sampler(volumes, plan)
    sampler.pool = Pool(volumes)
    need = Need(6, 1, plan.patch)
    _drawn(sampler, need, 0)
    volumes[2].hold_out(DRAWN[2])
    late = _drawn(sampler, need, 0)
    sampler.pool = None
    assert torch.equal(late[0].label, _drawn(sampler, need, 0)[0].label)


def test_tables_without_any_label_know_nothing() -> None:
    tables = LabelTables.of([None, None], [(2, 3, 4), (5, 6, 7)], torch.device("cpu"))
    near = torch.zeros(2, 3, 2, 2, 2)
    assert torch.equal(tables.at([0, 1], near), torch.full((2, 2, 2, 2), IGNORE, dtype=torch.uint8))


def test_a_small_plane_is_never_read_at_a_place_of_a_larger_one() -> None:
    """Both volumes have planes along the same axes, of which the small one's are all the memory there is."""
    host = torch.device("cpu")
    small = SliceLabel.of({1: ([0], np.full((1, 2, 2), 2, np.uint8))}, (2, 2, 2), host)
    tables = LabelTables.of([small, None], [(2, 2, 2), (90, 90, 90)], host)
    near = torch.tensor([[0.0, 0.0, 0.0], [89.0, 0.0, 89.0]]).view(2, 3, 1, 1, 1)
    assert tables.at([0, 1], near).flatten().tolist() == [2, IGNORE]


def test_on_a_card_volumes_lie_together_and_24_slices_take_few_launches(tmp_path: Path) -> None:
    plan, shapes = PLANS["slices"], SHAPES
    with pretended_gpu() as gpu:
        card = Device(torch.device("cuda"), half=True, memory=8 << 30)
        keeper = Keeper.of([Grid(shape) for shape in shapes], plan, card, Cache(tmp_path, 1 << 20))
        images = [np.random.default_rng(n).normal(0, 1, shape).astype(np.float32) for n, shape in enumerate(shapes)]
        volumes = [keeper.load(f"c{n}", f"{n:064d}", lambda n=n: images[n], Grid(shape))
                   for n, shape in enumerate(shapes)]
        sampler = Sampler(volumes, plan)
        assert sampler.pool is not None
        counts = []
        for count in (24, 48):
            before, waited = gpu.launches, len(gpu.waits)
            _, patches = _drawn(sampler, Need(0, count, plan.patch), 1)
            counts.append(gpu.launches - before)
            assert len(gpu.waits) == waited
        assert patches.image.shape == (48, 1, 1, 8, 8)
        assert counts[0] == counts[1] < 100
    for volume, image in zip(volumes, images, strict=True):
        alone = volume_of(image, plan=plan)
        assert torch.equal(volume.image, alone.image)
