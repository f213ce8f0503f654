"""ERSR as its specification has it: what teaches, what is compared with what, and by which equation."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.ellipse import Ellipse, Guard, read
from SemiSegLogic.engine.blocks.losses import focal
from SemiSegLogic.engine.blocks.outline import contour_score, edge_score, released_scores
from SemiSegLogic.engine.blocks.symmetry import Mirror
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.methods import make
from SemiSegLogic.methods.base import Patches, Step, Task
from SemiSegLogic.methods.ersr import ERSR, PRETRAIN, TRAIN, Guess, augmented_loss, mirror_loss, nothing, sample_keys
from SemiSegLogic.settings import SettingsError
from Testing.support.data.ellipses import bitten, disc, made
from Testing.support.method_checks import check_bfloat16, check_nothing_judged, check_resume, made_batches
from Testing.support.tiny_fit import Blobs, blob_task, fit, train_step

TINY = (24, 32)

COLD: dict[str, object] = {"pretraining": 0.3, "consistency": 1.0, "ramp": 1.0}
"""What a run without a first mask needs: labels alone first, guesses little by little."""


def ersr(task: Task | None = None, **values: object) -> ERSR:
    torch.manual_seed(0)
    method = make("ersr", values, task or blob_task(2))
    assert isinstance(method, ERSR)
    return method


def maps_of(*masks: np.ndarray) -> np.ndarray:
    return np.stack([np.asarray(mask, np.float32)[None] for mask in masks])


def tiny_mirror(degrees: float = 25.0, count: int = 2) -> Mirror:
    ellipse = Ellipse(15.3, 11.8, 6.0, 9.0, math.radians(degrees))
    return Mirror(torch.tensor([ellipse.axis] * count, dtype=torch.float32), *TINY)


def reflected(mirror: Mirror, maps: Tensor, row: int, y: int, x: int) -> tuple[Tensor, bool]:
    """R(maps) at one pixel, looked up pixel by pixel."""
    source = int(mirror.source.view(len(maps), *TINY)[row, y, x])
    valid = bool(mirror.valid[row, y, x])
    return maps[row, source // TINY[1], source % TINY[1]] * valid, valid


def test_volumes_are_refused_with_what_to_use_instead() -> None:
    with pytest.raises(SettingsError, match="m3hl"):
        ersr(blob_task(3))


def test_structures_are_named_by_value_and_checked() -> None:
    task = blob_task(2, classes=4)
    assert ersr(task).elliptical == [1, 2, 3]
    assert ersr(task, elliptical="3, 1").elliptical == [1, 3]
    for wrong in ("0", "4", "head", ""):
        with pytest.raises(SettingsError, match="elliptical"):
            ersr(task, elliptical=wrong)


def test_a_structure_is_named_by_its_label_value_in_the_study() -> None:
    task = replace(blob_task(2, classes=4), values=(2, 3, 7))
    assert ersr(task, elliptical="2").elliptical == [1]
    assert ersr(task, elliptical="7,3").elliptical == [2, 3]
    assert ersr(task).elliptical == [1, 2, 3]
    with pytest.raises(SettingsError, match="2, 3, 7"):
        ersr(task, elliptical="1")


def test_phases_share_the_run_and_ask_for_slices() -> None:
    assert [(p.name, p.share) for p in ersr(pretraining=0.25).phases()] == [(PRETRAIN, 0.25), (TRAIN, 0.75)]
    assert [p.name for p in ersr(pretraining=0.0).phases()] == [TRAIN]
    method = ersr(batch=3, unlabelled=5, whole_slice=True)
    need = method.need(Step(TRAIN, 0, 9))
    assert (need.labelled, need.unlabelled, need.whole_slice) == (3, 5, True)
    assert method.need(Step(PRETRAIN, 0, 9)).unlabelled == 0
    assert not ersr().need(Step(TRAIN, 0, 9)).whole_slice


def test_rates_are_one_cycle_or_as_published_constant_then_poly() -> None:
    method = ersr(optimiser="sgd", schedule="poly")
    assert method.rate(Step(PRETRAIN, 7, 9)) == 1
    assert method.rate(Step(TRAIN, 5, 10)) == pytest.approx(0.5**0.9)
    assert ersr().rate(Step(TRAIN, 0, 100)) < ersr().rate(Step(TRAIN, 15, 100)) == 1


def test_weight_and_kept_share_grow_as_published(monkeypatch: pytest.MonkeyPatch) -> None:
    method, shares, weights = ersr(consistency=1.0, ramp=1.0), [], []
    monkeypatch.setattr(method.pool, "best", lambda s, share, *rest: shares.append(share) or torch.ones(len(s)) > 0)
    monkeypatch.setattr(method, "consistency", lambda image, guess: {"ellipse": torch.ones(())})
    for step in (Step(TRAIN, index, 1000) for index in (0, 250, 500, 750, 1000)):
        weights.append(float(method.losses(*made_batches(method, method.task, step), step)["ellipse"]))
    assert weights[0] == pytest.approx(0.0067, abs=1e-4)
    assert shares[0] == pytest.approx(0.5 + 0.0067 / 2, abs=1e-4)
    assert weights[-1] == pytest.approx(1, abs=1e-4)
    assert shares[-1] == pytest.approx(1, abs=1e-4)
    assert weights == sorted(weights)
    assert shares == sorted(shares)
    assert (weights[2], shares[2]) == pytest.approx((math.exp(-1.25), 0.5 + 0.5 * math.exp(-1.25)))


def test_supervised_loss_is_its_equation_in_value_and_gradient() -> None:
    task = Task(1, 3, 2, (1, 4, 5), "fast", (0.6, 0.2, 0.2))
    torch.manual_seed(1)
    logits = torch.randn(2, 3, 1, 4, 5, requires_grad=True)
    label = torch.randint(0, 3, (2, 1, 4, 5))
    label[0, 0, 1] = IGNORE
    method = ersr(task)
    method.student.forward = lambda image: logits  # type: ignore[method-assign]
    found = sum(method.supervised(Patches(logits, label, torch.zeros(2, 3), torch.zeros(2))).values())
    assert isinstance(found, Tensor)
    (slope,) = torch.autograd.grad(found, logits)
    exact = logits.detach().double().requires_grad_()
    expected = slow_supervised(exact, label)
    (expected_slope,) = torch.autograd.grad(expected, exact)
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)
    assert torch.allclose(slope.double(), expected_slope, atol=1e-5)


def slow_supervised(logits: Tensor, label: Tensor) -> Tensor:
    """Equation (1) in loops."""
    p = torch.softmax(logits, 1)
    places = [tuple(place) for place in (label != IGNORE).nonzero().tolist()]
    crosses = [-torch.log(p[b, label[b, d, h, w], d, h, w]) for b, d, h, w in places]
    focals = [(1 - torch.exp(-c)) ** 2 * c for c in crosses]
    dices = []
    for value in (1, 2):
        both = sum(p[b, value, d, h, w] for b, d, h, w in places if label[b, d, h, w] == value)
        mass = sum(p[b, value, d, h, w] + (label[b, d, h, w] == value) for b, d, h, w in places)
        dices.append(1 - (2 * both + 1e-5) / (mass + 1e-5))
    mean = [torch.stack(values).mean() for values in (crosses, focals, dices)]
    return 0.5 * (mean[0] + mean[1] + mean[2])


def test_focal_loss_ignores_what_nobody_judged() -> None:
    logits, label = torch.randn(1, 2, 1, 3, 3), torch.full((1, 1, 3, 3), IGNORE)
    assert focal(logits, label) == 0
    label[0, 0, 0, 0] = 1
    p = torch.softmax(logits, 1)[0, 1, 0, 0, 0]
    assert focal(logits, label).item() == pytest.approx(float(-((1 - p) ** 2) * p.log()), abs=1e-6)


def test_mirror_loss_is_its_equation_in_value_and_gradient() -> None:
    mirror = tiny_mirror()
    halves = [torch.rand(2, *TINY, requires_grad=True) for _ in range(2)]
    found = mirror_loss((halves[0], halves[1]), mirror)
    slopes = torch.autograd.grad(found, halves)
    exact = [q.detach().double().requires_grad_() for q in halves]
    terms = []
    for q in exact:
        for row, y, x in np.ndindex(2, *TINY):
            turned, valid = reflected(mirror, q, row, y, x)
            if valid:
                terms.append((q[row, y, x] - turned) ** 2 * mirror.left[row, y, x])
    expected = torch.stack(terms).mean()
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)
    for slope, wanted in zip(slopes, torch.autograd.grad(expected, exact), strict=True):
        assert torch.allclose(slope.double(), wanted, atol=1e-5)


def test_augmented_loss_is_its_equation_and_its_target_keeps_its_gradient() -> None:
    mirror = tiny_mirror(70)
    maps = [torch.rand(2, *TINY, requires_grad=True) for _ in range(3)]
    found = augmented_loss((maps[0], maps[1]), maps[2], mirror)
    slopes = torch.autograd.grad(found, maps)
    exact = [q.detach().double().requires_grad_() for q in maps]
    terms = []
    for row, y, x in np.ndindex(2, *TINY):
        turned, valid = reflected(mirror, exact[2], row, y, x)
        for half, own_side in ((exact[0], bool(mirror.left[row, y, x])), (exact[1], not mirror.left[row, y, x])):
            target = exact[2][row, y, x] if own_side else turned
            if own_side or valid:
                terms.append((half[row, y, x] - target) ** 2)
    expected = torch.stack(terms).mean()
    assert found.item() == pytest.approx(expected.item(), abs=1e-5)
    assert bool(slopes[2].abs().sum() > 0)
    for slope, wanted in zip(slopes, torch.autograd.grad(expected, exact), strict=True):
        assert torch.allclose(slope.double(), wanted, atol=1e-5)


def test_mirror_loss_vanishes_for_a_symmetric_answer_and_not_for_a_shifted_one() -> None:
    ellipse = made(0)
    mirror = Mirror(torch.tensor([ellipse.axis]).float(), 128, 160)
    straight = torch.from_numpy(disc(ellipse).astype(np.float32))[None]
    shifted = torch.from_numpy(disc(made(0, x=86.0)).astype(np.float32))[None]
    assert mirror_loss((straight, straight), mirror) < 1e-3
    assert mirror_loss((shifted, shifted), mirror) > 0.02


def test_pixel_loss_is_the_mean_over_images_structures_and_pixels_that_may_teach() -> None:
    method = ersr(blob_task(2, classes=3)).eval()
    image = torch.randn(3, 1, 1, 32, 32)
    target, weight = torch.rand(3, 2, 32, 32), torch.tensor([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])
    guess = Guess(target, weight, torch.zeros(3, 4), torch.full((3,), -1))
    found = method.consistency(image, guess)
    share = torch.softmax(method.student(image).double(), 1)[:, 1:, 0]
    terms = [((share[i, c] - target[i, c]) ** 2).mean() for i, c in ((0, 0), (0, 1), (2, 0))]
    assert found["ellipse"].item() == pytest.approx(torch.stack(terms).mean().item(), abs=1e-5)
    assert found["augmented"] == found["mirror"] == 0


class Recorder(nn.Module):
    """A network that answers with the first rows of given logits and keeps what it was shown."""

    def __init__(self, answer: Tensor):
        super().__init__()
        self.answer, self.seen = nn.Parameter(answer), torch.zeros(())

    def forward(self, image: Tensor) -> Tensor:
        self.seen = image
        return self.answer[: len(image)]


@pytest.mark.parametrize(("told", "spacing", "expected"), [
    (1.0, (5.0, 0.6, 0.4), 1.5), (1.0, (5.0, 0.4, 0.4), 1.0), (2.0, (5.0, 0.6, 0.4), 3.0),
])
def test_pixels_are_as_high_as_the_images_say_times_what_somebody_says(
    told: float, spacing: tuple[float, float, float], expected: float
) -> None:
    task = replace(blob_task(2), spacing=spacing)
    assert ersr(task, pixel_height=told).pixel_height == pytest.approx(expected)


def test_consistency_compares_each_mirrored_image_with_its_own_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    method, image = ersr(blob_task(2, classes=3), pixel_height=1.4), torch.randn(4, 1, 1, *TINY)
    student = Recorder(torch.randn(7, 3, 1, *TINY))
    method.student = student  # type: ignore[assignment]
    axis = torch.tensor([Ellipse(15.3, 11.8, 6.0, 9.0, math.radians(20.0 * n)).axis for n in range(4)])
    guess = Guess(  # the second image teaches nothing, the third has no axis
        torch.rand(4, 2, *TINY), torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), axis,
        torch.tensor([0, -1, -1, 1]),
    )
    masks: list[Tensor] = []
    monkeypatch.setattr(
        "SemiSegLogic.methods.ersr.mirrored_images",
        lambda image, mask, mirror: (masks.append(mask), (image + 10, image + 20))[1],
    )
    found = method.consistency(image, guess)
    taught, paired = image[[0, 2, 3]], image[[0, 3]]
    assert torch.equal(student.seen, torch.cat([taught, paired + 10, paired + 20]))
    assert torch.equal(masks[0], torch.stack([guess.target[0, 0], guess.target[3, 1]]) > 0.6)
    share = torch.softmax(student.answer, 1)[:, 1:, 0]
    own, left, right = (torch.stack([share[row, 0], share[other, 1]]) for row, other in ((0, 2), (3, 4), (5, 6)))
    apart = [(share[row, c] - guess.target[n, c]) ** 2 for row, n, c in ((0, 0, 0), (1, 2, 1), (2, 3, 0), (2, 3, 1))]
    mirror = Mirror(axis[[0, 3]], *TINY, 1.4)
    assert found["ellipse"].item() == pytest.approx(torch.stack(apart).mean().item(), rel=1e-5)
    assert found["augmented"].item() == pytest.approx(augmented_loss((left, right), own, mirror).item(), rel=1e-5)
    assert found["mirror"].item() == pytest.approx(mirror_loss((left, right), mirror).item(), rel=1e-5)


def test_guesses_are_the_teachers_and_made_of_what_is_kept_or_surely_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    method = ersr()
    shown = torch.from_numpy(disc(made(20)).astype(np.float32))
    maps = torch.stack([0.98 * shown + 0.01, 0.98 * shown + 0.01, 0 * shown + 0.01, 0 * shown + 0.3])
    teacher = Recorder(torch.stack([1 - maps, maps], 1).log()[:, :, None])
    method.teacher, method.student = teacher.train(), Recorder(torch.zeros(4, 2, 1, *shown.shape))
    monkeypatch.setattr(method, "keep", lambda maps, keys, progress: [True, False, False, False])
    image = torch.zeros(4, 1, 1, *shown.shape)
    guess = method.guess(Patches(image, image[:, 0].long(), torch.zeros(4, 3), torch.arange(4)), Step(TRAIN, 1, 9))
    assert not teacher.training
    assert guess.weight.flatten().tolist() == [1, 0, 1, 0]
    assert guess.structure.tolist() == [0, -1, -1, -1]
    assert (guess.target[0, 0] == shown).float().mean() > 0.99
    assert not guess.target[1:].any()


@pytest.mark.parametrize(("progress", "share"), [(0.0, math.exp(-5)), (0.2, math.exp(-1.25)), (0.4, 1.0), (0.9, 1.0)])
def test_unlabelled_losses_count_by_their_weight_and_its_ramp(
    progress: float, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, step = ersr(consistency=4.0, ramp=0.4), Step(TRAIN, round(100 * progress), 100)
    monkeypatch.setattr(method, "consistency", lambda image, guess: {"mirror": torch.ones(())})
    losses = method.losses(*made_batches(method, method.task, step), step)
    assert losses["mirror"].item() == pytest.approx(4 * share, rel=1e-5)


@pytest.mark.parametrize("score", ["paper", "released"])
def test_filter_compares_with_the_pool_by_the_scores_that_were_asked_for(
    score: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, asked = ersr(blob_task(2, classes=4), score=score, pool=7, elliptical="1,3"), []
    assert len(method.pool.key) == 7
    best = method.pool.best
    monkeypatch.setattr(method.pool, "best", lambda *given: (asked.append(given), best(*given))[1])
    none = np.zeros((128, 160), np.float32)
    one, two = (0.9 * disc(made(angle)).astype(np.float32) for angle in (0, 40))
    kept = method.keep(np.stack([np.stack([one, one, two]), np.stack([none, one, two]), np.stack([none, one, none])]),
                       torch.tensor([11, 12, 13]), 0.5)
    both = released_scores if score == "released" else lambda p: (edge_score(p), contour_score(p))
    wanted = torch.tensor(np.array([np.add(both(one), both(two)) / 2, both(two), (np.inf, np.inf)])).float()
    scores, share, least, normalised = asked[0]
    assert torch.allclose(scores.float(), wanted)
    assert (share, least) == (pytest.approx(0.5 + 0.5 * math.exp(-1.25)), 2)
    assert normalised is (score == "paper")
    assert kept == [True, True, False]
    assert method.pool.key[:3].tolist() == [11, 12, -1]
    assert torch.allclose(method.pool.score[:2], wanted[:2])


def test_maps_are_read_by_the_settings_and_by_the_sizes_of_their_own_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    method = ersr(blob_task(2, classes=4), elliptical="2,3", threshold=0.7, empty_below=0.2, pixel_height=1.3,
                  overlap=0.4, slender=2.0)
    label = torch.zeros(1, 1, 32, 32, dtype=torch.int64)
    label[..., :4, :5], label[..., 10:20, :10] = 2, 3
    method.note_sizes(label)
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr("SemiSegLogic.methods.ersr.read", lambda *given: (asked.append(given), read(*given))[1])
    maps = np.random.default_rng(0).random((3, 32, 32)).astype(np.float32)
    method.read(maps)
    for given, map_, area in zip(asked, maps[1:], ((6.0, 60.0), (30.0, 300.0)), strict=True):
        assert np.array_equal(given[0], map_)
        assert given[1:] == (Guard(0.4, 2.0, pytest.approx(area)), 0.7, 0.2, 1.3)


def test_what_is_neither_there_nor_surely_absent_does_not_teach() -> None:
    shown = 0.9 * disc(made(20)).astype(np.float32)
    _, weight, _, _ = ersr(blob_task(2, classes=4)).read(np.stack([shown, 0 * shown + 0.05, 0 * shown + 0.4]))
    assert weight.tolist() == [1, 1, 0]


def test_of_several_ellipses_each_is_mirrored_at_times() -> None:
    method = ersr(blob_task(2, classes=3))
    maps = np.stack([disc(made(0, 20, 30, x=50.0)), disc(made(70, 20, 30, x=110.0))]).astype(np.float32)
    reads = [method.read(maps) for _ in range(20)]
    assert {int(structure) for _, _, _, structure in reads} == {0, 1}
    assert all(axis[0] == pytest.approx((50, 110)[int(structure)], abs=1) for _, _, axis, structure in reads)


def test_whole_slices_are_remembered_by_both_networks() -> None:
    method = ersr(whole_slice=True)
    assert method.student.whole_slice == method.teacher.whole_slice == (32, 32)
    assert ersr().student.whole_slice is None


def test_sizes_are_noted_while_learning_and_bound_the_ellipses() -> None:
    method = ersr()
    labelled, unlabelled = made_batches(method, method.task, Step(TRAIN, 0, 9))
    method.losses(labelled, unlabelled, Step(TRAIN, 0, 9))
    areas = (labelled.label == 1).sum((1, 2, 3)).float()
    assert method.guard(1).area == pytest.approx((0.3 * float(areas.min()), 3 * float(areas.max())))


def test_reading_refines_finds_the_axis_and_repairs() -> None:
    method = ersr()
    target, weight, axis, structure = method.read(maps_of(bitten(disc(made(20)), 20))[0])
    assert weight.tolist() == [1]
    assert int(structure) == 0
    assert abs(axis[2] * math.cos(math.radians(20)) + axis[3] * math.sin(math.radians(20))) > 0.999
    assert (target[0] == disc(made(20))).mean() > 0.99


def test_near_circles_and_bad_fits_are_not_mirrored() -> None:
    method = ersr()
    assert int(method.read(maps_of(disc(made(20, 40, 41)))[0])[3]) == -1
    corner = np.zeros((128, 160), bool)
    corner[20:30, 10:150] = corner[20:120, 10:20] = True
    target, weight, _, structure = method.read(maps_of(corner)[0])
    assert int(structure) == -1
    assert weight.tolist() == [1]
    assert np.array_equal(target[0] > 0.5, corner)


def test_annotated_sizes_bound_the_ellipses_that_teach() -> None:
    method = ersr()
    assert method.guard(1).area == (0.0, math.inf)
    label = torch.zeros(2, 1, 32, 32, dtype=torch.int64)
    label[0, 0, :10, :10], label[1, 0, :2, :10] = 1, 1
    method.note_sizes(label)
    method.note_sizes(torch.full_like(label, IGNORE))
    assert method.guard(1).area == pytest.approx((6.0, 300.0))


def test_soft_targets_keep_probabilities() -> None:
    map_ = maps_of(disc(made()) * 0.9)[0]
    assert set(np.unique(ersr(soft=False).read(map_)[0])) == {0, 1}
    assert len(np.unique(ersr(soft=True).read(map_)[0])) > 10


def test_structures_without_an_ellipse_teach_their_plain_pseudo_label() -> None:
    method = ersr(blob_task(2, classes=3), elliptical="1")
    maps = np.stack([disc(made()), bitten(disc(made(x=40.0)), 20) & ~disc(made())]).astype(np.float32)
    target, weight, _, structure = method.read(maps)
    assert np.array_equal(target[1] > 0.5, (maps[1] > 0.5) & (target[0] == 0))
    assert int(structure) == 0
    assert weight.tolist() == [1, 1]


def test_filter_keeps_four_fifths_but_never_an_empty_or_a_full_map() -> None:
    method = ersr()
    good = [disc(made(angle)) for angle in (0, 30, 60, 90)]
    blank, full = np.zeros_like(good[0]), np.ones_like(good[0])
    kept = method.keep(maps_of(*good, blank, full), torch.arange(6), 0.0)
    assert kept == [True] * 4 + [False] * 2
    kept = method.keep(maps_of(*good, *good), torch.arange(8), 0.0)
    assert sum(kept) >= 6
    assert kept == method.keep(maps_of(*good, *good), torch.arange(8), 0.0)


def test_filter_keeps_the_only_slice_of_a_step_however_it_ranks() -> None:
    method = ersr(unlabelled=1)
    for key, angle in enumerate((0, 30, 60, 90)):
        assert method.keep(maps_of(disc(made(angle))), torch.tensor([key]), 0.0) == [True]
    ragged = disc(made(0))
    ragged[::3] = 0
    assert method.keep(maps_of(ragged), torch.tensor([4]), 0.0) == [True]
    assert method.keep(maps_of(np.zeros_like(ragged)), torch.tensor([5]), 0.0) == [False]


def test_images_that_are_filtered_out_teach_nothing_and_do_not_go_through_the_student() -> None:
    method = ersr()
    _, weight, _, structure = nothing(np.ones((1, 4, 4), np.float32))
    assert not weight.any()
    assert int(structure) == -1
    guess = Guess(torch.zeros(2, 1, 32, 32), torch.zeros(2, 1), torch.zeros(2, 4), torch.full((2,), -1))
    seen: list[int] = []
    method.student.register_forward_hook(lambda *args: seen.append(1))
    losses = method.consistency(torch.zeros(2, 1, 1, 32, 32), guess)
    assert set(losses) == {"ellipse", "augmented", "mirror"}
    assert not seen
    assert not any(losses.values())


def test_samples_are_known_by_volume_and_slice() -> None:
    position = torch.tensor([[0.25, 0.5, 0.5], [0.75, 0.5, 0.5], [0.25, 0.4, 0.6], [0.25, 0.5, 0.5]])
    nothing_else = torch.zeros(4)
    keys = sample_keys(Patches(nothing_else, nothing_else, position, torch.tensor([1, 1, 1, 2]))).tolist()
    assert keys[0] == keys[2]
    assert len(set(keys)) == 3


def test_teacher_has_no_gradient_and_equals_the_student_after_the_first_step() -> None:
    method = ersr()
    data, optimisers = Blobs(method.task), method.optimisers(TRAIN)
    train_step(method, optimisers, data, Step(TRAIN, 0, 9))
    states = zip(method.teacher.state_dict().values(), method.student.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states)
    before = {name: value.clone() for name, value in method.teacher.state_dict().items()}
    train_step(method, optimisers, data, Step(TRAIN, 1, 9))
    assert all(p.grad is None and not p.requires_grad for p in method.teacher.parameters())
    for name, value in method.teacher.named_parameters():
        assert torch.allclose(value, 0.5 * before[name] + 0.5 * method.student.state_dict()[name], atol=1e-6)


def test_the_teacher_follows_by_its_decay_later() -> None:
    method = ersr(ema=0.6)
    before = {name: value.clone() for name, value in method.teacher.named_parameters()}
    with torch.no_grad():
        for p in method.student.parameters():
            p.add_(1.0)
    method.after_step(Step(TRAIN, 50, 100))
    for name, value in method.teacher.named_parameters():
        assert torch.allclose(value, 0.6 * before[name] + 0.4 * method.student.state_dict()[name], atol=1e-6)


def test_published_inference_is_the_students() -> None:
    method = ersr(inference="student")
    assert method.predictor() is method.student
    assert ersr().predictor() is not ersr().student


@pytest.mark.parametrize("phase", [PRETRAIN, TRAIN])
@pytest.mark.parametrize("optimiser", ["muon", "sgd"])
def test_restart_is_bit_identical(phase: str, optimiser: str) -> None:
    check_resume(lambda: ersr(optimiser=optimiser), blob_task(2), phase)


@pytest.mark.parametrize("network", ["fast", "unet"])
def test_losses_stay_float32_under_bfloat16(network: str) -> None:
    method = ersr(blob_task(2, network=network))
    check_bfloat16(method, method.task, Step(TRAIN, 8, 9))


@pytest.mark.parametrize("phase", [PRETRAIN, TRAIN])
def test_unjudged_batch_is_harmless(phase: str) -> None:
    method = ersr()
    losses = check_nothing_judged(method, method.task, Step(phase, 1, 9))
    assert losses["cross_entropy"] == losses["dice"] == losses["focal"] == 0


@pytest.mark.parametrize("values", [{}, {"optimiser": "sgd", "schedule": "poly", "learning_rate": 0.05}])
def test_learns_blobs_from_a_few_judged_slices(values: dict[str, object]) -> None:
    task = blob_task(2)
    assert fit(ersr(task, **COLD, **values), task, steps=50) > 0.75


def test_learns_two_structures_of_which_one_is_an_ellipse() -> None:
    task = blob_task(2, classes=3)
    assert fit(ersr(task, **COLD, elliptical="2"), task, steps=60) > 0.6
