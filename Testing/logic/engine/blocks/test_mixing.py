"""Copy-paste mixing: masks, pasted content, the two-weight loss, the component filter."""

from __future__ import annotations

import math

import pytest
import torch

from SemiSegLogic.engine.blocks.losses import partial_cross_entropy
from SemiSegLogic.engine.blocks.mixing import box_mask, mixed_loss, paste, region_dice, region_loss
from SemiSegLogic.geometry import IGNORE


def _problem(seed: int = 0, classes: int = 3, shape: tuple[int, ...] = (2, 3, 4, 5)) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(seed)
    logits = torch.randn(shape[0], classes, *shape[1:], requires_grad=True)
    label = torch.randint(0, classes, shape)
    label[:, 1] = IGNORE
    label[torch.rand(shape) < 0.3] = IGNORE
    return logits, label, torch.randint(0, classes, shape)


def _slow_region_loss(logits: torch.Tensor, target: torch.Tensor, region: torch.Tensor) -> torch.Tensor:
    """(Dice_R + CE_R) / 2 by loops in float64."""
    share = torch.softmax(logits, 1)
    entropy, count, dices = torch.zeros((), dtype=torch.float64), 0, []
    for b in range(logits.shape[0]):
        places = [p for p in _places(target[b]) if region[(b, *p)] > 0 and target[(b, *p)] != IGNORE]
        for p in places:
            entropy, count = entropy - share[(b, int(target[(b, *p)]), *p)].log(), count + 1
        for c in range(logits.shape[1]):
            truth = [p for p in places if target[(b, *p)] == c]
            if truth:
                overlap = sum(share[(b, c, *p)] for p in truth)
                mass = sum(share[(b, c, *p)] for p in places) + len(truth)
                dices.append(1 - (2 * overlap + 1e-5) / (mass + 1e-5))
    return 0.5 * (entropy / max(count, 1) + sum(dices) / max(len(dices), 1))


def _places(image: torch.Tensor) -> list[tuple[int, ...]]:
    return [tuple(int(i) for i in p) for p in torch.ones_like(image).nonzero()]


@pytest.mark.parametrize("size", [(12, 9, 6), (1, 16, 16), (3, 2, 1)])
def test_box_has_two_thirds_of_each_side_and_one_rectangle(size: tuple[int, int, int]) -> None:
    for seed in range(20):
        torch.manual_seed(seed)
        hole = ~box_mask(torch.zeros(2, 1, *size))[0]
        expected = [max(int(n * 2 / 3), 1) for n in size]
        spans = [places.max() - places.min() + 1 for places in hole.nonzero().T]
        assert [int(s) for s in spans] == expected
        assert int(hole.sum()) == math.prod(expected)


def test_box_moves_over_every_place_and_follows_the_generator() -> None:
    torch.manual_seed(3)
    corners = {int((~box_mask(torch.zeros(1, 1, 1, 9, 9)))[0, 0].nonzero()[:, 0].min()) for _ in range(60)}
    assert corners == {0, 1, 2, 3}
    torch.manual_seed(7)
    first = box_mask(torch.zeros(1, 1, 6, 6, 6))
    torch.manual_seed(7)
    assert torch.equal(first, box_mask(torch.zeros(1, 1, 6, 6, 6)))


def test_the_two_mixes_together_hold_every_voxel_once() -> None:
    a, u = torch.randn(2, 1, 4, 6, 6), torch.randn(2, 1, 4, 6, 6)
    mask = box_mask(a)
    assert torch.equal(paste(a, u, mask) + paste(u, a, mask), a + u)
    label = torch.randint(0, 2, (2, 4, 6, 6))
    assert torch.equal(paste(label, IGNORE, mask) == IGNORE, ~mask.expand(2, -1, -1, -1))


def test_mixed_loss_agrees_with_loops_in_value_and_gradient() -> None:
    logits, label, pseudo = _problem()
    known = label != IGNORE
    value = mixed_loss(logits, label, pseudo, 0.5)
    exact = logits.detach().double().requires_grad_()
    target = torch.where(known, label, pseudo)
    slow = _slow_region_loss(exact, target, known) + 0.5 * _slow_region_loss(exact, target, ~known)
    assert value.item() == pytest.approx(slow.item(), abs=1e-5)
    got, wanted = torch.autograd.grad(value, logits)[0], torch.autograd.grad(slow, exact)[0]
    assert torch.allclose(got.double(), wanted, atol=1e-5)


def test_dice_of_the_prediction_itself_is_zero() -> None:
    target = torch.randint(0, 3, (2, 2, 4, 4))
    share = torch.nn.functional.one_hot(target, 3).movedim(-1, 1).float()
    for squared in (False, True):
        for per_image in (False, True):
            dice = region_dice(share, target, torch.ones(2, 2, 4, 4), squared=squared, per_image=per_image)
            assert dice.item() == pytest.approx(0, abs=1e-6)


def test_voxels_outside_the_region_change_nothing() -> None:
    logits, label, _ = _problem(4)
    region = (torch.rand(label.shape) < 0.5).float()
    before = region_loss(logits, label, region)
    other = torch.where(region.bool().unsqueeze(1), logits, torch.randn_like(logits))
    assert torch.equal(before, region_loss(other, torch.where(region.bool(), label, 1), region))


def test_an_empty_region_gives_zero_with_zero_gradient() -> None:
    logits, label, pseudo = _problem(5)
    nothing = torch.full_like(label, IGNORE)
    loss = mixed_loss(logits, nothing, nothing, 0.5)
    assert loss.item() == 0
    assert torch.autograd.grad(loss, logits)[0].abs().max() == 0
    assert mixed_loss(logits, nothing, pseudo, 0.5).item() > 0


def test_with_equal_weights_regional_entropies_are_the_pixel_weighted_one() -> None:
    logits, _, target = _problem(6)
    region = (torch.rand(target.shape) < 0.4).float()
    n, m = region.sum(), (1 - region).sum()
    parts = partial_cross_entropy(logits, target, region) * n + partial_cross_entropy(logits, target, 1 - region) * m
    assert torch.allclose(parts / (n + m), partial_cross_entropy(logits, target))
