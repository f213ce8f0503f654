"""Displacement: what may change, what is pasted, and the windows against brute force."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from SemiSegLogic.engine.blocks.displacement import (
    Rule,
    Window,
    closest,
    displace,
    escalation,
    largest_region,
    largest_window,
    moves,
    relative_threshold,
    source_for,
    source_windows,
    target_window,
    window_means,
    window_size,
)
from SemiSegLogic.engine.blocks.views import cut_out

RULE = Rule(threshold=0.75, largest=(2, 8, 8))
KINDS = [(1, 24, 28), (8, 16, 20)]


def two_views(shape: tuple[int, int, int], seed: int = 0, count: int = 3, classes: int = 2) -> dict[str, Tensor]:
    """Smooth random probabilities and images of two views."""
    torch.manual_seed(seed)
    made = {}
    for name in ("one", "two"):
        low = torch.randn(count, classes, max(shape[0] // 4, 1), 5, 5) * 3
        smooth = torch.nn.functional.interpolate(low, size=shape, mode="trilinear", align_corners=False)
        made[name] = torch.softmax(smooth, 1)
        made["x" + name] = torch.randn(count, 1, *shape)
    made["keep"] = torch.zeros(count, *shape, dtype=torch.bool)
    return made


def run(m: dict[str, Tensor], rule: Rule = RULE, **extra: Tensor) -> tuple[Tensor, Tensor]:
    return displace(m["xone"], m["one"], m["xtwo"], m["two"], rule, extra.get("keep", m["keep"]))


def test_a_sure_image_stays_as_it_is() -> None:
    m = two_views((8, 16, 20))
    changed, moved = run(m, dataclasses.replace(RULE, threshold=0.5))
    assert torch.equal(changed, m["xone"])
    assert not moved.any()


@pytest.mark.parametrize("shape", KINDS)
def test_changes_lie_in_one_window_that_meets_the_unsure_region(shape: tuple[int, int, int]) -> None:
    seen = 0
    for seed in range(12):
        m = two_views(shape, seed)
        changed, moved = run(m)
        for row in range(3):
            places = (changed[row, 0] != m["xone"][row, 0]).nonzero()
            assert bool(moved[row]) == (len(places) > 0)
            if len(places) == 0:
                continue
            seen += 1
            low, high = places.amin(0), places.amax(0)
            sides = (high - low + 1).tolist()
            assert math.prod(sides) == len(places)
            assert all(min(4, n) <= s or a == 0 for a, (s, n) in enumerate(zip(sides, shape, strict=True)))
            assert all(s <= max(most, least) for s, most, least in zip(sides, RULE.largest, RULE.least, strict=True))
            region = largest_region(m["one"][row].amax(0) < 0.75, 16)
            assert region is not None
            inside = tuple(slice(a, b + 1) for a, b in zip(low.tolist(), high.tolist(), strict=True))
            assert region[inside].any()
    assert seen > 8


@pytest.mark.parametrize("shape", KINDS)
def test_what_is_pasted_is_sure_and_comes_untouched_from_the_other_view(shape: tuple[int, int, int]) -> None:
    seen = 0
    for seed in range(12):
        m = two_views(shape, seed)
        changed, _ = run(m)
        for row in range(3):
            for target, source in moves(m["one"][row], m["two"][row], RULE, m["keep"][row]):
                seen += 1
                assert torch.equal(changed[row, 0][target.cut], m["xtwo"][row, 0][source.cut])
                sure = m["two"][row].amax(0)[source.cut].mean()
                assert sure >= RULE.threshold - 1e-6
                assert sure > m["one"][row].amax(0)[target.cut].mean()
    assert seen > 8


def test_neither_direction_changes_what_the_other_reads() -> None:
    m = two_views((8, 16, 20))
    kept = {name: value.clone() for name, value in m.items()}
    first = displace(m["xone"], m["one"], m["xtwo"], m["two"], RULE, m["keep"])
    second = displace(m["xtwo"], m["two"], m["xone"], m["one"], RULE, m["keep"])
    assert first[1].any()
    assert second[1].any()
    assert all(torch.equal(m[name], kept[name]) for name in m)


@pytest.mark.parametrize("axis", [2, 3, 4])
def test_mirrored_views_give_the_mirrored_outcome(axis: int) -> None:
    for seed in range(5):
        m = two_views((8, 16, 20), seed)
        turned = {name: value.flip(axis if value.dim() == 5 else axis - 1) for name, value in m.items()}
        assert torch.equal(run(turned)[0], run(m)[0].flip(axis))


def test_judged_voxels_are_never_replaced() -> None:
    for seed in range(8):
        m = two_views((8, 16, 20), seed)
        keep = torch.zeros_like(m["keep"])
        keep[:, ::4] = True
        keep[:, :, 5] = True
        changed, _ = run(m, keep=keep)
        assert torch.equal(changed[:, 0][keep], m["xone"][:, 0][keep])


def test_where_every_voxel_is_judged_nothing_is_replaced() -> None:
    m = two_views((1, 24, 28), 1)
    assert not run(m, keep=torch.ones_like(m["keep"]))[1].any()


def test_judged_voxels_may_be_a_source() -> None:
    m = two_views((1, 24, 28), 1)
    m["keep"][:, :, :, 14:] = True
    taken = [source for row in range(3) for _, source in moves(m["one"][row], m["two"][row], RULE, m["keep"][row])
             if m["keep"][row][source.cut].any()]
    assert taken


@pytest.mark.parametrize(
    ("own", "other", "found"),
    [(0.625, 0.75, True), (0.625, 0.6875, False), (0.875, 0.8125, False), (0.875, 0.875, False), (0.875, 0.9375, True)],
)
@pytest.mark.parametrize("aligned", [False, True])
def test_a_source_is_as_sure_as_the_threshold_and_surer_than_its_target(
    own: float, other: float, found: bool, aligned: bool
) -> None:
    share, theirs = (torch.tensor([c, 1 - c]).view(2, 1, 1, 1).expand(2, 1, 12, 12) for c in (own, other))
    rule = dataclasses.replace(RULE, aligned=aligned)
    source = source_for(Window((0, 2, 2), (1, 4, 4)), share, theirs, 0.75, rule)
    assert (source is not None) is found


def test_aligned_windows_come_from_the_same_place() -> None:
    rule, seen = dataclasses.replace(RULE, aligned=True), 0
    for seed in range(20):
        m = two_views((1, 24, 28), seed)
        for row in range(3):
            for target, source in moves(m["one"][row], m["two"][row], rule, m["keep"][row]):
                assert target == source
                seen += 1
    assert seen > 3


def test_several_regions_do_not_overlap() -> None:
    m, rule = two_views((1, 40, 40), 2, count=1), Rule(0.9, (1, 8, 8), regions=3)
    found = moves(m["one"][0], m["two"][0], rule, m["keep"][0])
    assert len(found) > 1
    count = torch.zeros(1, 40, 40)
    for target, _ in found:
        count[target.cut] += 1
    assert count.max() == 1


def test_a_quantile_takes_a_share_of_the_voxels_instead() -> None:
    m = two_views((1, 24, 28), 0)
    sure = {**m, "one": m["one"] ** 0.01 * torch.tensor([0.99, 0.01]).view(1, 2, 1, 1, 1)}
    sure["one"] = sure["one"] / sure["one"].sum(1, keepdim=True)
    assert not run(sure)[1].any()
    found = [moves(sure["one"][r], torch.tensor([1.0, 0.0]).view(2, 1, 1, 1).expand(2, 1, 24, 28),
                   dataclasses.replace(RULE, quantile=0.3), m["keep"][r]) for r in range(3)]
    assert all(found)


def test_small_regions_are_left_alone() -> None:
    low = torch.zeros(1, 10, 10, dtype=torch.bool)
    low[0, :3, :5] = True
    low[0, 8:, 8:] = True
    assert largest_region(low, 16) is None
    region = largest_region(low, 15)
    assert region is not None
    assert int(region.sum()) == 15
    assert largest_region(torch.zeros_like(low), 1) is None


def test_corners_connect_a_region() -> None:
    low = torch.eye(6, dtype=torch.bool)[None]
    region = largest_region(low, 6)
    assert region is not None
    assert int(region.sum()) == 6


def test_target_is_the_least_confident_window_of_the_box_by_brute_force() -> None:
    torch.manual_seed(0)
    confidence = torch.rand(3, 14, 15)
    region = torch.zeros(3, 14, 15, dtype=torch.bool)
    region[0:3, 2:12, 3:13] = True
    found = target_window(confidence, region, torch.zeros_like(region), Rule(1.0, (2, 5, 4)))
    best = min(
        ((confidence[d : d + 2, h : h + 5, w : w + 4].mean().item(), (d, h, w))
         for d in range(2) for h in range(2, 8) for w in range(3, 10)),
    )
    assert found == Window(best[1], (2, 5, 4))


def test_window_grows_around_a_thin_region_and_stays_inside() -> None:
    region = torch.zeros(1, 20, 20, dtype=torch.bool)
    region[0, 0, 2:18] = True
    found = target_window(torch.rand(1, 20, 20), region, torch.zeros_like(region), RULE)
    assert found is not None
    assert found.size == (1, 4, 8)
    assert found.start[1] == 0


@pytest.mark.parametrize(
    ("box", "shape", "largest", "size"),
    [((1, 30, 3), (1, 64, 64), (0, 4, 4), (1, 4, 4)), ((6, 30, 30), (16, 64, 64), (1, 16, 16), (2, 16, 16)),
     ((9, 9, 9), (16, 64, 64), (4, 16, 16), (4, 9, 9)), ((3, 3, 3), (3, 3, 64), (1, 1, 16), (2, 3, 4))],
)
def test_window_sizes_stay_between_least_and_largest_and_inside_the_image(
    box: tuple[int, int, int], shape: tuple[int, int, int], largest: tuple[int, int, int], size: tuple[int, int, int]
) -> None:
    assert window_size(box, shape, Rule(0.9, largest)) == size


def test_sources_are_the_surest_windows_that_overlap_by_less_than_half() -> None:
    torch.manual_seed(0)
    confidence = torch.rand(1, 20, 20)
    found = source_windows(confidence, (1, 4, 4), 0.2, 4)
    means = [confidence[w.cut].mean().item() for w in found]
    assert len(found) == 4
    assert means == sorted(means, reverse=True)
    assert means[0] == pytest.approx(window_means(confidence, (1, 4, 4)).max().item(), abs=1e-6)
    for i, one in enumerate(found):
        for two in found[:i]:
            shared = math.prod(max(0, 4 - abs(a - b)) for a, b in zip(one.start[1:], two.start[1:], strict=True))
            assert shared < 8
    assert source_windows(confidence, (1, 4, 4), 0.999, 4) == []


def test_the_source_closest_in_probabilities_is_taken() -> None:
    share, other = torch.full((2, 1, 8, 8), 0.5), torch.full((2, 1, 8, 8), 0.5)
    share[0], share[1] = 0.3, 0.7
    other[:, 0, :, :4] = torch.tensor([0.9, 0.1]).view(2, 1, 1)
    other[:, 0, :, 4:] = torch.tensor([0.2, 0.8]).view(2, 1, 1)
    windows = [Window((0, 0, 0), (1, 4, 4)), Window((0, 2, 4), (1, 4, 4))]
    assert closest(share, other, windows[0], windows) == windows[1]


def test_closeness_is_the_divergence_of_the_source_from_the_target_not_the_other_way_round() -> None:
    share = torch.tensor([0.5, 0.5, 0.0]).view(3, 1, 1, 1).expand(3, 1, 4, 8)
    other = torch.empty(3, 1, 4, 8)
    other[..., :4] = torch.tensor([0.9, 0.1, 0.0]).view(3, 1, 1, 1)  # KL(p|q) 0.51, KL(q|p) 0.37
    other[..., 4:] = torch.tensor([0.5, 0.2, 0.3]).view(3, 1, 1, 1)  # KL(p|q) 0.46, KL(q|p) 5.0
    windows = [Window((0, 0, 0), (1, 4, 4)), Window((0, 0, 4), (1, 4, 4))]
    assert closest(share, other, windows[0], windows) == windows[1]


def test_of_the_sure_windows_the_one_like_the_target_is_taken_even_if_another_is_surer() -> None:
    share = torch.tensor([0.4, 0.6]).view(2, 1, 1, 1).expand(2, 1, 12, 12)
    other = torch.tensor([0.4, 0.6]).view(2, 1, 1, 1).repeat(1, 1, 12, 12)
    other[..., :4, :4] = torch.tensor([0.99, 0.01]).view(2, 1, 1, 1)
    other[..., 8:, 8:] = torch.tensor([0.05, 0.95]).view(2, 1, 1, 1)
    found = source_for(Window((0, 4, 4), (1, 4, 4)), share, other, 0.75, RULE)
    assert found == Window((0, 8, 8), (1, 4, 4))


def test_an_unsure_region_that_somebody_judged_does_not_hide_a_smaller_one() -> None:
    confidence, keep = torch.full((1, 24, 24), 0.95), torch.zeros(1, 24, 24, dtype=torch.bool)
    confidence[0, 2:10, 2:10], confidence[0, 15:20, 15:20] = 0.55, 0.55
    keep[0, 2:10, 2:10] = True
    sure = torch.full((1, 24, 24), 0.95)
    ((target, _),) = moves(torch.stack([confidence, 1 - confidence]), torch.stack([sure, 1 - sure]), RULE, keep)
    assert target == Window((0, 15, 15), (1, 5, 5))


def test_the_target_meets_the_largest_region_not_a_less_sure_small_one_inside_its_box() -> None:
    confidence, region = torch.full((1, 14, 14), 0.95), torch.ones(1, 14, 14, dtype=torch.bool)
    region[:, 1:-1, 1:-1] = False
    confidence[region], confidence[0, 5:9, 5:9] = 0.7, 0.51
    found = target_window(confidence, region, torch.zeros_like(region), Rule(0.75, (1, 4, 4)))
    assert found is not None
    assert region[found.cut].any()


def test_integral_image_means_equal_brute_force() -> None:
    torch.manual_seed(0)
    values = torch.rand(5, 9, 11) + 1000
    for size in ((1, 1, 1), (2, 3, 4), (5, 9, 11), (1, 9, 2)):
        found = window_means(values, size)
        brute = values.double().unfold(0, size[0], 1).unfold(1, size[1], 1).unfold(2, size[2], 1).mean((3, 4, 5))
        assert torch.allclose(found, brute, atol=1e-9)


def test_threshold_and_window_escalate_to_their_ends() -> None:
    for curve in ("linear", "late"):
        steps = [escalation(n / 20, 0.8, curve) for n in range(21)]
        assert steps == sorted(steps)
        assert steps[0] == pytest.approx(0.0 if curve == "linear" else math.exp(-5))
        assert steps[16:] == [1.0] * 5
    for classes in (2, 4, 9):
        bounds = [relative_threshold(n / 10, classes) for n in range(11)]
        assert bounds == sorted(bounds)
        assert bounds[0] > 1 / classes
    assert (relative_threshold(0, 2), relative_threshold(1, 2)) == pytest.approx((0.6, 0.95))
    assert (relative_threshold(0, 4), relative_threshold(1, 4)) == pytest.approx((0.4, 0.925))
    assert largest_window(0, (80, 112, 112)) == (5, 7, 7)
    assert largest_window(1, (80, 112, 112)) == (20, 28, 28)


def test_no_gradient_passes_through_the_choice() -> None:
    m = two_views((1, 24, 28))
    m["one"].requires_grad_()
    m["two"].requires_grad_()
    assert not run(m)[0].requires_grad


def test_cut_out_hides_a_box_and_says_where() -> None:
    torch.manual_seed(0)
    image = torch.randn(200, 1, 3, 20, 24)
    cut, hole = cut_out(image, 0.5)
    assert torch.equal(cut[:, 0][~hole], image[:, 0][~hole])
    share = hole.float().mean((1, 2, 3))
    drawn = share > 0
    assert 70 < int(drawn.sum()) < 130
    assert share.max() < 0.45
    first = int(drawn.nonzero()[0])
    assert len(cut[first, 0][hole[first]].unique()) == 1
    assert bool((hole == hole[:, :1]).all())
    assert not cut_out(image, 0.0)[1].any()
