"""V-Net and U-Net with a ResNet-34 encoder (He et al. 2016): the second network of MCF (Wang et al. 2023), C3S3, MEDL.

17.93 M parameters in 3D for one channel and two classes: a 7-voxel stem that keeps the resolution and no pooling, then
3, 4, 6 and 3 basic blocks of 32, 64, 128 and 256 channels, each stage halving the sides.

Convolutions start as PyTorch has them, and the last norm of a block at 0 [C3S3's code: He et al. 2015, and at 1, since
the network sets back what its encoder had set to 0].
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from .base import BatchNorm, Network, conv_block, kernel, same
from .unet import UNetDecoder
from .vnet import VNetDecoder

WIDTH = 16
STAGES = {"down1": 3, "down2": 4, "down3": 6, "bottleneck": 3}


class BasicBlock(nn.Module):
    """Two convolutions around a shortcut. The last norm starts at 0, so that a new block is its shortcut."""

    def __init__(self, inside: int, outside: int, dims: int, shrink: bool):
        super().__init__()
        three, step = kernel(dims, 3), kernel(dims, 2) if shrink else (1, 1, 1)
        self.first = conv_block(inside, outside, three, step)
        self.second = nn.Conv3d(outside, outside, three, padding=same(three), bias=False)
        self.norm = BatchNorm(outside)
        nn.init.zeros_(self.norm.weight)
        self.shortcut: nn.Module = nn.Identity()
        if shrink:
            narrow = nn.Conv3d(inside, outside, 1, stride=step, bias=False)
            self.shortcut = nn.Sequential(narrow, BatchNorm(outside))
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B,F,d,h,w) -> (B,F',d/s,h/s,w/s)."""
        return self.act(self.norm(self.second(self.first(x))) + self.shortcut(x))


class ResNet34(nn.Module):
    """The encoder: maps stem, down1..down3, bottleneck of 16, 32, 64, 128, 256 channels."""

    def __init__(self, channels: int, dims: int):
        super().__init__()
        self.stem = conv_block(channels, WIDTH, kernel(dims, 7))
        widths = [WIDTH * 2**level for level in range(5)]
        self.stages = nn.ModuleList(
            _stage(*pair, blocks, dims) for pair, blocks in zip(pairwise(widths), STAGES.values(), strict=True)
        )

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(B,C,D,H,W), sides multiples of 16, -> the five maps by name."""
        maps = {"stem": self.stem(image)}
        x = maps["stem"]
        for name, stage in zip(STAGES, self.stages, strict=True):
            x = maps[name] = stage(x)
        return maps


def _stage(inside: int, outside: int, blocks: int, dims: int) -> nn.Sequential:
    first = BasicBlock(inside, outside, dims, shrink=True)
    return nn.Sequential(first, *(BasicBlock(outside, outside, dims, shrink=False) for _ in range(blocks - 1)))


class _OnResNet(Network):
    """ResNet-34 encoder, a decoder, dropout before the classifier. Taps stem, down1..down3, bottleneck, up1..up3, last,
    logits.
    """

    def __init__(self, channels: int, classes: int, dims: int, decoder: nn.Module, dropout: nn.Module):
        super().__init__()
        self.stride = (kernel(dims, 2)[0] ** 4, 16, 16)
        self.encoder, self.decoder, self.dropout = ResNet34(channels, dims), decoder, dropout
        self.head = nn.Conv3d(WIDTH, classes, 1)

    def encode(self, image: Tensor) -> dict[str, Tensor]:
        """The five maps (B,F,d,h,w) of the way down of an image (B,C,D,H,W)."""
        maps: dict[str, Tensor] = self.encoder(image)
        return maps

    def decode(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """The maps (B,F,d,h,w) of the way up, beside those given."""
        maps = self.decoder(maps)
        maps["logits"] = self.head(self.dropout(maps["last"]))
        return maps


class ResVNet(_OnResNet):
    """ResNet-34 encoder, V-Net decoder."""

    def __init__(self, channels: int, classes: int, dims: int = 3, dropout: float = 0.5):
        super().__init__(channels, classes, dims, VNetDecoder(WIDTH, dims), nn.Dropout3d(dropout))


class ResUNet(_OnResNet):
    """ResNet-34 encoder, U-Net decoder: the partner of the 2D U-Net."""

    def __init__(self, channels: int, classes: int, dims: int = 2):
        super().__init__(channels, classes, dims, UNetDecoder(dims), nn.Identity())
