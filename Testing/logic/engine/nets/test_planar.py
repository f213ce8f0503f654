"""Flat convolutions through conv2d: the same numbers, and gradients that exist in bfloat16."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.nets import build
from SemiSegLogic.engine.nets.planar import PlanarConv, PlanarUp, make_planar, to_slices, to_volumes
from Testing.support.tiny_fit import blob_task


def gradients(layer: nn.Module, x: Tensor) -> tuple[Tensor, ...]:
    """Of a loss with respect to image and parameters."""
    return torch.autograd.grad(layer(x).float().square().mean(), [x, *layer.parameters()])


FLAT = {
    "a window": (nn.Conv3d(3, 5, (1, 3, 3), padding=(0, 1, 1)), PlanarConv),
    "a stride": (nn.Conv3d(3, 5, (1, 2, 2), (1, 2, 2)), PlanarConv),
    "a voxel": (nn.Conv3d(3, 5, 1), PlanarConv),
    "transposed": (nn.ConvTranspose3d(3, 5, (1, 2, 2), (1, 2, 2)), PlanarUp),
}


def test_volumes_become_slices_and_volumes_again_in_the_same_order() -> None:
    volumes = torch.randn(2, 3, 5, 4, 6)
    slices = to_slices(volumes)
    assert slices.shape == (10, 3, 4, 6)
    assert torch.equal(slices[7], volumes[1, :, 2])
    assert torch.equal(to_volumes(slices, 2), volumes)


@pytest.mark.parametrize("depth", [1, 4])
@pytest.mark.parametrize("name", FLAT)
def test_value_and_gradients_are_those_of_the_volume_convolution(name: str, depth: int) -> None:
    torch.manual_seed(0)
    volume, planar = FLAT[name]
    layer = nn.Sequential(copy.deepcopy(volume))
    x = torch.randn(2, 3, depth, 8, 10, requires_grad=True)
    value, slopes, names = layer(x), gradients(layer, x), list(layer.state_dict())
    make_planar(layer)
    assert isinstance(layer[0], planar)
    assert list(layer.state_dict()) == names
    assert torch.allclose(layer(x), value, atol=1e-5)
    for found, wanted in zip(gradients(layer, x), slopes, strict=True):
        assert torch.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(("inside", "outside", "plane"), [(128, 64, (64, 64)), (32, 2, (136, 132))])
def test_transposed_gradients_in_bfloat16_are_near_the_exact_ones(
    inside: int, outside: int, plane: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    layer = nn.ConvTranspose3d(inside, outside, (1, 2, 2), (1, 2, 2)).to(memory_format=torch.channels_last_3d)
    make_planar(layer)
    x = torch.randn(2, inside, 1, *plane).to(memory_format=torch.channels_last_3d).requires_grad_()
    exact = gradients(layer, x)[1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = gradients(layer, x)[1]
    assert float((found - exact).abs().max()) < 0.05 * float(exact.abs().max())


def test_gradients_in_bfloat16_are_near_the_exact_ones_at_sizes_where_volume_convolutions_fail() -> None:
    torch.manual_seed(0)
    layer = nn.Conv3d(32, 32, (1, 3, 3), padding=(0, 1, 1), bias=False).to(memory_format=torch.channels_last_3d)
    layer.__class__ = PlanarConv
    x = torch.randn(2, 32, 1, 64, 64).to(memory_format=torch.channels_last_3d).requires_grad_()
    exact = gradients(layer, x)[1]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = gradients(layer, x)[1]
    assert float((found - exact).abs().max()) < 0.05 * float(exact.abs().max())


@pytest.mark.parametrize("name", ["fast", "plain", "unet"])
def test_networks_of_slices_are_planar_and_those_of_volumes_are_not(name: str) -> None:
    flat, deep = build(name, blob_task(2)), build(name, blob_task(3))
    kinds = (nn.Conv3d, nn.ConvTranspose3d)
    left = [m for m in flat.modules() if type(m) in kinds and m.kernel_size[0] == m.stride[0] == 1]
    assert left == []
    assert any(isinstance(m, PlanarConv) for m in flat.modules())
    assert not any(isinstance(m, PlanarConv) for m in deep.modules())
