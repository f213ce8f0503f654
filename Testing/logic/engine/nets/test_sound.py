"""Volume convolutions whose bfloat16 gradients PyTorch gets wrong are computed in float32."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from SemiSegLogic.engine.nets import NETWORKS, build
from SemiSegLogic.engine.nets.planar import make_planar
from SemiSegLogic.engine.nets.sound import SoundConv, SoundUp, make_sound
from Testing.support.tiny_fit import blob_task


def _gradients(module: nn.Module, x: Tensor, half: bool) -> tuple[torch.dtype, Tensor, Tensor]:
    """The output's type, and the gradients of the kernel and of ``x``."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        y = module(x)
    (y.float() * torch.linspace(-1, 1, y.numel()).view(y.shape)).sum().backward()
    kernel, module.weight.grad = module.weight.grad, None
    assert x.grad is not None
    return y.dtype, kernel, x.grad


@pytest.mark.parametrize("shape", [(2, 32, 2, 64, 64), (2, 32, 4, 64, 64), (1, 32, 2, 96, 96)])
def test_gradients_of_shallow_volumes_with_large_planes_are_those_of_float32(shape: tuple[int, ...]) -> None:
    """As it is in PyTorch 2.13 on a processor with AMX, they are no numbers, or the program dies."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv3d(32, 32, 3, padding=1)).to(memory_format=torch.channels_last_3d)
    make_sound(net)
    x = torch.randn(shape).to(memory_format=torch.channels_last_3d)
    whole, half = _gradients(net[0], x, False), _gradients(net[0], x, True)
    assert half[0] == torch.float32
    assert torch.allclose(whole[1], half[1])
    assert torch.allclose(whole[2], half[2])


@pytest.mark.parametrize(("kernel", "depth"), [(3, 2), (5, 2), (5, 3), (5, 4)])
def test_gradients_of_kernels_deeper_than_their_volume_are_those_of_float32(kernel: int, depth: int) -> None:
    """As it is in PyTorch 2.13 on a processor with bfloat16 but without AMX, they hold memory that nobody wrote."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv3d(16, 32, kernel, padding=kernel // 2)).to(memory_format=torch.channels_last_3d)
    make_sound(net)
    x = torch.randn(2, 16, depth, 8, 6).to(memory_format=torch.channels_last_3d)
    whole = _gradients(net[0], x, False)
    for _ in range(3):
        _leave_behind(net[0].weight.numel())
        half = _gradients(net[0], x, True)
        assert torch.allclose(whole[1], half[1], atol=1e-3)
        assert torch.allclose(whole[2], half[2], atol=1e-3)


@pytest.mark.parametrize("kernel", [3, 5])
def test_a_slice_of_one_channel_is_seen_by_a_deeper_kernel_as_in_float32(kernel: int) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv3d(1, 16, kernel, padding=kernel // 2)).to(memory_format=torch.channels_last_3d)
    make_sound(net)
    x = torch.randn(2, 1, 1, 16, 16)
    with torch.no_grad():
        assert torch.allclose(_in_half(net, x), net(x), atol=0.02)


def _leave_behind(count: int) -> None:
    """Memory of many sizes, ``count`` numbers among them, freed with no numbers in it."""
    sizes = (64, 1024, 8192, count, 2 * count)
    for block in [torch.full((size,), float("nan")) for size in sizes for _ in range(4)]:
        assert block.isnan().all()


def test_deep_volumes_stay_in_bfloat16_and_so_does_prediction() -> None:
    conv, up = nn.Conv3d(8, 8, 3, padding=1), nn.ConvTranspose3d(8, 4, 2, 2)
    make_sound(nn.ModuleList([conv, up]))
    deep, shallow = torch.randn(1, 8, 16, 16, 16), torch.randn(1, 8, 1, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        assert conv(deep).dtype == up(deep).dtype == torch.bfloat16
        assert conv(shallow).dtype == up(shallow).dtype == torch.float32
        with torch.no_grad():
            assert conv(shallow).dtype == torch.bfloat16
    assert conv(shallow).dtype == torch.float32


def _in_half(network: nn.Module, x: Tensor) -> Tensor:
    torch.full((4_000_000,), float("nan"), dtype=torch.bfloat16)  # what a buffer may hold that nobody wrote
    with torch.autocast("cpu", torch.bfloat16):
        return network(x).float()


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("width", [1, 2, 4, 8])
@pytest.mark.parametrize("name", ["fast", "plain", "unet"])
def test_narrow_images_are_seen_in_bfloat16_as_they_are_in_float32(name: str, width: int, dims: int) -> None:
    """As it is in PyTorch 2.13 on a processor with AMX, a stride to a width of one voxel gives anything, or NaN."""
    torch.manual_seed(0)
    network = build(name, blob_task(network=name, dims=dims)).eval()
    x = torch.randn(2, 1, 1 if dims == 2 else 16, 64, width)
    for _ in range(3):
        with torch.no_grad():
            half, whole = _in_half(network, x), network(x)
        assert half.isfinite().all()
        assert (half - whole).abs().max() < 0.05 * whole.abs().max()


@pytest.mark.parametrize("make", [make_sound, make_planar])
def test_gradients_of_narrow_images_are_those_of_float32(make: Callable[[nn.Module], None]) -> None:
    torch.manual_seed(0)
    depth = 1 if make is make_planar else 2
    down = nn.Conv3d(32, 64, (depth, 3, 3), (1, 2, 2), (0, 1, 1))
    up = nn.ConvTranspose3d(32, 3, (1, 2, 2), (1, 2, 2))
    make(nn.ModuleList([down, up]))
    x = torch.randn(2, 32, 2, 16, 1)
    for module in (down, up):
        whole, half = _gradients(module, x, False), _gradients(module, x, True)
        assert torch.allclose(whole[1], half[1], atol=1e-4)
        assert torch.allclose(whole[2], half[2], atol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_volumes_is_made_so(name: str) -> None:
    network = build(name, blob_task(network=name))
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv3d | nn.ConvTranspose3d)]
    assert {type(part) for part in convolutions} <= {SoundConv, SoundUp}
    assert convolutions
