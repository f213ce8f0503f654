"""CAD: two students that agree on mixed and on displaced images, and the average that labels for them."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.blocks.components import largest_components
from SemiSegLogic.engine.blocks.displacement import Rule, moves
from SemiSegLogic.engine.blocks.losses import judged
from SemiSegLogic.engine.blocks.mixing import box_mask, region_loss
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Step, Task
from SemiSegLogic.methods.cad import CAD, PRETRAIN, SELF_TRAIN, View, against, cross_loss, mix, mix_loss
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import Blobs, blob_task, fit, train_step

NOW = Step(SELF_TRAIN, 5, 10)
EAGER = {"unsure": "quantile", "fewest": 1, "window_last": 0.5}
"""Displaces on tiny patches within a few steps."""


def cad(task: Task | None = None, **values: object) -> CAD:
    torch.manual_seed(0)
    method = make("cad", values, task or blob_task())
    assert isinstance(method, CAD)
    return method


def warm(**values: object) -> CAD:
    """One whose students are sure here and unsure there."""
    method = cad(**{**EAGER, **values})
    data, optimisers = Blobs(method.task), method.optimisers(SELF_TRAIN)
    for index in range(6):
        train_step(method, optimisers, data, Step(SELF_TRAIN, index, 10))
    method.zero_grad(set_to_none=True)
    return method


def losses_of(method: CAD, step: Step = NOW, seed: int = 0) -> dict[str, Tensor]:
    labelled, unlabelled = made_batches(method, method.task, step, seed)
    torch.manual_seed(seed)
    return method.losses(labelled, unlabelled, step)


def slow_against(share: Tensor, target: Tensor) -> Tensor:
    """Equation (5)'s Dice, class by class and voxel by voxel."""
    terms = []
    for k in range(share.shape[1]):
        hit = own = size = torch.zeros((), dtype=share.dtype)
        for p, y in zip(share[:, k].flatten(), target.flatten().tolist(), strict=True):
            hit, own, size = hit + p * (y == k), own + p**2, size + (y == k)
        if size > 0:
            terms.append(1 - (2 * hit + 1e-5) / (own + size + 1e-5))
    return sum(terms) / len(terms)  # type: ignore[return-value]


def test_dice_between_students_equals_its_equation_in_value_and_gradient() -> None:
    torch.manual_seed(0)
    share = torch.softmax(torch.randn(2, 3, 2, 3, 4, dtype=torch.float64), 1).requires_grad_()
    target = torch.randint(0, 2, (2, 2, 3, 4))
    found, wanted = against(share, target), slow_against(share, target)
    assert torch.allclose(found, wanted, atol=1e-6)
    (mine,), (theirs,) = torch.autograd.grad(found, share), torch.autograd.grad(wanted, share)
    assert torch.allclose(mine, theirs, atol=1e-6)


def test_agreement_is_symmetric_teaches_both_and_vanishes_between_equals() -> None:
    torch.manual_seed(0)
    one, two = torch.randn(2, 3, 2, 4, 4, requires_grad=True), torch.randn(2, 3, 2, 4, 4, requires_grad=True)
    assert torch.allclose(cross_loss(one, two), cross_loss(two, one))
    cross_loss(one, two).backward()
    assert one.grad is not None
    assert two.grad is not None
    assert one.grad.abs().sum() > 0
    assert two.grad.abs().sum() > 0
    sure = 50.0 * torch.nn.functional.one_hot(torch.randint(0, 3, (2, 2, 4, 4)), 3).movedim(-1, 1).float()
    assert cross_loss(sure, sure) < 1e-5


def test_targets_of_the_agreement_carry_no_gradient() -> None:
    torch.manual_seed(0)
    one, two = torch.randn(2, 3, 1, 4, 4, requires_grad=True), torch.randn(2, 3, 1, 4, 4)
    p, q = torch.softmax(one, 1), torch.softmax(two, 1)
    (found,) = torch.autograd.grad(cross_loss(one, two), one)
    (wanted,) = torch.autograd.grad(against(p, q.argmax(1)), one)
    assert torch.allclose(found, wanted, atol=1e-7)


def test_mixes_are_a_labelled_frame_around_an_unlabelled_box_and_the_other_way_round() -> None:
    torch.manual_seed(0)
    known, free = torch.randn(4, 1, 2, 6, 6), torch.randn(4, 1, 2, 6, 6)
    label, known_pseudo, free_pseudo = torch.randint(0, 3, (3, 4, 2, 6, 6)).unbind()
    label[:, 1] = IGNORE
    mask = box_mask(known, 0.5)
    mixed = mix(View(known, free, label, known_pseudo, free_pseudo), mask)
    for row, place in ((n, p) for n in range(4) for p in torch.ones(2, 6, 6).nonzero().tolist()):
        from_known = bool(mask[(0, *place)]) == (row < 2)  # a is the frame of the first half, b the box of the second
        image, pseudo = (known, known_pseudo) if from_known else (free, free_pseudo)
        assert mixed.image[(row, 0, *place)] == image[(row, 0, *place)]
        assert mixed.label[(row, *place)] == (label[(row, *place)] if from_known else IGNORE)
        assert mixed.pseudo[(row, *place)] == pseudo[(row, *place)]
    logits = torch.randn(4, 3, 2, 6, 6)
    target, true = torch.where(mixed.label == IGNORE, mixed.pseudo, mixed.label), (mixed.label != IGNORE).float()
    halves = [(logits[n : n + 2], target[n : n + 2], true[n : n + 2]) for n in (0, 2)]
    wanted = sum(region_loss(z, y, known) + 0.3 * region_loss(z, y, 1 - known) for z, y, known in halves)
    assert mix_loss(logits, mixed, 0.3).item() == pytest.approx(torch.as_tensor(wanted).item(), abs=1e-6)


def test_students_start_as_one_network_and_both_learn() -> None:
    method = cad()
    start = {name: value.clone() for name, value in method.first.state_dict().items()}
    for other in (method.second, method.teacher):
        assert all(torch.equal(start[name], value) for name, value in other.state_dict().items())
    train_step(method, method.optimisers(SELF_TRAIN), Blobs(method.task), Step(SELF_TRAIN, 5, 10))
    for student in (method.first, method.second):
        assert not any(torch.equal(start[name], value) for name, value in student.named_parameters() if value.dim() > 1)


def test_students_start_alike_and_pre_training_keeps_all_networks_one() -> None:
    method = cad()
    data, optimisers = Blobs(method.task), method.optimisers(PRETRAIN)
    for index in range(2):
        train_step(method, optimisers, data, Step(PRETRAIN, index, 4))
    for other in (method.second, method.teacher):
        mine = method.first.state_dict()
        assert all(torch.equal(mine[name], value) for name, value in other.state_dict().items())
    assert all(p.requires_grad for p in method.second.parameters())
    assert not any(p.requires_grad for p in method.teacher.parameters())


def test_teacher_averages_the_first_student_and_gets_no_gradient() -> None:
    method = warm(ema=0.9)
    torch.stack(list(losses_of(method).values())).sum().backward()
    assert all(p.grad is None for p in method.teacher.parameters())
    before = [p.clone() for p in method.teacher.parameters()]
    method.after_step(NOW)
    for old, new, mine in zip(before, method.teacher.parameters(), method.first.parameters(), strict=True):
        assert torch.allclose(new, 0.9 * old + 0.1 * mine, atol=1e-6)


def test_labelled_patches_as_they_are_teach_each_student_on_its_own_view() -> None:
    method = cad(displaced=0.0, plain=2.0)
    labelled, unlabelled = made_batches(method, method.task, NOW)
    torch.manual_seed(4)
    found = method.losses(labelled, unlabelled, NOW)
    torch.manual_seed(4)
    mask = box_mask(labelled.image, 2 / 3)
    views = method.views(labelled, unlabelled)
    expected = 0.0
    for student, view in zip((method.first, method.second), views, strict=True):
        logits = student(torch.cat([mix(view, mask).image, view.known]))[-len(view.known) :]
        expected += 2.0 * region_loss(logits, view.label, judged(view.label)).item()
    assert found["plain"].item() == pytest.approx(expected, abs=1e-5)
    assert bool((views[1].label == IGNORE).sum() >= (views[0].label == IGNORE).sum())  # holes are not asked for


def test_without_displacement_a_step_is_copy_paste_with_agreement() -> None:
    method = cad(displaced=0.0, ramp=0.0, plain=0.0, cross=3.0)
    labelled, unlabelled = made_batches(method, method.task, NOW)
    torch.manual_seed(4)
    found = method.losses(labelled, unlabelled, NOW)
    torch.manual_seed(4)
    mask = box_mask(labelled.image, 2 / 3)
    weak, disturbed = (mix(view, mask) for view in method.views(labelled, unlabelled))
    one, two = method.first(weak.image), method.second(disturbed.image)
    expected = [mix_loss(one, weak, 0.5), mix_loss(two, disturbed, 0.5), 3.0 * cross_loss(one, two)]
    assert list(found) == ["mixed_weak", "mixed_strong", "cross"]
    assert [v.item() for v in found.values()] == pytest.approx([v.item() for v in expected], abs=1e-6)


def test_displaced_images_are_shown_to_both_students(monkeypatch: pytest.MonkeyPatch) -> None:
    method = warm()
    rows: dict[str, list[int]] = {"first": [], "second": []}
    for name in rows:
        network = method.get_submodule(name)
        network.register_forward_hook(lambda m, inputs, z, name=name: rows[name].append(len(inputs[0])))
    losses = losses_of(method)
    assert losses["displaced"] > 0
    assert rows["first"] == rows["second"]
    assert len(rows["first"]) == 2
    assert 1 <= rows["first"][1] <= 4


def test_displaced_images_are_made_both_ways_from_untouched_views(monkeypatch: pytest.MonkeyPatch) -> None:
    from SemiSegLogic.methods import cad as module

    method, real, calls = warm(displaced=2.0, regions=2, cut_out=1.0).eval(), module.displace, []

    def watched(*given: Any) -> tuple[Tensor, Tensor]:
        calls.append(given)
        return real(*given)

    monkeypatch.setattr(module, "displace", watched)
    labelled, unlabelled = made_batches(method, method.task, NOW)
    torch.manual_seed(4)
    found = method.losses(labelled, unlabelled, NOW)["displaced"]
    torch.manual_seed(4)
    mask = box_mask(labelled.image, 2 / 3)
    weak, disturbed = (mix(view, mask) for view in method.views(labelled, unlabelled))
    p, q = torch.softmax(method.first(weak.image), 1), torch.softmax(method.second(disturbed.image), 1)
    ways = [(weak.image, p, disturbed.image, q), (disturbed.image, q, weak.image, p)]
    assert all(torch.allclose(a, b, atol=1e-5) for got, way in zip(calls, ways, strict=True)
               for a, b in zip(got, way, strict=False))
    keep, displaced = weak.label != IGNORE, []  # also what a hole hides in the strong view
    assert all(torch.equal(got[5], keep) for got in calls)
    for own, share, other, other_share in ways:
        for row in range(len(own)):
            pairs = moves(share[row], other_share[row], method.rule(NOW, own), keep[row])
            changed = own[row].clone()
            for target, source in pairs:
                changed[(slice(None), *target.cut)] = other[(row, slice(None), *source.cut)]
            displaced += [changed] if pairs else []
    image = torch.stack(displaced)
    wanted = 2.0 * math.exp(-1.25) * cross_loss(method.first(image), method.second(image))
    assert found.item() == pytest.approx(wanted.item(), rel=1e-4)


def test_nothing_displaced_costs_no_pass_and_adds_nothing() -> None:
    method = cad(threshold_first=0.0, threshold_last=0.0, fewest=100_000)
    losses = losses_of(method)
    assert losses["displaced"].item() == 0
    torch.stack(list(losses.values())).sum().backward()


def test_judged_voxels_of_mixed_images_are_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    from SemiSegLogic.methods import cad as module

    method, seen = warm(), []
    real = module.displace

    def watched(image: Tensor, share: Tensor, other: Tensor, other_share: Tensor, rule: Rule, keep: Tensor) -> object:
        changed, moved = real(image, share, other, other_share, rule, keep)
        seen.append((changed[:, 0][keep] - image[:, 0][keep]).abs().max().item())
        assert keep.any()
        return changed, moved

    monkeypatch.setattr(module, "displace", watched)
    losses_of(method)
    assert seen == [0.0, 0.0]


def test_views_share_labels_except_in_holes_where_nothing_is_asked() -> None:
    method = cad(cut_out=1.0)
    labelled, unlabelled = made_batches(method, method.task, NOW)
    weak, strong = method.views(labelled, unlabelled)
    assert torch.equal(weak.known, labelled.image)
    assert torch.equal(weak.label, labelled.label)
    hole = (strong.label != weak.label) | (strong.known_pseudo == IGNORE)
    assert hole.any()
    assert bool((strong.label[hole] == IGNORE).all())
    assert torch.equal(strong.label[~hole], weak.label[~hole])
    assert bool((strong.free_pseudo == IGNORE).any())
    assert not bool((weak.free_pseudo == IGNORE).any())


def test_weak_pseudo_labels_can_teach_the_strong_student() -> None:
    method = cad(pseudo_view="weak", cut_out=0.0)
    weak, strong = method.views(*made_batches(method, method.task, NOW))
    assert torch.equal(weak.free_pseudo, strong.free_pseudo)


def test_each_view_is_labelled_by_the_teacher_from_what_it_shows_itself() -> None:
    method = warm(cut_out=0.0, largest=False)
    method.train()
    weak, strong = method.views(*made_batches(method, method.task, NOW))
    for view in (weak, strong):
        assert torch.equal(view.free_pseudo, method.teacher.eval()(view.free).argmax(1))
        assert torch.equal(view.known_pseudo, method.teacher(view.known).argmax(1))
    assert not torch.equal(weak.free_pseudo, strong.free_pseudo)


def test_pseudo_labels_are_one_piece_per_structure_unless_told_otherwise() -> None:
    image = torch.randn(1, 1, 8, 16, 16)
    pieces, one = (warm(largest=largest).pseudo_label(image) for largest in (False, True))
    assert torch.equal(one, largest_components(pieces, 2))
    assert not torch.equal(one, pieces)


def test_rule_takes_every_setting_and_the_published_student_predicts_where_it_is_asked_for() -> None:
    method = cad(fewest=3, candidates=7, source="aligned", curve="late", escalation=1.0, inference="student")
    rule = method.rule(NOW, torch.zeros(1, 1, 16, 32, 32))
    assert (rule.fewest, rule.candidates, rule.aligned) == (3, 7, True)
    assert rule.threshold == pytest.approx(0.5 + 0.5 * (0.2 + 0.7 * math.exp(-1.25)))
    assert method.predictor() is method.first
    assert cad().predictor() is not method.first


def test_rule_escalates_and_holds_the_published_window_at_the_end() -> None:
    method, image = cad(regions=3), torch.zeros(1, 1, 80, 112, 112)
    rules = [method.rule(Step(SELF_TRAIN, n, 100), image) for n in range(100)]
    assert rules[0].threshold == pytest.approx(0.6)
    assert rules[-1].threshold == pytest.approx(0.95)
    assert rules[-1].largest == (20, 28, 28)
    assert [r.threshold for r in rules] == sorted(r.threshold for r in rules)
    assert [r.largest for r in rules] == sorted(r.largest for r in rules)
    assert (rules[0].regions, rules[-1].regions) == (1, 3)
    assert all(r.quantile == 0 for r in rules)
    by_share = cad(unsure="quantile").rule(Step(SELF_TRAIN, 99, 100), image)
    assert by_share.quantile == pytest.approx(0.1)


def test_agreement_ramps_up_over_the_phase() -> None:
    full = losses_of(cad(ramp=0.0), Step(SELF_TRAIN, 0, 10))["cross"].item()
    first = losses_of(cad(), Step(SELF_TRAIN, 0, 10))["cross"].item()
    half = losses_of(cad(), Step(SELF_TRAIN, 5, 10))["cross"].item()
    assert first == pytest.approx(full * math.exp(-5), rel=1e-4)
    assert half == pytest.approx(full * math.exp(-1.25), rel=1e-4)


def test_agreement_with_the_teacher_can_be_asked_for() -> None:
    method = warm(teacher_consistency=0.3).eval()
    labelled, unlabelled = made_batches(method, method.task, NOW)
    torch.manual_seed(4)
    found = method.losses(labelled, unlabelled, NOW)["teacher"]
    torch.manual_seed(4)
    mask = box_mask(labelled.image, 2 / 3)
    image = mix(method.views(labelled, unlabelled)[0], mask).image
    mine, theirs = (torch.softmax(net(image), 1) for net in (method.first, method.teacher))
    assert found.item() == pytest.approx(0.3 * math.exp(-1.25) * ((mine - theirs) ** 2).mean().item(), rel=1e-4)
    assert "teacher" not in losses_of(cad())


@pytest.mark.parametrize("phase", [PRETRAIN, SELF_TRAIN])
def test_restart_is_bit_identical(phase: str) -> None:
    check_resume(lambda: make("cad", EAGER, blob_task()), blob_task(), phase)


@pytest.mark.parametrize(("dims", "network"), [(3, "fast"), (2, "fast"), (2, "unet")])
def test_losses_stay_float32_under_bfloat16(dims: int, network: str) -> None:
    task = blob_task(dims, 3, network)
    check_bfloat16(cad(task, unsure="quantile", fewest=1), task, NOW)


def test_unjudged_batch_is_harmless() -> None:
    method = warm()
    check_nothing_judged(method, method.task, NOW)
    blank = cad()
    labelled, unlabelled = made_batches(blank, blank.task, NOW)
    empty = dataclasses.replace(labelled, label=torch.full_like(labelled.label, IGNORE))
    assert blank.losses(empty, unlabelled, Step(PRETRAIN, 0, 10))["copy_paste"].item() == 0


@pytest.mark.parametrize("dims", [2, 3])
def test_learns_blobs_from_a_few_judged_slices(dims: int) -> None:
    task = blob_task(dims)
    assert fit(cad(task, pretraining=0.25), task, steps=50) > 0.5
