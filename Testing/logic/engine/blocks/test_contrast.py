"""Self-paced contrast: the equations, and what must not matter."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from SemiSegLogic.engine.blocks.contrast import (
    age,
    awake,
    distinct,
    one_per_cell,
    paced_contrast,
    paced_weights,
    pair_losses,
    partition,
    positives,
)
from SemiSegLogic.engine.blocks.views import flipped, turned
from SemiSegLogic.engine.nets.projection import GlobalProjection

T = 0.07
DRAW = "SemiSegLogic.engine.blocks.views.uniform"


def views(slices: int = 6, classes: int = 3, seed: int = 0) -> tuple[Tensor, Tensor]:
    """2N random directions (float64) and their meta-labels: first views, then second ones."""
    torch.manual_seed(seed)
    z = F.normalize(torch.randn(2 * slices, 8, dtype=torch.float64), dim=1).requires_grad_()
    return z, torch.randint(0, classes, (slices,)).repeat(2)


def slow(z: Tensor, label: Tensor, now: float = math.inf, kind: str = "linear") -> Tensor:
    """Equations (1) to (3) of the paper, pair by pair."""
    count, rows = len(z), []
    for i in range(count):
        others = [a for a in range(count) if a != i]
        below = sum(torch.exp((z[i] * z[a]).sum() / T) for a in others)
        terms = []
        for j in others:
            if label[j] == label[i]:
                loss = -torch.log(torch.exp((z[i] * z[j]).sum() / T) / below)
                value = loss.item()
                weight = float(value <= now) if kind == "hard" else max(0.0, 1 - value / now)
                terms.append(weight * loss)
        rows.append(sum(terms) / len(terms))
    return sum(rows) / count


@pytest.mark.parametrize(("now", "kind"), [(math.inf, "linear"), (8.0, "linear"), (8.0, "hard"), (3.0, "linear")])
def test_loss_and_gradient_equal_the_equations_pair_by_pair(now: float, kind: str) -> None:
    z, label = views()
    found, wanted = paced_contrast(z, label, T, now, kind), slow(z, label, now, kind)
    assert torch.allclose(found, wanted, atol=1e-9)
    (mine,), (theirs,) = torch.autograd.grad(found, z), torch.autograd.grad(wanted, z)
    assert torch.allclose(mine, theirs, atol=1e-9)


def test_an_endless_age_is_the_plain_supervised_contrast() -> None:
    z, label = views()
    assert torch.allclose(paced_contrast(z, label, T, 1e9), paced_contrast(z, label, T), atol=1e-6)
    assert torch.allclose(paced_contrast(z, label, T, 1e9, restore=True), paced_contrast(z, label, T), atol=1e-6)


def test_restoring_divides_by_the_mean_weight_of_the_positives() -> None:
    z, label = views()
    weight = paced_weights(pair_losses(z, T), 9.0, "linear")[positives(label)].mean()
    expected = paced_contrast(z, label, T, 9.0) / weight
    assert torch.allclose(paced_contrast(z, label, T, 9.0, restore=True), expected)
    assert paced_contrast(z, label, T, 1e-9, restore=True).item() == 0


def test_weights_fall_with_the_loss_grow_with_the_age_and_carry_no_gradient() -> None:
    losses = torch.linspace(0, 20, 41, requires_grad=True)
    for kind in ("linear", "hard"):
        rows = torch.stack([paced_weights(losses, now, kind) for now in (5.0, 10.0, 50.0, 1e9)])
        assert not rows.requires_grad
        assert bool(((rows >= 0) & (rows <= 1)).all())
        assert bool((rows.diff(dim=1) <= 0).all())
        assert bool((rows.diff(dim=0) >= 0).all())
        assert bool((rows.mean(1).diff() > 0).all()) or kind == "hard"
    assert set(paced_weights(losses, 5.0, "hard").tolist()) == {0.0, 1.0}


def test_order_of_samples_and_of_views_does_not_matter() -> None:
    z, label = views()
    order = torch.randperm(len(z))
    swapped = torch.cat([torch.arange(6, 12), torch.arange(6)])
    for pick in (order, swapped):
        assert torch.allclose(paced_contrast(z[pick], label[pick], T, 8.0), paced_contrast(z, label, T, 8.0))


def test_a_sample_is_never_compared_with_itself() -> None:
    z, label = views()
    losses = pair_losses(z, T)
    assert bool((losses.diagonal() == 0).all())
    assert not positives(label).diagonal().any()
    without = torch.tensor([a for a in range(12) if a != 3])
    below = torch.logsumexp((z[3] @ z[without].T) / T, 0)
    assert torch.allclose(losses[3, 5], below - z[3] @ z[5] / T)


def test_weights_of_negatives_do_not_matter() -> None:
    z, label = views()
    only = (paced_weights(pair_losses(z, T), 8.0, "linear") * pair_losses(z, T))[positives(label)].sum()
    assert only > 0
    rows = positives(label).sum(1, keepdim=True)
    by_hand = (paced_weights(pair_losses(z, T), 8.0, "linear") * pair_losses(z, T) * positives(label) / rows).sum() / 12
    assert torch.allclose(paced_contrast(z, label, T, 8.0), by_hand)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_tiny_batches_stay_finite(rows: int) -> None:
    z = F.normalize(torch.randn(rows, 4), dim=1).requires_grad_()
    loss = paced_contrast(z, torch.zeros(rows, dtype=torch.int64), T, 5.0)
    loss.backward()
    assert loss.item() == 0
    assert z.grad is not None
    assert bool(z.grad.isfinite().all())


def test_loss_is_float32_under_bfloat16_and_survives_collinear_features() -> None:
    z = F.normalize(torch.ones(8, 16), dim=1)
    with torch.autocast("cpu", torch.bfloat16):
        loss = paced_contrast(z, torch.tensor([0, 0, 1, 1] * 2), T)
    assert loss.dtype == torch.float32
    assert abs(loss.item() - math.log(7)) < 1e-5


def test_age_grows_from_first_to_last() -> None:
    steps = [age(n / 10, 3.0, 60.0) for n in range(11)]
    assert steps[0] == 3
    assert steps[-1] == 60
    assert steps == sorted(steps)
    assert age(0.25, 3.0, 60.0) == pytest.approx(3 + 57 * 0.5)


def test_the_first_age_wakes_alike_features_up() -> None:
    z = F.normalize(torch.ones(60, 16, dtype=torch.float64), dim=1)
    label = (torch.arange(30) % 3).repeat(2)
    assert paced_contrast(z, label, T, 1.0).item() == 0
    assert awake(1.0, 60) == pytest.approx(0.75 * math.log(59))
    assert awake(5.0, 60) == 5
    assert awake(1.0, 0) == 1


def test_partition_rises_with_the_position_from_first_to_last() -> None:
    for parts in (2, 3, 8):
        found = partition(torch.linspace(0, 1, 101), parts)
        assert bool((found.diff() >= 0).all())
        assert found[0] == 0
        assert found[-1] == parts - 1
        assert set(found.tolist()) == set(range(parts))


def test_at_most_one_slice_of_every_cell_and_a_limited_number() -> None:
    torch.manual_seed(0)
    volume, part = torch.randint(0, 8, (60,)), torch.randint(0, 3, (60,))
    cells_drawn = len(set(zip(volume.tolist(), part.tolist(), strict=True)))
    for most in (12, 60):
        kept = one_per_cell(volume, part, most)
        cells = list(zip(volume[kept].tolist(), part[kept].tolist(), strict=True))
        assert len(cells) == len(set(cells)) == min(most, cells_drawn)
        assert torch.equal(kept, kept.sort().values)
    assert len(one_per_cell(volume[:0], part[:0], 12)) == 0


def test_volumes_seen_in_most_parts_are_preferred_and_kept_whole() -> None:
    volume, part = torch.tensor([4, 7, 7, 2, 7, 2]), torch.tensor([0, 0, 1, 0, 2, 1])
    assert one_per_cell(volume, part, most=5).tolist() == [1, 2, 3, 4, 5]
    assert one_per_cell(volume, part, most=9).tolist() == [0, 1, 2, 3, 4, 5]
    volume, part = torch.tensor([9, 1, 9, 1, 5, 5]), torch.tensor([0, 0, 1, 1, 0, 1])
    assert one_per_cell(volume, part, most=4).tolist() == [0, 1, 2, 3]


def test_single_images_fill_the_batch_and_none_is_preferred_for_its_number() -> None:
    volume = torch.tensor([7, 3, 9, 1, 8, 2])
    assert one_per_cell(volume, torch.zeros_like(volume), most=4).tolist() == [0, 1, 2, 3]


def test_distinct_counts_values() -> None:
    assert distinct(torch.tensor([3, 3, 9])) == 2
    assert distinct(torch.tensor([], dtype=torch.int64)) == 0


def test_projections_lie_on_the_unit_sphere() -> None:
    z = GlobalProjection(12)(torch.randn(5, 12, 2, 3, 4))
    assert z.shape == (5, 256)
    assert torch.allclose(z.norm(dim=1), torch.ones(5), atol=1e-6)


def test_views_move_within_the_plane_only() -> None:
    torch.manual_seed(0)
    image = torch.arange(5.0).view(1, 1, 5, 1, 1).expand(3, 2, 5, 12, 16)
    assert torch.allclose(turned(image), image, atol=1e-5)
    assert torch.equal(flipped(image), image)


def test_a_quarter_turn_and_a_mirror_move_pixels_as_said(monkeypatch: pytest.MonkeyPatch) -> None:
    image = torch.zeros(1, 1, 1, 8, 8)
    image[..., 1, 2] = 1
    monkeypatch.setattr(DRAW, lambda x, low, high: torch.full((1, 1, 1, 1, 1), high))
    assert torch.allclose(turned(image, 90.0, 0.0), image.rot90(1, (3, 4)), atol=1e-5)
    assert torch.equal(flipped(image, 1.1), image.flip(3).flip(4))


def test_a_turn_keeps_shapes_in_oblong_planes(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    y, x = torch.meshgrid(torch.arange(24.0) - 11.5, torch.arange(48.0) - 23.5, indexing="ij")
    disc = ((y**2 + x**2) < 64).float().view(1, 1, 1, 24, 48)
    monkeypatch.setattr(DRAW, lambda x, low, high: torch.full((1, 1, 1, 1, 1), high))
    assert (turned(disc, 30.0, 0.0) - disc).abs().mean() < 0.02
