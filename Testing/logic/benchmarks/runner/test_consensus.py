"""What scans have in common: poses by hand, equation (3) by hand, and a leak that only one of several scans has."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from Testing.benchmarks.runner.training.consensus import LEAST, SHAPE, TIMES, Pose, agreed

SIDES = (30, 40, 44)


def shares_of(inside: NDArray[np.bool_], sure: float = 0.9) -> NDArray[np.float32]:
    there = np.where(inside, sure, 1 - sure).astype(np.float32)
    return np.stack([1 - there, there])


def organ(centre: tuple[int, int, int], radii: tuple[int, int, int]) -> NDArray[np.bool_]:
    places = np.indices(SIDES)
    return sum(((axis - c) / r) ** 2 for axis, c, r in zip(places, centre, radii, strict=True)) <= 1


def dice(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def test_a_pose_is_median_and_four_deviations_of_the_largest_piece() -> None:
    inside = np.zeros(SIDES, bool)
    inside[10:15, 20:29, 4:7] = True
    inside[25, 2, 40] = True  # a piece of its own
    pose = Pose.of(shares_of(inside))
    assert pose is not None
    assert pose.centre.tolist() == [12, 24, 5]
    assert pose.size == pytest.approx([4 * np.std(range(5)), 4 * np.std(range(9)), 4])  # one voxel at least
    assert Pose.of(shares_of(np.zeros(SIDES, bool))) is None


def test_a_scan_comes_back_from_the_common_frame() -> None:
    inside = np.zeros(SIDES, bool)
    inside[6:22, 8:32, 12:32] = True
    pose = Pose.of(shares_of(inside))
    assert pose is not None
    laid = pose.to_frame(shares_of(inside))
    assert laid.shape == (2, *SHAPE)
    back = pose.from_frame(laid, SIDES)
    assert dice(back[1] > 0.5, inside) > 0.98
    assert back.sum(0) == pytest.approx(np.ones(SIDES), abs=1e-5)
    assert float(back[1, 0, 0, 0]) == 0  # the frame does not reach there


def test_alike_scans_gain_the_weight_of_each_other() -> None:
    """Equation (3) by hand: of scans that are all the same, (p a^w) / sum at each round, a the round before."""
    inside = np.zeros(SIDES, bool)
    inside[8:24, 8:32, 8:36] = True
    weight, share = 0.5, 0.9
    now = share
    for _ in range(TIMES):
        odds = share / (1 - share) * (now / max(1 - now, LEAST)) ** weight
        now = odds / (1 + odds)
    found = agreed([shares_of(inside, share)] * 3, weight)[0]
    assert float(found[1, 16, 20, 22]) == pytest.approx(now, abs=1e-3)  # the middle, where resampling changes nothing


def test_what_one_scan_has_alone_goes_and_the_organ_stays() -> None:
    poses = [((14, 18, 20), (8, 10, 9)), ((15, 20, 24), (9, 12, 10)), ((13, 22, 18), (7, 9, 11)),
             ((16, 19, 22), (9, 11, 9)), ((14, 21, 21), (8, 12, 12))]  # fmt: skip
    truth = [organ(*pose) for pose in poses]
    leaks = [np.zeros(SIDES, bool) for _ in poses]
    leaks[0][10:20, 24:40, 16:26] = True
    leaks[1][10:20, 15:26, 32:44] = True
    found = [shares_of(inside, 0.95) for inside in truth]
    for shares, inside, leak in zip(found, truth, leaks, strict=True):
        shares[:, leak & ~inside] = [[0.3], [0.7]]
    better = agreed(found, 0.6)
    for n, inside in enumerate(truth):
        before, after = dice(found[n][1] > 0.5, inside), dice(better[n][1] > 0.5, inside)
        assert after > (before + 0.04 if leaks[n].any() else 0.93), (n, before, after)


def test_without_others_to_agree_with_nothing_changes() -> None:
    inside, nothing = shares_of(organ((14, 20, 22), (8, 12, 10))), shares_of(np.zeros(SIDES, bool))
    for found in ([inside], [inside, nothing], [nothing, nothing], []):
        assert all(now is before for now, before in zip(agreed(found, 0.6), found, strict=True))


def test_a_scan_in_which_nothing_is_found_stays_so_beside_others() -> None:
    inside, nothing = shares_of(organ((14, 20, 22), (8, 12, 10))), shares_of(np.zeros(SIDES, bool))
    assert agreed([inside, nothing, inside], 0.6)[1] is nothing
