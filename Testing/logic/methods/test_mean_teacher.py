"""Mean teacher: confident pseudo-labels, the ramp, the average, and that it learns."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.losses import partial_cross_entropy, soft_dice
from SemiSegLogic.engine.blocks.perturb import strong
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods.base import Step, Task
from SemiSegLogic.methods.mean_teacher import MeanTeacher
from SemiSegLogic.settings import MeanTeacher as Settings
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import blob_task, fit

STEP = Step("train", 2, 10)


class Shares(nn.Module):
    """A teacher whose probabilities are (1 - image, image)."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat([1 - image, image], 1).log()


def _method(task: Task | None = None, **values: object) -> MeanTeacher:
    torch.manual_seed(0)
    return MeanTeacher(Settings.from_dict(values), task or blob_task())


def test_only_what_the_teacher_is_confident_of_becomes_a_pseudo_label() -> None:
    method = _method(confidence=0.8)
    method.teacher = Shares()  # type: ignore[assignment]
    image = torch.tensor([0.05, 0.3, 0.5, 0.75, 0.85]).view(1, 1, 1, 1, 5)
    assert method.pseudo_label(image).flatten().tolist() == [0, IGNORE, IGNORE, IGNORE, 1]
    assert method.pseudo_label(image).dtype == torch.int64


@pytest.mark.parametrize(("index", "weight"), [(0, math.exp(-5)), (2, math.exp(-1.25)), (4, 1.0), (9, 1.0)])
def test_losses_agree_with_equations_1_to_4(index: int, weight: float) -> None:
    method, step = _method(confidence=0.6, consistency=0.3, ramp=0.4), Step("train", index, 10)
    labelled, unlabelled = made_batches(method, blob_task(), step)
    method.train()
    pseudo = method.pseudo_label(unlabelled.image)
    assert 0 < float((pseudo == IGNORE).float().mean()) < 1
    state = torch.get_rng_state()
    losses = method.losses(labelled, unlabelled, step)
    torch.set_rng_state(state)
    logits = method.student(torch.cat([labelled.image, strong(unlabelled.image)]))
    known, guessed = logits.chunk(2)
    assert losses["cross_entropy"].item() == pytest.approx(partial_cross_entropy(known, labelled.label).item())
    assert losses["dice"].item() == pytest.approx(soft_dice(known, labelled.label).item())
    expected = 0.3 * weight * partial_cross_entropy(guessed, pseudo).item()
    assert losses["consistency"].item() == pytest.approx(expected, rel=1e-5)


def test_the_teacher_looks_on_as_it_predicts_and_keeps_its_statistics() -> None:
    method = _method()
    labelled, unlabelled = made_batches(method, blob_task(), STEP)
    method.train()
    before = {key: value.clone() for key, value in method.teacher.state_dict().items()}
    losses = method.losses(labelled, unlabelled, STEP)
    torch.stack(list(losses.values())).sum().backward()
    assert all(torch.equal(value, before[key]) for key, value in method.teacher.state_dict().items())
    assert all(p.grad is None for p in method.teacher.parameters())
    assert all(p.grad is not None for p in method.student.parameters())
    confidence = method.teacher.eval()(unlabelled.image).softmax(1).max(1).values
    assert torch.equal(method.train().pseudo_label(unlabelled.image) != IGNORE, confidence > 0.9)


def test_the_teacher_follows_by_equation_5_and_predicts() -> None:
    method = _method(ema=0.9)
    assert method.predictor() is method.teacher
    with torch.no_grad():
        for p in method.student.parameters():
            p.add_(1.0)
    before = [p.clone() for p in method.teacher.parameters()]
    method.after_step(Step("train", 50, 100))
    for old, new, student in zip(before, method.teacher.parameters(), method.student.parameters(), strict=True):
        assert torch.allclose(new, 0.9 * old + 0.1 * student, atol=1e-6)
    method.after_step(Step("train", 0, 100))
    state = method.student.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in method.teacher.state_dict().items())


def test_it_asks_for_both_kinds_of_patches_and_optimises_the_student() -> None:
    method = _method(batch=3, unlabelled=4)
    need = method.need(STEP)
    assert (need.labelled, need.unlabelled, need.shape) == (3, 4, (8, 16, 16))
    moved = {id(p) for o in method.optimisers("train") for group in o.param_groups for p in group["params"]}
    assert moved == {id(p) for p in method.student.parameters()}


def test_the_published_optimiser_and_schedule_are_taken_over() -> None:
    method = _method(optimiser="sgd", learning_rate=0.02, weight_decay=0.003, schedule="poly")
    (sgd,) = method.optimisers("train")
    wanted = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.003}
    assert {name: value for name, value in sgd.param_groups[0].items() if name != "params"} == wanted
    assert method.rate(Step("train", 5, 10)) == pytest.approx(0.5**0.9)


def test_runs_in_bfloat16_with_float32_losses() -> None:
    check_bfloat16(_method(), blob_task(), STEP)


def test_a_batch_without_a_judged_voxel_has_no_supervised_loss() -> None:
    losses = check_nothing_judged(_method(), blob_task(), STEP)
    assert (losses["cross_entropy"].item(), losses["dice"].item()) == (0, 0)


def test_a_restored_state_takes_the_same_next_step() -> None:
    check_resume(_method, blob_task(), "train")


@pytest.mark.parametrize(("dims", "classes"), [(3, 2), (2, 2), (2, 3)])
def test_learns_blobs_from_a_few_slices(dims: int, classes: int) -> None:
    task = blob_task(dims, classes)
    assert fit(_method(task), task, steps=60) > (0.6 if classes == 2 else 0.3)
