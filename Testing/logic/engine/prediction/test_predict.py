"""Prediction of whole volumes: on their own grid, in windows or at once, with the person's slices as drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.data.volumes import Classes, Volume
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.engine.prediction import predict as module
from SemiSegLogic.engine.prediction.predict import Predictor, two_best
from SemiSegLogic.geometry import Grid, SliceIndex, slice_mask
from SemiSegLogic.seeing import depth_first
from Testing.support.engine import CPU, plan_of, volume_of
from Testing.support.volumes import COLUMNS, SHAPE, grid_of, normalise, two_blobs

SMALL = Device(torch.device("cpu"), half=False, memory=1)  # everything is too large for it
CLASSES = Classes([3, 200])


class Threshold(nn.Module):
    """Class 0 below -0.5, 1 between, 2 above 0.5; ``sharp`` logits."""

    def __init__(self, sharp: float = 200.0):
        super().__init__()
        self.sharp, self.sizes, self.modes = sharp, [], []  # type: ignore[var-annotated]

    def forward(self, image: Tensor) -> Tensor:
        self.sizes.append(tuple(image.shape))
        self.modes.append(self.training)
        return self.sharp * torch.cat([-image - 0.5, 0.25 - image.abs() / 2, image - 0.5], 1)


def _steps(shape: tuple[int, int, int] = SHAPE) -> np.ndarray:
    """Greys that are far from the thresholds once normalised."""
    return np.random.default_rng(0).choice([-100.0, 0.0, 100.0], shape).astype(np.float32)


def _expected(image: np.ndarray) -> np.ndarray:
    return np.select([normalise(image) < -0.5, normalise(image) > 0.5], [0, 200], 3).astype(np.uint8)


def _smooth(shape: tuple[int, int, int]) -> np.ndarray:
    lines = [np.sin(np.linspace(0, np.pi, n)) if n > 1 else np.ones(1) for n in shape]
    return np.einsum("k,j,i->kji", *lines).astype(np.float32)


def _predictor(plan: Plan, network: nn.Module | None = None, device: Device = CPU) -> Predictor:
    return Predictor(network or Threshold(), plan, device)


@pytest.mark.parametrize("device", [CPU, SMALL], ids=["at once", "windows"])
@pytest.mark.parametrize("depth_axis", [0, 2])
@pytest.mark.parametrize("kind", COLUMNS)
def test_the_label_lies_on_the_cases_own_grid(kind: str, depth_axis: int, device: Device) -> None:
    grid, image = grid_of(kind), _steps()
    plan = plan_of((4, 4, 4), depth_first(grid, depth_axis).triple(grid.spacing), depth_axis=depth_axis)
    volume = volume_of(image, plan=plan, grid=grid)
    result = _predictor(plan, device=device).predict(volume, CLASSES)
    assert (result.label.dtype, result.uncertainty.dtype) == (np.uint8, np.uint8)
    assert result.label.shape == result.uncertainty.shape == grid.shape
    assert result.label.flags.c_contiguous
    assert np.array_equal(result.label, _expected(image))


def test_the_second_guess_is_the_value_next_to_the_best() -> None:
    grid, image = grid_of("flipped"), _steps()
    plan = plan_of((4, 4, 4), depth_first(grid, 0).triple(grid.spacing), depth_axis=0)
    result = _predictor(plan, Threshold(sharp=1.0)).predict(volume_of(image, plan=plan, grid=grid), CLASSES)
    assert (result.second[image != 0] == 3).all()  # between the two others
    assert (result.second != result.label).all()


@pytest.mark.parametrize("classes", [2, 3, 5, 30])
def test_the_two_best_classes_are_found_also_where_shares_are_equal(classes: int) -> None:
    drawn = torch.randint(0, 4, (classes, 4, 5, 60), generator=torch.Generator().manual_seed(classes)).float()
    shares = torch.softmax(4 * drawn, 0)  # four values for many classes: mostly two or more are equal
    first, second = two_best(shares)
    columns = shares.flatten(1).T.tolist()
    ranked = [sorted(range(classes), key=lambda k: (-column[k], k)) for column in columns]
    assert first.flatten().tolist() == [order[0] for order in ranked]
    assert second.flatten().tolist() == [order[1] for order in ranked]
    assert first.dtype == second.dtype == torch.uint8


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.7, 1.3), (0.6, 0.5, 1.0)])
@pytest.mark.parametrize("shape", [(21, 25, 17), (1, 25, 19), (17, 1, 15)])
def test_other_spacings_give_nearly_the_same_borders(
    spacing: tuple[float, float, float], shape: tuple[int, int, int]
) -> None:
    image = _smooth(shape)
    label = _predictor(plan_of((8, 8, 8), spacing)).predict(volume_of(image), CLASSES).label
    expected = _expected(image)
    assert (label != expected).mean() < (0.01 if spacing == (1.0, 1.0, 1.0) else 0.12)
    for value in (0, 3, 200):  # the image is symmetric: nothing may be shifted
        shift = np.argwhere(label == value).mean(0) - np.argwhere(expected == value).mean(0)
        assert np.abs(shift).max() < 0.1


def test_slices_of_a_stack_are_never_blended() -> None:
    image = _steps((5, 1, 1)).repeat(8, 1).repeat(8, 2)
    volume = volume_of(image, grid=Grid((5, 8, 8), (2.0, 1.0, 1.0)))
    network = Threshold()
    plan = plan_of((1, 8, 8), (10.0, 1.0, 1.0), dims=2)
    assert np.array_equal(_predictor(plan, network).predict(volume, CLASSES).label, _expected(image))
    assert network.sizes == [(1, 1, 5, 8, 8)]
    _predictor(plan, network, SMALL).predict(volume, CLASSES)
    assert all(size[2] == 1 for size in network.sizes[1:])


@pytest.mark.parametrize("kind", ["upright", "oblique", "sagittal"])
@pytest.mark.parametrize("spacing", [None, (1.0, 1.0, 1.0)])
def test_judged_slices_keep_what_the_person_drew_without_doubt(
    kind: str, spacing: tuple[float, float, float] | None
) -> None:
    label, places = np.choose(two_blobs(), [0, 3, 200]).astype(np.uint8), (SliceIndex(0, 2), SliceIndex(1, 4))
    volume = volume_of(_steps(), label, places, plan_of((4, 4, 4)), grid_of(kind), values=(3, 200))
    volume.hold_out([volume.slices[0]])
    plan = plan_of((4, 4, 4), spacing or volume.spacing)
    result = _predictor(plan, Threshold(0.1)).predict(volume, CLASSES)
    known = slice_mask(SHAPE, places)
    assert np.array_equal(result.label[known], label[known])
    assert not result.uncertainty[known].any()
    assert (result.uncertainty[~known] > 200).all()


def test_uncertainty_is_the_entropy_over_log_k() -> None:
    class Shares(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            shares = torch.tensor([0.5, 0.5, 1e-12]).log()
            return shares.view(1, 3, 1, 1, 1).expand(1, 3, *image.shape[2:])

    result = _predictor(plan_of((4, 4, 4)), Shares()).predict(volume_of(_steps()), CLASSES)
    assert set(result.uncertainty.ravel().tolist()) == {round(255 * math.log(2) / math.log(3))}


def _random_conv(size: int) -> nn.Module:
    torch.manual_seed(0)
    return nn.Conv3d(1, 3, size, padding=size // 2, padding_mode="replicate")


@pytest.mark.parametrize("shape", [(20, 33, 27), (3, 40, 9), (17, 17, 17)])
def test_windows_give_what_one_pass_gives(shape: tuple[int, int, int]) -> None:
    volume, plan = volume_of(_smooth(shape)), plan_of((8, 8, 8))
    for size, tolerance in ((1, 1e-5), (3, 0.01)):
        network = _random_conv(size)
        once = _predictor(plan, network).probabilities(volume)
        slid = _predictor(plan, network, SMALL).probabilities(volume)
        assert slid.shape == once.shape == (3, *volume.shape)
        difference = (slid - once).abs()
        assert float(difference.mean()) < tolerance
        assert float((difference > tolerance).float().mean()) < 0.15
        assert torch.allclose(slid.sum(0), torch.ones(volume.shape), atol=1e-5)


@pytest.mark.parametrize("device", [CPU, SMALL], ids=["at once", "windows"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 1.7, 1.3), (0.6, 0.5, 1.0)])
def test_a_plane_alone_is_predicted_as_within_its_volume(
    spacing: tuple[float, float, float], device: Device
) -> None:
    volume = volume_of(_smooth((20, 33, 27)))
    predictor = _predictor(plan_of((8, 8, 8), spacing), _random_conv(3), device)
    whole = predictor.probabilities(volume)
    places = [SliceIndex(0, 0), SliceIndex(0, 13), SliceIndex(0, 19), SliceIndex(1, 20), SliceIndex(2, 26)]
    for asked in (places, *([place] for place in places)):
        planes = predictor.planes(volume, asked)
        assert list(planes) == list(asked)
        for place, plane in planes.items():
            assert plane.dtype == torch.float32
            assert torch.allclose(plane, whole.select(place.axis + 1, place.index), atol=2e-6)  # mixed in another order


def test_for_a_plane_only_the_windows_that_show_it_are_looked_at() -> None:
    volume, network = volume_of(_steps((64, 12, 5))), Threshold()
    predictor = _predictor(plan_of((8, 16, 16)), network, SMALL)
    predictor.probabilities(volume)
    everywhere = sum(size[0] for size in network.sizes)
    network.sizes.clear()
    predictor.planes(volume, [SliceIndex(0, 0)])
    assert sum(size[0] for size in network.sizes) == 1 < everywhere


def test_without_memory_large_volumes_are_seen_in_windows_of_a_patch() -> None:
    network = Threshold()
    _predictor(plan_of((8, 8, 8)), network, SMALL).probabilities(volume_of(_steps((30, 12, 5))))
    assert {size[2:] for size in network.sizes} == {(8, 8, 5)}


def test_what_is_computed_from_shares_takes_a_few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many structures the shares of a row of windows are gigabytes, and what is computed from them several times
    that.
    """
    plain, seen, image = module.entropy, [], _smooth((12, 10, 9))
    monkeypatch.setattr(module, "entropy", lambda shares: (seen.append(shares.shape[2]), plain(shares))[1])
    monkeypatch.setattr(module, "SLAB_VALUES", 2 * 3 * 90)
    volume = volume_of(image, plan=plan_of((4, 4, 4)))
    few = _predictor(plan_of((4, 4, 4))).predict(volume, CLASSES)
    assert (max(seen), sum(seen)) == (2, 12)
    monkeypatch.setattr(module, "SLAB_VALUES", 1 << 30)
    for name, values in vars(_predictor(plan_of((4, 4, 4))).predict(volume, CLASSES)).items():
        assert np.array_equal(values, getattr(few, name)), name


def test_the_network_runs_in_evaluation_mode_and_keeps_its_own() -> None:
    for training in (True, False):
        network = Threshold().train(training)
        _predictor(plan_of((8, 8, 8)), network).probabilities(volume_of(_steps()))
        assert network.modes == [False]
        assert network.training is training


def test_kernels_are_laid_out_for_the_device_in_a_copy() -> None:
    """A model that was loaded is laid out as it was built; one that learns must stay where it lies."""
    device = Device(torch.device("cpu"), half=False, memory=8 << 30, channels_last=False)
    for network in (nn.Sequential(nn.Conv3d(4, 4, 3), nn.BatchNorm3d(4)), nn.Sequential(nn.Conv3d(4, 4, 3))):
        network.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        place, predictor = network[0].weight.data_ptr(), _predictor(plan_of((4, 4, 4)), network, device)
        assert network[0].weight.data_ptr() == place
        assert not network[0].weight.is_contiguous()
        kernel = next(predictor.network.parameters())
        assert kernel.is_contiguous() == (predictor.network is not network)


def test_an_error_in_the_network_leaves_its_mode() -> None:
    class Broken(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    network = Broken().train()
    with pytest.raises(torch.cuda.OutOfMemoryError):
        _predictor(plan_of((8, 8, 8)), network).probabilities(volume_of(_steps()))
    assert network.training


def test_bfloat16_networks_give_float32_probabilities() -> None:
    device = Device(torch.device("cpu"), half=True, memory=8 << 30)
    volume: Volume = volume_of(_steps())
    assert _predictor(plan_of((8, 8, 8)), _random_conv(3), device).probabilities(volume).dtype == torch.float32


@pytest.mark.parametrize("kind", COLUMNS)
def test_fragments_go_on_the_cases_own_grid_but_not_what_was_drawn(kind: str) -> None:
    grid, image = grid_of(kind), np.full(SHAPE, -100, np.float32)
    organ, bit = (slice(0, 3),) * 3, (SHAPE[0] - 1, SHAPE[1] - 1, SHAPE[2] - 1)
    image[organ] = image[bit] = 100
    plan = plan_of((4, 4, 4), depth_first(grid, 0).triple(grid.spacing))
    predictor = _predictor(plan, Threshold(sharp=1.0))
    volume, whole = volume_of(image, plan=plan, grid=grid), _expected(image)
    around = whole[0, -1, -1]
    whole[bit] = around
    assert predictor.predict(volume, CLASSES).label[bit] == 200
    assert predictor.predict(volume, CLASSES, [3]).label[bit] == 200
    found = predictor.predict(volume, CLASSES, [200])
    assert np.array_equal(found.label, whole)
    assert (whole[organ] == 200).all()
    assert found.second[bit] == 200 != around
    whole[bit] = 200
    places = (SliceIndex(1, SHAPE[1] - 1),)
    volume = volume_of(image, whole, places, plan=plan, grid=grid, values=(3, 200))
    assert np.array_equal(predictor.predict(volume, CLASSES, [200]).label, whole)
