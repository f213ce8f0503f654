"""Between which grey values there is something to see."""

import numpy as np
import pytest

from SemiSegLogic.grey_range import range_of

TISSUE = np.random.default_rng(0).normal(50.0, 100.0, 100_000)


@pytest.mark.parametrize("padding", [-3024.0, -32768.0, 30000.0])
def test_what_lies_far_around_the_tissue_leaves_its_range_near_the_tissue(padding: float) -> None:
    low, high = range_of(np.append(TISSUE, np.full(30_000, padding)), (1, 99.5))
    reach = np.ptp(np.percentile(TISSUE, (1, 99.5)))
    assert low == pytest.approx(np.percentile(TISSUE, 1 if padding > 0 else 0), abs=1.1 * reach)
    assert high == pytest.approx(np.percentile(TISSUE, 99.5), abs=1.1 * reach)
    assert high - low < 2.2 * reach


def test_without_padding_it_is_the_percentiles() -> None:
    assert range_of(TISSUE, (1, 99.5)) == pytest.approx(tuple(np.percentile(TISSUE, (1, 99.5))))


def test_two_grey_values_stay_two() -> None:
    assert range_of(np.array([0.0] * 50 + [1000.0] * 50), (1, 99.5)) == (0.0, 1000.0)
