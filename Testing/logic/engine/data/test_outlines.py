"""Outlines as signed distances, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data.outlines import Near, decided, mixed, outlines, reach_of, signed_distances
from SemiSegLogic.geometry import IGNORE


def test_distances_by_hand() -> None:
    mask = np.array([[False, True, True, True, False]])
    assert signed_distances(mask, (1.0, 0.5)).tolist() == [[-0.5, 0.5, 1.0, 0.5, -0.5]]
    everywhere = signed_distances(np.ones((2, 3), bool), (1.0, 0.5))
    assert everywhere.shape == (2, 3)
    assert (everywhere > 1).all()


def test_a_slice_without_the_class_is_as_far_as_it_is_deep_elsewhere() -> None:
    plane = np.array([[0, 1, 1, 1, 0]], np.uint8)
    first, second = outlines([plane == 1, plane == 2], (1.0, 1.0))
    assert first.tolist() == [[-1, 1, 2, 1, -1]]
    assert second.tolist() == [[-2] * 5]


def test_the_reach_is_that_of_an_organ_or_of_its_small_pieces() -> None:
    rows, columns = np.ogrid[-15:16, -15:16]
    disc = (rows**2 + columns**2 < 12**2)
    side = np.sqrt(float(disc.sum()))
    assert reach_of(disc, (1.0, 1.0)) == pytest.approx(0.5 * side)
    assert reach_of(disc, (2.0, 2.0)) == pytest.approx(side)
    spots = np.zeros((60, 60), bool)
    for row in range(5, 60, 10):
        spots[row - 1 : row + 2, 4::10] = True  # stripes of dots, three pixels high and one wide
    assert reach_of(spots, (1.0, 1.0)) == pytest.approx(2.0)
    assert reach_of(np.ones((8, 8), bool), (1.0, 1.0)) == 4
    assert reach_of(np.zeros((4, 4), bool), (1.0, 1.0)) == 0


def test_fields_are_mixed_by_distance_by_hand() -> None:
    near, far = torch.full((1, 2), 4.0), torch.full((1, 2), -2.0)
    assert mixed([near, far], [1.0, 3.0]).flatten().tolist() == pytest.approx([2.5, 2.5])
    assert torch.equal(mixed([near], [7.0]), near)


def test_a_pixel_is_decided_where_one_class_is_ahead_of_all_others() -> None:
    whole = slice(0, 1), slice(0, 5)
    four = Near(4, whole, torch.tensor([[3.0, 0.5, -0.5, -3.0, 2.0]]))
    nine = Near(9, whole, torch.tensor([[-3.0, -2.0, -4.0, -5.0, 1.0]]))
    assert decided([four, nine], (1, 5), 1.0).tolist() == [[4, IGNORE, IGNORE, 0, IGNORE]]
    assert decided([four, nine], (1, 5), 0.0).tolist() == [[4, 4, 0, 0, 4]]


def test_outside_of_its_window_a_class_is_far_away_and_one_that_is_lost_leaves_open_where_it_may_be() -> None:
    left = Near(4, (slice(0, 1), slice(0, 2)), torch.tensor([[3.0, 1.5]]))
    lost = Near(IGNORE, (slice(0, 1), slice(1, 4)), torch.tensor([[-2.0, 3.0, -0.5]]))
    assert decided([left, lost], (1, 5), 1.0).tolist() == [[4, 4, IGNORE, IGNORE, 0]]
