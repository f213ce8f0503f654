"""The baseline: its two losses over judged voxels, its averaged network, and that it learns."""

from __future__ import annotations

import pytest
import torch

from SemiSegLogic.engine.blocks.losses import partial_cross_entropy, soft_dice
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods.base import Patches, Step, Task
from SemiSegLogic.methods.supervised import Supervised
from SemiSegLogic.settings import Supervised as Settings
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import blob_task, fit

STEP = Step("train", 3, 10)


def _method(task: Task | None = None, **values: object) -> Supervised:
    torch.manual_seed(0)
    return Supervised(Settings.from_dict(values), task or blob_task())


def test_losses_are_cross_entropy_and_dice_of_the_network_on_the_labelled_patches() -> None:
    method = _method()
    labelled, unlabelled = made_batches(method, blob_task(), STEP)
    method.train()
    losses = method.losses(labelled, unlabelled, STEP)
    logits = method.network(labelled.image)
    assert losses["cross_entropy"].item() == pytest.approx(partial_cross_entropy(logits, labelled.label).item())
    assert losses["dice"].item() == pytest.approx(soft_dice(logits, labelled.label).item())
    assert set(losses) == {"cross_entropy", "dice"}


def test_voxels_that_nobody_judged_teach_nothing() -> None:
    method = _method()
    method.eval()
    labelled, _ = made_batches(method, blob_task(), STEP)
    logits = method.network(labelled.image)
    grad = torch.autograd.grad(partial_cross_entropy(logits, labelled.label), logits)[0]
    assert not grad.movedim(1, -1)[labelled.label == IGNORE].any()
    assert grad.movedim(1, -1)[labelled.label != IGNORE].any()


def test_it_asks_for_labelled_patches_only_and_starts_at_the_prior() -> None:
    method = _method(batch=5)
    need = method.need(STEP)
    assert (need.labelled, need.unlabelled, need.shape, need.whole_slice) == (5, 0, (8, 16, 16), False)
    bias = torch.softmax(method.network.head.bias.detach(), 0)  # type: ignore[union-attr,arg-type]
    assert bias.tolist() == pytest.approx([0.8, 0.2])


def test_the_averaged_network_predicts_and_follows_by_equation_2() -> None:
    method = _method(ema=0.6)
    assert method.predictor() is method.average
    assert not any(p.requires_grad for p in method.average.parameters())
    with torch.no_grad():
        for p in method.network.parameters():
            p.add_(1.0)
    before = [p.clone() for p in method.average.parameters()]
    method.after_step(Step("train", 9, 10))
    for old, new, own in zip(before, method.average.parameters(), method.network.parameters(), strict=True):
        assert torch.allclose(new, 0.6 * old + 0.4 * own, atol=1e-6)
    method.after_step(Step("train", 0, 10))
    assert all(torch.equal(a, b) for a, b in zip(method.average.parameters(), method.network.parameters(), strict=True))


def test_optimisers_move_the_network_and_not_its_average() -> None:
    method = _method()
    moved = {id(p) for o in method.optimisers("train") for group in o.param_groups for p in group["params"]}
    assert moved == {id(p) for p in method.network.parameters()}


def test_the_published_optimiser_and_schedule_are_taken_over() -> None:
    method = _method(optimiser="sgd", learning_rate=0.02, weight_decay=0.003, schedule="steps")
    (sgd,) = method.optimisers("train")
    wanted = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.003}
    assert {name: value for name, value in sgd.param_groups[0].items() if name != "params"} == wanted
    assert method.rate(Step("train", 2500, 6000)) == pytest.approx(0.1)


def test_probabilities_and_uncertainty_have_their_ranges() -> None:
    method = _method(blob_task(classes=3)).eval()
    shares = method.probabilities(torch.randn(2, 1, 8, 16, 16))
    assert torch.allclose(shares.sum(1), torch.ones(2, 8, 16, 16), atol=1e-5)
    doubt = method.uncertainty(torch.randn(2, 1, 8, 16, 16))
    assert doubt.shape == (2, 1, 8, 16, 16)
    assert 0 <= float(doubt.min()) <= float(doubt.max()) <= 1


def test_runs_in_bfloat16_with_float32_losses() -> None:
    check_bfloat16(_method(), blob_task(), STEP)


def test_a_batch_without_a_judged_voxel_costs_nothing() -> None:
    losses = check_nothing_judged(_method(), blob_task(), STEP)
    assert {name: value.item() for name, value in losses.items()} == {"cross_entropy": 0, "dice": 0}


def test_an_empty_unlabelled_batch_is_never_looked_at() -> None:
    method = _method()
    labelled, unlabelled = made_batches(method, blob_task(), STEP)
    none = Patches(*(part[:0] for part in vars(unlabelled).values()))
    assert method.losses(labelled, none, STEP)["dice"].isfinite()


def test_a_restored_state_takes_the_same_next_step() -> None:
    check_resume(_method, blob_task(), "train")


@pytest.mark.parametrize(("dims", "classes"), [(3, 2), (2, 2), (2, 3)])
def test_learns_blobs_from_a_few_slices(dims: int, classes: int) -> None:
    task = blob_task(dims, classes)
    assert fit(_method(task), task, steps=60) > (0.6 if classes == 2 else 0.3)
