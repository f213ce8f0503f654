"""SPCL as its specification has it: what is trained when, on what, and what must not matter."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Patches, Step, Task
from SemiSegLogic.methods.spcl import PRETRAIN, SPCL, TRAIN
from SemiSegLogic.settings import SettingsError
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume
from Testing.support.tiny_fit import Blobs, blob_task, fit, sparse, train_step


def spcl(task: Task | None = None, **values: object) -> SPCL:
    torch.manual_seed(0)
    method = make("spcl", {"contrasted_first": 6, **values}, task or blob_task())
    assert isinstance(method, SPCL)
    return method


def batch(task: Task, count: int, volumes: int = 3, seed: int = 0) -> Patches:
    """``count`` random patches spread over ``volumes`` volumes and all positions; every third slice judged."""
    made = torch.Generator().manual_seed(seed)
    label = torch.randint(0, task.classes, (count, *task.patch), generator=made)
    image = torch.randn(count, task.channels, *task.patch, generator=made)
    return Patches(image, sparse(label), torch.rand(count, 3, generator=made), torch.arange(count) % volumes)


def losses_of(method: SPCL, step: Step) -> dict[str, Tensor]:
    """The losses of ``step`` on random patches, always the same."""
    need = method.need(step)
    labelled, unlabelled = batch(method.task, need.labelled), batch(method.task, need.unlabelled, seed=1)
    torch.manual_seed(0)
    return method.losses(labelled, unlabelled, step)


def test_pre_training_leaves_the_decoder_bit_identical_and_moves_the_encoder() -> None:
    method = spcl()
    before = {name: value.clone() for name, value in method.network.state_dict().items()}
    optimisers = method.optimisers(PRETRAIN)
    data = Blobs(method.task)
    for index in range(3):
        train_step(method, optimisers, data, Step(PRETRAIN, index, 3))
    after = method.network.state_dict()
    moved = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"stem", "level1", "level2", "level3"}


def test_phases_share_the_run_and_pre_training_can_be_left_out() -> None:
    assert [(p.name, p.share) for p in spcl(pretraining=0.25).phases()] == [(PRETRAIN, 0.25), (TRAIN, 0.75)]
    assert [p.name for p in spcl(pretraining=0.0).phases()] == [TRAIN]


def test_pre_training_asks_for_no_label_and_training_for_both() -> None:
    method = spcl(batch=3, contrasted=5)
    assert (method.need(Step(PRETRAIN, 0, 9)).labelled, method.need(Step(PRETRAIN, 0, 9)).unlabelled) == (0, 12)
    assert (method.need(Step(TRAIN, 0, 9)).labelled, method.need(Step(TRAIN, 0, 9)).unlabelled) == (3, 10)


def test_what_nobody_judged_never_reaches_the_supervised_loss() -> None:
    method = spcl().eval()
    labelled, unlabelled = batch(method.task, 2), batch(method.task, 8, seed=1)
    outcomes = []
    for label in (unlabelled.label, torch.full_like(unlabelled.label, IGNORE)):
        torch.manual_seed(0)
        outcomes.append(method.losses(labelled, dataclasses.replace(unlabelled, label=label), Step(TRAIN, 1, 9)))
    assert {k: v.item() for k, v in outcomes[0].items()} == {k: v.item() for k, v in outcomes[1].items()}
    blank = dataclasses.replace(labelled, label=torch.full_like(labelled.label, IGNORE))
    assert method.losses(blank, unlabelled, Step(TRAIN, 1, 9))["cross_entropy"].item() == 0


def test_supervised_loss_is_that_of_the_whole_network_on_the_labelled_patches() -> None:
    method = spcl().eval()
    labelled = batch(method.task, 2)
    loss = method.losses(labelled, batch(method.task, 8, seed=1), Step(TRAIN, 1, 9))["cross_entropy"]
    logits, known = method.network(labelled.image), labelled.label != IGNORE
    by_hand = torch.nn.functional.cross_entropy(logits.movedim(1, -1)[known], labelled.label[known])
    assert torch.allclose(loss, by_hand, atol=1e-5)


def test_contrast_is_the_weighted_sum_over_meta_labels() -> None:
    one, tenth = losses_of(spcl(weight=1.0), Step(TRAIN, 2, 9)), losses_of(spcl(weight=0.1), Step(TRAIN, 2, 9))
    assert one["contrast_self"] == 0
    for name in ("contrast_partition", "contrast_patient"):
        assert one[name] > 0
        assert torch.allclose(one[name], 10 * tenth[name])
    more = losses_of(spcl(weight=1.0, patient_weight=0.3), Step(TRAIN, 2, 9))
    assert torch.allclose(more["contrast_patient"], 3 * one["contrast_patient"], atol=1e-6)


def test_batch_holds_one_slice_of_every_volume_and_part() -> None:
    method = spcl(parts=3)
    kept = method.spread(batch(method.task, 40, volumes=9), 6)
    cells = list(zip(kept.volume.tolist(), (kept.position[:, 0] * 3).floor().tolist(), strict=True))
    assert len(cells) == len(set(cells)) <= 6
    assert len(set(kept.volume.tolist())) <= 2


def test_meta_label_with_a_single_value_is_left_out() -> None:
    method = spcl()
    step = Step(PRETRAIN, 1, 9)
    patches = batch(method.task, 8, volumes=1)
    losses = method.losses(batch(method.task, 0), patches, step)
    assert losses["contrast_patient"] == 0
    assert losses["contrast_partition"] > 0
    images = dataclasses.replace(batch(method.task, 8, volumes=8), position=torch.full((8, 3), 0.5))
    losses = method.losses(batch(method.task, 0), images, step)
    assert losses["contrast_partition"] == 0
    assert losses["contrast_patient"] > 0


def test_a_single_image_falls_back_to_contrasting_patches_with_themselves() -> None:
    method = spcl(blob_task(2))
    image = dataclasses.replace(batch(method.task, 2, volumes=1), position=torch.full((2, 3), 0.5))
    losses = method.losses(image, image, Step(TRAIN, 1, 9))
    assert losses["contrast_self"] > 0
    assert losses["contrast_partition"] == losses["contrast_patient"] == 0
    torch.stack(list(losses.values())).sum().backward()


def test_labelled_patches_join_the_contrast_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for join, rows in ((True, 2 * (2 + 4)), (False, 2 * 4)):
        method = spcl(join=join, contrasted=4)
        seen: list[int] = []
        head = method.projections["partition"]
        head.register_forward_hook(lambda module, inputs, z, seen=seen: seen.append(len(z)))
        spread = batch(method.task, 4, 2)
        monkeypatch.setattr(method, "spread", lambda patches, most, spread=spread: spread)
        losses_of(method, Step(TRAIN, 1, 9))
        assert seen == [rows]


def test_average_starts_with_the_second_phase() -> None:
    method = spcl()
    before = [p.clone() for p in method.average.parameters()]
    data, optimisers = Blobs(method.task), method.optimisers(PRETRAIN)
    train_step(method, optimisers, data, Step(PRETRAIN, 0, 2))
    assert all(torch.equal(a, b) for a, b in zip(before, method.average.parameters(), strict=True))
    train_step(method, method.optimisers(TRAIN), data, Step(TRAIN, 0, 2))
    pairs = zip(method.average.parameters(), method.network.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_projections_are_for_training_only() -> None:
    method = spcl().eval()
    image = torch.randn(1, 1, *method.task.patch)
    before = method.probabilities(image)
    for weight in method.projections.parameters():
        weight.data.zero_()
    assert torch.equal(method.probabilities(image), before)


@pytest.mark.parametrize("phase", [PRETRAIN, TRAIN])
@pytest.mark.parametrize("optimiser", ["muon", "radam"])
def test_restart_is_bit_identical(phase: str, optimiser: str) -> None:
    check_resume(lambda: spcl(optimiser=optimiser), blob_task(), phase)


@pytest.mark.parametrize("phase", [PRETRAIN, TRAIN])
@pytest.mark.parametrize("dims", [2, 3])
def test_losses_stay_float32_under_bfloat16(phase: str, dims: int) -> None:
    check_bfloat16(spcl(blob_task(dims)), blob_task(dims), Step(phase, 1, 9))


@pytest.mark.parametrize("network", ["unet", "vnet"])
def test_works_with_the_networks_of_the_literature(network: str) -> None:
    method = spcl(blob_task(2, network=network))
    check_bfloat16(method, method.task, Step(PRETRAIN, 1, 9))


def test_unjudged_batch_is_harmless() -> None:
    check_nothing_judged(spcl(), blob_task(), Step(TRAIN, 1, 9))


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(SettingsError, match="pacing"):
        spcl(pacing="quadratic")


@pytest.mark.parametrize("dims", [2, 3])
def test_learns_blobs_from_a_few_judged_slices(dims: int) -> None:
    task = blob_task(dims)
    assert fit(spcl(task), task, steps=50) > 0.5
