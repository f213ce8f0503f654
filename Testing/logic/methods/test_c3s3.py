"""C3S3: the competition, the sharpened labels, consistency, sparse labels, and that it learns."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from SemiSegLogic.engine.blocks.losses import judged
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods.base import Need, Patches, Step, Task
from SemiSegLogic.methods.c3s3 import (
    C3S3,
    Seen,
    Views,
    complementary_loss,
    consistency,
    cosine_gap,
    look,
    sharpened,
    supervised_terms,
)
from SemiSegLogic.settings import C3S3 as Settings
from SemiSegLogic.settings import SettingsError, recipe
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import blob_task, fit

STEP = Step("train", 3, 10)


def _method(task: Task | None = None, **values: object) -> C3S3:
    torch.manual_seed(0)
    return C3S3(Settings.from_dict(values), task or blob_task())


def _views(seed: int, classes: int = 3) -> Views:
    torch.manual_seed(seed)
    one, two = (Seen(torch.randn(2, classes, 2, 3, 4, requires_grad=True), torch.randn(2, 8, 2, 3, 4)) for _ in "12")
    return one, two


def _exact(views: Views) -> Views:
    one, two = (Seen(v.logits.detach().double().requires_grad_(), v.last) for v in views)
    return one, two


def _label() -> Tensor:
    torch.manual_seed(7)
    label = torch.randint(0, 3, (2, 2, 3, 4))
    label[:, 1] = IGNORE
    return label


def _agree(fast: Tensor, slow: Tensor, views: Views, exact: Views) -> None:
    """Value and gradient to 1e-5."""
    assert fast.item() == pytest.approx(slow.item(), abs=1e-5)
    for mine, theirs in zip(views, exact, strict=True):
        got = torch.autograd.grad(fast, mine.logits, retain_graph=True)[0]
        wanted = torch.autograd.grad(slow, theirs.logits, retain_graph=True)[0]
        assert torch.allclose(got.double(), wanted, atol=1e-5)


def test_sharpening_is_the_power_of_its_equation_and_keeps_the_order() -> None:
    logits = torch.randn(2, 4, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    p = torch.softmax(logits, 1)
    sharp = sharpened(logits, 0.1)
    assert torch.allclose(sharp, p**10 / (p**10).sum(1, keepdim=True))
    assert torch.allclose(sharp.sum(1), torch.ones(2, 1, 5, 5, dtype=torch.float64))
    assert torch.equal(sharp.argmax(1), p.argmax(1))
    assert torch.allclose(sharpened(logits, 1.0), p)
    assert bool(((-sharp * (sharp + 1e-12).log()).sum(1) <= (-p * p.log()).sum(1) + 1e-9).all())
    assert not sharp.requires_grad


def test_supervised_terms_agree_with_loops_in_value_and_gradient() -> None:
    views, label = _views(1), _label()
    exact = _exact(views)
    entropy, dice = supervised_terms(views, label)
    slow_entropy = slow_dice = torch.zeros((), dtype=torch.float64)
    places = (label != IGNORE).nonzero().tolist()
    for view in exact:
        p = view.share
        terms = [-p[b, label[b, d, h, w], d, h, w].log() for b, d, h, w in places]
        slow_entropy = slow_entropy + torch.stack(terms).mean()
        for c in (1, 2):
            values = [(p[b, c, d, h, w], float(label[b, d, h, w] == c)) for b, d, h, w in places]
            overlap, mass = sum(x * y for x, y in values), sum(x * x + y * y for x, y in values)
            slow_dice = slow_dice + (1 - (2 * overlap + 1e-5) / (mass + 1e-5)) / 2
    _agree(entropy, slow_entropy, views, exact)
    _agree(dice, slow_dice, views, exact)


def test_only_the_loser_learns_from_the_winner_and_by_its_equation() -> None:
    loser, winner, label = _views(1), _views(2), _label()
    exact, guessed = _exact(loser), 1 - judged(label)
    loss = complementary_loss(loser, winner, guessed, 0.1)
    slow = torch.zeros((), dtype=torch.float64)
    places = guessed.nonzero().tolist()
    for mine, theirs in zip(exact, winner, strict=True):
        p, target = mine.share, theirs.share.detach().double() ** 10
        target = target / target.sum(1, keepdim=True)
        for b, d, h, w in places:
            slow = slow + ((p[b, :, d, h, w] - target[b, :, d, h, w]) ** 2).mean() / len(places)
    _agree(loss, slow, loser, exact)
    loss.backward()
    assert all(view.logits.grad is None for view in winner)


def test_the_gradient_of_the_competition_reaches_one_network_only() -> None:
    method = _method(consistency=0.0, contrast=0.0)
    labelled, unlabelled = made_batches(method, blob_task(), STEP)
    losses = method.losses(labelled, unlabelled, STEP)
    winner = 0 if method.scores[0] < method.scores[1] else 1
    losses["competition"].backward()
    learned = [
        any(p.grad is not None and bool(p.grad.abs().max() > 0) for p in network.parameters())
        for network in (method.first, method.second)
    ]
    assert learned == [winner == 1, winner == 0]


def test_the_lower_score_wins_and_a_tie_goes_to_b() -> None:
    method = _method()
    one, zero = torch.tensor(1.0), torch.tensor(0.0)
    assert method.compete([(zero, one), (one, zero)]) == 0  # 0.2 against 0.8
    assert method.compete([(one, zero), (zero, one)]) == 1
    assert method.compete([(one, one), (one, one)]) == 1


def test_scores_can_be_averaged_over_steps() -> None:
    method = _method(smoothing=0.9)
    good, bad = torch.tensor(0.0), torch.tensor(1.0)
    assert method.compete([(good, good), (bad, bad)]) == 0
    assert method.compete([(bad, bad), (good, good)]) == 1
    assert method.scores.tolist() == pytest.approx([0.1, 0.09])


def test_a_patch_without_a_structure_competes_by_cross_entropy_alone() -> None:
    nothing = torch.zeros(2, 2, 3, 4, dtype=torch.int64)
    entropy, dice = supervised_terms(_views(3), nothing)
    assert dice.item() == 0
    assert entropy.item() > 0


def test_weight_of_the_pseudo_labels_rises_from_e_to_the_minus_5_to_full() -> None:
    method, task = _method(consistency=0.0, contrast=0.0), blob_task()
    method.eval()
    labelled, unlabelled = made_batches(method, task, STEP)
    values = []
    for index in (0, 20, 40, 99):
        torch.manual_seed(4)
        values.append(method.losses(labelled, unlabelled, Step("train", index, 100))["competition"].item())
    assert values == sorted(values)
    assert values[0] == pytest.approx(values[2] * math.exp(-5), rel=1e-4)
    assert values[2] == pytest.approx(values[3])


@pytest.mark.parametrize("mode", ["both", "view", "network"])
def test_consistency_agrees_with_loops_in_value_and_gradient(mode: str) -> None:
    a, b = _views(1), _views(2)
    a64, b64 = _exact(a), _exact(b)
    view = _slow_gap(a64[0], a64[1]) + _slow_gap(b64[0], b64[1])
    network = _slow_gap(a64[0], b64[0]) + _slow_gap(a64[1], b64[1])
    slow = {"both": (view + network) / 2, "view": view, "network": network}[mode]
    fast = consistency(a, b, mode)
    _agree(fast, slow, a, a64)
    _agree(fast, slow, b, b64)


def _slow_gap(one: Seen, two: Seen) -> Tensor:
    gaps = []
    for x in range(one.logits.shape[0]):
        for d, h, w in torch.ones(one.logits.shape[2:]).nonzero().tolist():
            p, q = one.share[x, :, d, h, w], two.share[x, :, d, h, w]
            gaps.append(1 - (p @ q) / (p.norm() * q.norm()))
    return torch.stack(gaps).mean()


def test_equal_predictions_are_consistent_whatever_the_orientation() -> None:
    p, q = _views(1)[0].share, _views(2)[0].share
    assert cosine_gap(p, p).item() == pytest.approx(0, abs=1e-6)
    gap = cosine_gap(p, q)
    for axis in (2, 3, 4):
        assert torch.allclose(cosine_gap(p.flip(axis), q.flip(axis)), gap)
    assert torch.allclose(cosine_gap(p.transpose(3, 4), q.transpose(3, 4)), gap)


@pytest.mark.parametrize("depth", [2, 1])
def test_the_released_consistency_goes_along_the_depth_of_the_logits_or_the_width_of_slices(depth: int) -> None:
    a, b = (tuple(Seen(v.logits[:, :, :depth], v.last) for v in _views(seed)) for seed in (1, 2))
    slow = torch.zeros(())
    for one, two in (a, b):
        columns = [v.logits.movedim(2 if depth > 1 else 4, -1).flatten(0, -2) for v in (one, two)]
        gaps = [1 - (p @ q) / (p.norm() * q.norm()) for p, q in zip(*columns, strict=True)]
        slow = slow + torch.stack(gaps).mean()
    assert consistency((a[0], a[1]), (b[0], b[1]), "depth").item() == pytest.approx(slow.item(), abs=1e-5)


def test_labels_of_unjudged_slices_are_never_read() -> None:
    label = _label()
    views = _views(1)
    changed = Seen(torch.where((label == IGNORE).unsqueeze(1), torch.zeros(()), views[0].logits), views[0].last)
    for before, after in zip(supervised_terms(views, label), supervised_terms((changed, views[1]), label), strict=True):
        assert torch.equal(before, after)


def test_judged_voxels_enter_the_contrast_with_the_persons_label() -> None:
    method, task = _method(), blob_task()
    labelled, _ = made_batches(method, task, STEP)
    method.eval()
    views = method.views(labelled.image)
    one, two = look(method.first, views)[0], look(method.second, views)[0]
    full = torch.zeros_like(labelled.label)
    assert method.pair_contrast(one, two, full).item() == 0  # judged as background everywhere, whatever they guess
    full[:, 2:5, 4:9, 4:9] = 1
    assert method.pair_contrast(one, two, full).item() > 0


def test_contrast_reaches_both_networks_and_both_projections() -> None:
    method, task = _method(), blob_task()
    labelled, unlabelled = made_batches(method, task, STEP)
    method.losses(labelled, unlabelled, STEP)["contrast"].backward()
    for part in (method.first, method.second, *method.projections):
        assert any(p.grad is not None and bool(p.grad.abs().max() > 0) for p in part.parameters())


def test_as_published_projections_learn_by_the_same_sgd_as_their_networks() -> None:
    groups = [o.param_groups[0] for o in _method(**recipe("c3s3", "paper").to_dict()).optimisers("train")]
    assert len(groups) == 3
    for group in groups:
        assert {key: group[key] for key in ("lr", "momentum", "weight_decay")} == {
            "lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4
        }


def test_a_step_is_equation_seven_with_every_setting_in_its_place() -> None:
    task = blob_task(3, 3)
    method = _method(
        task, consistency=0.7, cosine="network", competition=0.2, contrast=0.3, ramp=0.8, temperature=0.2,
        score_share=0.3, contrast_temperature=0.2, anchors=ALL, negatives=2 * ALL,
    ).eval()
    labelled, unlabelled = made_batches(method, task, STEP)
    image, label = torch.cat([labelled.image, unlabelled.image]), torch.cat([labelled.label, unlabelled.label])
    torch.manual_seed(4)
    got = method.losses(labelled, unlabelled, STEP)
    torch.manual_seed(4)
    views = method.views(image)
    a, b = look(method.first, views), look(method.second, views)
    (entropy, dice), (other_entropy, other_dice) = supervised_terms(a, label), supervised_terms(b, label)
    ahead = 0.3 * entropy + 0.7 * dice < 0.3 * other_entropy + 0.7 * other_dice
    ramp = math.exp(-5 * (1 - 0.3 / 0.8) ** 2)
    taught = complementary_loss(*((b, a) if ahead else (a, b)), (label == IGNORE).float(), 0.2)
    pairs = sum(_slow_contrast(method, one, two, label) for one in a for two in b)
    wanted = {
        "supervised": (entropy + dice + other_entropy + other_dice) / 2,
        "competition": 0.2 * ramp * taught,
        "consistency": 0.7 * sum((1 - F.cosine_similarity(x.share, y.share)).mean() for x, y in zip(a, b, strict=True)),
        "contrast": 0.3 * ramp * pairs,
    }
    assert list(got) == list(wanted)
    for name, value in wanted.items():
        assert got[name].item() == pytest.approx(torch.as_tensor(value).item(), rel=1e-4), name


ALL = 8 * 16 * 16
"""Voxels of a patch: so many anchors, and twice as many negatives, leave nothing to chance."""


def _slow_contrast(method: C3S3, one: Seen, two: Seen, label: Tensor) -> Tensor:
    """Equation (6) of a view of A and one of B, image by image and class by class."""
    terms = []
    for row in range(len(label)):
        known = label[row] != IGNORE
        first, second = (torch.where(known, label[row], v.logits[row].argmax(0)).flatten() for v in (one, two))
        a, b = (
            F.normalize(head(_on_voxels(seen.last[row], label[row].shape)), dim=1)
            for head, seen in zip(method.projections, (one, two), strict=True)
        )
        for value in (1, 2):
            agree, either = (first == value) & (second == value), (first == value) | (second == value)
            spaces = [(agree, ~agree), (~either, either)] if either.any() else []
            both = [_slow_nce(x, y, i, o) for i, o in spaces if i.any() for x, y in ((a, b), (b, a))]
            terms += [torch.stack(both).sum() / 2] if both else []
    return torch.stack(terms).mean()


def _on_voxels(maps: Tensor, shape: torch.Size) -> Tensor:
    """Rows (N,F): what each voxel of ``shape`` finds in the coarser ``maps`` (F,d,h,w)."""
    for axis, side in enumerate(shape, 1):
        maps = maps.repeat_interleave(side // maps.shape[axis], axis)
    return maps.flatten(1).T


def _slow_nce(x: Tensor, y: Tensor, inside: Tensor, outside: Tensor) -> Tensor:
    """Mean over i inside of -log e^(x_i y_i / t) / (e^(x_i y_i / t) + sum over j outside of e^(x_i y_j / t))."""
    likeness = (x.double() @ y.double().T / 0.2).exp()
    same = likeness.diagonal()[inside]
    return -(same / (same + likeness[inside][:, outside].sum(1))).log().mean()


def test_prediction_is_the_mean_of_both_and_ignores_the_projections() -> None:
    method = _method().eval()
    image = torch.randn(1, 1, 8, 16, 16)
    with torch.no_grad():
        mean = (torch.softmax(method.first(image), 1) + torch.softmax(method.second(image), 1)) / 2
        assert torch.allclose(method.probabilities(image), mean, atol=1e-6)
        for p in method.projections.parameters():
            p.add_(1.0)
    assert torch.allclose(method.probabilities(image), mean, atol=1e-6)


def test_views_share_geometry_and_differ_in_grey_values() -> None:
    image = torch.randn(2, 1, 2, 8, 8)
    one, two = _method().views(image).chunk(2)
    assert not torch.equal(one, two)
    ranks = [torch.corrcoef(torch.stack([image[0].flatten(), v[0].flatten()]))[0, 1] for v in (one, two)]
    assert min(ranks) > 0.8
    same = _method(views="same").views(image).chunk(2)
    assert torch.equal(same[0], image)
    assert torch.equal(same[1], image)


def test_needs_and_projections_are_those_of_the_settings_and_of_the_paper() -> None:
    method = _method(blob_task(3, 2, "vnet"), batch=3, unlabelled=2)
    assert method.need(STEP) == Need(3, 2, method.task.patch)
    for head in method.projections:
        assert [p.shape for p in head.parameters() if p.dim() == 2] == [(16, 16), (64, 16)]


def test_one_labelled_patch_and_nothing_else_is_enough_for_a_step() -> None:
    method = _method()
    labelled, _ = made_batches(method, blob_task(), STEP)
    none = Patches(*(part[:0] for part in vars(labelled).values()))
    full = Patches(
        labelled.image, labelled.label.masked_fill(labelled.label == IGNORE, 0), labelled.position, labelled.volume
    )
    losses = method.losses(full, none, STEP)
    assert losses["competition"].item() == 0
    assert all(bool(value.isfinite()) for value in losses.values())


def test_a_network_without_partner_is_refused() -> None:
    with pytest.raises(SettingsError, match="partner"):
        _method(Task(1, 2, 3, (8, 16, 16), "segformer", (0.8, 0.2)))


@pytest.mark.parametrize("name", ["unet", "vnet"])
def test_the_papers_networks_take_a_step(name: str) -> None:
    task = Task(1, 2, 2, (1, 32, 32), name, (0.8, 0.2))
    method = _method(task)
    losses = method.losses(*made_batches(method, task, STEP), STEP)
    assert all(bool(value.isfinite()) for value in losses.values())


def test_runs_in_bfloat16_with_float32_losses() -> None:
    check_bfloat16(_method(), blob_task(), STEP)


def test_a_batch_without_a_judged_voxel_is_finite_and_supervises_nothing() -> None:
    assert check_nothing_judged(_method(), blob_task(), STEP)["supervised"].item() == 0


def test_a_restored_state_takes_the_same_next_step() -> None:
    check_resume(lambda: _method(smoothing=0.5), blob_task(), "train")


@pytest.mark.parametrize(("dims", "classes"), [(3, 2), (2, 2), (2, 3)])
def test_learns_blobs_from_a_few_slices(dims: int, classes: int) -> None:
    task = blob_task(dims, classes)
    assert fit(_method(task), task, steps=25 if dims == 3 else 30) > (0.6 if classes == 2 else 0.3)
