"""Ellipses found in masks and maps, outlines judged, images mirrored."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.io import imread

from SemiSegLogic.engine.blocks.ellipse import Ellipse, Guard, fit_ellipse, largest_piece, pull, read, without_overlap
from SemiSegLogic.engine.blocks.outline import contour_score, edge_score, released_scores
from SemiSegLogic.engine.blocks.score_pool import ScorePool
from SemiSegLogic.engine.blocks.symmetry import Mirror, _blur, _gamma, _noise, _shift, mirrored_images, shaken
from Testing.support.data.ellipses import SIZE, bitten, dice, disc, jagged, made, speckled

EDGE_OF_REACH = 1 + 2 * math.log(1 / 0.6)
SYMMETRY = "SemiSegLogic.engine.blocks.symmetry."


def refined(probability: NDArray[np.generic], **values: float) -> NDArray[np.bool_]:
    return read(np.asarray(probability, np.float32), Guard(**values), 0.6, 0.1).hard


def axis_of(*ellipses: Ellipse) -> torch.Tensor:
    return torch.tensor([e.axis for e in ellipses], dtype=torch.float32)


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 130])
def test_refinement_recovers_a_known_ellipse_and_leaves_its_own_result_alone(degrees: float) -> None:
    truth = made(degrees)
    found = fit_ellipse(disc(truth))
    assert found is not None
    assert math.hypot(found.x - truth.x, found.y - truth.y) < 1
    assert found.short == pytest.approx(truth.short, rel=0.02)
    assert found.long == pytest.approx(truth.long, rel=0.02)
    assert abs((found.angle - truth.angle + math.pi / 2) % math.pi - math.pi / 2) < math.radians(2)
    once = refined(disc(truth))
    assert dice(once, disc(truth)) > 0.99
    assert dice(refined(once), once) > 0.99


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 130])
def test_refinement_restores_a_bitten_mask_and_drops_a_distant_blob(degrees: float) -> None:
    truth = disc(made(degrees))
    worse = bitten(truth)
    assert dice(worse, truth) < 0.95
    better = refined(worse)
    assert dice(better, truth) > 0.99
    assert not better[:16, :16].any()


def test_refinement_raises_the_dice_of_speckled_and_bitten_maps() -> None:
    random = np.random.default_rng(0)
    before, after = [], []
    for _ in range(12):
        truth = disc(made(random.uniform(0, 180), random.uniform(22, 32), random.uniform(36, 46)))
        map_ = speckled(bitten(truth, 24), random)
        before.append(dice(map_ > 0.5, truth))
        after.append(dice(refined(map_), truth))
    assert np.mean(before) < 0.96
    assert np.mean(after) > 0.985
    assert all(b > a for a, b in zip(before, after, strict=True))


def test_refinement_raises_the_dice_of_corrupted_fetal_heads() -> None:
    folder = Path(os.environ.get("SEMISEG_DATA", "../shared/data")) / "HC18" / "masks"
    files = sorted(folder.glob("*.png"))[::50]
    if not files:
        pytest.skip(f"HC18 is not unpacked: there is no picture in {folder}")
    random = np.random.default_rng(0)
    for file in files:
        truth = imread(file) > 0
        worse = bitten(truth, int(0.4 * math.sqrt(truth.sum())))
        assert dice(refined(truth), truth) > 0.995
        assert dice(refined(speckled(worse, random)), truth) > max(0.985, dice(worse, truth)), file.name


def test_interior_is_filled_and_nothing_far_outside_is_kept() -> None:
    ellipse = made()
    holed = disc(ellipse)
    holed[50:70, 70:90] = False
    better, rho = refined(holed), ellipse.radius(SIZE)
    assert better[rho < 0.97].all()
    assert not (pull(np.ones(SIZE), ellipse, 0.6) > 0.6)[rho > EDGE_OF_REACH + 1e-6].any()
    assert (pull(np.zeros(SIZE), ellipse, 0.6) > 0.6)[rho < 1].all()


def test_pull_is_its_equation_pixel_by_pixel() -> None:
    ellipse, random = made(), np.random.default_rng(1)
    map_ = random.random(SIZE)
    pulled = pull(map_, ellipse, 0.6)
    cos, sin = math.cos(ellipse.angle), math.sin(ellipse.angle)
    for y, x in random.integers(0, SIZE, (300, 2)):
        u = (x - ellipse.x) * cos + (y - ellipse.y) * sin
        v = -(x - ellipse.x) * sin + (y - ellipse.y) * cos
        rho = (u / ellipse.short) ** 2 + (v / ellipse.long) ** 2
        p = float(map_[y, x])
        expected = max(p, min(max(0.6 + (1 - rho) ** 2, 0), 1)) if rho <= 1 else p * math.exp(-0.5 * (rho - 1))
        assert pulled[y, x] == pytest.approx(expected, abs=1e-9)


def test_frame_of_the_image_does_not_bend_the_ellipse() -> None:
    truth = Ellipse(12.0, 60.0, 30.0, 44.0, 0.4)
    found = fit_ellipse(disc(truth))
    assert found is not None
    assert math.hypot(found.x - truth.x, found.y - truth.y) < 1
    assert found.long == pytest.approx(truth.long, rel=0.03)


def test_pixels_that_are_not_square_are_fitted_in_equal_lengths() -> None:
    truth = Ellipse(80.0, 100.0, 30.0, 44.0, 0.7, pixel_height=1.6)
    found = fit_ellipse(disc(truth), 1.6)
    assert found is not None
    assert found.short == pytest.approx(30, rel=0.02)
    assert found.angle == pytest.approx(0.7, abs=0.04)


@pytest.mark.parametrize("case", ["empty", "pixel", "full", "border", "line", "half"])
def test_odd_masks_are_survived(case: str) -> None:
    mask = np.zeros(SIZE, bool)
    if case == "pixel":
        mask[4, 7] = True
    if case == "full":
        mask[:] = True
    if case == "border":
        mask = disc(made(x=0.0, y=0.0))
    if case == "line":
        mask[30] = True
    if case == "half":
        mask[:, :80] = True
    reading = read(mask.astype(np.float32), Guard(), 0.6, 0.1)
    assert reading.hard.shape == SIZE
    assert np.isfinite(reading.soft).all()
    assert case == "border" or reading.ellipse is None or dice(reading.hard, mask) > 0.85


def test_uncertain_map_teaches_nothing_and_a_clear_absence_teaches_background() -> None:
    unsure, absent = np.full(SIZE, 0.4, np.float32), np.full(SIZE, 0.02, np.float32)
    assert not read(unsure, Guard(), 0.6, 0.1).teaches
    reading = read(absent, Guard(), 0.6, 0.1)
    assert reading.teaches
    assert not reading.hard.any()


def test_one_half_stands_in_where_no_ellipse_is_accepted_and_only_a_sure_map_teaches() -> None:
    map_ = np.zeros(SIZE, np.float32)
    map_[20:30, 10:150] = map_[20:120, 10:20] = 0.9
    map_[60:70, 60:70] = 0.55
    reading = read(map_, Guard(), 0.6, 0.1)
    assert reading.ellipse is None
    assert np.array_equal(reading.hard, map_ > 0.5)
    assert reading.teaches
    assert not read(np.minimum(map_, 0.58), Guard(), 0.6, 0.1).teaches


def test_the_ellipse_is_fitted_to_the_largest_piece_above_the_threshold() -> None:
    truth = made(20, 15, 25, x=40.0)
    map_ = (0.9 * disc(truth)).astype(np.float32)
    map_[:, 90:] = 0.55  # larger, and less likely
    reading = read(map_, Guard(), 0.6, 0.1)
    assert reading.ellipse is not None
    assert reading.ellipse.x == pytest.approx(40, abs=1)
    assert dice(reading.hard, disc(truth)) > 0.98


def test_guard_counts_pixels_and_rows_whatever_their_height() -> None:
    ellipse = Ellipse(80.0, 150.0, 30.0, 44.0, 0.3, pixel_height=2.0)
    mask = disc(ellipse)
    area = float(mask.sum())
    assert Guard(area=(0.97 * area, 1.03 * area)).accepts(ellipse, mask)
    assert not Guard(area=(1.5 * area, math.inf)).accepts(ellipse, mask)


def test_guard_refuses_what_is_no_ellipse_of_annotated_size() -> None:
    ellipse = made()
    mask, area = disc(ellipse), math.pi * ellipse.short * ellipse.long
    assert Guard().accepts(ellipse, mask)
    assert not Guard(area=(0.0, 0.9 * area)).accepts(ellipse, mask)
    assert not Guard(area=(1.1 * area, math.inf)).accepts(ellipse, mask)
    assert not Guard(slender=1.2).accepts(ellipse, mask)
    assert not Guard().accepts(made(x=-5.0), disc(made(x=-5.0)))
    assert not Guard().accepts(ellipse, disc(made(x=110.0)))


def test_largest_piece_wins_and_nothing_stays_nothing() -> None:
    mask = disc(made())
    assert np.array_equal(largest_piece(bitten(mask, 2))[20:], bitten(mask, 2)[20:])
    assert not largest_piece(np.zeros(SIZE, bool)).any()


def test_where_structures_overlap_the_likelier_one_keeps_the_pixel() -> None:
    target = np.array([[[1.0, 1.0, 0.0]], [[0.0, 1.0, 0.0]]])
    value = np.array([[[0.9, 0.7, 0.2]], [[0.9, 0.8, 0.3]]])
    assert np.array_equal(without_overlap(target, value), [[[1, 0, 0]], [[0, 1, 0]]])


def test_scores_rank_smooth_before_jagged_before_scattered_whatever_the_size() -> None:
    random = np.random.default_rng(0)
    clean, small = disc(made()).astype(float), disc(made(short=18, long=26.4)).astype(float)
    rough = jagged(made()).astype(float)
    salt = np.abs(clean - (random.random(SIZE) < 0.03))
    for score in (edge_score, contour_score):
        assert score(clean) < score(rough) < score(salt)
        assert score(small) == pytest.approx(score(clean), rel=0.1)
        assert score(np.zeros(SIZE)) == score(np.ones(SIZE)) == math.inf
    assert edge_score(clean) == pytest.approx(1.05, abs=0.06)
    assert contour_score(clean) == pytest.approx(0.143, abs=0.01)


def test_released_scores_prefer_an_empty_map() -> None:
    assert sum(released_scores(np.zeros(SIZE))) < sum(released_scores(disc(made()).astype(float)))


def test_released_scores_are_mean_gradient_and_mean_bend_of_the_background_s_distance() -> None:
    map_ = np.zeros((9, 11))
    map_[4, 5] = 1
    edge, bent = released_scores(map_)
    y, x = np.mgrid[:9, :11]
    padded = np.pad(np.hypot(y - 4, x - 5), 1, mode="edge")
    around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    assert bent == pytest.approx(np.abs(around - 4 * padded[1:-1, 1:-1]).mean())
    lengths = [math.sqrt(2) / 8] * 4 + [2 / 8] * 4 + [0] * (99 - 8)
    assert edge == pytest.approx(np.mean([math.sqrt(length**2 + 1e-6) for length in lengths]))


def test_pool_keeps_the_best_share_and_fills_up_to_the_least_number() -> None:
    pool = ScorePool(16, 2)
    scores = torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [torch.inf, torch.inf], [4.0, 4.0]])
    pool.put(torch.tensor([5, 6, 7, 9]), scores[[0, 1, 2, 4]])
    assert pool.best(scores, 0.5, 0).tolist() == [True, True, False, False, False]
    assert pool.best(scores, 0.5, 3).tolist() == [True, True, True, False, False]
    assert pool.best(scores, 1.0, 5).tolist() == [True, True, True, False, True]


def test_pool_is_deterministic_for_equal_scores_and_forgets_the_oldest() -> None:
    pool = ScorePool(3, 2)
    equal = torch.ones(4, 2)
    assert pool.best(equal, 0.0, 2).tolist() == [True, True, False, False]
    pool.put(torch.tensor([1, 2, 3]), torch.tensor([[1.0, 1], [2, 2], [3, 3]]))
    pool.put(torch.tensor([2]), torch.tensor([[9.0, 9]]))
    assert pool.score[:, 0].tolist() == [1, 9, 3]
    pool.put(torch.tensor([4]), torch.tensor([[4.0, 4]]))
    assert pool.key.tolist() == [4, 2, 3]


def test_each_part_of_a_score_counts_alike_whatever_its_unit() -> None:
    pool, scores = ScorePool(8, 2), torch.tensor([[1.0, 3000.0], [2.0, 1000.0], [3.0, 2000.0]])
    pool.put(torch.arange(3), scores)
    mine, _ = pool.totals(scores, True)
    again, _ = pool.totals(scores, False)
    assert mine.argmin() == 1
    assert torch.allclose(mine, torch.stack([(s - s.mean()) / s.std(correction=0) for s in scores.T]).mean(0))
    assert torch.allclose(again, scores.mean(1))


@pytest.mark.parametrize("degrees", [0, 37, 90, 145])
def test_reflection_undoes_itself_and_keeps_the_axis_which_is_the_long_one(degrees: float) -> None:
    ellipse = made(degrees)
    mirror = Mirror(axis_of(ellipse), *SIZE)
    map_ = torch.from_numpy(disc(ellipse).astype(np.float32))[None]
    inner = disc(made(degrees, 40, 50))
    assert float((mirror(mirror(map_)) - map_)[0].numpy()[inner].__abs__().mean()) < 0.01
    assert dice(mirror(map_)[0].numpy() > 0.5, map_[0].numpy() > 0.5) > 0.99
    point = torch.zeros(1, *SIZE)
    y, x = round(ellipse.y), round(ellipse.x)
    point[0, y, x] = 1
    assert mirror(point)[0, y - 1 : y + 2, x - 1 : x + 2].sum() > 0
    u, v = ellipse.coordinates(SIZE)
    assert np.abs(v[disc(ellipse)]).max() > np.abs(u[disc(ellipse)]).max()
    assert np.array_equal(mirror.left[0].numpy(), u < 0)


def test_halves_add_up_and_a_symmetrised_ellipse_is_the_ellipse() -> None:
    ellipse = made(25)
    mirror = Mirror(axis_of(ellipse), *SIZE)
    map_ = torch.from_numpy(disc(ellipse).astype(np.float32))[None]
    assert torch.equal(map_ * mirror.left + map_ * ~mirror.left, map_)
    for half in mirror.symmetrised(map_):
        assert dice(half[0].numpy() > 0.5, map_[0].numpy() > 0.5) > 0.99
        assert float(half.min()) >= 0
        assert float(half.max()) <= 1


def test_reflection_outside_the_image_is_empty_and_does_not_count() -> None:
    mirror = Mirror(torch.tensor([[10.0, 30.0, 1.0, 0.0]]), 8, 40)
    column = torch.zeros(1, 8, 40)
    column[..., 39] = 1
    column[..., 0] = 1
    assert mirror(column).sum(1)[0].nonzero().flatten().tolist() == [20]
    assert mirror.valid[0, 0].nonzero().flatten().tolist() == list(range(21))


def test_reflection_with_tall_pixels_is_one_in_millimetres() -> None:
    ellipse = Ellipse(60.0, 70.0, 25.0, 40.0, 0.6, pixel_height=1.5)
    mirror = Mirror(axis_of(ellipse), 96, 120, 1.5)
    map_ = torch.from_numpy(disc(ellipse, (96, 120)).astype(np.float32))[None]
    assert dice(mirror(map_)[0].numpy(), map_[0].numpy()) > 0.98


def test_gradient_passes_the_reflection() -> None:
    mirror = Mirror(axis_of(made(40)), *SIZE)
    map_ = torch.rand(1, *SIZE, requires_grad=True)
    mirror(map_).sum().backward()
    assert map_.grad is not None
    assert float(map_.grad.sum()) == float(mirror.valid.sum())


def test_mirrored_images_show_the_same_half_twice_before_the_old_background() -> None:
    torch.manual_seed(0)
    ellipse = made(0, 30, 44)
    mask = torch.from_numpy(disc(ellipse))[None]
    mirror = Mirror(axis_of(ellipse), *SIZE)
    image = torch.rand(1, 1, *SIZE)
    image[:, 0][mask & mirror.left] += 3
    with torch.random.fork_rng():
        torch.manual_seed(1)
        left, right = mirrored_images(image, mask, mirror)
    outside = ~mask & ~mirror(mask.float()).bool()
    for made_image in (left, right):
        assert torch.allclose(made_image[:, 0][outside], image[:, 0][outside], atol=1e-5)
    assert left[:, 0][mask].mean() > image[:, 0][mask].mean() > right[:, 0][mask].mean()


def test_mirrored_images_are_put_together_pixel_by_pixel(monkeypatch: pytest.MonkeyPatch) -> None:
    shape, ellipse, greys = (24, 32), Ellipse(15.3, 11.8, 6.0, 9.0, 0.5), iter((0.1, 0.2, 0.3, 0.4))
    monkeypatch.setattr(SYMMETRY + "shaken", lambda image, side: next(greys) * side.unsqueeze(1).float())
    mask = torch.from_numpy(disc(ellipse, shape))
    mask[9:14, 8:13] = False  # so that what mirrors it covers background
    image = torch.rand(shape)
    image[0, 0], image[0, 1] = 0, 1
    mirror = Mirror(axis_of(ellipse), *shape)
    pair = mirrored_images(3 * image[None, None] - 1, mask[None], mirror)
    for made_image, side, half, other in ((pair[0], mirror.left[0], 0.1, 0.2), (pair[1], ~mirror.left[0], 0.3, 0.4)):
        turned = mirror((mask & side)[None].float())[0] > 0
        wanted = torch.where(mask, 0.0, image)
        wanted = torch.where(mask & side, half, torch.where(turned, other, wanted))
        assert bool((turned & mask & side).any())
        assert bool((turned & ~mask).any())
        assert torch.allclose(made_image[0, 0], 3 * wanted - 1, atol=1e-5)


def test_a_half_is_shaken_by_the_published_amounts(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges: list[tuple[float, float]] = []

    def middle(image: torch.Tensor, low: float, high: float) -> torch.Tensor:
        ranges.append((low, high))
        return torch.full((len(image), 1, 1, 1), (low + high) / 2)

    monkeypatch.setattr(SYMMETRY + "_draw", middle)
    torch.manual_seed(0)
    image = torch.rand(2, 1, 64, 64)
    plain = shaken(image, torch.ones(2, 64, 64, dtype=torch.bool), chance=0.2)
    assert torch.equal(plain, image)
    assert ranges == [(0, 1), (1.2, 1.8), (0, 1), (-0.1, 0.1), (0, 1), (0.5, 1.5), (0, 1)]
    torch.manual_seed(1)
    noisy = _noise(image)
    torch.manual_seed(1)
    assert torch.equal(noisy, image + 0.05 * torch.randn_like(image))
    assert torch.allclose(_gamma(image), image**1.5)
    assert torch.allclose(_shift(image), image)
    assert torch.allclose(_blur(image), torch.from_numpy(gaussian_filter(image.numpy(), (0, 0, 1, 1), mode="constant")))


def test_shaken_half_stays_in_range_and_within_its_half() -> None:
    torch.manual_seed(0)
    side = torch.zeros(20, 24, 24, dtype=torch.bool)
    side[:, 4:20, 4:12] = True
    half = shaken(torch.rand(20, 2, 24, 24), side, chance=1.0)
    assert float(half.min()) >= 0
    assert float(half.max()) <= 1
    assert not half[~side.unsqueeze(1).expand_as(half)].any()
    same = shaken(torch.full((20, 2, 24, 24), 0.5), side, chance=0.0)
    assert torch.equal(same, 0.5 * side.unsqueeze(1).expand_as(same))
    assert half.amax((1, 2, 3)).tolist() == [1.0] * 20


def test_no_pair_gives_no_image() -> None:
    nothing = torch.zeros(0, 1, *SIZE)
    mirror = Mirror(torch.zeros(0, 4), *SIZE)
    assert len(mirrored_images(nothing, torch.zeros(0, *SIZE, dtype=torch.bool), mirror)[0]) == 0
