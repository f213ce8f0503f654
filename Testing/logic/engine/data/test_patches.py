"""Cutting patches: the annotated slice on the grid, label and image in step, the same draws again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data import patches as module
from SemiSegLogic.engine.data.framing import Chance
from SemiSegLogic.engine.data.patches import NothingLabelled, Sampler, choose_place
from SemiSegLogic.engine.data.volumes import Volume
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.geometry import IGNORE, SliceIndex
from SemiSegLogic.methods.base import Need, Patches
from Testing.support.engine import coordinates_of, plan_of, volume_of

SHAPE = (9, 14, 11)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "weak", lambda image: image)


def _labels(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 3, shape).astype(np.uint8)


def _coded(plan: Plan, axis: int, places: tuple[SliceIndex, ...], shape: tuple[int, int, int] = SHAPE) -> Volume:
    """Image and label both hold the coordinate along engine ``axis``."""
    line = np.arange(shape[axis]).reshape([-1 if a == axis else 1 for a in range(3)])
    code = np.broadcast_to(line, shape)
    volume = volume_of(code.astype(np.float32), code.astype(np.uint8), places, plan, values=tuple(range(1, 20)))
    volume.image = torch.from_numpy(code.astype(np.float16))[None]
    return volume


def _every_slice(shape: tuple[int, int, int] = SHAPE, axis: int = 0) -> tuple[SliceIndex, ...]:
    return tuple(SliceIndex(axis, index) for index in range(shape[axis]))


def _judged_per_draw(volume: Volume, plan: Plan, need: Need, draws: int = 60) -> torch.Tensor:
    batch, _ = Sampler([volume], plan).draw(Need(draws, 0, need.shape, need.whole_slice))
    return (batch.label != IGNORE).flatten(1).sum(1)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("patch", [(8, 8, 8), (5, 7, 3), (16, 24, 16), (1, 8, 8)])
@pytest.mark.parametrize("scale", [1.0, 1.6, 2.5, 0.7])
def test_every_labelled_draw_holds_its_slice_whole(axis: int, patch: tuple[int, int, int], scale: float) -> None:
    plan = plan_of(patch, (scale,) * 3)
    for index in (0, SHAPE[axis] // 2, SHAPE[axis] - 1):
        volume = volume_of(_labels(), _labels(), (SliceIndex(axis, index),), plan)
        judged = _judged_per_draw(volume, plan, Need(1, 0, patch))
        assert judged.min() > 0
        if patch[axis] > 1 and max(patch) <= 8 and scale == 1:  # most of a plane, not the line of a skewed cut
            assert judged.float().mean() > 0.7 * np.prod(patch) / patch[axis]


@pytest.mark.parametrize("shape", [(1, 1, 1), (4, 3, 2), (9, 2, 3), (2, 9, 2), (1, 30, 3), (3, 3, 3)])
@pytest.mark.parametrize(("dims", "spacing"), [(2, (5.0, 2.0, 7.5)), (3, (4.0, 4.0, 4.0)), (3, (1.0, 5.0, 0.5))])
def test_a_volume_narrower_than_a_step_of_the_patch_is_not_lost_between_two_samples(
    shape: tuple[int, int, int], dims: int, spacing: tuple[float, float, float]
) -> None:
    """Volumes of a few voxels among larger ones: not one voxel was judged, and the training ended."""
    plan = plan_of((1, 8, 8) if dims == 2 else (8, 8, 8), spacing, dims=dims)
    for places in ((SliceIndex(0, shape[0] - 1),), _every_slice(shape)):
        volume = volume_of(_labels(shape), _labels(shape), places, plan)
        assert _judged_per_draw(volume, plan, Need(1, 0, plan.patch)).min() > 0


@pytest.mark.parametrize("patch", [(8, 8, 8), (5, 7, 3), (1, 16, 16)])
@pytest.mark.parametrize("dims", [2, 3])
def test_a_volume_of_one_slice_is_judged_on_exactly_one_plane(patch: tuple[int, int, int], dims: int) -> None:
    plan = plan_of(patch if dims == 3 else (1, *patch[1:]), dims=dims)
    volume = volume_of(_labels((1, 20, 30)), _labels((1, 20, 30)), (SliceIndex(0, 0),), plan)
    batch, _ = Sampler([volume], plan).draw(Need(40, 0, plan.patch))
    planes = (batch.label != IGNORE).flatten(2).any(2).sum(1)
    assert torch.equal(planes, torch.ones(40, dtype=torch.int64))


def test_slices_seen_one_by_one_are_whole_slices_of_the_stack(plain: None) -> None:
    plan = plan_of((1, 8, 8), (10.0, 1.0, 1.0), dims=2)
    volume = _coded(plan, 0, (SliceIndex(0, 0), SliceIndex(0, 4), SliceIndex(0, 8)))
    batch, rest = Sampler([volume], plan).draw(Need(40, 40, (1, 8, 8)))
    for image in (*batch.image, *rest.image):
        assert float(image.max() - image.min()) < 1e-4
        assert float(image.max()) == pytest.approx(round(float(image.max())), abs=1e-4)
    assert set(batch.image.round().unique().tolist()) == {0.0, 4.0, 8.0}


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("scale", [1.0, 1.7])
@pytest.mark.parametrize("dense", [True, False])
def test_label_and_image_agree_to_half_a_voxel(axis: int, scale: float, dense: bool, plain: None) -> None:
    plan = plan_of((6, 8, 5), (scale,) * 3)
    places = _every_slice() if dense else (SliceIndex(1, 3), SliceIndex(1, 9))
    batch, _ = Sampler([_coded(plan, axis, places)], plan).draw(Need(40, 0, plan.patch))
    judged = batch.label != IGNORE
    assert (batch.image[:, 0][judged] - batch.label[judged]).abs().max() <= 0.5 + 1e-3


@pytest.mark.parametrize("patch", [(4, 8, 6), (5, 7, 3)])
def test_without_augmentation_at_native_spacing_the_patch_is_the_voxels(patch: tuple[int, int, int]) -> None:
    plan, random = plan_of(patch), np.random.default_rng(1)
    label = _labels()
    volume = volume_of(random.normal(size=SHAPE).astype(np.float32), label, (SliceIndex(2, 4),), plan)
    batch, rest = Sampler([volume], plan, augment=False).draw(Need(20, 20, patch))
    windows = volume.image[0].float().unfold(0, patch[0], 1).unfold(1, patch[1], 1).unfold(2, patch[2], 1)
    truth = torch.from_numpy(label).long().unfold(0, patch[0], 1).unfold(1, patch[1], 1).unfold(2, patch[2], 1)
    flat, flat_truth = windows.flatten(0, 2), truth.flatten(0, 2)
    for image, seen in zip((*batch.image, *rest.image), (*batch.label, *rest.label), strict=True):
        difference = (flat - image).abs().flatten(1).amax(1)
        assert difference.min() < 1e-3
        known = seen != IGNORE
        assert torch.equal(seen[known], flat_truth[difference.argmin()][known])


def test_a_saved_generator_state_replays_the_same_patches() -> None:
    plan = plan_of((4, 8, 8))
    sampler = Sampler([volume_of(_labels(), _labels(), (SliceIndex(0, 2),), plan), volume_of(_labels())], plan)
    state = torch.get_rng_state()
    first = sampler.draw(Need(3, 3, plan.patch))
    torch.set_rng_state(state)
    again = sampler.draw(Need(3, 3, plan.patch))
    for one, two in zip(first, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(vars(one).values(), vars(two).values(), strict=True))


def test_shapes_dtypes_positions_and_volumes_of_a_batch() -> None:
    plan = plan_of((4, 8, 6))
    sampler = Sampler([volume_of(_labels()), volume_of(_labels(), _labels(), (SliceIndex(0, 8),), plan)], plan)
    known, free = sampler.draw(Need(20, 30, (4, 8, 6)))
    assert (known.image.shape, known.image.dtype) == ((20, 1, 4, 8, 6), torch.float32)
    assert (known.label.shape, known.label.dtype) == ((20, 4, 8, 6), torch.int64)
    assert set(known.volume.tolist()) == {1}
    assert set(free.volume.tolist()) == {0}
    assert bool((free.label == IGNORE).all())
    for batch in (known, free):
        assert 0 <= float(batch.position.min()) <= float(batch.position.max()) <= 1
    assert float(free.position.std(0).min()) > 0.05
    empty, _ = sampler.draw(Need(0, 0, (4, 8, 6)))
    assert isinstance(empty, Patches)
    assert (empty.image.shape, empty.label.shape, empty.position.shape) == ((0, 1, 4, 8, 6), (0, 4, 8, 6), (0, 3))


def test_whole_slices_cover_the_slice_from_border_to_border() -> None:
    plan = plan_of((1, 8, 8), dims=2)
    volume = volume_of(_labels(), _labels(), (SliceIndex(0, 3), SliceIndex(1, 3)), plan)
    sampler = Sampler([volume], plan, augment=False)
    for _ in range(10):
        view = sampler.look_at_label(0, Need(1, 0, (1, 7, 22), whole_slice=True)).view
        points = coordinates_of(view, (1, 7, 22)).reshape(-1, 3)
        assert points.amin(0).tolist() == pytest.approx([3, 0.5, -0.25], abs=1e-5)
        assert points.amax(0).tolist() == pytest.approx([3, 12.5, 10.25], abs=1e-5)


def test_structures_are_found_equally_often_and_held_out_slices_never() -> None:
    label = np.zeros(SHAPE, np.uint8)
    label[2, 3:12, 2:9], label[5, 4, 4], label[7, 5, 5] = 1, 2, 2
    volume = volume_of(label, label, (SliceIndex(0, 2), SliceIndex(0, 5), SliceIndex(0, 7)))
    volume.hold_out([SliceIndex(0, 7)])
    hits = {0: 0, 1: 0, 2: 0}
    for _ in range(300):
        place, target = choose_place(volume, Chance())
        assert place.index in (2, 5)
        assert target[0] == place.index
        hits[int(label[tuple(round(side) for side in target)])] += 1
    assert 0.3 * 300 * 0.67 < hits[2] < 0.7 * 300 * 0.67


def test_without_a_judged_slice_the_message_says_what_to_do() -> None:
    volume = volume_of(_labels(), _labels(), (SliceIndex(0, 1),))
    volume.hold_out([SliceIndex(0, 1)])
    with pytest.raises(NothingLabelled, match="Draw on at least one slice"):
        Sampler([volume], plan_of((4, 4, 4))).draw(Need(1, 0, (4, 4, 4)))


def test_the_judged_share_is_measured_without_touching_the_generator() -> None:
    plan = plan_of((4, 8, 6))
    sampler = Sampler([volume_of(_labels(), _labels(), (SliceIndex(0, 4),), plan)], plan, augment=False)
    state = torch.get_rng_state()
    assert sampler.labelled_share(Need(1, 0, (4, 8, 6))) == pytest.approx(0.25)
    assert torch.equal(torch.get_rng_state(), state)
