"""M&N as its specification has it: who teaches whom, on how much, by which loss, and what counts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Step, Task
from SemiSegLogic.methods.mn import MN, TOGETHER, TURNS, divergence, joint_loss
from SemiSegLogic.settings import MN as MNSettings
from SemiSegLogic.settings import SettingsError
from Testing.support.data.segformer import save_tiny_segformer
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import Blobs, blob_task, fit, train_step

PUBLISHED = {"learners": "one", "means": "one", "batch": 2, "least_labelled": 1}
CLINICAL = {"learners": "both", "means": "two", "batch": 3, "least_labelled": 2}
SLICES_LEARN, VOLUMES_LEARN = Step(TURNS, 64, 100), Step(TURNS, 72, 100)


def mn(task: Task | None = None, **values: object) -> MN:
    torch.manual_seed(0)
    method = make("mn", {**PUBLISHED, "slice_network": "fast", **values}, task or blob_task())
    assert isinstance(method, MN)
    return method


def epochs(method: MN, epoch: int) -> Step:
    """The published schedule: 500 epochs together, 3500 of each network in turns, 8 steps each."""
    return Step(TOGETHER, 8 * epoch, 4000) if epoch < 500 else Step(TURNS, 16 * (epoch - 500), 56_000)


def slow_joint(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Equation (3) in loops, float64."""
    p, classes = torch.softmax(logits, 1), logits.shape[1]
    places = [tuple(place) for place in (weight > 0).nonzero().tolist()]
    dices, apart = [], []
    for c in range(classes):
        if sum(float(target[b, c, d, h, w]) for b, d, h, w in places) == 0:
            continue
        top = sum(2 * p[b, c, d, h, w] * target[b, c, d, h, w] for b, d, h, w in places)
        bottom = sum(p[b, c, d, h, w] ** 2 + target[b, c, d, h, w] ** 2 for b, d, h, w in places)
        dices.append(1 - top / bottom)
    for b, d, h, w in places:
        for c in range(classes):
            t = target[b, c, d, h, w]
            if t > 0:
                apart.append(t * (torch.log(t) - torch.log(p[b, c, d, h, w])))
    return torch.stack(dices).mean() + torch.stack(apart).sum() / (classes * len(places))


def test_slices_are_refused_with_what_to_use_instead() -> None:
    with pytest.raises(SettingsError, match="m3hl"):
        mn(blob_task(2))


def test_without_weights_the_message_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match="slice_network"):
        make("mn", {}, blob_task())


@pytest.mark.parametrize("soft", [False, True])
def test_joint_loss_is_its_equation_in_value_and_gradient(soft: bool) -> None:
    torch.manual_seed(2)
    logits = torch.randn(2, 3, 2, 3, 4, requires_grad=True)
    target = torch.softmax(torch.randn(2, 3, 2, 3, 4), 1)
    if not soft:
        target = torch.nn.functional.one_hot(torch.randint(0, 2, (2, 2, 3, 4)), 3).movedim(-1, 1).float()
    weight = (torch.rand(2, 2, 3, 4) < 0.6).float()
    found = joint_loss(logits, target, weight)
    (slope,) = torch.autograd.grad(found, logits)
    exact = logits.detach().double().requires_grad_()
    expected = slow_joint(exact, target.double(), weight)
    (expected_slope,) = torch.autograd.grad(expected, exact)
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)
    assert torch.allclose(slope.double(), expected_slope, atol=1e-5)


def test_perfect_answers_cost_nothing_and_unsure_ones_the_logarithm() -> None:
    label = torch.randint(0, 3, (1, 2, 4, 4))
    target = torch.nn.functional.one_hot(label, 3).movedim(-1, 1).float()
    everywhere = torch.ones(1, 2, 4, 4)
    assert joint_loss(60 * target, target, everywhere) < 1e-5
    unsure = torch.log_softmax(torch.zeros_like(target), 1)
    assert divergence(unsure, target, everywhere.unsqueeze(1)).item() == pytest.approx(math.log(3) / 3, abs=1e-6)
    logits = torch.randn_like(target)
    own = torch.softmax(logits, 1)
    assert divergence(torch.log_softmax(logits, 1), own, everywhere.unsqueeze(1)).item() == pytest.approx(0, abs=1e-6)


def test_what_does_not_count_changes_nothing() -> None:
    logits, target = torch.randn(1, 2, 4, 3, 3), torch.softmax(torch.randn(1, 2, 4, 3, 3), 1)
    weight = torch.ones(1, 4, 3, 3)
    weight[:, 2:] = 0
    other, elsewhere = logits.clone(), target.clone()
    other[:, :, 2:] = torch.randn(1, 2, 2, 3, 3)
    elsewhere[:, :, 2:] = 0.5
    assert torch.equal(joint_loss(logits, target, weight), joint_loss(other, elsewhere, weight))
    assert joint_loss(logits, target, 0 * weight) == 0


def test_unlabelled_patches_come_as_published() -> None:
    method = mn(batch=5, rounding="floor")
    counts = {epoch: method.need(epochs(method, epoch)).unlabelled for epoch in range(0, 4000, 50)}
    assert [epoch for epoch in range(0, 4000, 50) if epoch == 0 or counts[epoch] != counts[epoch - 50]] == [
        0, 1200, 1900, 2600, 3300
    ]
    assert list(counts.values()) == sorted(counts.values())
    assert max(counts.values()) == 4
    for epoch in counts:
        need = method.need(epochs(method, epoch))
        assert need.labelled + need.unlabelled == 5


def test_growth_by_rate_switches_where_the_cosine_says() -> None:
    method = mn(batch=5, rounding="floor", growth="rate")
    first = [min(e for e in range(500, 4000) if method.unlabelled_count(epochs(method, e)) == n) for n in (1, 2, 3, 4)]
    assert first == pytest.approx([1534, 2026, 2475, 2967], abs=1)


def test_spread_rounding_has_the_right_mean_and_depends_on_the_step_alone() -> None:
    method = mn(batch=2)
    counts = [method.need(Step(TURNS, i, 1000)).unlabelled for i in range(1000)]
    assert set(counts) == {0, 1}
    assert sum(counts[200:300]) == pytest.approx(50, abs=3)
    assert sum(counts[500:]) == 500
    assert counts == [method.need(Step(TURNS, i, 1000)).unlabelled for i in range(1000)]
    assert not any(method.need(Step(TOGETHER, i, 1000)).unlabelled for i in range(1000))


def test_rate_rises_falls_and_starts_again() -> None:
    method = mn(warm_up=0.1)
    at = {epoch: method.rate(epochs(method, epoch)) for epoch in (0, 50, 275, 499, 500, 1200, 2250, 3300, 3999)}
    wanted = {0: 0.01, 50: 1, 275: 0.5, 499: 0, 500: 1, 1200: 0.9, 2250: 0.5, 3300: 0.096, 3999: 0}
    for epoch, factor in wanted.items():
        assert at[epoch] == pytest.approx(factor, abs=6e-3), epoch


def test_networks_take_turns_and_the_teacher_stays_as_it_is() -> None:
    method = mn()
    data, optimisers = Blobs(method.task), method.optimisers(TURNS)
    for step, student, teacher in (
        (SLICES_LEARN, method.slices, method.volumes), (VOLUMES_LEARN, method.volumes, method.slices)
    ):
        before = {name: value.clone() for name, value in teacher.state_dict().items()}
        own = [p.clone() for p in student.parameters()]
        for index in range(step.index, step.index + 4):
            losses = train_step(method, optimisers, data, Step(TURNS, index, 100))
        assert list(losses) == ["slices" if student is method.slices else "volumes"]
        assert all(torch.equal(before[name], value) for name, value in teacher.state_dict().items())
        assert all(p.grad is None for p in teacher.parameters())
        assert not any(torch.equal(a, b) for a, b in zip(own, student.parameters(), strict=True))


def test_together_both_learn_from_the_same_labels() -> None:
    method = mn()
    labelled, nothing = made_batches(method, method.task, Step(TOGETHER, 0, 9))
    assert len(nothing.image) == 0
    losses = method.losses(labelled, nothing, Step(TOGETHER, 0, 9))
    assert set(losses) == {"slices", "volumes"}
    target = torch.stack([labelled.label == c for c in (0, 1)], 1).float()
    by_hand = joint_loss(method.volumes(labelled.image), target, (labelled.label != IGNORE).float())
    assert torch.allclose(losses["volumes"], by_hand, atol=1e-5)


def test_the_student_learns_in_training_mode_from_what_the_teacher_says_in_evaluation_mode() -> None:
    method = mn()
    labelled, unlabelled = made_batches(method, method.task, Step(TURNS, 99, 100))
    for step, student, teacher in (
        (SLICES_LEARN, method.slices, method.volumes), (VOLUMES_LEARN, method.volumes, method.slices)
    ):
        method.train(student is method.volumes)  # whatever was before
        method.losses(labelled, unlabelled, step)
        assert (student.training, teacher.training) == (True, False)


def test_targets_are_the_teachers_probabilities_and_the_persons_labels() -> None:
    method = mn()
    labelled, unlabelled = made_batches(method, method.task, Step(TURNS, 99, 100))
    target, weight = method.targets(method.volumes, unlabelled.image, labelled)
    known = labelled.label != IGNORE
    with torch.no_grad():
        soft = torch.softmax(method.volumes(torch.cat([unlabelled.image, labelled.image])), 1)
    n = len(unlabelled.image)
    assert not method.volumes.training
    assert torch.allclose(target[:n], soft[:n], atol=1e-5)
    assert torch.equal(target[n:].argmax(1)[known], labelled.label[known])
    assert torch.allclose(target[n:].movedim(1, -1)[~known], soft[n:].movedim(1, -1)[~known], atol=1e-5)
    assert bool((weight == 1).all())


def test_before_unlabelled_patches_come_the_unjudged_part_does_not_count() -> None:
    method = mn()
    labelled, nothing = made_batches(method, method.task, Step(TURNS, 0, 1000))
    target, weight = method.targets(method.volumes, nothing.image, labelled)
    assert torch.equal(weight > 0, labelled.label != IGNORE)
    assert torch.equal(target.sum(1), weight)


class Scaled(nn.Module):
    """Logits (x, 1 - x) of an image x, times a number that is learned; keeps the modes in which it was asked."""

    def __init__(self, scale: float):
        super().__init__()
        self.scale, self.modes = nn.Parameter(torch.tensor(scale)), []

    def forward(self, image: Tensor) -> Tensor:
        self.modes.append(self.training)
        return self.scale * torch.cat([image, 1 - image], 1)


@pytest.mark.parametrize("means", ["one", "two"])
@pytest.mark.parametrize("learners", ["one", "both"])
def test_a_step_of_the_second_stage_is_its_equations(learners: str, means: str) -> None:
    method = mn(learners=learners, means=means, pseudo_weight=0.7, pseudo_ramp=0.9, slices=0, batch=3, swap=3)
    nets = {"slices": Scaled(2.0), "volumes": Scaled(-3.0)}
    method.slices, method.volumes = nets["slices"], nets["volumes"]  # type: ignore[assignment]
    for index, first in ((60, "slices"), (63, "volumes")):
        step, students = Step(TURNS, index, 100), ("slices", "volumes") if learners == "both" else (first,)
        labelled, unlabelled = made_batches(method, method.task, Step(TURNS, 99, 100))
        found = method.losses(labelled, unlabelled, step)
        assert set(found) == set(students)
        for name in students:
            student, teacher = nets[name], nets["volumes" if name == "slices" else "slices"]
            image = torch.cat([unlabelled.image, labelled.image])
            known = torch.cat([unlabelled.label, labelled.label]) != IGNORE
            label = torch.cat([unlabelled.label, labelled.label])
            true = torch.stack([label == 0, label == 1], 1).float()
            target = torch.where(known[:, None], true, torch.softmax(teacher(image), 1)).detach()
            parts = [known, ~known] if means == "two" else [known | ~known]
            losses = [joint_loss(student(image), target, part.float()) for part in parts]
            share = 0.7 * math.exp(-5 * (1 - step.progress / 0.9) ** 2)
            wanted = losses[0] + share * losses[1] if means == "two" else losses[0]
            assert found[name].item() == pytest.approx(wanted.item(), rel=1e-5)
            (mine,) = torch.autograd.grad(found[name], student.scale, retain_graph=True)
            assert mine.item() == pytest.approx(torch.autograd.grad(wanted, student.scale)[0].item(), rel=1e-4)
            assert torch.autograd.grad(found[name], teacher.scale, allow_unused=True) == (None,)


@pytest.mark.parametrize(("index", "student", "teacher"), [(60, "slices", "volumes"), (63, "volumes", "slices")])
def test_the_student_is_asked_as_it_learns_and_the_teacher_as_it_predicts(
    index: int, student: str, teacher: str
) -> None:
    method = mn(swap=3)
    nets = {"slices": Scaled(2.0).eval(), "volumes": Scaled(-3.0).eval()}
    method.slices, method.volumes = nets["slices"], nets["volumes"]  # type: ignore[assignment]
    nets[teacher].train()
    method.losses(*made_batches(method, method.task, Step(TURNS, 99, 100)), Step(TURNS, index, 100))
    assert nets[student].modes == [True]
    assert nets[teacher].modes == [False, False]


@pytest.mark.parametrize("optimiser", ["muon", "adamw"])
def test_both_networks_are_moved(optimiser: str) -> None:
    method = mn(optimiser=optimiser)
    moved = {id(p) for o in method.optimisers(TURNS) for group in o.param_groups for p in group["params"]}
    assert moved == {id(p) for p in method.parameters()}


def test_an_adapted_network_is_loaded_as_set_and_learns_at_its_own_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr("SemiSegLogic.methods.mn.load_segformer", lambda *given: asked.extend(given) or Scaled(1.0))
    method = mn(slice_network="segformer", weights="folder", rank=7, alpha=5.0, dropout=0.3, slice_rate=0.02)
    assert asked == ["folder", method.task, 7, 5.0, 0.3]
    (group,) = method.optimisers(TURNS)[0].param_groups
    assert group["params"] == list(method.slices.parameters())
    assert group["lr"] == 0.02


def test_slices_that_are_drawn_keep_their_own_targets() -> None:
    method = mn(slices=5)
    method.slices = Scaled(1.0)
    image = torch.randn(2, 1, 8, 4, 4)
    known = (image[:, 0] > 0).float()
    logits, target, seen, guessed = method.answer("slices", image, torch.cat([image, 1 - image], 1), known, 1 - known)
    assert len(logits) == 5
    assert torch.equal(logits, target)
    assert torch.equal(seen, (logits[:, 0] > 0).float())
    assert torch.equal(guessed, 1 - seen)
    assert len(logits.detach()[:, 0].sum((1, 2, 3)).unique()) == 5


def test_slice_network_is_shown_slices_that_count_and_no_more_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    for allowed, count in ((0, 6), (4, 4)):
        method, seen = mn(slices=allowed), []
        labelled, _ = made_batches(method, method.task, Step(TOGETHER, 0, 9))
        asked = method.slices.forward
        monkeypatch.setattr(method.slices, "forward", lambda x, seen=seen, asked=asked: (seen.append(x), asked(x))[1])
        target, known = torch.stack([labelled.label == c for c in (0, 1)], 1).float(), labelled.label != IGNORE
        method.answer("slices", labelled.image, target, known.float(), torch.zeros_like(target[:, 0]))
        judged = labelled.image.movedim(2, 1)[(labelled.label != IGNORE).flatten(2).any(2)]
        assert seen[0].shape == (count, 1, 1, 16, 16)
        assert all(any(torch.equal(x[:, 0], y) for y in judged) for x in seen[0])


def test_slice_loss_over_all_slices_is_the_loss_of_the_volume() -> None:
    method = mn(slices=0).eval()
    image, label = torch.randn(2, 1, 8, 16, 16), torch.randint(0, 2, (2, 8, 16, 16))
    target, weight = torch.stack([label == 0, label == 1], 1).float(), torch.ones(2, 8, 16, 16)
    whole = joint_loss(method.slices(image), target, weight)
    shown = method.answer("slices", image, target, weight, torch.zeros_like(weight))
    assert method.loss(*shown, 0.5).item() == pytest.approx(whole.item(), abs=1e-5)


@pytest.mark.parametrize("means", ["one", "two"])
def test_labels_are_averaged_with_the_pseudo_labels_or_apart(means: str) -> None:
    method = mn(means=means)
    logits, target = torch.randn(2, 2, 4, 3, 3), torch.softmax(torch.randn(2, 2, 4, 3, 3), 1)
    known = torch.zeros(2, 4, 3, 3)
    known[:, :1] = 1
    found = method.loss(logits, target, known, 1 - known, 0.5)
    apart = joint_loss(logits, target, known) + 0.5 * joint_loss(logits, target, 1 - known)
    wanted = joint_loss(logits, target, torch.ones_like(known)) if means == "one" else apart
    assert found.item() == pytest.approx(wanted.item(), abs=1e-6)


def test_labelled_patches_are_never_fewer_than_asked_for() -> None:
    method = mn(batch=3, least_labelled=2)
    assert {method.need(Step(TURNS, i, 1000)).labelled for i in range(1000)} == {2, 3}


@pytest.mark.parametrize("least", [2, 5])
def test_a_patch_is_always_left_for_what_nobody_judged(least: int) -> None:
    method = mn(batch=2, least_labelled=least)
    assert {method.need(Step(TURNS, i, 1000)).labelled for i in range(1000)} == {1, 2}


def test_volume_network_alone_predicts() -> None:
    method = mn()
    assert method.predictor() is method.volumes
    assert [p.share for p in mn(together=0.125).phases()] == [0.125, 0.875]


@pytest.mark.parametrize("step", [Step(TOGETHER, 0, 10), SLICES_LEARN, VOLUMES_LEARN])
def test_losses_stay_float32_under_bfloat16(step: Step) -> None:
    check_bfloat16(mn(), blob_task(), step)


@pytest.mark.parametrize("phase", [TOGETHER, TURNS])
@pytest.mark.parametrize("optimiser", ["muon", "adamw"])
def test_restart_is_bit_identical(phase: str, optimiser: str) -> None:
    check_resume(lambda: mn(swap=1, optimiser=optimiser), blob_task(), phase)


@pytest.mark.parametrize("step", [Step(TOGETHER, 0, 10), Step(TURNS, 0, 100), SLICES_LEARN])
def test_unjudged_batch_is_harmless(step: Step) -> None:
    losses = check_nothing_judged(mn(batch=4), blob_task(), step)
    assert step is SLICES_LEARN or not any(losses.values())


@pytest.mark.parametrize("recipe", [PUBLISHED, CLINICAL])
def test_learns_blobs_from_a_few_judged_slices(recipe: dict[str, Any]) -> None:
    task = blob_task()
    assert fit(mn(task, **recipe), task, steps=60) > 0.5


def test_by_default_both_networks_learn_in_every_step_each_from_the_other() -> None:
    assert MNSettings().to_dict().items() >= CLINICAL.items()
    method, asked = mn(**CLINICAL), []
    method.volumes.register_forward_hook(lambda net, x, y: asked.append(("volumes", net.training)))
    method.slices.register_forward_hook(lambda net, x, y: asked.append(("slices", net.training)))
    labelled, unlabelled = made_batches(method, method.task, Step(TURNS, 99, 100))
    method.train()
    assert set(method.losses(labelled, unlabelled, Step(TURNS, 99, 100))) == {"slices", "volumes"}
    assert {("volumes", True), ("volumes", False), ("slices", True), ("slices", False)} == set(asked)
    check_resume(lambda: mn(**CLINICAL), blob_task(), TURNS)
    check_bfloat16(mn(**CLINICAL), blob_task(), Step(TURNS, 99, 100))


def test_pretrained_slice_network_takes_its_turn_and_resumes(tmp_path: Path) -> None:
    weights = save_tiny_segformer(tmp_path)
    values = {"slice_network": "segformer", "weights": weights, "rank": 4, "alpha": 4.0, "swap": 1}
    check_resume(lambda: mn(**values), blob_task(), TURNS)
    method = mn(**values)
    frozen = {name: p.clone() for name, p in method.slices.named_parameters() if not p.requires_grad}
    check_bfloat16(method, method.task, Step(TURNS, 98, 100))
    data, optimisers = Blobs(method.task), method.optimisers(TURNS)
    before = {name: value.clone() for name, value in method.slices.state_dict().items()}
    train_step(method, optimisers, data, Step(TURNS, 99, 100))
    assert all(torch.equal(before[name], value) for name, value in method.slices.state_dict().items())
    train_step(method, optimisers, data, Step(TURNS, 98, 100))
    assert not torch.equal(before["head.weight"], method.slices.state_dict()["head.weight"])
    assert all(torch.equal(frozen[name], p) for name, p in method.slices.named_parameters() if name in frozen)
