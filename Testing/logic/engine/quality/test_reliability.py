"""Is the confidence of a model worth what it says?"""

from __future__ import annotations

import pytest
import torch

from SemiSegLogic.engine.quality import Reliability
from SemiSegLogic.engine.quality.reliability import reliability_of
from SemiSegLogic.geometry import IGNORE


def planes(confidence: float, right: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A slice that is everywhere class 1 with ``confidence``, of which a share ``right`` is true."""
    shares = torch.full((2, 60, 60), 1 - confidence)
    shares[1] = confidence
    truth = (torch.rand(60, 60, generator=torch.Generator().manual_seed(seed)) < right).long()
    return shares, truth


@pytest.mark.parametrize(("confidence", "right", "error"), [(0.85, 0.85, 0.0), (0.95, 0.7, 0.25), (0.6, 0.9, 0.3)])
def test_the_error_is_the_gap_between_confidence_and_share_of_right_voxels(
    confidence: float, right: float, error: float
) -> None:
    assert reliability_of([planes(confidence, right)]).error == pytest.approx(error, abs=0.02)


def test_an_overconfident_model_wants_a_temperature_above_1_and_a_shy_one_below() -> None:
    assert reliability_of([planes(0.97, 0.75)]).temperature > 1.5
    assert reliability_of([planes(0.6, 0.9)]).temperature < 0.7
    assert reliability_of([planes(0.8, 0.8)]).temperature == 1.0


def test_slices_add_up() -> None:
    one, two = planes(0.9, 0.8, 1), planes(0.7, 0.8, 2)
    together, apart = reliability_of([one, two]), reliability_of([one]) + reliability_of([two])
    for mine, theirs in zip(vars(together).values(), vars(apart).values(), strict=True):
        assert mine == pytest.approx(theirs)


def test_empty_background_far_away_and_what_nobody_judged_do_not_count() -> None:
    shares = torch.zeros(2, 40, 40)
    shares[0] = 1.0
    shares[:, 20, 20] = torch.tensor([0.1, 0.9])
    truth = torch.zeros(40, 40, dtype=torch.long)
    truth[20, 20] = 1
    assert sum(reliability_of([(shares, truth)]).voxels) == 49  # 7 x 7 around the one voxel
    truth[:, :20] = IGNORE
    assert sum(reliability_of([(shares, truth)]).voxels) == 28


def test_it_says_in_words_which_way_it_errs() -> None:
    assert "more sure than it should be" in reliability_of([planes(0.97, 0.7)]).words()
    assert "less sure than it should be" in reliability_of([planes(0.6, 0.95)]).words()
    assert "close to the truth" in reliability_of([planes(0.8, 0.8)]).words()
    assert isinstance(reliability_of([planes(0.8, 0.8)]), Reliability)
