"""Contrast on agreement: against loops, on empty masks, and that a step on it goes the right way."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from SemiSegLogic.engine.blocks.voxel_contrast import agreement_contrast, gather, info_nce, near, pick, pick_around

ALL = 10_000


def _masks(seed: int = 0, shape: tuple[int, int, int] = (3, 5, 6)) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    first = torch.zeros(shape, dtype=torch.bool)
    first[1:, 1:4, 1:4] = True
    second = first.roll(1, 2)
    return first & second, first | second


def _loss(one: Tensor, two: Tensor, agree: Tensor, either: Tensor) -> Tensor | None:
    """The contrast of free features (N,F) of both networks, with every voxel drawn."""
    a, b = F.normalize(one, dim=1), F.normalize(two, dim=1)
    return agreement_contrast(lambda i: a[i], lambda i: b[i], agree, either, ALL, ALL, 0.1)


def _slow(one: Tensor, two: Tensor, agree: Tensor, either: Tensor) -> Tensor:
    """Both spaces, both directions, voxel by voxel in float64."""
    a, b = F.normalize(one, dim=1), F.normalize(two, dim=1)
    total = torch.zeros((), dtype=torch.float64)
    for inside, outside in ((agree.flatten(), ~agree.flatten()), (~either.flatten(), either.flatten())):
        for x, y in ((a, b), (b, a)):
            terms = []
            for i in inside.nonzero()[:, 0].tolist():
                same = (x[i] @ y[i] / 0.1).exp()
                rest = sum((x[i] @ y[j] / 0.1).exp() for j in outside.nonzero()[:, 0].tolist())
                terms.append(-(same / (same + rest)).log())
            total = total + torch.stack(terms).mean() / 2
    return total


def test_agrees_with_loops_in_value_and_gradient() -> None:
    agree, either = _masks()
    one, two = torch.randn(2, agree.numel(), 8, requires_grad=True).unbind()
    fast = _loss(one, two, agree, either)
    assert fast is not None
    exact = [t.detach().double().requires_grad_() for t in (one, two)]
    slow = _slow(exact[0], exact[1], agree, either)
    assert fast.item() == pytest.approx(slow.item(), abs=1e-5)
    got, wanted = torch.autograd.grad(fast, [one, two]), torch.autograd.grad(slow, exact)
    for g, w in zip(got, wanted, strict=True):
        assert torch.allclose(g.double(), w, atol=1e-5)


def test_permuting_the_voxels_changes_nothing() -> None:
    agree, either = _masks()
    one, two = torch.randn(2, agree.numel(), 8)
    order = torch.randperm(agree.numel())
    shuffled = _loss(one[order], two[order], *(m.flatten()[order].view(m.shape) for m in (agree, either)))
    plain = _loss(one, two, agree, either)
    assert plain is not None
    assert shuffled is not None
    assert shuffled.item() == pytest.approx(plain.item(), abs=1e-5)


def test_a_class_that_nobody_sees_has_no_term() -> None:
    nothing = torch.zeros(2, 3, 3, dtype=torch.bool)
    assert _loss(*torch.randn(2, 18, 4), nothing, nothing) is None


def test_any_masks_give_finite_losses() -> None:
    nothing, everything = torch.zeros(2, 3, 3, dtype=torch.bool), torch.ones(2, 3, 3, dtype=torch.bool)
    some = torch.rand(2, 3, 3) < 0.5
    for agree, either in ((nothing, some), (nothing, everything), (everything, everything), (some, everything)):
        assert bool(agree.logical_not().logical_or(either).all())  # I lies in U
        loss = _loss(*torch.randn(2, 18, 4), agree, either)
        assert loss is None or bool(loss.isfinite())


def test_a_step_draws_agreeing_voxels_together_and_sets_foreground_from_background() -> None:
    """Against the sign error of the released formula, which lowers the similarity everywhere."""
    torch.manual_seed(0)
    agree, either = _masks()
    inside, outside = agree.flatten(), ~either.flatten()
    # new networks map everything to about the same place, hence the offset
    one, two = ((torch.randn(agree.numel(), 8) + 1).requires_grad_() for _ in range(2))

    def similarities() -> tuple[float, float, float]:
        a, b = F.normalize(one.detach(), dim=1), F.normalize(two.detach(), dim=1)
        same = (a * b).sum(1)
        return float(same[inside].mean()), float(same[outside].mean()), float((a[inside] @ b[outside].T).mean())

    before = similarities()
    for _ in range(60):
        loss = _loss(one, two, agree, either)
        assert loss is not None
        for features, slope in zip((one, two), torch.autograd.grad(loss, [one, two]), strict=True):
            features.data.sub_(20 * slope)
    after = similarities()
    assert after[0] > before[0] + 0.2
    assert after[1] > before[1] + 0.2
    assert after[2] < before[2] - 0.2


def test_info_nce_of_no_negatives_is_zero() -> None:
    a = F.normalize(torch.randn(4, 8), dim=1)
    assert info_nce(a, a, a[:0], 0.1).item() == pytest.approx(0, abs=1e-6)


def test_half_of_the_negatives_lie_around_the_mask() -> None:
    torch.manual_seed(0)
    inside = torch.zeros(1, 40, 40, dtype=torch.bool)
    inside[:, 18:22, 18:22] = True
    chosen = pick_around(~inside, inside, 60)
    ring = near(inside, 3) & ~inside
    assert len(chosen) == 60
    assert int(ring.flatten()[chosen].sum()) == 30
    assert not inside.flatten()[chosen].any()
    assert int(near(inside, 3).sum()) == 100


def test_pick_takes_all_of_few_and_draws_from_many() -> None:
    mask = torch.zeros(2, 4, 4, dtype=torch.bool)
    mask[1, 2, 1:3] = True
    assert pick(mask, 5).tolist() == [25, 26]
    drawn = pick(torch.ones(2, 4, 4, dtype=torch.bool), 7)
    assert len(drawn) == 7


@pytest.mark.parametrize("step", [(1, 1, 1), (1, 2, 2), (2, 2, 2)])
def test_gather_finds_the_cell_that_covers_the_voxel(step: tuple[int, int, int]) -> None:
    shape = torch.Size((4, 6, 8))
    maps = torch.arange(4 * 6 * 8).view(1, 4, 6, 8)[:, :: step[0], :: step[1], :: step[2]]
    index = torch.arange(4 * 6 * 8)
    full = maps
    for axis, times in enumerate(step, 1):
        full = full.repeat_interleave(times, axis)
    assert torch.equal(gather(maps, index, shape, step)[:, 0], full.flatten())
