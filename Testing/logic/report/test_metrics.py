"""Dice and surface distances on shapes whose values are known, and against MONAI's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from SemiSegLogic.report import Score, compare, dice, evaluate, mean_dice, summarise
from SemiSegLogic.report.metrics import surface_distances

UNIT = (1.0, 1.0, 1.0)


def cube(corner: tuple[int, int, int], size: int = 6, shape: tuple[int, int, int] = (20, 20, 20)) -> np.ndarray:
    """A cube of ``size`` voxels."""
    mask = np.zeros(shape, bool)
    mask[tuple(slice(c, c + size) for c in corner)] = True
    return mask


def test_the_same_mask_is_perfect() -> None:
    assert compare(cube((5, 5, 5)), cube((5, 5, 5)), UNIT) == Score(1.0, 0.0, 0.0)


@pytest.mark.parametrize(("axis", "spacing"), [(0, UNIT), (1, (1.0, 0.5, 1.0)), (2, (3.0, 1.0, 2.5))])
def test_a_cube_shifted_by_one_voxel_along_an_axis(axis: int, spacing: tuple[float, float, float]) -> None:
    corner = [5, 5, 5]
    corner[axis] += 1
    score = compare(cube((5, 5, 5)), cube(tuple(corner)), spacing)  # type: ignore[arg-type]
    assert score.dice == pytest.approx(5 / 6)
    assert score.hd95 == pytest.approx(spacing[axis])  # the two faces across are more than 5 % of the surface


def test_mean_distance_of_two_parallel_plates_is_their_gap_in_millimetres() -> None:
    plate, other = np.zeros((12, 8, 8), bool), np.zeros((12, 8, 8), bool)
    plate[3], other[7] = True, True
    score = compare(plate, other, (2.5, 1.0, 1.0))
    assert (score.dice, score.hd95, score.asd) == (0.0, 10.0, 10.0)


def test_a_far_speck_counts_in_one_direction_and_little_in_the_mean() -> None:
    true = cube((2, 2, 2), 8)
    found = true.copy()
    found[18, 18, 18] = True
    there, back = surface_distances(found, true, UNIT)
    assert there.max() == pytest.approx(math.sqrt(3 * 9**2))
    assert back.max() == 0
    score = compare(found, true, UNIT)
    assert score.hd95 == 0.0
    assert score.asd == pytest.approx(there.max() / (len(there) + len(back)))


def test_both_empty_is_right_and_one_empty_has_no_distance() -> None:
    nothing = np.zeros((20, 20, 20), bool)
    assert compare(nothing, nothing, UNIT) == Score(1.0, 0.0, 0.0)
    assert compare(nothing, cube((5, 5, 5)), UNIT) == Score(0.0, None, None)
    assert compare(cube((5, 5, 5)), nothing, UNIT) == Score(0.0, None, None)
    assert dice(nothing, nothing) == 1.0


def test_a_mask_at_the_volumes_edge_has_its_surface_there() -> None:
    assert compare(np.ones((4, 4, 4), bool), np.ones((4, 4, 4), bool), UNIT) == Score(1.0, 0.0, 0.0)


def test_structures_are_scored_one_by_one() -> None:
    true = np.where(cube((2, 2, 2)), 1, 0) + np.where(cube((10, 10, 10)), 2, 0)
    found = np.where(true == 2, 0, true)
    scores = evaluate(found.astype(np.uint8), true.astype(np.uint8), UNIT, (1, 2))
    assert scores == {1: Score(1.0, 0.0, 0.0), 2: Score(0.0, None, None)}
    assert mean_dice({"a": scores}) == 0.5


def test_arrays_of_different_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 2, 2\).*\(3, 2, 2\)"):
        evaluate(np.zeros((2, 2, 2), int), np.zeros((3, 2, 2), int), UNIT, (1,))


def test_means_leave_out_what_does_not_exist_and_say_how_many() -> None:
    found = summarise([1.0, None, 3.0])
    assert (found.mean, found.sd, found.count, found.total) == (2.0, pytest.approx(math.sqrt(2)), 2, 3)
    assert math.isnan(summarise([None]).mean)
    assert math.isnan(summarise([1.0]).sd)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_numbers_are_those_of_monai() -> None:
    metrics = pytest.importorskip("monai.metrics")
    torch = pytest.importorskip("torch")
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(0)
    for spacing in (UNIT, (2.0, 0.7, 1.3)):
        base = gaussian_filter(rng.normal(size=(2, 24, 26, 22)), (0, 3, 3, 3))
        found, true = base[0] > 0.02, base[0] + 0.4 * base[1] > 0.02
        pair = [torch.as_tensor(np.stack([~mask, mask])[None].astype(np.float32)) for mask in (found, true)]
        score = compare(found, true, spacing)
        hd95 = metrics.compute_hausdorff_distance(*pair, percentile=95, spacing=spacing)
        asd = metrics.compute_average_surface_distance(*pair, symmetric=True, spacing=spacing)
        assert score.dice == pytest.approx(float(metrics.compute_dice(*pair)[0, 1]), abs=1e-6)
        assert score.hd95 == pytest.approx(float(hd95[0, 0]), abs=1e-5)
        assert score.asd == pytest.approx(float(asd[0, 0]), abs=1e-5)
