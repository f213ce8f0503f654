"""SPCL as its specification has it: what is trained when, on what, and what must not matter."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.blocks.losses import soft_dice
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


NUMBERS: dict[str, Any] = {
    "temperature": 0.3, "first_age": 0.5, "age_power": 0.8, "partition_age": 20.0, "patient_age": 7.0, "parts": 4,
    "partition_weight": 0.7, "patient_weight": 0.3, "self_weight": 0.2, "weight": 0.6, "dice": 0.4,
    "contrasted": 3,
}
"""No two alike, so that none can stand for another."""


def slow_contrast(z: Tensor, label: list[int], now: float, pacing: str, restore: bool) -> float:
    """Equations (1) to (3) pair by pair; z (2N,F)."""
    alike = (z @ z.T / NUMBERS["temperature"]).exp().tolist()
    rows, weights = [], []
    for i, mine in enumerate(label):
        others = [j for j in range(len(label)) if j != i]
        terms = []
        for j in (j for j in others if label[j] == mine):
            loss = -math.log(alike[i][j] / sum(alike[i][a] for a in others))
            weights.append(float(loss <= now) if pacing == "hard" else max(0.0, 1 - loss / now))
            terms.append(weights[-1] * loss)
        rows.append(sum(terms) / len(terms))
    return sum(rows) / len(rows) / (sum(weights) / len(weights) if restore else 1)


@pytest.mark.parametrize("phase", [PRETRAIN, TRAIN])
@pytest.mark.parametrize(("pacing", "restore", "join"), [("linear", True, True), ("hard", False, False)])
def test_a_step_is_its_equations(
    phase: str, pacing: str, restore: bool, join: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = spcl(**NUMBERS, pacing=pacing, restore=restore, join=join).eval()
    labelled, slices, kept = batch(method.task, 2, seed=3), batch(method.task, 7, seed=1), []
    monkeypatch.setattr(method, "spread", lambda patches, most: kept.append(most) or patches)
    monkeypatch.setattr("SemiSegLogic.methods.spcl.weak", lambda image: 2 * image)
    monkeypatch.setattr("SemiSegLogic.methods.spcl.turned", lambda image: image.roll(3, 4))
    monkeypatch.setattr("SemiSegLogic.methods.spcl.flipped", lambda image, chance: image.flip(3) * (chance / 0.8))
    found = method.losses(labelled, slices, Step(phase, 4, 10))
    assert kept == [6 if phase == PRETRAIN else 3]
    seen = [slices, labelled] if phase == TRAIN and join else [slices]
    image, volume, position = (torch.cat([getattr(p, name) for p in seen]) for name in ("image", "volume", "position"))
    view = 2 * (image.roll(3, 4) if phase == PRETRAIN else image)
    features = method.network.encode(torch.cat([view, view.flip(3)]))["bottleneck"]
    meta = {"partition": (position[:, 0] * 4).int(), "patient": volume, "self": torch.arange(len(image))}
    first = 0.75 * math.log(2 * len(image) - 1)
    for name, label in meta.items():
        now = first + (NUMBERS["partition_age" if name == "partition" else "patient_age"] - first) * 0.4**0.8
        z = method.projections[name](features)
        wanted = NUMBERS[f"{name}_weight"] * slow_contrast(z, [*label.tolist()] * 2, now, pacing, restore)
        scale = NUMBERS["weight"] if phase == TRAIN else 1
        assert found[f"contrast_{name}"].item() == pytest.approx(scale * wanted, rel=1e-4), name
    if phase == TRAIN:
        dice = soft_dice(method.network(labelled.image), labelled.label)
        assert found["dice"].item() == pytest.approx(0.4 * dice.item(), rel=1e-4)


def test_contrast_of_training_teaches_the_encoder_as_well() -> None:
    method = spcl()
    loss = losses_of(method, Step(TRAIN, 2, 9))["contrast_partition"]
    assert torch.autograd.grad(loss, method.network.stem[0].weight)[0].any()


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
    assert len(cells) == len(set(cells)) == 6
    assert len(set(kept.volume.tolist())) == 2
    images = dataclasses.replace(batch(method.task, 12, volumes=12), position=torch.zeros(12, 3))
    assert len(method.spread(images, 6).volume) == 6


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


def test_the_averaged_network_predicts() -> None:
    method = spcl(ema=0.6)
    assert method.predictor() is method.average
    with torch.no_grad():
        for p in method.network.parameters():
            p.add_(1.0)
    before = [p.clone() for p in method.average.parameters()]
    method.after_step(Step(TRAIN, 9, 10))
    for old, new, own in zip(before, method.average.parameters(), method.network.parameters(), strict=True):
        assert torch.allclose(new, 0.6 * old + 0.4 * own, atol=1e-6)


@pytest.mark.parametrize("optimiser", ["muon", "radam"])
def test_network_and_projections_learn_and_the_average_does_not(optimiser: str) -> None:
    method = spcl(optimiser=optimiser)
    moved = {id(p) for o in method.optimisers(TRAIN) for group in o.param_groups for p in group["params"]}
    assert moved == {id(p) for part in (method.network, method.projections) for p in part.parameters()}


@pytest.mark.parametrize(("phase", "warm", "peak"), [(PRETRAIN, 1 / 8, 2e-4), (TRAIN, 1 / 6, 6e-5)])
def test_radam_rises_for_ten_epochs_to_the_rate_of_its_phase_and_falls_to_almost_nothing(
    phase: str, warm: float, peak: float
) -> None:
    method = spcl(optimiser="radam", learning_rate=6e-5)
    places = (warm / 2, warm, (1 + warm) / 2, 0.9999)
    rates = [method.rate(Step(phase, round(place * 120_000), 120_000)) for place in places]
    assert rates == pytest.approx([0.5, 1.0, 0.5, 0.001], abs=1e-3)
    assert method.optimisers(phase)[0].param_groups[0]["lr"] == peak
    assert spcl().rate(Step(phase, 625, 10_000)) == pytest.approx(0.0625 / 0.15)


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
