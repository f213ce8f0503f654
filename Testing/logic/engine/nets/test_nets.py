"""The networks: sizes, shapes, taps, and that slices stay apart where they should."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from SemiSegLogic.engine.nets import NETWORKS, PARTNERS, Network, UNet, VNet, build, build_pair
from SemiSegLogic.engine.nets.base import BatchNorm
from SemiSegLogic.engine.nets.resnet import BasicBlock, ResVNet
from SemiSegLogic.methods.base import Task
from SemiSegLogic.settings import SettingsError

NAMES = ("fast", "plain", "unet", "vnet", "resvnet", "resunet")
FIVE = {"stem", "down1", "down2", "down3", "bottleneck", "up1", "up2", "up3", "last", "logits"}


def _task(dims: int, classes: int = 3, channels: int = 1) -> Task:
    patch = (8, 16, 16) if dims == 3 else (1, 32, 32)
    return Task(channels, classes, dims, patch, "fast", (0.7, *[0.3 / (classes - 1)] * (classes - 1)))


def _numbers(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_logits_have_the_size_of_the_image_even_when_it_is_odd(name: str, dims: int) -> None:
    network = build(name, _task(dims)).eval()
    size = (5, 19, 21) if dims == 3 else (1, 19, 37)
    with torch.no_grad():
        assert network(torch.randn(1, 1, *size)).shape == (1, 3, *size)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_taps_have_the_promised_names_and_halve_their_sides(name: str, dims: int) -> None:
    network = build(name, _task(dims)).eval()
    side = [2 * s for s in network.stride]
    with torch.no_grad():
        taps = network.taps(torch.randn(1, 1, *side))
        again = network.decode(network.encode(torch.zeros(1, 1, *side)))
    assert set(taps) >= (FIVE if name not in ("fast", "plain") else {"stem", "down1", "bottleneck", "up1", "last"})
    assert set(again) == set(taps)
    assert [s // b for s, b in zip(side, taps["bottleneck"].shape[2:], strict=True)] == list(network.stride)
    assert taps["up1"].shape[1] * 2 == taps["bottleneck"].shape[1]


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_one_small_patch_alone_can_be_learned_from(name: str, dims: int) -> None:
    """The smallest patch is one voxel at the bottom of a network: one number has no deviation, and PyTorch ended the
    training with it. Where there are more, all is as in PyTorch.
    """
    network = build(name, _task(dims)).train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    network(torch.randn(1, 1, *network.stride)).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())
    plain = build(name, _task(dims)).train()
    plain.load_state_dict(before)
    for part in plain.modules():
        if isinstance(part, BatchNorm):
            part.__class__ = nn.BatchNorm3d
    network.load_state_dict(before)
    images = torch.randn(2, 1, 16 if dims == 3 else 1, 32, 32)
    torch.manual_seed(1)
    one = network(images)
    torch.manual_seed(1)
    assert torch.equal(one, plain(images))
    assert all(torch.equal(value, plain.state_dict()[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_a_planar_network_never_mixes_slices(name: str) -> None:
    network = build(name, _task(2)).eval()
    image = torch.randn(1, 1, 3, 32, 32)
    other = image.clone()
    other[:, :, 1] = torch.randn(1, 1, 32, 32)
    with torch.no_grad():
        first, second = network(image), network(other)
    assert torch.equal(first[:, :, [0, 2]], second[:, :, [0, 2]])
    assert not torch.equal(first[:, :, 1], second[:, :, 1])


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_gradient_reaches_every_parameter(name: str, dims: int) -> None:
    network = build(name, _task(dims))
    for module in network.modules():
        if isinstance(module, BasicBlock):  # starts as its shortcut, behind which nothing learns in the first step
            nn.init.ones_(module.norm.weight)
    image = torch.randn(2, 1, *((16, 16, 16) if dims == 3 else (1, 32, 32)))
    (network(image) ** 2).mean().backward()
    silent = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
    assert silent == []


@pytest.mark.parametrize("name", NAMES)
def test_a_new_network_predicts_about_the_prior(name: str) -> None:
    network = build(name, _task(3))
    bias = network.head.bias
    assert isinstance(bias, torch.Tensor)
    assert torch.softmax(bias, 0).tolist() == pytest.approx([0.7, 0.15, 0.15], abs=1e-6)


def test_a_class_that_nobody_drew_gets_a_finite_bias() -> None:
    network = build("fast", Task(1, 3, 3, (8, 16, 16), "fast", (1.0, 0.0, 0.0)))
    assert torch.isfinite(network.head.bias).all()  # type: ignore[union-attr, arg-type]


def test_parameter_counts_are_those_of_the_literature() -> None:
    assert _numbers(UNet(1, 4, dims=2)) == pytest.approx(1.81e6, abs=5e3)
    assert _numbers(VNet(1, 2, dims=3)) == pytest.approx(9.45e6, abs=5e3)
    assert _numbers(ResVNet(1, 2, dims=3)) == pytest.approx(17.93e6, abs=5e3)


def test_pairs_are_of_different_architectures_either_way() -> None:
    for first, second in PARTNERS.items():
        one, two = build_pair(first, _task(2))
        back = build_pair(second, _task(2))
        assert type(one) is not type(two)
        assert (type(back[0]), type(back[1])) == (type(two), type(one))
    with pytest.raises(SettingsError, match="fast"):
        build_pair("segformer", _task(2))


def test_unknown_networks_are_refused_by_name() -> None:
    with pytest.raises(KeyError, match="vnet"):
        build("vgg", _task(3))


@pytest.mark.parametrize("name", NAMES)
def test_runs_in_bfloat16(name: str) -> None:
    network: Network = NETWORKS[name](_task(2)).eval()
    with torch.no_grad(), torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(torch.randn(1, 1, 1, 32, 32))
    assert torch.isfinite(logits.float()).all()
