"""SegFormer from a folder: what is loaded, what is trained, what is said when something is missing."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from SemiSegLogic.engine.nets.instance import InstanceUNet
from SemiSegLogic.engine.nets.segformer import SegFormer, load_segformer
from SemiSegLogic.methods.base import Task
from SemiSegLogic.settings import SettingsError
from Testing.support.data.segformer import save_tiny_segformer

TASK = Task(1, 3, 3, (4, 32, 32), "fast", (0.8, 0.1, 0.1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save_tiny_segformer(tmp_path_factory.mktemp("segformer"))


def loaded(folder: str, task: Task = TASK, rank: int = 4) -> SegFormer:
    torch.manual_seed(0)
    return load_segformer(folder, task, rank, float(rank))


def test_logits_have_the_size_of_the_volume_and_slices_stay_apart(folder: str) -> None:
    network = loaded(folder).eval()
    image = torch.randn(2, 1, 3, 40, 33)
    other = image.clone()
    other[:, :, 1] = torch.randn(2, 1, 40, 33)
    with torch.no_grad():
        one, two = network(image), network(other)
    assert one.shape == (2, 3, 3, 40, 33)
    assert torch.equal(one[:, :, [0, 2]], two[:, :, [0, 2]])
    assert not torch.equal(one[:, :, 1], two[:, :, 1])


def test_adapted_network_starts_as_the_loaded_one(folder: str) -> None:
    library = pytest.importorskip("transformers")
    published = library.SegformerForSemanticSegmentation.from_pretrained(folder, local_files_only=True).eval()
    published.decode_head.classifier = nn.Identity()
    picture = torch.randn(2, 3, 32, 64)
    with torch.no_grad():
        features = loaded(folder).eval().backbone(pixel_values=picture).logits
        assert torch.allclose(features, published(pixel_values=picture).logits, atol=1e-6)
    assert features.shape == (2, 12, 8, 16)


def test_head_sees_the_features_and_every_fourth_pixel(folder: str) -> None:
    network = loaded(folder).eval()
    image = torch.randn(1, 1, 2, 32, 32)
    with torch.no_grad():
        last = network.taps(image)["last"]
    assert last.shape == (1, 15, 2, 8, 8)
    assert torch.equal(last[0, 12:], image[0, :, :, ::4, ::4].expand(3, -1, -1, -1))


def test_low_rank_updates_biases_norms_and_head_learn_and_nothing_else(folder: str) -> None:
    network = loaded(folder)
    norms = {id(p) for m in network.modules() if isinstance(m, nn.LayerNorm) for p in m.parameters()}
    for name, weight in network.named_parameters():
        wanted = "lora_" in name or name.endswith("bias") or id(weight) in norms or name.startswith("head.")
        assert weight.requires_grad is wanted, name
    adapted = {name.split(".lora_A")[0].split(".")[-1] for name, _ in network.named_parameters() if ".lora_A" in name}
    assert len(adapted) == 6  # query, key, value, output, and both layers of the mixing network


def test_a_step_leaves_frozen_weights_bit_identical_and_moves_the_others(folder: str) -> None:
    network = loaded(folder)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=0.01)
    for _ in range(2):  # B = 0 keeps A still in the first step
        optimiser.zero_grad()
        (network(torch.randn(2, 1, 2, 64, 64)) ** 2).mean().backward()  # 2 x 2 tokens in the last stage
        optimiser.step()
    moved = {name: not torch.equal(before[name], p) for name, p in network.named_parameters()}
    frozen = [name for name, p in network.named_parameters() if not p.requires_grad]
    assert frozen
    assert not any(moved[name] for name in frozen)
    assert all(moved[name] for name in moved if "lora_" in name or name.startswith("head."))


def test_images_of_one_two_or_three_channels_are_shown_in_three(folder: str) -> None:
    for channels, shown in ((1, [0, 0, 0]), (2, [0, 1, 0]), (3, [0, 1, 2])):
        assert loaded(folder, Task(channels, 2, 3, (4, 32, 32), "fast", (0.5, 0.5))).shown == shown
    with pytest.raises(SettingsError, match="at most 3"):
        loaded(folder, Task(4, 2, 3, (4, 32, 32), "fast", (0.5, 0.5)))


def test_a_new_head_predicts_about_the_prior(folder: str) -> None:
    bias = loaded(folder).head.bias
    assert isinstance(bias, torch.Tensor)
    assert torch.softmax(bias, 0).tolist() == pytest.approx([0.8, 0.1, 0.1], abs=1e-6)


def test_checkpoint_holds_everything(folder: str) -> None:
    one, two = loaded(folder), loaded(folder)
    for weight in one.parameters():
        weight.data.add_(torch.randn_like(weight))
    two.load_state_dict(one.state_dict())
    image = torch.randn(1, 1, 2, 32, 32)
    with torch.no_grad():
        assert torch.equal(one.eval()(image), two.eval()(image))


def test_missing_weights_are_named_with_what_to_do(folder: str, tmp_path: Path) -> None:
    for wrong in ("", str(tmp_path), str(tmp_path / "nowhere"), "nobody/no-such-model"):
        with pytest.raises(SettingsError, match="slice_network") as caught:
            load_segformer(wrong, TASK)
        assert wrong in str(caught.value)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SettingsError, match="slice_network"):
        load_segformer(str(tmp_path), TASK)


@pytest.mark.parametrize("missing", ["transformers", "peft"])
def test_missing_packages_are_named_with_how_to_install_them(
    missing: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(builtins, "__import__", without(missing, builtins.__import__))
    with pytest.raises(SettingsError, match="pip install transformers peft"):
        load_segformer(folder, TASK)


def without(missing: str, real: Callable[..., Any]) -> Callable[..., Any]:
    """An ``__import__`` that does not find ``missing``."""

    def find(name: str, *rest: Any, **more: Any) -> Any:
        if name == missing:
            raise ImportError(f"No module named '{missing}'")
        return real(name, *rest, **more)

    return find


@pytest.mark.parametrize("dims", [2, 3])
def test_instance_norm_network_keeps_sizes_and_does_not_depend_on_the_batch(dims: int) -> None:
    torch.manual_seed(0)
    network = InstanceUNet(1, 3, dims, width=4)
    image = torch.randn(2, 1, *((19, 21, 33) if dims == 3 else (1, 21, 33)))
    with torch.no_grad():
        both = network(image)
        assert both.shape == (2, 3, *image.shape[2:])
        assert torch.allclose(both[:1], network(image[:1]), atol=1e-3)
        assert network(torch.randn(1, 1, 16, 16, 16)).isfinite().all()
    taps = network.features(image)
    assert list(taps) == ["stem", "down1", "down2", "down3", "bottleneck", "up1", "up2", "up3", "last", "logits"]
    assert taps["bottleneck"].shape[1] == 64
