"""Both modes of the benchmark's metrics: shapes with known values, and the libraries whose numbers papers print."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.metrics import (
    compute_average_surface_distance,
    compute_dice,
    compute_hausdorff_distance,
    compute_iou,
    compute_surface_dice,
)
from scipy.ndimage import gaussian_filter

from Testing.benchmarks.runner.evaluation.metrics import Clinical, Legacy, clinical, legacy

UNIT = (1.0, 1.0, 1.0)
PAIRS = 100


NO_MEDPY = "medpy, with which the papers measured, is not installed"


def box(corner: tuple[int, int, int], size: tuple[int, int, int]) -> np.ndarray:
    """A box of voxels (k, j, i) in a volume of 16 x 16 x 16."""
    mask = np.zeros((16, 16, 16), bool)
    mask[tuple(slice(c, c + s) for c, s in zip(corner, size, strict=True))] = True
    return mask


def random_pair(seed: int) -> tuple[np.ndarray, np.ndarray, tuple[float, float, float]]:
    """Two blobs of which the second is a disturbed copy of the first, and a spacing (mm)."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(side) for side in rng.integers(9, 18, 3))
    field = gaussian_filter(rng.normal(size=shape), 2)
    other = field + gaussian_filter(rng.normal(size=shape), 2) * rng.uniform(0.1, 1)
    k, j, i = (float(side) for side in rng.choice([0.5, 0.625, 1.0, 1.25, 3.0], 3))
    return field > np.quantile(field, 0.8), other > np.quantile(other, rng.uniform(0.7, 0.9)), (k, j, i)


def one_hot(mask: np.ndarray) -> torch.Tensor:
    """(1, 2, k, j, i) as MONAI wants it."""
    return torch.from_numpy(np.stack([~mask, mask])[None]).float()


def test_the_same_box_is_perfect_in_both_modes() -> None:
    same = box((4, 4, 4), (5, 5, 5))
    assert legacy(same, same) == Legacy(1, 1, 0, 0)
    assert clinical(same, same, (3.0, 1.0, 0.5)) == Clinical(1, 0, 0, 1, 1)


def test_plates_four_slices_apart_by_hand() -> None:
    plate, other = box((3, 0, 0), (1, 16, 16)), box((7, 0, 0), (1, 16, 16))
    assert legacy(plate, other) == Legacy(0, 0, 4, 4)  # voxels, whatever they measure
    assert clinical(plate, other, (0.375, 1.0, 1.0)) == Clinical(0, 1.5, 1.5, 0, 1)
    assert clinical(plate, other, (0.25, 1.0, 1.0)) == Clinical(0, 1, 1, 1, 1)  # just within 1 mm
    assert clinical(plate, other, (3.0, 1.0, 1.0)) == Clinical(0, 12, 12, 0, 0)


def test_half_of_a_bar_by_hand() -> None:
    bar, half = box((8, 8, 2), (1, 1, 8)), box((8, 8, 2), (1, 1, 4))
    score = legacy(half, bar)
    assert (score.dice, score.jaccard) == (pytest.approx(2 / 3), pytest.approx(1 / 2))
    assert score.asd == 0.0  # everything found lies on the truth: the one-way distance does not see what is missing
    score_mm = clinical(half, bar, (1.0, 1.0, 2.0))
    missed = [2.0, 4.0, 6.0, 8.0]
    assert score_mm.assd == pytest.approx(sum(missed) / 12)
    assert score_mm.hd95 == pytest.approx(np.percentile([0] * 4 + missed, 95))
    assert (score_mm.surface_dice_1mm, score_mm.surface_dice_2mm) == (8 / 12, 9 / 12)
    assert legacy(bar, half).asd == pytest.approx((1 + 2 + 3 + 4) / 8)


def test_the_rule_for_empty_masks() -> None:
    nothing, something = np.zeros((16, 16, 16), bool), box((4, 4, 4), (5, 5, 5))
    for found, true in ((nothing, something), (something, nothing), (nothing, nothing)):
        assert legacy(found, true) == Legacy(0, 0, 0, 0)
    assert clinical(nothing, nothing, UNIT) == Clinical(1, 0, 0, 1, 1)
    for found, true in ((nothing, something), (something, nothing)):
        assert clinical(found, true, UNIT) == Clinical(0, None, None, 0, 0)


def test_legacy_is_what_medpy_computes_on_a_hundred_pairs() -> None:
    binary = pytest.importorskip("medpy.metric.binary", reason=NO_MEDPY)
    for seed in range(PAIRS):
        found, true, _ = random_pair(seed)
        ours = legacy(found, true)
        theirs = [binary.dc(found, true), binary.jc(found, true), binary.hd95(found, true), binary.asd(found, true)]
        assert [ours.dice, ours.jaccard, ours.hd95, ours.asd] == pytest.approx(theirs, abs=1e-6)


def test_legacy_overlap_and_one_way_distance_are_monais_on_a_hundred_pairs() -> None:
    """Not HD95: MONAI takes the larger of two percentiles, medpy one percentile of both; clinical follows MONAI."""
    for seed in range(PAIRS):
        found, true, _ = random_pair(seed)
        ours, a, b = legacy(found, true), one_hot(found), one_hot(true)
        theirs = [compute_dice(a, b, False), compute_iou(a, b, False), compute_average_surface_distance(a, b, False)]
        assert [ours.dice, ours.jaccard, ours.asd] == pytest.approx([float(value) for value in theirs], abs=1e-6)


def test_clinical_is_what_monai_computes_on_a_hundred_pairs() -> None:
    for seed in range(PAIRS):
        found, true, spacing = random_pair(seed)
        ours, a, b = clinical(found, true, spacing), one_hot(found), one_hot(true)
        theirs = [
            compute_dice(a, b, False),
            compute_hausdorff_distance(a, b, False, percentile=95, spacing=spacing),
            compute_surface_dice(a, b, [1.0], False, spacing=spacing),
            compute_surface_dice(a, b, [2.0], False, spacing=spacing),
        ]
        mine = [ours.dice, ours.hd95, ours.surface_dice_1mm, ours.surface_dice_2mm]
        assert mine == pytest.approx([float(value) for value in theirs], abs=1e-5)  # MONAI computes in float32


def test_mean_distance_over_both_surfaces_is_what_medpy_computes_on_a_hundred_pairs() -> None:
    """medpy's assd means the two one-way means; ours weighs every surface voxel alike, as its parts do."""
    binary = pytest.importorskip("medpy.metric.binary", reason=NO_MEDPY)
    surface = binary.__surface_distances
    for seed in range(PAIRS):
        found, true, spacing = random_pair(seed)
        both = np.concatenate([surface(found, true, spacing), surface(true, found, spacing)])
        assert clinical(found, true, spacing).assd == pytest.approx(both.mean(), abs=1e-6)
        assert binary.asd(found, true, spacing) == pytest.approx(surface(found, true, spacing).mean())
