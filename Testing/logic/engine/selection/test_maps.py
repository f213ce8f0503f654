"""What the saved maps say of each slice: against a slow oracle, and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic.engine.selection import CaseMaps, profile
from SemiSegLogic.engine.selection.maps import box_of
from SemiSegLogic.geometry import Grid, SliceIndex

SHAPE = (12, 14, 16)


def _random_maps(seed: int = 0, second: bool = True) -> CaseMaps:
    chance = np.random.default_rng(seed)
    label = np.zeros(SHAPE, np.uint8)
    label[3:9, 4:10, 5:12] = chance.choice([0, 3, 7], (6, 6, 7))
    unsure = chance.integers(0, 256, SHAPE).astype(np.uint8)
    partner = np.where(label == 3, 7, 3).astype(np.uint8)
    judged = (SliceIndex(0, 2), SliceIndex(1, 5))
    return CaseMaps("c001", label, unsure, Grid(SHAPE), judged, partner if second else None)


def _near(label: np.ndarray, voxels: int) -> np.ndarray:
    """Slow: within a box of ``voxels`` around any structure."""
    near = np.zeros(label.shape, bool)
    for k, j, i in np.argwhere(label):
        near[max(0, k - voxels) : k + voxels + 1, max(0, j - voxels) : j + voxels + 1,
             max(0, i - voxels) : i + voxels + 1] = True
    return near


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_area_and_doubt_near_the_structures_are_those_of_a_slow_count(axis: int) -> None:
    maps = _random_maps()
    found = profile(maps, axis, (3, 7))
    others = tuple(a for a in range(3) if a != axis)
    assert found.area.tolist() == [(maps.label == value).sum(others).tolist() for value in (3, 7)]
    doubt = np.where(_near(maps.label, 4), maps.uncertainty / 255, 0)
    assert found.doubt == pytest.approx(doubt.sum(others))
    assert found.judged == {0: (2,), 1: (5,), 2: ()}[axis]


def test_doubt_is_shared_by_the_two_most_probable_classes() -> None:
    """One voxel: two classes at 0.8 and 0.2 of three have the entropy 0.5004 nats, 0.4555 of log 3."""
    label, unsure, second = (np.zeros((1, 9, 9), np.uint8) for _ in range(3))
    label[0, 4, 4], unsure[0, 4, 4], second[0, 4, 4] = 1, round(0.4555 * 255), 2
    found = profile(CaseMaps("c", label, unsure, Grid((1, 9, 9)), (), second), 0, (1, 2))
    assert found.doubt[0] == pytest.approx(0.4555, abs=0.003)
    assert found.doubts[:, 0] / found.doubt[0] == pytest.approx([0.8, 0.2], abs=0.005)


def test_without_a_second_map_the_neighbours_say_what_it_may_be_instead() -> None:
    label, unsure = np.zeros((1, 20, 20), np.uint8), np.zeros((1, 20, 20), np.uint8)
    label[0, 5:15, 2:10], label[0, 5:15, 10:18] = 1, 2
    unsure[0, 10, 9] = 255  # beside structure 2
    found = profile(CaseMaps("c", label, unsure, Grid((1, 20, 20)), ()), 0, (1, 2))
    assert found.doubts[:, 0] == pytest.approx([0.5, 0.5], abs=1e-3)
    unsure[0, 10, 9], unsure[0, 10, 2] = 0, 255  # at the outer border
    found = profile(CaseMaps("c", label, unsure, Grid((1, 20, 20)), ()), 0, (1, 2))
    assert found.doubts[:, 0] == pytest.approx([0.5, 0.0], abs=1e-3)


def test_doubt_far_from_every_structure_does_not_count() -> None:
    label, unsure = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    label[6, 2:4, 2:4] = 1
    unsure[6, 12:, 12:] = 255
    assert profile(CaseMaps("c", label, unsure, Grid(SHAPE), ()), 0, (1,)).doubt.sum() == 0


def test_where_nothing_was_found_doubt_at_the_border_of_the_volume_does_not_count() -> None:
    label, unsure = np.zeros((20, 20, 20), np.uint8), np.zeros((20, 20, 20), np.uint8)
    unsure[:2], unsure[:, :2], unsure[:, :, 18:] = 255, 255, 255
    maps = CaseMaps("c", label, unsure, Grid((20, 20, 20)), ())
    assert profile(maps, 0, (1,)).doubt.sum() == 0
    unsure[10, 10, 10] = 255
    assert np.flatnonzero(profile(maps, 0, (1,)).doubt).tolist() == [10]


def test_a_large_slice_is_sampled_and_its_numbers_are_scaled() -> None:
    label, unsure = np.zeros((3, 300, 200), np.uint8), np.zeros((3, 300, 200), np.uint8)
    label[1, 20:280, 20:180], unsure[1, 20:280, 20:180] = 1, 51
    found = profile(CaseMaps("c", label, unsure, Grid(label.shape), ()), 0, (1,))
    assert found.area[0] == pytest.approx([0, 260 * 160, 0], rel=0.03)
    assert found.doubt == pytest.approx([0, 260 * 160 / 5, 0], rel=0.03)


def test_voxels_that_another_label_names_otherwise_are_counted() -> None:
    maps = _random_maps()
    other = maps.label.copy()
    other[5, 5, 6:9] = 3 + 7 - np.where(maps.label[5, 5, 6:9] == 3, 3, 7)
    other[0, 13, 0] = 3  # far away: does not count
    found = profile(CaseMaps("c", maps.label, maps.uncertainty, maps.grid, (), None, other), 0, (3, 7))
    assert found.changed.tolist() == [0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("voxel", [(0, 0, 0), (11, 13, 15), (4, 7, 2)])
def test_the_box_holds_a_single_voxel(voxel: tuple[int, int, int]) -> None:
    label = np.zeros(SHAPE, np.uint8)
    label[voxel] = 9
    assert box_of(label) == tuple(slice(n, n + 1) for n in voxel)
    assert box_of(np.zeros(SHAPE, np.uint8)) is None


def test_maps_may_be_memory_mapped_and_in_any_memory_order(tmp_path: Path) -> None:
    maps = _random_maps(second=False)
    np.save(tmp_path / "label.npy", maps.label)
    mapped = CaseMaps("c", np.load(tmp_path / "label.npy", mmap_mode="r"), maps.uncertainty, maps.grid, maps.slices)
    assert profile(mapped, 1, (3, 7)).doubts == pytest.approx(profile(maps, 1, (3, 7)).doubts)
    turned = CaseMaps("c", np.asfortranarray(maps.label), np.asfortranarray(maps.uncertainty), maps.grid, maps.slices)
    assert profile(turned, 1, (3, 7)).doubts == pytest.approx(profile(maps, 1, (3, 7)).doubts)
