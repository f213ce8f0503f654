"""Optical flow: known motions, an independent implementation, and images on which there is nothing to see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage
from skimage.registration import optical_flow_ilk

from SemiSegLogic.engine.blocks.flow import SMALLEST, flow, moved, windowed


def texture(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Smooth noise in [0, 1]."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((height, width)), 3)
    return ((noise - noise.min()) / np.ptp(noise)).astype(np.float32)


def shifted(image: NDArray[np.float32], down: float, across: float) -> NDArray[np.float32]:
    return np.asarray(ndimage.shift(image, (down, across), order=3, mode="nearest"), np.float32)


@pytest.mark.parametrize(("down", "across"), [(0, 0), (1, 0), (0, -1.5), (2.25, 3.5), (-6, 4)])
def test_a_shift_is_found_far_from_the_border(down: float, across: float) -> None:
    image = texture(96, 80)
    there = torch.from_numpy(shifted(image, down, across))  # what was at x is at x + (down, across) now
    found = flow(torch.from_numpy(image)[None], there[None], 4.0)[0, :, 16:-16, 16:-16]
    wanted = torch.tensor([down, across], dtype=torch.float32)[:, None, None].expand_as(found)
    assert float((found - wanted).norm(dim=0).quantile(0.95)) < 0.1


def test_it_is_the_flow_of_scikit_image_within_a_fraction_of_a_pixel() -> None:
    first, second = texture(72, 64, 1), texture(72, 64, 1)
    rows, columns = np.meshgrid(np.arange(72), np.arange(64), indexing="ij")
    wave = 1.5 * np.sin(rows / 12), 1.2 * np.cos(columns / 10)
    second = ndimage.map_coordinates(first, [rows + wave[0], columns + wave[1]], order=3, mode="nearest")
    mine = flow(torch.from_numpy(first)[None], torch.from_numpy(second)[None], 3.0)[0].numpy()
    theirs = optical_flow_ilk(first, second, radius=3, num_warp=5, gaussian=True)
    apart = np.linalg.norm(mine - theirs, axis=0)[8:-8, 8:-8]
    assert np.median(apart) < 0.05
    assert np.percentile(apart, 90) < 0.25
    assert np.median(np.linalg.norm(theirs, axis=0)) > 0.8  # there was something to find


def test_a_batch_is_its_images_one_by_one() -> None:
    first = torch.from_numpy(np.stack([texture(40, 33, seed) for seed in range(3)]))
    second = torch.from_numpy(np.stack([texture(40, 33, seed) for seed in (5, 1, 0)]))
    together = flow(first, second, 3.0)
    for n in range(3):
        alone = flow(first[n : n + 1], second[n : n + 1], 3.0)[0]
        assert torch.allclose(together[n], alone, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 40), (5, 7), (SMALLEST * 2, SMALLEST * 2), (33, 65)])
@pytest.mark.parametrize("value", [0.0, 0.7])
def test_where_there_is_nothing_to_see_nothing_moves(shape: tuple[int, int], value: float) -> None:
    same = torch.full((2, *shape), value)
    assert torch.equal(flow(same, same, 3.0), torch.zeros(2, 2, *shape))
    assert bool(windowed(same[:, None], 1.5).isfinite().all())


def test_what_is_moved_by_hand() -> None:
    row = torch.tensor([[[[1.0, 2.0, 4.0]]]])
    by = torch.tensor([[[[0.0, 0.0, 0.0]], [[1.0, 0.5, 9.0]]]])
    assert moved(row, by).flatten().tolist() == pytest.approx([2.0, 3.0, 4.0])


def test_the_window_is_a_gaussian_that_ends_at_the_border() -> None:
    image = texture(20, 31, 3)
    wanted = ndimage.gaussian_filter(image, 1.75, mode="nearest", truncate=4.0)
    assert np.allclose(windowed(torch.from_numpy(image)[None, None], 1.75)[0, 0].numpy(), wanted, atol=1e-5)
