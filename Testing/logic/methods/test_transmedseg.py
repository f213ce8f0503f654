"""TransMedSeg: copy-paste plus the augmented loss, on labelled voxels only."""

from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.blocks.components import largest_components
from SemiSegLogic.engine.blocks.mixing import box_mask
from SemiSegLogic.engine.blocks.semantic_augmentation import (
    at,
    augmentation_table,
    away_from_edge,
    expected_cross_entropy,
    head_logits,
    head_stride,
    head_weight,
    sample_voxels,
    voxel_features,
)
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import PRETRAIN, Patches, Step, Task
from SemiSegLogic.methods.student_teacher import SELF_TRAIN
from SemiSegLogic.methods.transmedseg import TransMedSeg
from SemiSegLogic.settings import SettingsError
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import Blobs, blob_task, fit, train_step

NOW = Step(SELF_TRAIN, 5, 10)


def method_of(task: Task | None = None, **values: object) -> TransMedSeg:
    torch.manual_seed(0)
    method = make("transmedseg", values, task or blob_task())
    assert isinstance(method, TransMedSeg)
    return method


def losses_of(method: TransMedSeg, labelled: Patches, unlabelled: Patches, step: Step = NOW) -> dict[str, Tensor]:
    torch.manual_seed(3)
    return method.losses(labelled, unlabelled, step)


def taught(**values: object) -> TransMedSeg:
    """One that has seen a few batches, so that its statistics hold something."""
    method = method_of(least=4, confidence=0.0, **values)
    data, optimisers = Blobs(method.task), method.optimisers(SELF_TRAIN)
    for index in range(2):
        train_step(method, optimisers, data, Step(SELF_TRAIN, index, 10))
    return method


@pytest.mark.parametrize("phase", [PRETRAIN, SELF_TRAIN])
@pytest.mark.parametrize("sparse", [True, False])
def test_without_the_augmented_loss_a_step_is_that_of_bcp_bit_for_bit(phase: str, sparse: bool) -> None:
    task, outcomes = blob_task(), []
    shared: dict[str, object] = {"plain": 0.7, "unlabelled_weight": 0.3}
    for name, values in (("transmedseg", {"augmentation": 0.0, **shared}), ("bcp", shared)):
        torch.manual_seed(0)
        method = make(name, values, task)
        labelled, unlabelled = made_batches(method, task, Step(phase, 2, 10))
        if not sparse:
            labelled = dataclasses.replace(labelled, label=labelled.label.masked_fill(labelled.label == IGNORE, 0))
        optimisers = method.optimisers(phase)
        losses = method.losses(labelled, unlabelled, Step(phase, 2, 10))
        torch.stack(list(losses.values())).sum().backward()
        for optimiser in optimisers:
            optimiser.step()
        method.after_step(Step(phase, 2, 10))
        student = [p.detach() for p in method.get_submodule("student").parameters()]
        outcomes.append(({k: v.item() for k, v in losses.items()}, student, torch.rand(3)))
    assert outcomes[0][0] == outcomes[1][0]
    assert all(torch.equal(a, b) for a, b in zip(outcomes[0][1], outcomes[1][1], strict=True))
    assert torch.equal(outcomes[0][2], outcomes[1][2])


def test_the_augmented_loss_is_equations_five_to_eight_with_every_setting_in_its_place() -> None:
    """Class by class and voxel by voxel in float64, on what both networks see."""
    method = method_of(
        blob_task(3, 3), least=4, confidence=0.4, memory=0.6, margin=1, strength=2.0, augmentation=0.4,
        augmentation_ramp=0.8, voxels=10_000,
    )
    data, optimisers = Blobs(method.task), method.optimisers(SELF_TRAIN)
    for index in range(3):
        train_step(method, optimisers, data, Step(SELF_TRAIN, index, 10))
    method.eval()
    labelled, unlabelled = made_batches(method, method.task, NOW)
    before = copy.deepcopy((method.source, method.target))
    found = losses_of(method, labelled, unlabelled)["augmented"]
    torch.manual_seed(3)
    mask = box_mask(labelled.image, 2 / 3)
    (a, b), (u, v) = labelled.image.chunk(2), unlabelled.image.chunk(2)
    (y_a, y_b), frame = labelled.label.chunk(2), mask.unsqueeze(1)
    student = method.student.features(torch.cat([torch.where(frame, a, u), torch.where(frame, v, b)]))
    true = torch.cat([torch.where(mask, y_a, IGNORE), torch.where(mask, IGNORE, y_b)])
    teacher = method.teacher.features(torch.cat([labelled.image, unlabelled.image]))
    share, guess = torch.softmax(teacher["logits"], 1), largest_components(teacher["logits"].argmax(1), 3)
    trusted = torch.where(share.gather(1, guess.unsqueeze(1)).squeeze(1) >= 0.4, guess, IGNORE)
    trusted[: len(labelled.label)][labelled.label != IGNORE] = IGNORE
    inner = away_from_edge(mask, 1).expand_as(true)
    moments = []
    for old, maps, label in ((before[0], student["last"], torch.where(inner, true, IGNORE)),
                             (before[1], teacher["last"], trusted)):
        rows = [_features(maps, label == c).detach().double() for c in range(3)]
        moments.append([_merged(old.mean[c].double(), old.covariance[c].double(), rows[c], 0.6) for c in range(3)])
    weight, losses = method.student.head.weight.detach().double(), []
    for place in (true != IGNORE).nonzero().tolist():
        y, w = int(true[tuple(place)]), weight[:, :, 0, place[2] % 2, place[3] % 2].T  # "fast": one W per place
        shift, spread = moments[1][y][0] - moments[0][y][0], moments[1][y][1]
        z = student["logits"][place[0], :, place[1], place[2], place[3]].detach().double()
        r = 2.0 * 0.5 * bool(method.source.seen[y] & method.target.seen[y])
        for c in range(3):
            gap = w[c] - w[y]
            z[c] += (r * gap @ shift + r / 2 * gap @ spread @ gap).clamp(-10, 10)
        losses.append(float(torch.logsumexp(z, 0) - z[y]))
    assert found.item() == pytest.approx(0.4 * 0.5 / 0.8 * sum(losses) / len(losses), rel=1e-3)


def _features(maps: Tensor, where: Tensor) -> Tensor:
    """Rows (N,A) of the coarser ``maps`` (B,A,D,h,w) at the voxels ``where`` (B,D,H,W)."""
    return maps.repeat_interleave(2, 3).repeat_interleave(2, 4).movedim(1, -1)[where]


def _merged(mean: Tensor, covariance: Tensor, rows: Tensor, k: float) -> tuple[Tensor, Tensor]:
    """Equation (5) for a class seen before; too few rows change nothing."""
    if len(rows) < 4:
        return mean, covariance
    d = rows.mean(0) - mean
    now = torch.cov(rows.T, correction=0)
    return mean + (1 - k) * d, k * covariance + (1 - k) * now + k * (1 - k) * torch.outer(d, d)


def test_only_judged_voxels_of_labelled_patches_count_as_true() -> None:
    method = taught(margin=0)
    labelled, unlabelled = made_batches(method, method.task, NOW)
    seen: list[Tensor] = []
    method.source.update = lambda features, label, *rest: seen.append(label)  # type: ignore[method-assign,assignment]
    losses_of(method, labelled, unlabelled)
    assert 0 < len(seen[0]) <= int((labelled.label != IGNORE).sum())
    blank = dataclasses.replace(labelled, label=torch.full_like(labelled.label, IGNORE))
    assert losses_of(method, blank, unlabelled)["augmented"].item() == 0
    assert len(seen[1]) == 0


def test_target_statistics_leave_out_judged_voxels() -> None:
    method = method_of(confidence=0.0)
    labelled, unlabelled = made_batches(method, method.task, NOW)
    lesson = method.teach(labelled, unlabelled)
    judged = labelled.label != IGNORE
    assert bool((lesson.trusted[: len(judged)][judged] == IGNORE).all())
    assert bool((lesson.trusted[: len(judged)][~judged] != IGNORE).all())
    assert bool((lesson.trusted[len(judged) :] != IGNORE).all())


def test_the_teacher_looks_with_its_averaged_norms_and_without_dropout() -> None:
    method = method_of().train()
    labelled, unlabelled = made_batches(method, method.task, NOW)
    before = [buffer.clone() for buffer in method.teacher.buffers()]
    method.teach(labelled, unlabelled)
    assert not any(part.training for part in method.teacher.modules())
    assert all(torch.equal(a, b) for a, b in zip(before, method.teacher.buffers(), strict=True))


def test_unsure_pseudo_labels_stay_out_of_the_statistics() -> None:
    method = method_of(confidence=1.0)
    labelled, unlabelled = made_batches(method, method.task, NOW)
    assert bool((method.teach(labelled, unlabelled).trusted == IGNORE).all())
    losses_of(method, labelled, unlabelled)
    assert not method.target.seen.any()
    assert bool((method.table(NOW) == 0).all())


def test_a_piece_that_is_left_out_tells_nothing_of_the_background() -> None:
    """The teacher is sure there, but of the structure."""
    method = method_of()
    labelled, unlabelled = made_batches(method, method.task, NOW)
    blank = dataclasses.replace(labelled, label=torch.full_like(labelled.label, IGNORE))
    logits = torch.tensor([4.0, -4.0]).view(1, 2, 1, 1, 1).repeat(4, 1, 8, 16, 16)
    logits[:, :, 2:5, 2:6, 2:6] *= -1
    logits[:, :, 6:, 12:, 12:] *= -1
    taps = {"logits": logits, "last": torch.zeros(4, 1, 8, 8, 8)}
    method.teacher.features = lambda image: taps  # type: ignore[method-assign]
    trusted = method.teach(blank, unlabelled).trusted
    assert bool((trusted[:, 6:, 12:, 12:] == IGNORE).all())
    assert bool((trusted[:, 2:5, 2:6, 2:6] == 1).all())
    assert int((trusted == 0).sum()) == 4 * (8 * 16 * 16 - 48 - 32)


def test_strength_and_weight_rise_from_nothing() -> None:
    method = taught()
    steps = [Step(SELF_TRAIN, index, 100) for index in range(100)]
    weights = [method.weight(step) for step in steps]
    assert weights[0] == 0
    assert weights == sorted(weights)
    assert weights[10] == pytest.approx(0.1) == weights[99]
    assert method_of(augmentation_ramp=0.0).weight(steps[0]) == 0.1
    sizes = [float(method.table(step).detach().abs().sum()) for step in steps]
    assert sizes[0] == 0
    assert sizes == sorted(sizes)
    assert sizes[-1] > 0


def test_gradients_reach_the_student_alone() -> None:
    method = taught()
    labelled, unlabelled = made_batches(method, method.task, NOW)
    losses_of(method, labelled, unlabelled)["augmented"].backward()
    assert all(p.grad is None for p in method.teacher.parameters())
    assert not any(buffer.requires_grad for buffer in method.buffers())
    head, stem = method.student.head.weight, next(method.student.parameters())
    assert isinstance(head, Tensor)
    assert head.grad is not None
    assert stem.grad is not None
    assert stem.grad.abs().sum() > 0


def test_towards_the_student_only_the_head_learns() -> None:
    method = taught(direction="t2s")
    method.zero_grad(set_to_none=True)
    labelled, unlabelled = made_batches(method, method.task, NOW)
    losses_of(method, labelled, unlabelled)["augmented"].backward()
    learned = {name for name, p in method.student.named_parameters() if p.grad is not None}
    assert learned == {"head.weight", "head.bias"}


def test_towards_the_student_teacher_features_with_pseudo_labels_move_back() -> None:
    method = taught(direction="t2s", voxels=10_000).eval()
    labelled, unlabelled = made_batches(method, method.task, NOW)
    found = losses_of(method, labelled, unlabelled)["augmented"]
    lesson, stride = method.teach(labelled, unlabelled), head_stride(method.student)
    places = sample_voxels(lesson.trusted, 2, 10_000)
    features, offset = voxel_features(lesson.features, places, stride)
    shift = method.source.mean - method.target.mean
    table = augmentation_table(head_weight(method.student), shift, method.source.covariance, 0.25 * 0.5)
    logits = head_logits(method.student, features, offset)
    wanted = expected_cross_entropy(logits, at(lesson.trusted, places), offset, table)
    assert bool((method.source.seen & method.target.seen).all())
    assert found.item() == pytest.approx(0.1 * wanted.item(), rel=1e-4)


def graph_of(method: TransMedSeg, labelled: Patches, unlabelled: Patches) -> float:
    """What the graph term said in a step."""
    said: list[Tensor] = []
    assert method.graph is not None
    watched = method.graph.register_forward_hook(lambda graph, maps, loss: said.append(loss))
    losses_of(method, labelled, unlabelled)
    watched.remove()
    return said[0].item()


def test_the_graph_counts_by_its_weight() -> None:
    whole, quarter = (method_of(graph=True, graph_weight=weight) for weight in (1.0, 0.25))
    batches = made_batches(whole, whole.task, NOW)
    costs = [losses_of(method, *batches)["graph"].item() for method in (whole, quarter)]
    assert costs[1] == pytest.approx(0.25 * costs[0])
    assert costs[0] == pytest.approx(graph_of(whole, *batches), rel=1e-5)


def test_the_graph_learns_by_the_sgd_of_the_student_where_that_is_chosen() -> None:
    values = {"graph": True, "optimiser": "sgd", "learning_rate": 0.01, "weight_decay": 1e-4}
    groups = [o.param_groups[0] for o in method_of(**values).optimisers(SELF_TRAIN)]
    assert [(g["lr"], g["momentum"], g["weight_decay"]) for g in groups] == [(0.01, 0.9, 1e-4)] * 2


def test_mean_and_covariance_can_be_switched_off() -> None:
    method = taught()
    both = method.table(NOW)
    parts = []
    for mean, covariance in ((True, False), (False, True), (False, False)):
        method.settings = dataclasses.replace(method.settings, use_mean=mean, use_covariance=covariance)
        parts.append(method.table(NOW))
    assert torch.allclose(parts[0] + parts[1], both, atol=1e-6)
    assert bool((parts[2] == 0).all())
    assert bool((parts[1] >= -1e-7).all())


def test_corrections_are_limited() -> None:
    method = taught(limit=1e-4)
    assert float(method.table(NOW).detach().abs().max()) <= 1e-4 + 1e-9


def test_prediction_does_not_depend_on_the_statistics() -> None:
    method = taught().eval()
    image = torch.randn(1, 1, *method.task.patch)
    before = method.probabilities(image)
    for statistics in (method.source, method.target):
        for buffer in statistics.buffers():
            buffer.zero_()
    assert torch.equal(method.probabilities(image), before)


def test_teacher_follows_the_student_by_its_decay() -> None:
    method = method_of(ema=0.9)
    before = [p.clone() for p in method.teacher.parameters()]
    for p in method.student.parameters():
        p.data.add_(1.0)
    method.after_step(NOW)
    for old, new, mine in zip(before, method.teacher.parameters(), method.student.parameters(), strict=True):
        assert torch.allclose(new, 0.9 * old + 0.1 * mine, atol=1e-5)
    method.after_step(Step(PRETRAIN, 1, 10))
    pairs = zip(method.teacher.parameters(), method.student.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("graph", [False, True])
@pytest.mark.parametrize("phase", [PRETRAIN, SELF_TRAIN])
def test_restart_is_bit_identical(phase: str, graph: bool) -> None:
    check_resume(lambda: make("transmedseg", {"graph": graph, "least": 4}, blob_task()), blob_task(), phase)


@pytest.mark.parametrize(("dims", "network"), [(3, "fast"), (2, "fast"), (3, "vnet"), (2, "unet")])
def test_losses_stay_float32_under_bfloat16(dims: int, network: str) -> None:
    task = blob_task(dims, 3, network)
    check_bfloat16(method_of(task, graph=True, least=4, confidence=0.0), task, NOW)


def test_unjudged_batch_is_harmless() -> None:
    method = taught()
    losses = check_nothing_judged(method, method.task, NOW)
    assert losses["augmented"].item() == 0


def test_a_network_without_a_linear_head_is_refused_with_a_remedy() -> None:
    with pytest.raises(SettingsError, match="fast, vnet or unet"):
        method_of(blob_task(3, 2, "plain"))


@pytest.mark.parametrize("dims", [2, 3])
def test_learns_blobs_from_a_few_judged_slices(dims: int) -> None:
    task = blob_task(dims)
    assert fit(method_of(task), task, steps=60) > 0.5
