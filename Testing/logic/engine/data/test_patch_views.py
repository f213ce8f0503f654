"""How patches are turned: sparse volumes in the plane of their slice, left and right swapped and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data.framing import Chance, augmentation
from SemiSegLogic.engine.data.patches import Sampler
from SemiSegLogic.geometry import Grid, SliceIndex
from SemiSegLogic.methods.base import Need
from Testing.support.engine import MIRRORED_TURN, plan_of, volume_of

SHAPE = (9, 14, 11)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def _labels(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 3, shape).astype(np.uint8)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_sparse_volumes_are_turned_only_within_the_plane_of_the_slice(axis: int) -> None:
    plan = plan_of((8, 8, 8), (1.0, 1.5, 2.0))
    sampler = Sampler([volume_of(_labels(), _labels(), (SliceIndex(axis, 2),), plan)], plan)
    others = [a for a in range(3) if a != axis]
    turned = 0.0
    for _ in range(30):
        view = sampler.look_at_label(0, Need(1, 0, plan.patch)).view
        off = view.matrix.copy()
        off[others[0], others[1]] = off[others[1], others[0]] = 0
        assert np.abs(off - np.diag(np.diag(off))).max() == 0
        assert abs(view.matrix[axis, axis]) == pytest.approx(plan.scale((1.0, 1.0, 1.0))[axis], rel=1e-12)
        turned = max(turned, abs(view.matrix[others[0], others[1]]))
    assert turned > 0.1


def test_dense_volumes_are_turned_about_every_axis_and_single_slices_are_not() -> None:
    plan = plan_of((8, 8, 8))
    dense = Sampler([volume_of(_labels(), _labels(), tuple(SliceIndex(0, n) for n in range(9)), plan)], plan)
    single = Sampler([volume_of(_labels((1, 9, 9)), _labels((1, 9, 9)), (SliceIndex(0, 0),), plan)], plan)
    view = dense.look_at_label(0, Need(1, 0, plan.patch)).view
    assert int((np.abs(view.matrix) > 1e-3).sum()) == 9
    view = single.look_at_label(0, Need(1, 0, plan.patch)).view
    assert np.abs(view.matrix[0, 1:]).sum() == np.abs(view.matrix[1:, 0]).sum() == 0


def test_on_voxels_of_unequal_sides_a_turn_is_one_in_millimetres() -> None:
    spacing = (3.0, 1.0, 0.5)
    plan = plan_of((8, 8, 8), (3.0, 2.0, 0.5))
    volume = volume_of(_labels(), None, (), plan, Grid(SHAPE, spacing))
    for _ in range(20):
        view = Sampler([volume], plan).look_anywhere(0, Need(0, 1, plan.patch)).view
        steps = view.matrix * np.array(spacing)[:, None] / np.array(plan.spacing)  # mm per mm of the patch
        lengths = np.linalg.norm(steps, axis=0)
        cosines = (steps / lengths).T @ (steps / lengths)
        assert np.allclose(cosines, np.eye(3), atol=1e-6)
        assert 0.85 <= lengths.min() <= lengths.max() <= 1.15


@pytest.mark.parametrize("direction", [Grid((1, 1, 1)).direction, MIRRORED_TURN])
@pytest.mark.parametrize("depth_axis", [0, 1, 2])
@pytest.mark.parametrize("single", [False, True])
def test_only_left_and_right_are_swapped(direction: tuple[float, ...], depth_axis: int, single: bool) -> None:
    shape = (1, 8, 8) if single else (8, 8, 8)
    grid = Grid(shape, direction=direction)
    plan = plan_of((1, 4, 4) if single else (4, 4, 4), dims=2 if single else 3, depth_axis=depth_axis)
    volume = volume_of(_labels(shape), None, (), plan, grid)
    swapped = set()
    for _ in range(12):
        view = Sampler([volume], plan).look_anywhere(0, Need(0, 1, plan.patch)).view
        for axis in range(3):
            if view.matrix[axis, axis] < 0:
                swapped.add(axis)
    patient = set()
    for axis in swapped:  # what one voxel along that engine axis is in the patient
        step = np.zeros((2, 3))
        step[1, volume.turn.sources[axis]] = 1
        patient.add(int(np.abs(np.diff(grid.to_patient(step), axis=0)).argmax()))
    out_of_plane = single and direction == MIRRORED_TURN  # k runs along left and right: nothing to swap in its plane
    assert patient == (set() if out_of_plane else {0})


def test_nothing_is_swapped_when_sides_have_names_and_the_determinant_stays_near_one() -> None:
    for _ in range(40):
        assert np.linalg.det(augmentation((0, 1, 2), 3, None, Chance())) > 0
        assert np.linalg.det(augmentation((0, 1, 2), 3, None, Chance())) == pytest.approx(1, abs=0.55)
