"""U-Net 16-32-64-128-256, the 2D network of the semi-supervised literature (Ronneberger et al. 2015).

1.81 M parameters for one channel and four classes: on the way up a 1x1 convolution halves the channels, bilinear
interpolation doubles the sides, and the skip is concatenated.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import WAY_DOWN, WAY_UP, BatchNorm, PooledNetwork, kernel, same

WIDTHS = (16, 32, 64, 128, 256)
DROPOUTS = (0.05, 0.1, 0.2, 0.3, 0.5)


class UNet(PooledNetwork):
    """Taps stem, down1..down3, bottleneck, up1..up3, last, logits; concatenated skips, max-pooling."""

    def __init__(self, channels: int, classes: int, dims: int = 2):
        super().__init__()
        three, two = kernel(dims, 3), kernel(dims, 2)
        self.stride = (two[0] ** 4, 16, 16)
        self.pool = nn.MaxPool3d(two)
        self.encoders = nn.ModuleList(
            _double(a, b, three, drop) for a, b, drop in zip((channels, *WIDTHS), WIDTHS, DROPOUTS, strict=False)
        )
        self.decoder = UNetDecoder(dims)
        self.head = nn.Conv3d(WIDTHS[0], classes, three, padding=same(three))

    def decode(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """The maps (B,F,d,h,w) of the way up, beside those given."""
        maps = self.decoder(maps)
        maps["logits"] = self.head(maps["last"])
        return maps


class UNetDecoder(nn.Module):
    """From the five maps of the way down (16, 32, 64, 128, 256 channels, sides halved each time) to ``last``."""

    def __init__(self, dims: int):
        super().__init__()
        self.narrows = nn.ModuleList(nn.Conv3d(2 * w, w, 1) for w in WIDTHS[-2::-1])
        self.stages = nn.ModuleList(_double(2 * w, w, kernel(dims, 3), 0.0) for w in WIDTHS[-2::-1])

    def forward(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """The maps (B,F,d,h,w) given and those of the way up; a skip comes before what comes from below."""
        maps, x = dict(maps), maps["bottleneck"]
        for name, skip, narrow, stage in zip(WAY_UP, WAY_DOWN[3::-1], self.narrows, self.stages, strict=True):
            wide = F.interpolate(narrow(x), size=maps[skip].shape[2:], mode="trilinear", align_corners=True)
            x = maps[name] = stage(torch.cat([maps[skip], wide], 1))
        return maps


def _double(inside: int, outside: int, size: tuple[int, int, int], dropout: float) -> nn.Sequential:
    def half(a: int) -> list[nn.Module]:
        return [nn.Conv3d(a, outside, size, padding=same(size)), BatchNorm(outside), nn.LeakyReLU(inplace=True)]

    return nn.Sequential(*half(inside), nn.Dropout(dropout), *half(outside))
