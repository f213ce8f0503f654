"""Between two grids: a plane gathered from parts is what a trilinear interpolation of the whole gives there."""

from __future__ import annotations

from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from SemiSegLogic.engine.prediction.regrid import Cut, along, middles
from SemiSegLogic.geometry import SliceIndex

COARSE, FINE = (5, 7, 6), (13, 11, 17)


def _shares() -> Tensor:
    return torch.randn(3, *COARSE, generator=torch.Generator().manual_seed(0))


def _gathered(cut: Cut, shares: Tensor, rows: int) -> Tensor:
    for start in range(0, shares.shape[1], rows):
        cut.take(start, shares[:, start : start + rows])
    return cut.plane()


@pytest.mark.parametrize("shape", [FINE, COARSE, (5, 11, 6), (1, 11, 17), (3, 2, 1)])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_every_plane_is_that_of_the_whole_volume_interpolated(shape: tuple[int, int, int], rows: int) -> None:
    shares = _shares()
    whole = F.interpolate(shares[None], size=shape, mode="trilinear", align_corners=False)[0]
    for place in (SliceIndex(axis, index) for axis in range(3) for index in range(shape[axis])):
        plane = _gathered(Cut(place, shape, COARSE), shares, rows)
        assert torch.allclose(plane, whole.select(place.axis + 1, place.index), atol=1e-6)


def test_only_the_rows_that_it_names_are_needed() -> None:
    shares = _shares()
    for axis, index in ((0, 0), (0, 6), (0, 12), (1, 4)):
        cut = Cut(SliceIndex(axis, index), FINE, COARSE)
        assert len(cut.rows) <= (2 if axis == 0 else COARSE[0])
        expected = _gathered(Cut(SliceIndex(axis, index), FINE, COARSE), shares, 5)
        for row in cut.rows:
            cut.take(row, shares[:, row : row + 1])
        assert torch.equal(cut.plane(), expected)


def test_what_it_keeps_is_a_copy_and_small() -> None:
    shares = _shares()
    for axis in range(3):
        cut = Cut(SliceIndex(axis, 3), FINE, COARSE, torch.float16)
        cut.take(0, shares)
        before = cut.plane()
        assert all(piece.dtype == torch.float16 and piece.shape[axis + 1] <= 2 for piece in cut._pieces)
        assert all(piece.untyped_storage().nbytes() == 2 * piece.numel() for piece in cut._pieces)
        shares.zero_()
        assert torch.equal(cut.plane(), before)
        shares = _shares()


def test_values_lie_between_their_two_neighbours() -> None:
    line = torch.tensor([0.0, 10.0, 40.0])
    assert middles(6, 3, 0.5).tolist() == [0.0, 0.25, 0.75, 1.25, 1.75, 2.0]  # the border is repeated
    assert along(line, 0, middles(6, 3, 0.5)).tolist() == [0.0, 2.5, 7.5, 17.5, 32.5, 40.0]
    for count, side in product((1, 2, 5), (1, 3)):
        place = middles(count, side, side / count)
        assert place.min() >= 0
        assert place.max() <= side - 1
