"""Volumes of a run: grey values, class indices, orientation, slices kept aside."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data.volumes import Classes, LabelError, class_prior, load_volume, set_label
from SemiSegLogic.geometry import IGNORE, Grid, SliceIndex, sparse_label
from SemiSegLogic.seeing import depth_first
from Testing.support.engine import CPU, plan_of, volume_of
from Testing.support.volumes import COLUMNS, SHAPE, grid_of, normalise, picture, two_blobs


def _moments(image: np.ndarray) -> tuple[float, float]:
    values = image.astype(np.float64)
    return float(values.mean()), float(values.std())


@pytest.mark.parametrize(
    ("dtype", "scale", "offset"),
    [
        ("uint8", 20, 120), ("int16", 300, -500), ("uint16", 9000, 35000), ("float32", 3e5, 8.5e5),
        ("float32", 1e-15, 0), ("float32", 1e30, 0), ("float64", 1.0, 1e9), ("int32", 40, 1_000_000_000),
    ],
)  # fmt: skip
def test_any_grey_values_get_mean_0_and_deviation_1(dtype: str, scale: float, offset: float) -> None:
    drawn = np.random.default_rng(0).normal(size=(12, 20, 22)).clip(-3, 3) * scale + offset
    out = normalise(drawn.astype(dtype))
    assert out.dtype == np.float32
    mean, deviation = _moments(out)
    assert abs(mean) < 0.01
    assert deviation == pytest.approx(1, abs=0.01)
    assert np.corrcoef(out.ravel(), drawn.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("value", [0, 7, -1000, 1e9, 1e-20])
def test_a_constant_image_becomes_zeros(value: float) -> None:
    assert not normalise(np.full((4, 5, 6), value)).any()


def test_bright_outliers_move_nothing_and_stay_in_float16() -> None:
    image = np.random.default_rng(0).normal(100, 10, (20, 20, 20)).astype(np.float32)
    clean = normalise(image)
    image.ravel()[:20] = 1.7e6
    spoilt = normalise(image)
    assert np.abs(spoilt.ravel()[20:] - clean.ravel()[20:]).max() < 0.2
    assert np.isfinite(spoilt.astype(np.float16)).all()
    assert np.abs(spoilt).max() < 15


@pytest.mark.parametrize("fill", [-32768, -3000, 32767])
def test_what_a_scanner_writes_around_what_it_sees_takes_no_contrast(fill: int) -> None:
    image = np.random.default_rng(0).normal(0, 100, (20, 20, 20)).astype(np.int16)
    image[:, :5] = fill
    out = normalise(image)
    assert out[:, 5:].std() > 0.25
    beyond = out[:, :5].max() < out[:, 5:].min() if fill < 0 else out[:, :5].min() > out[:, 5:].max()
    assert beyond, "it can still be told from the rest"


@pytest.mark.parametrize("values", [(0, 255), (0, 100, 255)])
def test_a_picture_of_two_or_three_greys_keeps_them_apart(values: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).choice(np.array(values, np.uint8), (8, 20, 20))
    out = normalise(image)
    means = [out[image == value] for value in values]
    assert all(len(np.unique(one)) == 1 for one in means)
    assert all(a[0] + 0.5 < b[0] for a, b in pairwise(means))


def test_a_structure_smaller_than_the_percentiles_on_a_flat_background_stays_visible() -> None:
    image = np.zeros((20, 20, 20), np.uint8)
    image[10, 10, 5:9] = 80, 160, 240, 120
    out = normalise(image)
    assert np.array_equal(np.unique(out[10, 10, 5:9]), np.sort(out[10, 10, 5:9]))
    assert out.min() == 0
    assert out.max() == 1


def test_sampling_comes_by_every_column_of_a_large_image() -> None:
    image = np.zeros((10, 500, 500), np.uint8)  # sampled with stride 2, 500 columns: half of them would be missed
    image[..., 1::2] = 200
    image[..., 1::4] = 100
    mean, deviation = _moments(normalise(image))
    assert abs(mean) < 0.01
    assert deviation == pytest.approx(1, abs=0.01)


def test_classes_go_to_indices_and_back() -> None:
    classes = Classes([200, 3, 7])
    label = np.array([[0, 3, 7, 200, 3]], np.uint8)
    index = classes.to_index(label, "c001")
    assert (len(classes), index.tolist(), index.dtype) == (4, [[0, 1, 2, 3, 1]], np.uint8)
    assert np.array_equal(classes.to_value(index), label)
    assert classes.to_index(np.array([IGNORE], np.uint8), "c001").tolist() == [IGNORE]
    assert Classes([254]).to_value(np.array([1])).tolist() == [254]


def test_an_unknown_value_is_reported_with_case_value_and_remedy() -> None:
    with pytest.raises(LabelError, match=r"c042.*value 9.*\[3, 7\].*add the structure"):
        Classes([3, 7]).to_index(np.array([0, 3, 9], np.uint8), "c042")


def test_as_many_structures_as_there_are_values_are_told_apart() -> None:
    every = np.arange(255, dtype=np.uint8)
    classes = Classes(list(range(1, 255)))
    assert np.array_equal(classes.to_index(every, "c001"), every)
    assert np.array_equal(classes.to_value(every), every)
    with pytest.raises(LabelError, match="value 254"):
        Classes(list(range(1, 254))).to_index(every, "c001")


def test_an_index_without_a_class_is_refused() -> None:
    with pytest.raises(IndexError, match="2 classes, but an index of 2"):
        Classes([7]).to_value(np.array([0, 2]))


def test_a_label_of_another_size_is_refused() -> None:
    volume = volume_of(picture())
    with pytest.raises(LabelError, match=r"c001.*\(2, 2, 2\)"):
        set_label(volume, np.zeros((2, 2, 2), np.uint8), (), Classes([1]))


@pytest.mark.parametrize("depth_axis", [0, 1, 2])
@pytest.mark.parametrize("kind", COLUMNS)
def test_what_is_turned_comes_back_voxel_for_voxel(kind: str, depth_axis: int) -> None:
    grid = grid_of(kind)
    plan = plan_of((8, 8, 8), depth_first(grid, depth_axis).triple(grid.spacing), depth_axis=depth_axis)
    volume = load_volume("c001", picture(), grid, plan, CPU.torch)
    assert volume.shape == volume.turn.triple(grid.shape)
    assert volume.spacing == volume.turn.triple(grid.spacing)
    expected = normalise(picture()).astype(np.float16)
    assert np.array_equal(volume.to_array(volume.image[0]), expected)
    label, places = two_blobs(), (SliceIndex(0, 2), SliceIndex(1, 4), SliceIndex(2, 0))
    set_label(volume, sparse_label(label, places), places, Classes([1, 2]))
    assert volume.judged is not None
    assert np.array_equal(volume.to_array(volume.judged.all_voxels()), sparse_label(label, places))
    for place in volume.slices:
        assert bool((volume.plane(place) != IGNORE).all())
        own = volume.turn.slice_to_array(place, grid.shape)
        assert set(volume.foreground[place]) == set(np.unique(label.take(own.index, own.axis)).tolist()) - {0}


def test_foreground_lists_the_voxels_of_each_class() -> None:
    label = two_blobs()
    volume = volume_of(picture(), label, (SliceIndex(0, 2),))
    for value, spots in volume.foreground[SliceIndex(0, 2)].items():
        assert sorted(map(tuple, spots.tolist())) == sorted(map(tuple, np.argwhere(label[2] == value).tolist()))


def test_slices_kept_aside_leave_the_label_and_stay_judged() -> None:
    label = two_blobs()
    volume = volume_of(picture(), label, (SliceIndex(0, 1), SliceIndex(0, 3), SliceIndex(2, 4)))
    volume.hold_out([SliceIndex(0, 3), SliceIndex(0, 4)])
    assert volume.judged is not None
    assert volume.label is not None
    assert volume.held_out == (SliceIndex(0, 3),)
    assert volume.training_slices == (SliceIndex(0, 1), SliceIndex(2, 4))
    seen, judged = volume.label.all_voxels(), volume.judged.all_voxels()
    assert bool((seen[3] == IGNORE).all())
    assert torch.equal(seen[1], judged[1])
    assert torch.equal(judged[3].cpu(), torch.from_numpy(label[3]))
    volume.hold_out([])
    assert torch.equal(volume.label.all_voxels(), judged)


def test_new_labels_keep_what_is_kept_aside() -> None:
    volume = volume_of(picture(), two_blobs(), (SliceIndex(0, 1), SliceIndex(0, 3)))
    volume.hold_out([SliceIndex(0, 3)])
    places = (SliceIndex(0, 1), SliceIndex(0, 2), SliceIndex(0, 3))
    set_label(volume, sparse_label(two_blobs(), places), places, Classes([1, 2]))
    assert volume.held_out == (SliceIndex(0, 3),)
    assert volume.label is not None
    assert bool((volume.label.all_voxels()[3] == IGNORE).all())


def test_dense_means_every_slice_along_an_axis_and_more_than_one() -> None:
    every = tuple(SliceIndex(1, index) for index in range(SHAPE[1]))
    assert volume_of(picture(), two_blobs(), every).is_dense
    assert not volume_of(picture(), two_blobs(), every[1:]).is_dense
    assert not volume_of(picture((1, 5, 6)), np.zeros((1, 5, 6), np.uint8), (SliceIndex(0, 0),)).is_dense
    assert not volume_of(picture()).is_dense


def test_the_prior_counts_what_training_may_see() -> None:
    label = np.zeros((4, 5, 10), np.uint8)
    label[0, :, :2], label[2] = 1, 2
    volume = volume_of(picture((4, 5, 10)), label, (SliceIndex(0, 0), SliceIndex(0, 2)))
    assert class_prior([volume], 3) == pytest.approx((0.4, 0.1, 0.5))
    volume.hold_out([SliceIndex(0, 2)])
    assert class_prior([volume, volume_of(picture())], 3) == pytest.approx((0.8 / 1.001, 0.2 / 1.001, 1e-3 / 1.001))
    assert class_prior([], 4) == pytest.approx((0.25,) * 4)


@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1, 2), ()])
def test_every_judged_voxel_counts_once_wherever_slices_cross(axes: tuple[int, ...]) -> None:
    drawn, places = two_blobs(), tuple(SliceIndex(axis, n) for axis in axes for n in (2, 4))
    volume = volume_of(picture(), drawn, places)
    seen = sparse_label(drawn, places)
    counts = np.maximum([(seen == value).sum() / max((seen < IGNORE).sum(), 1) for value in range(3)], 1e-3)
    assert class_prior([volume], 3) == pytest.approx(tuple(counts / counts.sum()))


def test_a_grid_of_one_slice_is_seen_in_its_plane() -> None:
    grid = Grid((6, 1, 7))
    volume = load_volume("c001", picture((6, 1, 7)), grid, plan_of((1, 8, 8), dims=2), CPU.torch)
    assert volume.shape == (1, 6, 7)


def test_a_coarser_plan_keeps_fewer_voxels_of_the_image_and_all_of_the_label() -> None:
    image, grid, places = picture((12, 10, 9)), Grid((12, 10, 9), (1.0, 0.5, 0.8)), (SliceIndex(0, 5),)
    label = np.ones(grid.shape, np.uint8)
    volume = volume_of(image, label, places, plan_of((8, 8, 8), (2.9, 1.6, 1.0)), grid)
    assert volume.thin == (2, 3, 1)
    assert volume.image.shape == (1, 6, 4, 9)
    assert volume.shape == (12, 10, 9)
    assert volume.judged is not None
    assert volume.judged.shape == (12, 10, 9)


def test_a_large_structure_is_remembered_by_some_of_its_voxels() -> None:
    label = np.ones((2, 100, 100), np.uint8)
    spots = volume_of(picture((2, 100, 100)), label, (SliceIndex(0, 1),)).foreground[SliceIndex(0, 1)][1]
    assert 2000 < len(spots) <= 4096
    assert (int(spots[:, 0].min()), int(spots[:, 0].max())) == (0, 99)
