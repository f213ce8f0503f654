"""How coarse: hand-computed, and what bounds it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from SemiSegLogic.engine.planning.patches import CPU_VOXELS
from SemiSegLogic.engine.planning.spacing import DETAIL, spacing_of

MM = (1.0, 1.0, 1.0)
NOTHING_LOST = math.inf


def _wanted(*sides: float) -> np.ndarray:
    return np.array(sides)


def test_what_is_wanted_is_seen_whole_or_a_quarter_of_it_at_a_time() -> None:
    wanted = _wanted(80, 110, 100)  # 8 times 110,000 voxels
    assert spacing_of(MM, wanted, NOTHING_LOST, True, CPU_VOXELS, 3, "fast") == pytest.approx((2.0, 2.0, 2.0))
    assert spacing_of(MM, wanted, NOTHING_LOST, False, CPU_VOXELS, 3, "fast") == pytest.approx((2 ** (1 / 3),) * 3)


def test_a_structure_keeps_its_voxels_across_unless_not_a_quarter_would_be_seen() -> None:
    wanted = _wanted(80, 110, 100)
    assert spacing_of(MM, wanted, 1.5 * DETAIL, True, CPU_VOXELS, 3, "fast") == pytest.approx((1.5, 1.5, 1.5))
    assert spacing_of(MM, wanted, 0.5 * DETAIL, True, CPU_VOXELS, 3, "fast") == pytest.approx((2 ** (1 / 3),) * 3)


def test_single_images_are_seen_whole_by_the_reach_of_the_network_however_much_fits_into_memory() -> None:
    image = _wanted(1, 264, 352)  # 3 * 88 by 4 * 88
    fast = spacing_of((1.0, 0.2, 0.2), image, NOTHING_LOST, True, CPU_VOXELS, 2, "fast")
    assert fast == pytest.approx((1.0, 0.2 * math.sqrt(12), 0.2 * math.sqrt(12)))
    assert spacing_of((1.0, 0.2, 0.2), image, NOTHING_LOST, False, 1e9, 2, "fast") == fast
    deeper = spacing_of((1.0, 0.2, 0.2), image, NOTHING_LOST, True, 1e9, 2, "unet")
    assert deeper == pytest.approx((1.0, 0.2 * math.sqrt(3), 0.2 * math.sqrt(3)))


@pytest.mark.parametrize("wanted", [(48, 48, 47), (50, 50, 50)])
def test_what_fits_or_nearly_fits_stays_as_it_is(wanted: tuple[int, int, int]) -> None:
    assert spacing_of(MM, _wanted(*wanted), NOTHING_LOST, True, CPU_VOXELS, 3, "fast") == MM


def test_a_slow_device_sees_no_coarser_than_a_usual_one_and_a_quick_one_finer() -> None:
    wanted = _wanted(160, 220, 200)
    usual = spacing_of(MM, wanted, NOTHING_LOST, True, CPU_VOXELS, 3, "fast")
    assert spacing_of(MM, wanted, NOTHING_LOST, True, CPU_VOXELS / 3, 3, "fast") == usual
    quick = spacing_of(MM, wanted, NOTHING_LOST, True, 4 * CPU_VOXELS, 3, "fast")
    assert quick[0] == pytest.approx(usual[0] / 4 ** (1 / 3))


def test_axes_that_are_coarse_stay_and_nothing_is_coarser_than_five_times_or_three_where_shape_is_lost() -> None:
    wanted = _wanted(300, 500, 500)
    assert spacing_of((5.0, 0.5, 0.5), wanted, NOTHING_LOST, True, CPU_VOXELS, 3, "fast") == (5.0, 2.5, 2.5)
    small = spacing_of((5.0, 0.5, 0.5), wanted, 10.0, True, CPU_VOXELS, 3, "fast")  # mm: too small
    assert small == spacing_of((5.0, 0.5, 0.5), wanted, NOTHING_LOST, False, CPU_VOXELS, 3, "fast") == (5.0, 1.5, 1.5)
