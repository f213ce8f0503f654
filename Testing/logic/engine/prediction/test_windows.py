"""Windows: within their budget, over every voxel, blended as a slow sum says; normalisation that was folded away."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise, product

import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.nets import NETWORKS, build
from SemiSegLogic.engine.nets.base import classes_of
from SemiSegLogic.engine.nets.ensemble import MeanOf
from SemiSegLogic.engine.prediction.folding import folded
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.engine.prediction.windows import ROW, _bump, rows, starts, window_shape
from SemiSegLogic.geometry import Grid
from SemiSegLogic.methods.base import Task
from Testing.support.engine import CPU, plan_of, volume_of
from Testing.support.volumes import picture


@pytest.mark.parametrize(("length", "side"), [(10, 10), (10, 16), (11, 10), (100, 16), (37, 9), (5, 1)])
def test_windows_cover_every_voxel_and_overlap_by_a_quarter(length: int, side: int) -> None:
    found = starts(length, side)
    covered = {voxel for start in found for voxel in range(start, min(start + side, length))}
    assert covered == set(range(length))
    assert found[0] == 0
    if side < length:
        assert found[-1] + side == length
        assert max(b - a for a, b in pairwise(found)) <= max(1, math.ceil(0.75 * side))


@pytest.mark.parametrize("size", [(88, 140, 200), (400, 512, 512), (1, 2000, 2000), (7, 9, 300)])
@pytest.mark.parametrize("budget", [1e5, 1e6, 1e9])
def test_windows_keep_to_their_budget_unless_they_would_get_too_small(
    size: tuple[int, int, int], budget: float
) -> None:
    least = (16, 32, 32)
    window = window_shape(size, least, budget)
    floor = [min(a, n) for a, n in zip(least, size, strict=True)]
    assert all(f <= side <= n for f, side, n in zip(floor, window, size, strict=True))
    assert math.prod(window) <= max(budget, math.prod(floor))
    if math.prod(size) <= budget:
        assert window == size
    elif math.prod(window) > math.prod(floor):
        assert math.prod(window) > budget / 4  # as large as it may be


@pytest.mark.parametrize("budget", [70_000, 40_000, 25_000])
@pytest.mark.parametrize("size", [(40, 70, 50), (90, 33, 40)])
def test_no_other_window_that_fits_would_be_much_less_work(size: tuple[int, int, int], budget: int) -> None:
    def work(window: tuple[int, ...]) -> float:
        return math.prod(len(starts(n, side)) * side for n, side in zip(size, window, strict=True))

    least = (8, 16, 16)
    every = product(*(range(short, length + 1, 2) for short, length in zip(least, size, strict=True)))
    fitting = [one for one in every if math.prod(one) + ROW * one[0] * size[1] * size[2] <= budget]
    assert work(window_shape(size, least, budget)) <= 1.15 * min(map(work, fitting))


def test_a_large_volume_is_cut_along_few_axes() -> None:
    """A CT of 105 million voxels, in windows that take at most 51 million with their row: four, each whole in plane."""
    assert window_shape((400, 512, 512), (80, 96, 112), 51e6) == (128, 512, 512)
    assert len(starts(400, 128)) == 4


@pytest.mark.parametrize("together", [1, 3])
@pytest.mark.parametrize("window", [(4, 6, 5), (4, 13, 11), (9, 6, 5), (9, 13, 11)])
def test_rows_are_the_weighted_mean_of_all_windows(window: tuple[int, int, int], together: int) -> None:
    image = torch.randn(9, 13, 11, generator=torch.Generator().manual_seed(0))

    def run(batch: Tensor) -> Tensor:  # what a window says depends on the window
        return torch.cat([batch * batch.mean((2, 3, 4), keepdim=True), -batch], 1)

    total, weight = torch.zeros(2, 9, 13, 11), torch.zeros(9, 13, 11)
    for d in starts(9, window[0]):
        for h in starts(13, window[1]):
            for w in starts(11, window[2]):
                place = (slice(d, d + window[0]), slice(h, h + window[1]), slice(w, w + window[2]))
                total[(slice(None), *place)] += run(image[place][None, None])[0] * _bump(window)
                weight[place] += _bump(window)
    parts = list(rows(image, run, window, together))
    assert [start for start, _ in parts] == [0, *torch.tensor([p.shape[1] for _, p in parts]).cumsum(0)[:-1].tolist()]
    assert torch.allclose(torch.cat([part for _, part in parts], 1), total / weight, atol=1e-5)


@pytest.mark.parametrize("wanted", [{0}, {39}, {17, 18}, {3, 30}, set(range(40))])
def test_rows_that_are_wanted_come_out_the_same_from_fewer_windows(wanted: set[int]) -> None:
    image, seen = torch.randn(40, 9, 8, generator=torch.Generator().manual_seed(0)), list[int]()

    def run(batch: Tensor) -> Tensor:
        seen.append(len(batch))
        return torch.cat([batch * batch.mean((2, 3, 4), keepdim=True), -batch], 1)

    whole = torch.cat([part for _, part in rows(image, run, (8, 6, 8))], 1)
    all_windows, places = sum(seen), starts(40, 8)
    seen.clear()
    found = {start + n: part[:, n] for start, part in rows(image, run, (8, 6, 8), wanted=wanted)
             for n in range(part.shape[1])}
    assert all(torch.equal(found[row], whole[:, row]) for row in wanted)
    showing = [first for first in places if any(first <= row < first + 8 for row in wanted)]
    assert sum(seen) == len(showing) * len(starts(9, 6)) <= all_windows


@pytest.mark.parametrize("name", NETWORKS)
def test_folding_changes_nothing_but_the_last_digits(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, Task(1, 3, 3, (16, 32, 32), name, (0.8, 0.1, 0.1)))
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(2, 1, 16, 32, 32) * 3 + 1)  # running statistics of their own
    network.eval()
    image = torch.randn(1, 1, 17, 32, 30)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with torch.no_grad():
        assert torch.allclose(folded(network)(image), network(image), atol=2e-3)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    left = sum(isinstance(part, nn.BatchNorm3d) for part in folded(network).modules())
    all_of_them = sum(isinstance(part, nn.BatchNorm3d) for part in network.modules())
    assert left == 0 if name in ("fast", "vnet", "unet") else left <= all_of_them


class _Scarce(nn.Module):
    """Runs out of memory above ``most`` voxels."""

    def __init__(self, most: int):
        super().__init__()
        self.most, self.sizes = most, list[int]()

    def forward(self, image: Tensor) -> Tensor:
        if image.numel() > self.most:
            raise torch.OutOfMemoryError("out of memory")
        self.sizes.append(image.numel())
        return torch.cat([-image, image], 1)


def test_when_memory_runs_out_windows_get_smaller_and_stay_so() -> None:
    volume, network = volume_of(picture((40, 50, 60))), _Scarce(40_000)
    predictor = Predictor(network, plan_of((8, 8, 8)), CPU)
    whole = Predictor(_Scarce(10**9), plan_of((8, 8, 8)), CPU).probabilities(volume)
    assert torch.allclose(predictor.probabilities(volume), whole, atol=1e-5)
    assert max(network.sizes) <= 40_000
    tried = len(network.sizes)
    predictor.probabilities(volume)
    assert len(network.sizes) == 2 * tried


def test_mirrored_views_are_averaged_only_when_asked_for() -> None:
    class Sided(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            slope = torch.linspace(-1, 1, image.shape[4]).expand_as(image)
            return torch.cat([slope, -slope], 1)

    volume = volume_of(picture((4, 5, 6)))
    plain = Predictor(Sided(), plan_of((8, 8, 8)), CPU).probabilities(volume)
    assert float(plain[0, 0, 0, 0]) < 0.2
    for flips, equal in (((2,), True), ((0, 1), False), ((0, 1, 2), True)):
        seen = Predictor(Sided(), plan_of((8, 8, 8)), CPU, flips).probabilities(volume)
        assert torch.allclose(seen[0], torch.full_like(seen[0], 0.5), atol=1e-6) is equal
        if not equal:
            assert torch.allclose(seen, plain)


@pytest.mark.parametrize("memory", [8 << 30, 1])
def test_a_network_of_whole_slices_is_shown_whole_slices(memory: int) -> None:
    network = build("fast", Task(1, 2, 2, (1, 16, 24), "fast", (0.5, 0.5)))
    network.whole_slice = (16, 24)
    seen: list[tuple[int, ...]] = []
    network.stem.register_forward_pre_hook(lambda module, inputs: seen.append(tuple(inputs[0].shape)))  # type: ignore[operator,union-attr]
    volume = volume_of(picture((3, 50, 40)), grid=Grid((3, 50, 40), (9.0, 0.7, 0.7)))
    predictor = Predictor(network, plan_of((1, 16, 24), (9.0, 0.7, 0.7), dims=2), Device(CPU.torch, False, memory))
    assert predictor.probabilities(volume).shape == (2, 3, 50, 40)
    assert {size[3:] for size in seen} == {(16, 24)}


@pytest.mark.parametrize(("name", "largest"), [("vnet", (8, 16, 16)), ("fast", (16, 24, 24))])
def test_a_network_sees_not_much_more_at_a_time_than_in_training(name: str, largest: tuple[int, int, int]) -> None:
    network = _Shapes()
    Predictor(network, replace(plan_of((8, 16, 16)), network=name), CPU).probabilities(volume_of(picture((40, 50, 60))))
    assert set(network.shapes) == {largest}


@pytest.mark.parametrize(("classes", "windows"), [(2, False), (8, False), (31, True)])
def test_many_classes_take_memory_too(classes: int, windows: bool) -> None:
    """A CT at 2 mm, 200x256x256 voxels, on a card of 6 GB: 3 GB for 84 bytes of each and 12 more for every class."""
    network = build("fast", Task(1, classes, 3, (96, 96, 96), "fast", (1 / classes,) * classes))
    predictor = Predictor(network, plan_of((136, 176, 176)), Device(torch.device("cpu"), True, 6 << 30))
    seen = torch.zeros(1).expand(200, 256, 256)
    assert (predictor._window(seen) != (200, 256, 256)) is windows
    assert math.prod(predictor._window(seen)) * (84 + 12 * (classes - 2)) <= 3 << 30


def test_networks_that_predict_together_hold_the_shares_of_each() -> None:
    first, second = (build(name, Task(1, 3, 3, (16, 16, 16), name, (1 / 3,) * 3)) for name in ("fast", "plain"))
    assert (classes_of(first), classes_of(MeanOf(first, second)), classes_of(nn.Conv3d(1, 9, 1))) == (3, 6, 2)


class _Shapes(nn.Module):
    """Notes what it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, image: Tensor) -> Tensor:
        self.shapes.append(tuple(image.shape[2:]))
        return torch.cat([-image, image], 1)
