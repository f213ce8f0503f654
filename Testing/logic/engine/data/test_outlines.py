"""Outlines as signed distances, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from SemiSegLogic.engine.data.outlines import decided, mixed, outlines, reach_of, signed_distances
from SemiSegLogic.geometry import IGNORE


def test_distances_by_hand() -> None:
    plane = np.array([[0, 2, 2, 2, IGNORE]], np.uint8)
    assert signed_distances(plane, [2], (1.0, 0.5)).tolist() == [[[-0.5, 0.5, 1.0, 0.5, -0.5]]]
    everywhere = signed_distances(np.full((2, 3), 2, np.uint8), [2], (1.0, 0.5))
    assert everywhere.shape == (1, 2, 3)
    assert (everywhere > 1).all()


def test_a_class_that_a_slice_does_not_show_is_as_far_as_it_is_deep_elsewhere() -> None:
    one, two = np.array([[0, 1, 1, 1, 0]], np.uint8), np.array([[0, 0, 2, 0, 0]], np.uint8)
    first, second = outlines([one, two], [1, 2], (1.0, 1.0))
    assert first.tolist() == [[[-1, 1, 2, 1, -1]], [[-1] * 5]]
    assert second.tolist() == [[[-2] * 5], [[-2, -1, 1, -1, -2]]]


def test_the_reach_is_that_of_an_organ_or_of_its_small_pieces() -> None:
    rows, columns = np.ogrid[-15:16, -15:16]
    disc = (rows**2 + columns**2 < 12**2).astype(np.uint8)
    side = np.sqrt(float(disc.sum()))
    assert reach_of(disc, (1.0, 1.0)) == pytest.approx(0.5 * side)
    assert reach_of(disc, (2.0, 2.0)) == pytest.approx(side)
    spots = np.zeros((60, 60), np.uint8)
    for row in range(5, 60, 10):
        spots[row - 1 : row + 2, 4::10] = 1  # stripes of dots, three pixels high and one wide
    assert reach_of(spots, (1.0, 1.0)) == pytest.approx(2.0)
    assert reach_of(np.ones((8, 8), np.uint8), (1.0, 1.0)) == 4
    assert reach_of(np.zeros((4, 4), np.uint8), (1.0, 1.0)) == 0
    assert reach_of(np.full((4, 4), IGNORE, np.uint8), (1.0, 1.0)) == 0


def test_fields_are_mixed_by_distance_by_hand() -> None:
    near, far = torch.full((1, 1, 2), 4.0), torch.full((1, 1, 2), -2.0)
    assert mixed([near, far], [1.0, 3.0]).flatten().tolist() == pytest.approx([2.5, 2.5])
    assert torch.equal(mixed([near], [7.0]), near)


def test_a_pixel_is_decided_where_one_class_is_ahead_of_all_others() -> None:
    distances = torch.tensor([[[3.0, 0.5, -0.5, -3.0, 2.0]], [[-3.0, -2.0, -4.0, -5.0, 1.0]]])
    assert decided(distances, [4, 9], 1.0).tolist() == [[4, IGNORE, IGNORE, 0, IGNORE]]
    assert decided(distances, [4, 9], 0.0).tolist() == [[4, 4, 0, 0, 4]]
