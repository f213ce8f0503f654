"""Several views of an image, one answer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.prediction.averaging import ViewAveraged


class Left(nn.Module):
    """Two classes by brightness; sees class 1 only in the left half of what it is shown."""

    def forward(self, image: Tensor) -> Tensor:
        """(B,1,D,H,W) -> (B,2,D,H,W)."""
        logits = torch.cat([torch.zeros_like(image), 4 * image], 1)
        half = image.shape[-1] // 2
        logits[:, 1, ..., half:] = -4
        return logits


def test_one_view_is_the_network_itself() -> None:
    image = torch.rand(2, 1, 3, 4, 6)
    plain, averaged = torch.softmax(Left()(image), 1), torch.softmax(ViewAveraged(Left(), None)(image), 1)
    assert torch.allclose(plain, averaged, atol=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_mirror_image_is_turned_back_before_it_is_averaged(axis: int) -> None:
    image = torch.rand(1, 1, 4, 6, 8)
    shares = torch.softmax(ViewAveraged(Left(), axis)(image), 1)
    turned = torch.softmax(Left()(image.flip(axis + 2)), 1).flip(axis + 2)
    assert torch.allclose(shares, (torch.softmax(Left()(image), 1) + turned) / 2, atol=1e-6)


def test_sizes_are_seen_and_undone_and_slices_keep_their_depth() -> None:
    seen: list[tuple[int, ...]] = []

    class Watched(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            seen.append(tuple(image.shape[2:]))
            return torch.cat([image, -image], 1)

    out = ViewAveraged(Watched(), 2, (0.5, 1.5))(torch.rand(1, 1, 10, 20, 30))
    assert out.shape == (1, 2, 10, 20, 30)
    assert sorted(seen) == sorted(2 * [(10, 20, 30), (5, 10, 15), (15, 30, 45)])
    seen.clear()
    ViewAveraged(Watched(), None, (0.5,), planar=True)(torch.rand(1, 1, 1, 20, 30))
    assert seen == [(1, 20, 30), (1, 10, 15)]


def test_the_answer_is_a_logarithm_of_probabilities() -> None:
    out = ViewAveraged(Left(), 2, (0.9, 1.1))(torch.rand(2, 1, 4, 8, 8))
    assert torch.allclose(out.exp().sum(1), torch.ones(2, 4, 8, 8), atol=1e-5)
