"""BCP: what the student sees, the two weights, the teacher, and that it learns."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.mixing import box_mask
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods.base import Method, Patches, Step, Task
from SemiSegLogic.methods.bcp import BCP
from SemiSegLogic.settings import BCP as Settings
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import blob_task, fit, patches

PRE, SELF = Step("pre-training", 3, 10), Step("self-training", 3, 10)


class Recorder(nn.Module):
    """A student that answers with given logits and keeps what it was shown."""

    def __init__(self, answer: Tensor):
        super().__init__()
        self.answer = nn.Parameter(answer)
        self.seen: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        self.seen.append(image)
        return self.answer


class Fixed(nn.Module):
    """A teacher whose argmax is round(image)."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat([1 - image, image], 1)


def _method(task: Task | None = None, **values: object) -> BCP:
    torch.manual_seed(0)
    return BCP(Settings.from_dict(values), task or blob_task())


def _recorded(judged_share: float) -> tuple[BCP, Recorder, Patches, Patches]:
    """A BCP whose student is a Recorder and whose teacher thresholds the image."""
    method = _method(largest=False, plain=0.0, box=0.5, unlabelled_weight=0.3)
    torch.manual_seed(5)
    shape = (4, 2, 6, 6)
    label = torch.randint(0, 2, shape)
    label[torch.rand(shape) >= judged_share] = IGNORE
    labelled = patches(torch.rand(4, 1, *shape[1:]), label)
    unlabelled = patches(torch.rand(4, 1, *shape[1:]), torch.full(shape, IGNORE))
    recorder = Recorder(torch.randn(4, 2, *shape[1:]))
    method.student, method.teacher = recorder, Fixed()  # type: ignore[assignment]
    return method, recorder, labelled, unlabelled


def _losses(method: Method, labelled: Patches, unlabelled: Patches, step: Step) -> tuple[dict[str, Tensor], Tensor]:
    """The losses, and the mask that they were computed with."""
    torch.manual_seed(9)
    losses = method.losses(labelled, unlabelled, step)
    torch.manual_seed(9)
    return losses, box_mask(labelled.image, 0.5)


def _region(logits: Tensor, target: Tensor, region: Tensor) -> Tensor:
    """(Dice + CE) / 2 of rows of logits (B,2,...) over a bool region, class by class in float64."""
    share, dices = torch.softmax(logits, 1), []
    entropy = (
        torch.stack(
            [-share[b, :, *p].log()[target[b, *p]] for b in range(len(target)) for p in region[b].nonzero()]
        ).mean()
        if region.any()
        else logits.sum() * 0
    )
    for b in range(len(target)):
        for c in range(logits.shape[1]):
            truth = region[b] & (target[b] == c)
            if truth.any():
                p = share[b, c]
                dices.append(1 - (2 * p[truth].sum() + 1e-5) / (p[region[b]].sum() + truth.sum() + 1e-5))
    return 0.5 * (entropy + (torch.stack(dices).mean() if dices else logits.sum() * 0))


def test_the_student_sees_a_labelled_frame_with_an_unlabelled_box_and_the_reverse() -> None:
    method, student, labelled, unlabelled = _recorded(1.0)
    _, mask = _losses(method, labelled, unlabelled, SELF)
    m = mask.unsqueeze(1).float()
    a, b, u, v = labelled.image[:2], labelled.image[2:], unlabelled.image[:2], unlabelled.image[2:]
    assert torch.equal(student.seen[0][:2], a * m + u * (1 - m))
    assert torch.equal(student.seen[0][2:], v * m + b * (1 - m))


@pytest.mark.parametrize("judged_share", [1.0, 0.4])
def test_losses_agree_with_equations_5_and_6_in_value_and_gradient(judged_share: float) -> None:
    method, student, labelled, unlabelled = _recorded(judged_share)
    losses, mask = _losses(method, labelled, unlabelled, SELF)
    logits = student.answer.detach().double().requires_grad_()
    guess = (torch.cat([labelled.image, unlabelled.image])[:, 0] > 0.5).long()
    (g_a, g_b, g_u, g_v), (y_a, y_b) = guess.split(2), labelled.label.split(2)
    frame = mask.expand(2, -1, -1, -1)
    true_in, true_out = frame & (y_a != IGNORE), ~frame & (y_b != IGNORE)
    target_in = torch.where(true_in, y_a, torch.where(frame, g_a, g_u))
    target_out = torch.where(true_out, y_b, torch.where(frame, g_v, g_b))
    inward = _region(logits[:2], target_in, true_in) + 0.3 * _region(logits[:2], target_in, ~true_in)
    outward = _region(logits[2:], target_out, true_out) + 0.3 * _region(logits[2:], target_out, ~true_out)
    assert losses["inward"].item() == pytest.approx(inward.item(), abs=1e-5)
    assert losses["outward"].item() == pytest.approx(outward.item(), abs=1e-5)
    got = torch.autograd.grad(losses["inward"] + losses["outward"], student.answer)[0]
    assert torch.allclose(got.double(), torch.autograd.grad(inward + outward, logits)[0], atol=1e-5)


@pytest.mark.parametrize("judged_share", [1.0, 0.4, 0.0])
def test_labelled_patches_as_they_are_count_on_judged_voxels_in_value_and_gradient(judged_share: float) -> None:
    method, student, labelled, unlabelled = _recorded(judged_share)
    method.settings = Settings(largest=False, plain=0.7, box=0.5)
    student.answer = nn.Parameter(torch.randn(8, 2, 2, 6, 6))
    losses, _ = _losses(method, labelled, unlabelled, SELF)
    logits = student.answer.detach().double().requires_grad_()
    wanted = 0.7 * _region(logits[4:], labelled.label, labelled.label != IGNORE)
    assert losses["plain"].item() == pytest.approx(wanted.item(), abs=1e-5)
    got, slope = torch.autograd.grad(losses["plain"], student.answer)[0], torch.autograd.grad(wanted, logits)[0]
    assert torch.allclose(got.double(), slope, atol=1e-5)
    assert torch.equal(student.seen[0][4:], labelled.image)


def test_pre_training_pastes_labelled_patches_and_agrees_with_equation_1() -> None:
    method, student, labelled, unlabelled = _recorded(0.5)
    student.answer = nn.Parameter(student.answer[:2].detach())
    losses, mask = _losses(method, labelled, unlabelled, PRE)
    frame = mask.expand(2, -1, -1, -1)
    label = torch.where(frame, labelled.label[:2], labelled.label[2:])
    logits = student.answer.detach().double().requires_grad_()
    wanted = _region(logits, label, label != IGNORE)
    assert losses["copy_paste"].item() == pytest.approx(wanted.item(), abs=1e-5)
    assert torch.equal(student.seen[0], torch.where(frame.unsqueeze(1), labelled.image[:2], labelled.image[2:]))


def test_pseudo_labels_keep_one_piece_per_class_unless_told_otherwise() -> None:
    image = torch.zeros(1, 1, 1, 8, 8)
    image[0, 0, 0, 1:4, 1:4], image[0, 0, 0, 6, 6] = 1, 1
    for largest, expected in ((True, 9), (False, 10)):
        method = _method(largest=largest)
        method.teacher = Fixed()  # type: ignore[assignment]
        assert int(method.pseudo_label(image).sum()) == expected


def test_the_teacher_of_fully_judged_patches_is_not_asked_about_them() -> None:
    method, _, labelled, unlabelled = _recorded(1.0)
    known, guessed = method.pseudo_labels(labelled, unlabelled)
    assert bool((known == IGNORE).all())
    assert torch.equal(guessed, (unlabelled.image[:, 0] > 0.5).long())


def test_without_unlabelled_patches_it_pastes_among_labelled_ones() -> None:
    method = _method()
    labelled, unlabelled = made_batches(method, blob_task(), SELF)
    none = Patches(*(part[:0] for part in vars(unlabelled).values()))
    assert set(method.losses(labelled, none, SELF)) == {"copy_paste"}


def test_no_gradient_reaches_the_teacher_and_it_follows_by_equation_7() -> None:
    method = _method(ema=0.9)
    labelled, unlabelled = made_batches(method, blob_task(), SELF)
    method.train()
    torch.stack(list(method.losses(labelled, unlabelled, SELF).values())).sum().backward()
    assert all(p.grad is None for p in method.teacher.parameters())
    assert not method.teacher.training
    with torch.no_grad():
        for p in method.student.parameters():
            p.add_(1.0)
    before = [p.clone() for p in method.teacher.parameters()]
    method.after_step(SELF)
    for old, new, student in zip(before, method.teacher.parameters(), method.student.parameters(), strict=True):
        assert torch.allclose(new, 0.9 * old + 0.1 * student, atol=1e-6)


def test_self_training_starts_with_teacher_and_student_alike() -> None:
    method = _method()
    with torch.no_grad():
        next(method.student.parameters()).add_(1.0)
    method.after_step(PRE)
    state = method.student.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in method.teacher.state_dict().items())


def test_phases_share_the_run_and_a_warm_start_needs_no_pre_training() -> None:
    assert [phase.share for phase in _method(pretraining=0.25).phases()] == [0.25, 0.75]
    assert [phase.name for phase in _method().phases()] == ["self-training"]


def test_published_recipe_is_sgd_and_the_student_predicts() -> None:
    method = _method(optimiser="sgd", schedule="steps", learning_rate=0.01, inference="student")
    assert type(method.optimisers("self-training")[0]).__name__ == "SGD"
    assert method.rate(Step("self-training", 2500, 15000)) == pytest.approx(0.1)
    assert method.predictor() is method.student


@pytest.mark.parametrize("step", [PRE, SELF])
def test_runs_in_bfloat16_with_float32_losses(step: Step) -> None:
    check_bfloat16(_method(), blob_task(), step)


def test_a_batch_without_a_judged_voxel_is_finite_and_pre_training_is_zero_on_it() -> None:
    assert check_nothing_judged(_method(), blob_task(), PRE)["copy_paste"].item() == 0
    check_nothing_judged(_method(), blob_task(), SELF)


@pytest.mark.parametrize("phase", ["pre-training", "self-training"])
def test_a_restored_state_takes_the_same_next_step(phase: str) -> None:
    check_resume(_method, blob_task(), phase)


@pytest.mark.parametrize(("dims", "classes"), [(3, 2), (2, 2), (2, 3)])
def test_learns_blobs_from_a_few_slices(dims: int, classes: int) -> None:
    task = blob_task(dims, classes)
    assert fit(_method(task, pretraining=0.25), task, steps=60) > (0.6 if classes == 2 else 0.3)
