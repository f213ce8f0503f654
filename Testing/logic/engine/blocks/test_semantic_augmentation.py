"""Semantic augmentation in closed form: against draws, against the per-sample form, and its statistics."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from SemiSegLogic.engine.blocks.graph import GraphClustering, affinity, cut_loss, propagated
from SemiSegLogic.engine.blocks.semantic_augmentation import (
    ClassStatistics,
    at,
    augmentation_table,
    away_from_edge,
    expected_cross_entropy,
    head_logits,
    head_stride,
    head_weight,
    make_head_linear,
    sample_voxels,
    transfer,
    voxel_features,
)
from SemiSegLogic.engine.nets import build
from SemiSegLogic.engine.nets.planar import PlanarConv
from SemiSegLogic.engine.nets.sound import SoundConv
from SemiSegLogic.geometry import IGNORE
from Testing.support.tiny_fit import blob_task

K, A, N = 3, 5, 40


def made(seed: int = 0) -> dict[str, Tensor]:
    """A linear head (one offset), features with labels, a shift and a covariance for each class; float64."""
    torch.manual_seed(seed)
    root = torch.randn(K, A, A, dtype=torch.float64)
    return {
        "weight": torch.randn(1, K, A, dtype=torch.float64, requires_grad=True),
        "bias": torch.randn(K, dtype=torch.float64),
        "features": torch.randn(N, A, dtype=torch.float64, requires_grad=True),
        "label": torch.randint(0, K, (N,)),
        "shift": torch.randn(K, A, dtype=torch.float64),
        "covariance": root @ root.transpose(1, 2) / A,
    }


def closed_form(m: dict[str, Tensor], strength: float) -> Tensor:
    table = augmentation_table(m["weight"], m["shift"], m["covariance"], strength)
    logits = m["features"] @ m["weight"][0].T + m["bias"]
    return expected_cross_entropy(logits, m["label"], torch.zeros(N, dtype=torch.int64), table)


def per_sample(m: dict[str, Tensor], strength: float) -> Tensor:
    """Voxel by voxel, class by class, as the equation is printed."""
    w, losses = m["weight"][0], []
    for f, y in zip(m["features"], m["label"].tolist(), strict=True):
        row = []
        for c in range(K):
            gap = w[c] - w[y]
            extra = strength * (gap * m["shift"][y]).sum() + strength / 2 * gap @ m["covariance"][y] @ gap
            row.append((w[c] * f).sum() + m["bias"][c] + extra)
        losses.append(torch.logsumexp(torch.stack(row), 0) - row[y])
    return torch.stack(losses).mean()


def test_table_equals_the_equation_voxel_by_voxel_in_value_and_gradients() -> None:
    m = made()
    found, wanted = closed_form(m, 0.4), per_sample(m, 0.4)
    assert torch.allclose(found, wanted, atol=1e-9)
    leaves = (m["weight"], m["features"])
    for mine, theirs in zip(torch.autograd.grad(found, leaves), torch.autograd.grad(wanted, leaves), strict=True):
        assert torch.allclose(mine, theirs, atol=1e-9)


def test_without_strength_or_statistics_it_is_plain_cross_entropy() -> None:
    m = made()
    plain = F.cross_entropy(m["features"] @ m["weight"][0].T + m["bias"], m["label"])
    assert torch.allclose(closed_form(m, 0.0), plain, atol=1e-12)
    still = {**m, "shift": torch.zeros_like(m["shift"]), "covariance": torch.zeros_like(m["covariance"])}
    assert torch.allclose(closed_form(still, 0.4), plain, atol=1e-12)


def test_the_true_class_is_never_corrected() -> None:
    m = made()
    table = augmentation_table(m["weight"], m["shift"], m["covariance"], 0.4)
    assert bool((table.diagonal(dim1=1, dim2=2) == 0).all())


def test_spread_alone_makes_the_loss_larger() -> None:
    for seed in range(5):
        m = made(seed)
        m["shift"] = torch.zeros_like(m["shift"])
        assert bool((augmentation_table(m["weight"], m["shift"], m["covariance"], 0.4) >= 0).all())
        assert closed_form(m, 0.4) >= closed_form(m, 0.0)


def test_it_bounds_the_mean_loss_over_drawn_augmentations() -> None:
    m, strength = made(), 0.5
    draws = 4000
    root = torch.linalg.cholesky(strength * m["covariance"] + 1e-9 * torch.eye(A, dtype=torch.float64))[m["label"]]
    noise = torch.randn(draws, N, A, dtype=torch.float64)
    moved = m["features"] + strength * m["shift"][m["label"]] + torch.einsum("nab,dnb->dna", root, noise)
    logits = moved @ m["weight"][0].T + m["bias"]
    sampled = F.cross_entropy(logits.flatten(0, 1), m["label"].repeat(draws))
    assert sampled < closed_form(m, strength)
    assert sampled > closed_form(m, 0.0) * 0.2


def test_a_constant_added_to_all_features_changes_nothing() -> None:
    m = made()
    tables = []
    for constant in (0.0, 7.0):
        source, target = ClassStatistics(K, A).double(), ClassStatistics(K, A).double()
        source.update(m["features"].detach() + constant, m["label"], 0.9, least=1)
        target.update(2 * m["features"].detach() + 1 + constant, m["label"], 0.9, least=1)
        tables.append(augmentation_table(m["weight"], *transfer(source, target), 0.3))
    assert torch.allclose(tables[0], tables[1], atol=1e-9)


def test_statistics_without_memory_are_those_of_the_last_batch() -> None:
    torch.manual_seed(0)
    statistics, label = ClassStatistics(2, A).double(), torch.arange(200) % 2
    for _ in range(3):
        features = torch.randn(200, A, dtype=torch.float64) * 3 + 1
        statistics.update(features, label, 0.0)
    rows = features[label == 1]
    assert torch.allclose(statistics.mean[1], rows.mean(0))
    assert torch.allclose(statistics.covariance[1], torch.cov(rows.T, correction=0))


def test_merged_moments_are_those_of_the_weighted_mixture() -> None:
    torch.manual_seed(0)
    one, two = torch.randn(100, A, dtype=torch.float64), torch.randn(100, A, dtype=torch.float64) * 2 + 3
    statistics, label = ClassStatistics(1, A).double(), torch.zeros(100, dtype=torch.int64)
    statistics.update(one, label, 0.5)
    statistics.update(two, label, 0.5)
    both = torch.cat([one, two])
    assert torch.allclose(statistics.mean[0], both.mean(0))
    assert torch.allclose(statistics.covariance[0], torch.cov(both.T, correction=0))


def test_covariances_stay_symmetric_and_positive_and_rare_classes_untouched() -> None:
    torch.manual_seed(0)
    statistics = ClassStatistics(3, A)
    for _ in range(50):
        label = torch.cat([torch.arange(100) % 2, torch.full((31,), 2)])
        with torch.autocast("cpu", torch.bfloat16):
            statistics.update(torch.randn(131, A) * torch.rand(A), label, 0.9)
    assert torch.allclose(statistics.covariance, statistics.covariance.transpose(1, 2), atol=1e-6)
    assert bool((torch.linalg.eigvalsh(statistics.covariance) > -1e-6).all())
    assert statistics.seen.tolist() == [True, True, False]
    assert bool((statistics.mean[2] == 0).all())


def test_a_class_unseen_on_either_side_is_left_alone() -> None:
    m, source, target = made(), ClassStatistics(K, A).double(), ClassStatistics(K, A).double()
    source.update(m["features"].detach(), m["label"], 0.9, least=1)
    target.update(m["features"].detach() + 1, m["label"] % 2, 0.9, least=1)
    shift, covariance = transfer(source, target)
    assert bool((shift[2] == 0).all())
    assert bool((covariance[2] == 0).all())
    assert bool((shift[:2] != 0).all())


def test_no_gradient_reaches_the_statistics() -> None:
    m, statistics = made(), ClassStatistics(K, A).double()
    statistics.update(m["features"], m["label"], 0.9, least=1)
    assert not any(buffer.requires_grad for buffer in statistics.buffers())


@pytest.mark.parametrize(("network", "dims"), [("fast", 3), ("fast", 2), ("vnet", 3), ("unet", 2), ("resvnet", 3)])
def test_logits_from_picked_voxels_are_those_of_the_network(network: str, dims: int) -> None:
    task = blob_task(dims, 3, network)
    torch.manual_seed(0)
    net = build(network, task)
    make_head_linear(net, task)
    net.eval()
    taps = net.features(torch.randn(2, 1, *[side + 1 if side > 1 else 1 for side in task.patch]))
    places = torch.stack([torch.randint(0, side, (50,)) for side in (2, *taps["logits"].shape[2:])], 1)
    features, offset = voxel_features(taps["last"], places, head_stride(net))
    b, d, h, w = places.unbind(1)
    assert torch.allclose(head_logits(net, features, offset), taps["logits"][b, :, d, h, w], atol=1e-5)
    assert head_weight(net).requires_grad


def test_a_head_behind_an_interpolation_is_refused() -> None:
    task = blob_task(3, 2, "plain")
    with pytest.raises(ValueError, match="its own features"):
        make_head_linear(build("plain", task), task)


def test_a_new_head_starts_at_the_prior() -> None:
    task = blob_task(2, 2, "unet")
    net = build("unet", task)
    make_head_linear(net, task)
    assert isinstance(net.head, torch.nn.Conv3d)
    assert net.head.kernel_size == (1, 1, 1)
    assert torch.allclose(net.head.bias, torch.tensor(task.prior).log())


@pytest.mark.parametrize(("dims", "kind"), [(2, PlanarConv), (3, SoundConv)])
def test_a_new_head_is_computed_like_the_others_of_its_network(dims: int, kind: type[torch.nn.Conv3d]) -> None:
    """A volume convolution of PyTorch's own there lets the program die in bfloat16, at 112 x 112 already."""
    task = blob_task(dims, 3, "unet")
    net = build("unet", task)
    make_head_linear(net, task)
    assert type(net.head) is kind


def test_sampled_voxels_are_judged_and_capped_for_each_class() -> None:
    torch.manual_seed(0)
    label = torch.randint(0, 2, (2, 6, 10, 10))
    label[0, 0, 0, :5] = 2
    label[:, 3:] = IGNORE
    counts = torch.bincount(at(label, sample_voxels(label, 3, 40)), minlength=3)
    assert counts.tolist() == [40, 40, 5]
    assert len(sample_voxels(torch.full_like(label, IGNORE), 3, 40)) == 0


def test_inner_voxels_are_those_far_from_the_pasted_box() -> None:
    mask = torch.ones(1, 1, 40, 40, dtype=torch.bool)
    mask[0, 0, 10:30, 10:30] = False
    inner = away_from_edge(mask, 3)[0, 0]
    assert inner[20, 20]
    assert inner[0, 0]
    assert not inner[10, 10]
    assert inner[20, 13]
    assert not inner[20, 12]
    assert inner[20, 6]
    assert not inner[20, 7]


def test_cut_loss_equals_its_trace_and_knows_no_batch_size() -> None:
    torch.manual_seed(0)
    nodes = F.normalize(torch.randn(6, 4, dtype=torch.float64), dim=1)
    soft = torch.softmax(torch.randn(6, 2, dtype=torch.float64), 1)
    weights = affinity(nodes)
    assert torch.allclose(cut_loss(weights, soft), -torch.trace(soft.T @ weights @ soft) / 36)
    twice = cut_loss(affinity(nodes.repeat(2, 1)), soft.repeat(2, 1))
    assert torch.allclose(twice, cut_loss(weights, soft))
    assert weights.max() > 0 > weights.min()


def test_propagation_is_the_normalised_graph_convolution() -> None:
    torch.manual_seed(0)
    nodes = F.normalize(torch.rand(5, 3, dtype=torch.float64), dim=1)
    gram = nodes @ nodes.T
    scale = torch.diag(gram.sum(1) ** -0.5)
    assert torch.allclose(propagated(gram, nodes), scale @ gram @ scale @ nodes)


def test_graph_clustering_prefers_two_groups_for_two_groups_of_features() -> None:
    torch.manual_seed(0)
    graph = GraphClustering(4, 2)
    maps = torch.zeros(1, 4, 1, 8, 8)
    maps[:, 0, :, :4], maps[:, 1, :, 4:] = 1, 1
    optimiser = torch.optim.Adam(graph.parameters(), 0.02)
    losses = []
    for _ in range(60):
        optimiser.zero_grad()
        losses.append(graph(maps + 0.01 * torch.randn_like(maps)))
        losses[-1].backward()
        optimiser.step()
    assert losses[-1] < -0.2 < losses[0]
