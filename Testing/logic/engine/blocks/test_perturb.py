"""Intensity perturbations: one draw per image, no geometry, finite on anything."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.blocks.perturb import blur, coarse, coin, gamma, strong, uniform, weak


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("change", [weak, strong])
@pytest.mark.parametrize("shape", [(3, 1, 4, 6, 5), (2, 2, 1, 8, 8), (1, 1, 1, 1, 1), (0, 1, 4, 4, 4)])
def test_shape_and_finiteness_are_kept_whatever_the_image(
    change: Callable[[Tensor], Tensor], shape: tuple[int, ...]
) -> None:
    for image in (torch.randn(shape), torch.zeros(shape), torch.full(shape, -3.0)):
        out = change(image)
        assert (out.shape, out.dtype) == (image.shape, torch.float32)
        assert bool(out.isfinite().all())


@pytest.mark.parametrize("change", [weak, strong])
def test_the_same_seed_gives_the_same_and_the_image_is_left_alone(change: Callable[[Tensor], Tensor]) -> None:
    image = torch.randn(4, 1, 4, 8, 8)
    kept = image.clone()
    state = torch.get_rng_state()
    first = change(image)
    torch.set_rng_state(state)
    assert torch.equal(change(image), first)
    assert torch.equal(image, kept)
    assert not torch.equal(change(image), first)


def test_weak_changes_keep_the_order_of_greys() -> None:
    image = torch.linspace(-2, 2, 512).view(1, 1, 8, 8, 8).repeat(16, 1, 1, 1, 1)
    for out in weak(image):
        assert torch.corrcoef(torch.stack([out.flatten(), image[0].flatten()]))[0, 1] > 0.9


def test_every_image_of_a_batch_is_changed_in_its_own_way() -> None:
    image = torch.randn(1, 1, 4, 6, 6).repeat(6, 1, 1, 1, 1)
    means = strong(image).mean((1, 2, 3, 4))
    assert means.unique().numel() == 6


def test_gamma_by_hand_keeps_the_ends() -> None:
    image = torch.tensor([-1.0, 0.0, 1.0, 3.0]).view(1, 1, 1, 2, 2)
    out = gamma(image, torch.full((1, 1, 1, 1, 1), 2.0)).flatten().tolist()
    assert out == pytest.approx([-1.0, 4 * 0.0625 - 1, 4 * 0.25 - 1, 3.0], abs=1e-5)


def test_blur_is_the_mean_of_the_neighbours_there_are() -> None:
    image = torch.randn(2, 1, 1, 4, 5)
    out = blur(image)
    for row in range(4):
        for column in range(5):
            around = image[:, :, 0, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            assert torch.allclose(out[:, :, 0, row, column], around.mean((2, 3)), atol=1e-6)


def test_coarse_halves_height_and_width_and_keeps_slices_apart() -> None:
    image = torch.zeros(1, 1, 3, 8, 8)
    image[:, :, 1] = torch.randn(8, 8)
    out = coarse(image)
    assert not out[:, :, [0, 2]].any()
    assert float(out[:, :, 1].diff(dim=-1).abs().max()) < float(image[:, :, 1].diff(dim=-1).abs().max())


def test_draws_are_one_per_image_and_within_bounds() -> None:
    image = torch.zeros(500, 1, 2, 2, 2)
    numbers = uniform(image, 0.6, 1.5)
    assert numbers.shape == (500, 1, 1, 1, 1)
    assert 0.6 <= float(numbers.min()) < 0.65
    assert 1.45 < float(numbers.max()) <= 1.5
    assert 0.4 < float(coin(image, 0.5).float().mean()) < 0.6
