"""SegFormer on the slices of a volume, adapted by low-rank updates.

E. Xie et al.: SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers, NeurIPS 2021.
E. Hu et al.: LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022: W x + (alpha / r) B A x, first
with B = 0.

Needs the optional packages transformers and peft, and pre-trained weights that the user has put on this computer: a
folder with config.json, or the name of a model in the local Hugging Face cache. Nothing is ever downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ...settings import SettingsError
from .base import Network
from .planar import to_slices, to_volumes

if TYPE_CHECKING:  # the methods import the networks
    from ...methods.base import Task

ADAPTED = [
    *("query", "key", "value", "dense", "dense1", "dense2"),  # as transformers 4 names them
    *("q_proj", "k_proj", "v_proj", "o_proj", "fc1", "fc2"),  # as transformers 5 does
]
HOW_TO = (
    "Give in 'weights' the folder of a SegFormer (config.json and its weights), or the name of one in the local "
    "Hugging Face cache, such as nvidia/segformer-b2-finetuned-ade-512-512 (mind its licence). Without any, set "
    "'slice_network' to 'fast': it learns from scratch, without the advantage of pre-training."
)


class SegFormer(Network):
    """``backbone`` (N,3,H,W) -> an object whose ``logits`` are features (N,``width``,H/4,W/4). Taps last, logits.

    The features beside every fourth pixel of the image, then one transposed convolution to full resolution. Slices
    along D never see each other. Images of one channel are shown in three; more than three are refused.
    """

    def __init__(self, backbone: nn.Module, width: int, channels: int, classes: int):
        super().__init__()
        if channels > 3:
            raise SettingsError(f"SegFormer sees at most 3 image channels; there are {channels}.")
        self.stride = (1, 32, 32)
        self.shown = [n % channels for n in range(3)]
        self.backbone = backbone
        self.head = nn.ConvTranspose2d(width + 3, classes, 4, stride=4)

    def encode(self, image: Tensor) -> dict[str, Tensor]:
        """(B,C,D,H,W) -> ``last`` (B,F,D,H/4,W/4) and ``logits`` (B,K,D,H,W)."""
        picture = to_slices(image)[:, self.shown]
        features = self.backbone(pixel_values=picture).logits
        last = torch.cat([features, picture[:, :, ::4, ::4].to(features.dtype)], 1)
        return {"last": to_volumes(last, len(image)), "logits": to_volumes(self.head(last), len(image))}


def load_segformer(weights: str, task: Task, rank: int = 64, alpha: float = 64.0, dropout: float = 0.1) -> SegFormer:
    """Pre-trained SegFormer for ``task`` with LoRA in its attention and mixing layers. Trainable are those, all biases,
    all layer norms and the new head.

    Raises SettingsError when a package or the weights are missing, saying what to do.
    """
    backbone, width = _pretrained(weights)
    network = SegFormer(_with_lora(backbone, rank, alpha, dropout), width, task.channels, task.classes)
    network.start_at_prior(task.prior)
    return network


def _pretrained(weights: str) -> tuple[nn.Module, int]:
    """The network in ``weights`` without its classifier, and how many features it gives."""
    if not weights:
        raise SettingsError(f"M&N needs a pre-trained SegFormer and was given none. {HOW_TO}")
    if Path(weights).is_dir() and not (Path(weights) / "config.json").is_file():
        raise SettingsError(f"There is no config.json in the folder {weights}. {HOW_TO}")
    library = _import("transformers")
    try:
        model = library.SegformerForSemanticSegmentation.from_pretrained(weights, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:  # what transformers raises for files it cannot use
        raise SettingsError(f"No SegFormer can be loaded from '{weights}': {error} {HOW_TO}") from error
    model.decode_head.classifier = nn.Identity()
    return model.float(), int(model.config.decoder_hidden_size)


def _with_lora(backbone: nn.Module, rank: int, alpha: float, dropout: float) -> nn.Module:
    library = _import("peft")
    config = library.LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=dropout, bias="all", target_modules=ADAPTED
    )
    adapted: nn.Module = library.inject_adapter_in_model(config, backbone)
    for module in adapted.modules():
        if isinstance(module, nn.LayerNorm):
            module.requires_grad_(True)
    return adapted


def _import(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError as error:
        raise SettingsError(
            f"M&N with SegFormer needs the package '{name}', which is not installed ({error}). Install what it needs "
            f"with: pip install transformers peft. Or set 'slice_network' to 'fast'."
        ) from error
