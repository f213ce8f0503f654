"""M3HL: the mosaic, both losses against their equations, sparse slices, the teacher, and that it learns."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.mixing import mosaic, paste
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Patches, Step, Task
from SemiSegLogic.methods.m3hl import M3HL, MIX, PRETRAIN, high_loss, low_loss
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import Blobs, blob_task, fit, train_step

STEP = Step(MIX, 3, 10)


def m3hl(task: Task | None = None, **values: object) -> M3HL:
    torch.manual_seed(0)
    method = make("m3hl", values, task or blob_task())
    assert isinstance(method, M3HL)
    return method


def slow_region(logits: Tensor, target: Tensor, region: Tensor, dims: int) -> Tensor:
    """L_R in loops, float64: 2D sums over the batch with squares, 3D per image without."""
    p = torch.softmax(logits, 1)
    places = [tuple(place) for place in (region & (target != IGNORE)).nonzero().tolist()]
    if not places:
        return logits.sum() * 0
    cross = torch.stack([-torch.log(p[b, target[b, d, h, w], d, h, w]) for b, d, h, w in places]).mean()
    groups = [places] if dims == 2 else [[q for q in places if q[0] == b] for b in range(len(logits))]
    smooth, power = (1e-10, 2) if dims == 2 else (1e-5, 1)
    terms = []
    for group in groups:
        for value in range(logits.shape[1]):
            held = sum(int(target[place] == value) for place in group)
            if held:
                both = sum(p[b, value, d, h, w] for b, d, h, w in group if target[b, d, h, w] == value)
                mass = sum(p[b, value, d, h, w] ** power for b, d, h, w in group) + held
                terms.append(1 - (2 * both + smooth) / (mass + smooth))
    return 0.5 * (torch.stack(terms).mean() + cross)


@pytest.mark.parametrize("shape", [(8, 16, 16), (1, 32, 32), (12, 8, 20)])
def test_mosaic_exchanges_exactly_its_share_and_differs_between_samples(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    mask = mosaic(torch.zeros(6, 1, *shape))
    assert mask.shape == (6, *shape)
    assert mask.dtype == torch.bool
    assert mask.flatten(1).float().mean(1).tolist() == [0.5] * 6
    assert any(not torch.equal(mask[0], other) for other in mask[1:])


@pytest.mark.parametrize(("masked", "kept"), [(0.0, 1.0), (1.0, 0.0), (0.3, 1 - math.floor(0.3 * 64) / 64)])
def test_mosaic_masks_the_rounded_down_share_of_tiles(masked: float, kept: float) -> None:
    assert float(mosaic(torch.zeros(3, 1, 8, 8, 8), 4, masked).float().mean()) == pytest.approx(kept)


def test_mosaic_is_constant_within_each_tile() -> None:
    tiles = mosaic(torch.zeros(2, 1, 8, 16, 16)).view(2, 4, 2, 4, 4, 4, 4).permute(0, 1, 3, 5, 2, 4, 6).flatten(4)
    assert bool((tiles.all(-1) | ~tiles.any(-1)).all())


def test_mosaic_cuts_its_last_tiles_and_keeps_one_voxel_at_least() -> None:
    assert mosaic(torch.zeros(2, 1, 2, 10, 7)).shape == (2, 2, 10, 7)


def test_mixed_images_are_complementary() -> None:
    u, a = torch.randn(2, 1, 8, 8, 8), torch.randn(2, 1, 8, 8, 8)
    mask = mosaic(u)
    assert torch.equal(paste(u, a, mask) + paste(a, u, mask), u + a)
    whole = mosaic(u, masked=0.0)
    assert torch.equal(paste(u, a, whole), u)
    assert torch.equal(paste(a, u, whole), a)


def test_student_sees_both_mosaics_and_the_teacher_whole_images(monkeypatch: pytest.MonkeyPatch) -> None:
    method = m3hl(masked=0.0, plain=0.0)
    seen: dict[str, list[Tensor]] = {"student": [], "teacher": []}
    for name in seen:
        network = getattr(method, name)
        asked = network.features
        monkeypatch.setattr(
            network, "features", lambda image, name=name, asked=asked: (seen[name].append(image), asked(image))[1]
        )
    labelled, unlabelled = made_batches(method, method.task, STEP)
    method.losses(labelled, unlabelled, STEP)
    assert torch.equal(seen["student"][0], torch.stack([unlabelled.image[0], labelled.image[1]]))
    assert torch.equal(seen["teacher"][-1], unlabelled.image)


class Taps(nn.Module):
    """A network that answers with given taps, row by row, and keeps what it was shown."""

    def __init__(self, taps: dict[str, Tensor]):
        super().__init__()
        self.answer = taps
        self.seen: list[Tensor] = []

    def features(self, image: Tensor) -> dict[str, Tensor]:
        self.seen.append(image)
        return {name: rows[: len(image)] for name, rows in self.answer.items()}

    def padded(self, image: Tensor) -> Tensor:
        return image

    def forward(self, image: Tensor) -> Tensor:
        return self.features(image)["logits"]


class Thresholded(nn.Module):
    """A teacher whose argmax is [image > 0], with features that tell the image."""

    def features(self, image: Tensor) -> dict[str, Tensor]:
        return {"logits": torch.cat([-image, image], 1), "last": image * 2, "bottleneck": image[..., ::2] - 3}

    def forward(self, image: Tensor) -> Tensor:
        return self.features(image)["logits"]


@pytest.mark.parametrize("pairs", ["all", "own"])
@pytest.mark.parametrize("mask_low", [False, True])
def test_a_step_is_its_equations(pairs: str, mask_low: bool) -> None:
    method = m3hl(blob_task(2), largest=False, features=0.3, unlabelled_weight=0.4, plain=0.7, pairs=pairs,
                  mask_low=mask_low, pairs_per_step=2, tiles=3, masked=0.3)
    images = torch.randn(8, 1, 1, 8, 8)
    label = torch.where(torch.rand(4, 1, 8, 8) < 0.4, IGNORE, torch.randint(0, 2, (4, 1, 8, 8)))
    labelled = Patches(images[:4], label, torch.zeros(4, 3), torch.zeros(4))
    unlabelled = Patches(images[4:], torch.full_like(label, IGNORE), torch.zeros(4, 3), torch.zeros(4))
    taps = {"logits": torch.randn(8, 2, 1, 8, 8), "last": torch.randn(8, 1, 1, 8, 8)}
    taps["bottleneck"] = torch.randn(8, 1, 1, 8, 4)
    method.student, method.teacher = Taps(taps), Thresholded()  # type: ignore[assignment]
    torch.manual_seed(4)
    losses = method.losses(labelled, unlabelled, STEP)
    torch.manual_seed(4)
    mask = mosaic(images[4:6], 3, 0.3)
    (a, b, u, v), guess = images.split(2), (images[:, 0] > 0).long()
    (g_a, g_b, g_u, g_v), (y_a, y_b) = guess.split(2), label.split(2)
    shown = [torch.where(mask[:, None], u, a), torch.where(mask[:, None], b, v), images[:4]]
    assert torch.equal(method.student.seen[0], torch.cat(shown))
    wanted = torch.zeros(())
    for logits, y, own, other, region in (
        (taps["logits"][:2], y_a, g_a, g_u, ~mask), (taps["logits"][2:4], y_b, g_b, g_v, mask)
    ):
        seen = y != IGNORE
        wanted = wanted + slow_region(logits, y, region & seen, 2)
        wanted = wanted + 0.4 * (slow_region(logits, other, ~region, 2) + slow_region(logits, own, region & ~seen, 2))
    assert losses["mixed"].item() == pytest.approx(wanted.item(), rel=1e-4)
    plain = slow_region(taps["logits"][4:], label, label != IGNORE, 2)
    assert losses["plain"].item() == pytest.approx(0.7 * plain.item(), rel=1e-4)
    low, high = [], []
    for m, k in ((0, 0), (1, 1), (0, 1), (1, 0))[: 4 if pairs == "all" else 2]:
        apart = (taps["last"][2 * m : 2 * m + 2] - 2 * (u, v)[k]).abs()[:, 0]
        low.append(apart[(mask, ~mask)[m]].mean() if mask_low else apart.mean())
        own, other = taps["bottleneck"][2 * m : 2 * m + 2].flatten(1), ((u, v)[k][..., ::2] - 3).flatten(1)
        high.append(1 - F.cosine_similarity(own, other).mean())
    assert losses["low"].item() == pytest.approx(0.3 * torch.stack(low).mean().item(), rel=1e-4)
    assert losses["high"].item() == pytest.approx(0.3 * torch.stack(high).mean().item(), rel=1e-4)


def test_labelled_patches_as_they_are_follow_the_mixes_through_the_student() -> None:
    method = m3hl(plain=0.7).eval()
    labelled, unlabelled = made_batches(method, method.task, STEP)
    losses = method.losses(labelled, unlabelled, STEP)
    wanted = 0.7 * method.region_loss(method.student(labelled.image), labelled.label, labelled.label != IGNORE)
    assert losses["plain"].item() == pytest.approx(wanted.item(), abs=1e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_mixed_loss_is_its_equation_in_value_and_gradient(dims: int) -> None:
    torch.manual_seed(3)
    shape = (3, 4, 4) if dims == 3 else (1, 5, 6)
    method = m3hl(blob_task(dims, classes=3))
    logits = torch.randn(2, 3, *shape, requires_grad=True)
    label, known, guessed = (torch.randint(0, 3, (2, *shape)) for _ in range(3))
    label[..., 1] = IGNORE
    region = torch.rand(2, *shape) < 0.5
    found = method.mixed_loss(logits, label, known, guessed, region, 0.5)
    (slope,) = torch.autograd.grad(found, logits)
    exact = logits.detach().double().requires_grad_()
    seen = label != IGNORE
    expected = (
        slow_region(exact, label, region & seen, dims)
        + 0.5 * slow_region(exact, known, region & ~seen, dims)
        + 0.5 * slow_region(exact, guessed, ~region, dims)
    )
    (expected_slope,) = torch.autograd.grad(expected, exact)
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)
    assert torch.allclose(slope.double(), expected_slope, atol=1e-5)


@pytest.mark.parametrize("dims", [2, 3])
def test_region_loss_ignores_what_lies_outside_and_vanishes_for_a_perfect_answer(dims: int) -> None:
    method = m3hl(blob_task(dims))
    target = torch.randint(0, 2, (2, 1, 6, 6))
    region = torch.rand(2, 1, 6, 6) < 0.5
    logits = torch.randn(2, 2, 1, 6, 6)
    other = torch.where(region.unsqueeze(1), logits, torch.randn_like(logits))
    changed = torch.where(region, target, 1 - target)
    assert torch.equal(method.region_loss(logits, target, region), method.region_loss(other, changed, region))
    sure = 50 * F.one_hot(target, 2).movedim(-1, 1).float()
    assert method.region_loss(sure, target, region) < 1e-5
    assert method.region_loss(logits, target, torch.zeros_like(region)) == 0


def test_cross_entropies_of_both_regions_weighted_by_size_are_that_of_the_image() -> None:
    method = m3hl()
    logits, target = torch.randn(1, 2, 4, 4, 4), torch.randint(0, 2, (1, 4, 4, 4))
    region = torch.rand(1, 4, 4, 4) < 0.4

    def cross(where: Tensor) -> Tensor:
        dice = method.region_loss(logits, target, where) * 2
        share = torch.softmax(logits, 1)
        terms = [
            1 - (2 * (share[0, c] * where[0] * (target[0] == c)).sum() + 1e-5)
            / ((share[0, c] * where[0]).sum() + (where[0] & (target[0] == c)).sum() + 1e-5)
            for c in (0, 1)
        ]
        return dice - torch.stack(terms).mean()

    both = cross(region) * region.float().mean() + cross(~region) * (~region).float().mean()
    assert both.item() == pytest.approx(F.cross_entropy(logits, target).item(), abs=1e-5)


def test_unjudged_voxels_do_not_influence_the_labelled_term() -> None:
    method = m3hl(unlabelled_weight=0.0)
    label = torch.randint(0, 2, (1, 4, 4, 4))
    label[:, 2:] = IGNORE
    logits, region = torch.randn(1, 2, 4, 4, 4), torch.rand(1, 4, 4, 4) < 0.7
    other = logits.clone()
    other[:, :, 2:] = torch.randn(1, 2, 2, 4, 4)
    one, two = torch.randint(0, 2, (2, 1, 4, 4, 4))
    first = method.mixed_loss(logits, label, one, two, region, 0.0)
    assert torch.equal(first, method.mixed_loss(other, label, two, one, region, 0.0))


def test_feature_losses_are_their_equations_in_value_and_gradient() -> None:
    torch.manual_seed(0)
    maps = [(torch.randn(2, 3, 2, 4, 4), torch.randn(2, 5, 1, 2, 2)) for _ in range(4)]
    for low, high in maps[:2]:
        low.requires_grad_()
        high.requires_grad_()
    everywhere = torch.ones(2, 2, 4, 4, dtype=torch.bool)
    pairs = [(maps[m], maps[k], everywhere) for m in (0, 1) for k in (2, 3)]
    exact = [(low.detach().double().requires_grad_(), high.detach().double().requires_grad_()) for low, high in maps]
    low_terms, high_terms = [], []
    for m, k in ((0, 2), (0, 3), (1, 2), (1, 3)):
        apart = [abs(a - b) for a, b in zip(exact[m][0].flatten(), exact[k][0].flatten(), strict=True)]
        low_terms.append(torch.stack(apart).mean())
        angles = []
        for row in range(2):
            one, two = exact[m][1][row].flatten(), exact[k][1][row].flatten()
            angles.append((one * two).sum() / (one * one).sum().sqrt() / (two * two).sum().sqrt())
        high_terms.append(1 - torch.stack(angles).mean())
    for found, terms, level in ((low_loss(pairs), low_terms, 0), (high_loss(pairs), high_terms, 1)):
        expected = torch.stack(terms).mean()
        assert found.item() == pytest.approx(expected.item(), abs=1e-5)
        (slope,) = torch.autograd.grad(found, maps[0][level])
        (wanted,) = torch.autograd.grad(expected, exact[0][level])
        assert torch.allclose(slope.double(), wanted, atol=1e-5)


def test_high_loss_looks_at_directions_only_and_survives_zeros() -> None:
    everywhere = torch.ones(2, 1, 4, 4, dtype=torch.bool)
    low, high, taught = torch.zeros(2, 1, 1, 4, 4), torch.randn(2, 4, 1, 2, 2), torch.randn(2, 4, 1, 2, 2)
    one = high_loss([((low, high), (low, taught), everywhere)])
    assert torch.allclose(one, high_loss([((low, 7 * high), (low, 0.1 * taught), everywhere)]), atol=1e-6)
    assert high_loss([((low, high), (low, -high), everywhere)]).item() == pytest.approx(2, abs=1e-6)
    assert high_loss([((low, 0 * high), (low, taught), everywhere)]) == 1


@pytest.mark.parametrize("network", ["fast", "vnet"])
def test_feature_losses_vanish_where_student_and_teacher_see_the_same(network: str) -> None:
    method = m3hl(blob_task(2 if network == "fast" else 3, network=network), teacher="inference").eval()
    method.task = blob_task(3, network=network)
    image = torch.randn(2, 1, 16, 16, 16) if network == "vnet" else torch.randn(2, 1, 1, 32, 32)
    _, of_u, of_v = method.teach(image)
    student, _ = method.split(method.levels(method.student.features(image)))
    everywhere = torch.ones(1, *image.shape[2:], dtype=torch.bool)
    assert low_loss([(student, of_u, everywhere)]) == 0
    assert high_loss([(student, of_u, everywhere)]).item() == pytest.approx(0, abs=1e-6)
    assert low_loss([(student, of_v, everywhere)]) > 0


def test_pairs_are_all_four_or_each_mixture_with_its_own_image(monkeypatch: pytest.MonkeyPatch) -> None:
    for pairs, count in (("all", 4), ("own", 2)):
        method, seen = m3hl(pairs=pairs, mask_low=True), []
        monkeypatch.setattr(
            "SemiSegLogic.methods.m3hl.low_loss", lambda given, seen=seen: seen.extend(given) or torch.zeros(())
        )
        method.losses(*made_batches(method, method.task, STEP), STEP)
        assert len(seen) == count
        assert torch.equal(seen[0][2], ~seen[1][2])


def test_low_loss_can_look_at_the_unlabelled_tiles_only() -> None:
    low, taught = torch.zeros(1, 2, 1, 2, 2), torch.ones(1, 2, 1, 2, 2)
    taught[..., 1] = 5
    left = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    left[..., :2] = True
    assert low_loss([((low, low), (taught, taught), left)]) == 1


def test_tiles_lie_on_their_features_where_a_patch_is_no_multiple_of_the_networks_stride() -> None:
    method = m3hl(blob_task(2, network="unet"), mask_low=True, pairs="own", features=1.0)
    mask, deep = mosaic(torch.zeros(2, 1, 1, 24, 40)), torch.randn(2, 4, 1, 2, 3)
    taught, one, two = (torch.randn(2, 3, 1, 32, 48) for _ in range(3))
    here = method.student.padded(mask.unsqueeze(1).float()) > 0
    x_u, x_l = torch.where(here, taught, one), torch.where(here, two, taught)
    losses = method.feature_losses(((x_u, deep), (x_l, deep)), ((taught, deep), (taught, deep)), mask)
    assert losses["low"] == 0


def test_deep_features_of_a_small_volume_are_pooled_without_complaint() -> None:
    method = m3hl(blob_task(3, network="vnet"))
    taps = method.student.features(torch.randn(2, 1, 48, 48, 32))
    low, high = method.levels(taps)
    assert high.shape == (2, 256, 1, 1, 1)
    assert torch.equal(high[..., 0, 0, 0], taps["bottleneck"].amax((2, 3, 4)))
    assert torch.equal(low, taps["merged"])
    assert low.shape[1:] == (16, 48, 48, 32)
    assert not torch.equal(low, taps["last"])
    assert m3hl(blob_task(2)).levels({"last": low, "bottleneck": high})[1] is high


@pytest.mark.parametrize(("largest", "voxels"), [(True, 9), (False, 10)])
def test_pseudo_labels_are_one_piece_per_structure_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, largest: bool, voxels: int
) -> None:
    logits = torch.zeros(1, 2, 1, 8, 8)
    logits[0, 1] = -1
    logits[0, 1, 0, 1:4, 1:4] = 1
    logits[0, 1, 0, 6, 6] = 1
    method = m3hl(blob_task(2), largest=largest)
    monkeypatch.setattr(method.teacher, "forward", lambda image: logits)
    nobody = torch.full((1, 1, 8, 8), IGNORE)
    unjudged = Patches(torch.zeros(1, 1, 1, 8, 8), nobody, torch.zeros(1, 3), torch.zeros(1, dtype=torch.int64))
    assert int(method.stand_in(unjudged).sum()) == voxels


def test_fully_judged_patches_cost_no_teacher_pass_and_sparse_ones_one(monkeypatch: pytest.MonkeyPatch) -> None:
    method = m3hl()
    labelled, _ = made_batches(method, method.task, STEP)
    seen: list[int] = []
    method.teacher.register_forward_hook(lambda *args: seen.append(1))
    assert (method.stand_in(labelled) != IGNORE).all()
    full = Patches(labelled.image, labelled.label.clamp_max(1), labelled.position, labelled.volume)
    assert (method.stand_in(full) == IGNORE).all()
    assert seen == [1]


@pytest.mark.parametrize("mode", ["training", "inference"])
def test_teacher_runs_in_the_mode_that_was_asked_for(mode: str) -> None:
    method = m3hl(teacher=mode)
    labelled, unlabelled = made_batches(method, method.task, STEP)
    for ask in (lambda: method.teach(unlabelled.image), lambda: method.stand_in(labelled)):
        method.train(mode == "inference")
        ask()
        norm = next(m for m in method.teacher.modules() if isinstance(m, nn.BatchNorm3d))
        assert norm.training is (mode == "training")


def test_teacher_follows_by_its_decay_only() -> None:
    method = m3hl(ema=0.99, teacher="inference")
    data, optimisers = Blobs(method.task), method.optimisers(MIX)
    before = {name: value.clone() for name, value in method.teacher.state_dict().items()}
    step = Step(MIX, 0, 9)
    train_step(method, optimisers, data, step)
    student = method.student.state_dict()
    for name, value in method.teacher.named_parameters():
        assert value.grad is None
        assert not value.requires_grad
        assert torch.allclose(value, 0.99 * before[name] + 0.01 * student[name], atol=1e-6), name


def test_teacher_is_the_student_until_mixing_begins() -> None:
    method = m3hl()
    train_step(method, method.optimisers(PRETRAIN), Blobs(method.task), Step(PRETRAIN, 0, 9))
    states = zip(method.teacher.state_dict().values(), method.student.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states)


def test_phases_and_needs() -> None:
    assert [(p.name, p.share) for p in m3hl(pretraining=0.25).phases()] == [(PRETRAIN, 0.25), (MIX, 0.75)]
    assert [p.name for p in m3hl(pretraining=0.0).phases()] == [MIX]
    method = m3hl(pairs_per_step=3)
    assert (method.need(STEP).labelled, method.need(STEP).unlabelled) == (6, 6)
    assert method.need(Step(PRETRAIN, 0, 9)).unlabelled == 0
    assert m3hl(inference="student").predictor() is not m3hl().predictor()


def test_odd_rows_are_left_out() -> None:
    method = m3hl(pairs_per_step=2)
    labelled, unlabelled = made_batches(method, method.task, STEP)
    odd = [Patches(p.image[:3], p.label[:3], p.position[:3], p.volume[:3]) for p in (labelled, unlabelled)]
    assert all(np.isfinite(value.item()) for value in method.losses(odd[0], odd[1], STEP).values())


@pytest.mark.parametrize("phase", [PRETRAIN, MIX])
def test_restart_is_bit_identical(phase: str) -> None:
    check_resume(lambda: m3hl(), blob_task(), phase)


@pytest.mark.parametrize(("dims", "network"), [(2, "unet"), (2, "fast"), (3, "fast")])
def test_losses_stay_float32_under_bfloat16(dims: int, network: str) -> None:
    task = blob_task(dims, network=network)
    check_bfloat16(m3hl(task), task, STEP)


@pytest.mark.parametrize("phase", [PRETRAIN, MIX])
def test_unjudged_batch_is_harmless(phase: str) -> None:
    losses = check_nothing_judged(m3hl(), blob_task(), Step(phase, 3, 10))
    if phase == PRETRAIN:
        assert losses["segmentation"] == 0


@pytest.mark.parametrize(("dims", "steps", "chance"), [(2, 40, 0.75), (3, 40, 0.5)])
def test_learns_blobs_from_a_few_judged_slices(dims: int, steps: int, chance: float) -> None:
    task = blob_task(dims)
    assert fit(m3hl(task), task, steps=steps) > chance
