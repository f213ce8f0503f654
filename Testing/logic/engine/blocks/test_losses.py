"""Losses on partly judged labels, against loops in float64."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.blocks.losses import (
    complete,
    cross_entropy_and_dice,
    focal,
    judged,
    one_hot,
    partial_cross_entropy,
    soft_dice,
    weighted_mean,
)
from SemiSegLogic.geometry import IGNORE

SHAPE = (2, 2, 3, 4)


def _case(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """logits (2,3,2,3,4) float64, label with a third IGNORE, weight in [0, 1)."""
    torch.manual_seed(seed)
    label = torch.randint(0, 3, SHAPE)
    label[torch.rand(SHAPE) < 0.33] = IGNORE
    return 3 * torch.randn(2, 3, *SHAPE[1:], dtype=torch.float64), label, torch.rand(SHAPE)


def _shares(logits: Tensor, place: tuple[int, ...]) -> list[float]:
    b, *spot = place
    values = [math.exp(float(logits[(b, c, *spot)])) for c in range(logits.shape[1])]
    return [value / sum(values) for value in values]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("power", [None, 2.0, 1.0])
def test_cross_entropy_and_focal_agree_with_a_loop(weighted: bool, power: float | None) -> None:
    logits, label, weight = _case()
    total = mass = 0.0
    for place in (label != IGNORE).nonzero().tolist():
        share = _shares(logits, tuple(place))[int(label[tuple(place)])]
        v = float(weight[tuple(place)]) if weighted and power is None else 1.0
        total += v * -math.log(share) * (1 - share) ** (power or 0)
        mass += v
    if power is None:
        got = partial_cross_entropy(logits, label, weight if weighted else None)
    else:
        got = focal(logits, label, power)
    assert got.item() == pytest.approx(total / mass, rel=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("background", [False, True])
def test_dice_agrees_with_a_loop_and_a_soft_weight_counts_once(weighted: bool, background: bool) -> None:
    logits, label, weight = _case(1)
    scores = []
    for c in range(0 if background else 1, 3):
        overlap = mass = 0.0
        for place in (label != IGNORE).nonzero().tolist():
            p, t = _shares(logits, tuple(place))[c], float(label[tuple(place)] == c)
            v = float(weight[tuple(place)]) if weighted else 1.0
            overlap, mass = overlap + v * p * t, mass + v * p + v * t
        scores.append((2 * overlap + 0.5) / (mass + 0.5))
    got = soft_dice(logits, label, weight if weighted else None, background=background, smooth=0.5)
    assert got.item() == pytest.approx(1 - sum(scores) / len(scores), rel=1e-5)


@pytest.mark.parametrize("loss", [partial_cross_entropy, soft_dice, focal])
def test_where_nobody_judged_loss_and_gradient_are_zero(loss: object) -> None:
    logits = (1e4 * torch.randn(2, 3, *SHAPE[1:])).requires_grad_()
    value = loss(logits, torch.full(SHAPE, IGNORE))  # type: ignore[operator]
    value.backward()
    assert value.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


@pytest.mark.parametrize("loss", [partial_cross_entropy, soft_dice, focal])
def test_unjudged_voxels_get_no_gradient_and_judged_ones_do(loss: object) -> None:
    logits, label, _ = _case(2)
    logits = logits.float().requires_grad_()
    loss(logits, label).backward()  # type: ignore[operator]
    assert logits.grad is not None
    assert not logits.grad.movedim(1, -1)[label == IGNORE].any()
    assert bool(logits.grad.movedim(1, -1)[label != IGNORE].abs().sum(-1).gt(0).all())


def test_a_weight_of_zero_is_as_good_as_ignore() -> None:
    logits, label, _ = _case(3)
    seen = judged(label)
    full = label.masked_fill(label == IGNORE, 1)
    for loss in (partial_cross_entropy, soft_dice):
        assert loss(logits, full, seen).item() == pytest.approx(loss(logits, label).item(), rel=1e-6)


def test_losses_are_float32_and_right_under_bfloat16_logits() -> None:
    logits, label, _ = _case(4)
    rough = logits.bfloat16()
    for loss in (partial_cross_entropy, soft_dice, focal):
        assert loss(rough, label).dtype == torch.float32
        assert loss(rough, label).item() == pytest.approx(loss(rough.double(), label).item(), rel=1e-5)


def test_a_perfect_guess_costs_nothing() -> None:
    _, label, _ = _case(5)
    logits = 100 * one_hot(label, 3)
    for loss in (partial_cross_entropy, soft_dice, focal):
        assert loss(logits, label).item() == pytest.approx(0, abs=1e-5)


def test_one_hot_marks_ignored_voxels_in_no_class() -> None:
    _, label, _ = _case(6)
    marks = one_hot(label, 3)
    assert torch.equal(marks.sum(1), judged(label))
    assert torch.equal(marks.argmax(1)[label != IGNORE], label[label != IGNORE])


def test_weighted_mean_by_hand() -> None:
    assert weighted_mean(torch.tensor([1.0, 3.0, 50.0]), torch.tensor([3.0, 1.0, 0.0])).item() == pytest.approx(1.5)
    assert weighted_mean(torch.tensor([7.0]), torch.tensor([0.0])).item() == 0


def test_complete_takes_the_person_first_then_the_pseudo_label() -> None:
    label = torch.tensor([[[[0, 1, IGNORE, IGNORE]]]])
    pseudo = torch.tensor([[[[2, IGNORE, 2, IGNORE]]]])
    merged, weight = complete(label, pseudo, 0.25)
    assert merged.tolist() == [[[[0, 1, 2, IGNORE]]]]
    assert weight.tolist() == [[[[1.0, 1.0, 0.25, 0.0]]]]
    assert weight.dtype == torch.float32


@pytest.mark.parametrize("weighted", [False, True])
def test_both_losses_from_one_softmax_are_the_two_with_their_gradients(weighted: bool) -> None:
    logits, label, weight = _case(3)
    weights = weight if weighted else None
    one, two = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    entropy, dice = cross_entropy_and_dice(one, label, weights)
    apart = partial_cross_entropy(two, label, weights), soft_dice(two, label, weights)
    assert (float(entropy.detach()), float(dice.detach())) == pytest.approx([float(loss.detach()) for loss in apart])
    (2 * entropy + dice).backward()
    (2 * apart[0] + apart[1]).backward()
    assert one.grad is not None
    assert two.grad is not None
    assert torch.allclose(one.grad, two.grad, atol=1e-7)
