"""Evidence: opinions, fusion, reliability, the Fisher loss and the curriculum, against loops in float64."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.blocks.evidence import (
    Opinion,
    curriculum,
    dirichlet,
    fisher_loss,
    fuse,
    log_fisher,
    opinion,
    reliability,
    tetragamma,
    trigamma,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def _opinion(*belief: float) -> Opinion:
    values = torch.tensor(belief, dtype=torch.float64)
    return Opinion(values.view(1, -1, 1, 1, 1), (1 - values.sum()).view(1, 1, 1, 1))


def _random(classes: int) -> Opinion:
    return opinion(dirichlet(3 * torch.randn(2, classes, 1, 3, 4, dtype=torch.float64)))


def _flat(values: Opinion) -> list[float]:
    return [*values.belief.flatten().tolist(), float(values.vacuity)]


@pytest.mark.parametrize("kind", ["softplus", "exp"])
def test_an_opinion_is_never_negative_and_sums_to_one(kind: str) -> None:
    for scale in (0.1, 1.0, 30.0):
        o = opinion(dirichlet(scale * torch.randn(2, 5, 2, 3, 4), kind))
        assert o.belief.min() >= 0
        assert o.vacuity.min() > 0
        assert o.vacuity.max() <= 1
        assert torch.allclose(o.belief.sum(1) + o.vacuity, torch.ones(2, 2, 3, 4), atol=1e-6)


def test_no_evidence_is_full_uncertainty() -> None:
    assert opinion(torch.ones(1, 3, 1, 1, 1)).vacuity.item() == 1


def test_evidence_keeps_the_order_of_the_logits() -> None:
    logits = torch.randn(2, 4, 1, 8, 8)
    assert torch.equal(dirichlet(logits).argmax(1), logits.argmax(1))


@pytest.mark.parametrize("class_aware", [True, False])
def test_fusion_agrees_with_its_equation_voxel_by_voxel(class_aware: bool) -> None:
    one, two = _random(3), _random(3)
    got, c = fuse(one, two, class_aware), 1 / 4 if class_aware else 1.0
    for b, h, w in torch.ones(2, 3, 4).nonzero().tolist():
        p, q = one.belief[b, :, 0, h, w], two.belief[b, :, 0, h, w]
        u, v = one.vacuity[b, 0, h, w], two.vacuity[b, 0, h, w]
        belief = [float(p[n] * q[n] + c * (p[n] * v + q[n] * u)) for n in range(3)]
        total = sum(belief) + float(u * v)
        assert got.belief[b, :, 0, h, w].tolist() == pytest.approx([x / total for x in belief])
        assert got.vacuity[b, 0, h, w].item() == pytest.approx(float(u * v) / total)


def test_fusion_is_symmetric_and_sums_to_one() -> None:
    one, two = _random(4), _random(4)
    there, back = fuse(one, two), fuse(two, one)
    assert torch.allclose(there.belief, back.belief)
    assert torch.allclose(there.belief.sum(1) + there.vacuity, torch.ones(2, 1, 3, 4, dtype=torch.float64))


def test_agreement_strengthens_the_shared_class_and_leaves_less_unknown() -> None:
    one, two = _opinion(0.7, 0.1), _opinion(0.6, 0.2)
    both = fuse(one, two)
    assert both.vacuity.item() <= 0.2
    product_free = 1 / 3 * (0.7 * 0.2 + 0.6 * 0.2)
    assert both.belief[0, 0].item() > product_free
    assert fuse(one, two, class_aware=False).vacuity < both.vacuity


def test_class_aware_fusion_keeps_more_doubt_than_the_conventional_one() -> None:
    one, two = _opinion(0.7, 0.167), _opinion(0.652, 0.2)
    aware, plain = fuse(one, two).vacuity.item(), fuse(one, two, class_aware=False).vacuity.item()
    assert plain < aware < min(0.133, 0.148)


def test_a_vacuous_partner_keeps_the_ranking_but_raises_the_doubt() -> None:
    one, nothing = _opinion(0.6, 0.267), _opinion(0.0, 0.0)
    both = fuse(one, nothing)
    assert both.belief.argmax(1).item() == 0
    assert both.vacuity.item() > one.vacuity.item()
    plain = fuse(one, nothing, class_aware=False)
    assert _flat(plain) == pytest.approx(_flat(one))


def test_the_class_share_vanishes_with_many_classes() -> None:
    one, two = _opinion(0.5, *[0.0] * 999), _opinion(0.0, 0.5, *[0.0] * 998)
    assert fuse(one, two).vacuity.item() == pytest.approx(0.25 / (0.25 + 2 * 0.25 / 1001), rel=1e-6)


def test_total_conflict_knows_nothing_and_is_not_trusted() -> None:
    both = fuse(_opinion(1.0, 0.0), _opinion(0.0, 1.0))
    assert _flat(both) == [0.0, 0.0, 1.0]
    assert reliability(both).item() == pytest.approx(0, abs=1e-6)


def test_reliability_is_one_when_certain_and_zero_when_vacuous() -> None:
    assert reliability(_opinion(0.0, 1.0, 0.0)).item() == pytest.approx(1, abs=1e-6)
    assert reliability(_opinion(0.0, 0.0, 0.0)).item() == pytest.approx(0, abs=1e-6)
    r = reliability(_random(4))
    assert r.min() >= 0
    assert r.max() <= 1


def test_reliability_agrees_with_its_equation_and_falls_with_uncertainty() -> None:
    o = _opinion(0.5, 0.2)
    q = [0.5 + 0.15, 0.2 + 0.15]
    entropy = -sum(x * math.log2(x) for x in q)
    assert reliability(o).item() == pytest.approx(1 - math.exp(0.3) * entropy / math.e)
    # the same shares q with more of them unknown
    values = [reliability(_opinion(0.7 - u / 2, 0.3 - u / 2)).item() for u in (0.0, 0.2, 0.4, 0.6)]
    assert values == sorted(values, reverse=True)


def test_trigamma_and_its_gradient_are_those_of_torch() -> None:
    x = torch.logspace(0, 4, 400, dtype=torch.float64, requires_grad=True)
    assert torch.allclose(trigamma(x), torch.polygamma(1, x.detach()))
    assert torch.allclose(torch.autograd.grad(trigamma(x).sum(), x)[0], torch.polygamma(2, x.detach()), rtol=1e-8)
    single = tetragamma(x.detach().float()).double()
    assert torch.allclose(single, torch.polygamma(2, x.detach()), rtol=1e-6)


def _information(alpha: Tensor) -> Tensor:
    """The explicit matrix of (K,) alpha."""
    return torch.diag(torch.polygamma(1, alpha)) - torch.polygamma(1, alpha.sum())


def test_log_fisher_is_the_determinant_of_the_explicit_matrix() -> None:
    alpha = 1 + 5 * torch.rand(1, 4, 1, 2, 3, dtype=torch.float64)
    got = log_fisher(alpha, trigamma(alpha))
    for h, w in torch.ones(2, 3).nonzero().tolist():
        assert got[0, 0, h, w].item() == pytest.approx(torch.logdet(_information(alpha[0, :, 0, h, w])).item())


def test_fisher_loss_agrees_with_loops_in_value_and_gradient() -> None:
    logits = torch.randn(2, 3, 1, 2, 2, dtype=torch.float64, requires_grad=True)
    target = torch.randint(0, 3, (2, 1, 2, 2))
    slow = torch.zeros((), dtype=torch.float64)
    for b, d, h, w in torch.ones_like(target).nonzero().tolist():
        a = dirichlet(logits)[b, :, d, h, w]
        s = a.sum()
        for n in range(3):
            miss = (float(target[b, d, h, w] == n) - a[n] / s) ** 2
            slow = slow + (miss + a[n] * (s - a[n]) / (s**2 * (s + 1))) * torch.polygamma(1, a[n])
        slow = slow - 0.05 * torch.logdet(_information(a))
    fast = fisher_loss(dirichlet(logits.float()), target, 0.05).sum()
    assert fast.item() == pytest.approx(slow.item(), abs=1e-5)
    got, wanted = torch.autograd.grad(fast, logits)[0], torch.autograd.grad(slow, logits)[0]
    assert torch.allclose(got, wanted, atol=1e-5)


def test_fisher_loss_stays_finite_over_the_whole_range_of_evidence() -> None:
    for alpha in (1.0, 1.5, 10.0, 1e3, 1e4, 1e6):
        for spread in (1.0, 1e-3):
            values = torch.tensor([alpha, max(alpha * spread, 1.0)]).view(1, 2, 1, 1, 1).requires_grad_()
            loss = fisher_loss(values, torch.ones(1, 1, 1, 1, dtype=torch.int64), 0.01).sum()
            assert loss.isfinite()
            assert torch.autograd.grad(loss, values)[0].isfinite().all()


def test_more_evidence_for_the_right_class_costs_less() -> None:
    right = torch.zeros(1, 1, 1, 1, dtype=torch.int64)
    costs = [
        fisher_loss(torch.tensor([a, 1.0]).view(1, 2, 1, 1, 1), right, 0.0).item() for a in (1.0, 2.0, 5.0, 20.0, 100.0)
    ]
    assert costs == sorted(costs, reverse=True)


def test_curriculum_agrees_with_loops_and_has_mean_one_in_each_image() -> None:
    doubt, region = torch.rand(3, 2, 4, 5), torch.rand(3, 2, 4, 5) < 0.6
    region[2] = False
    got = curriculum(doubt, region.float(), 0.2, 0.5)
    for b in range(3):
        inside = region[b].nonzero().tolist()
        values = sorted(float(doubt[b, d, h, w]) for d, h, w in inside)
        for d, h, w in inside:
            psi = (2 * values.index(float(doubt[b, d, h, w])) + 1) / len(values) - 1
            assert got[b, d, h, w].item() == pytest.approx(0.5 * math.tanh(psi * (2 * 0.2 - 1)) + 1, abs=1e-6)
        assert got[b][~region[b]].abs().sum() == 0
    assert got[:2].sum((1, 2, 3)).tolist() == pytest.approx(region[:2].sum((1, 2, 3)).tolist(), rel=1e-5)


def test_curriculum_starts_with_certain_voxels_and_ends_with_uncertain_ones() -> None:
    doubt = torch.rand(1, 1, 10, 10)
    everywhere = torch.ones_like(doubt)
    start, middle, end = (curriculum(doubt, everywhere, t, 0.5) for t in (0.0, 0.5, 1.0))
    assert start.argmax() == doubt.argmin()
    assert end.argmax() == doubt.argmax()
    assert torch.equal(middle, everywhere)
    assert torch.corrcoef(torch.stack([start.flatten(), doubt.flatten()]))[0, 1] < -0.9
