"""3D U-Net 32-64-128-256-512 with instance normalisation (Cicek et al. 2016), the volume network of M&N.

Blocks of two convolutions, max-pooling down, trilinear interpolation and a convolution up, concatenated skips. Does not
depend on what else is in the batch.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import WAY_DOWN, WAY_UP, PooledNetwork, kernel, same


class InstanceNorm(nn.InstanceNorm3d):
    """Instance normalisation that leaves a map of a single voxel, which has no deviation, as it is."""

    def forward(self, x: Tensor) -> Tensor:
        """(B,F,d,h,w) -> the same."""
        return super().forward(x) if x[0, 0].numel() > 1 else x


class InstanceUNet(PooledNetwork):
    """Taps stem, down1..down3, bottleneck, up1..up3, last, logits."""

    def __init__(self, channels: int, classes: int, dims: int = 3, width: int = 32):
        super().__init__()
        three, two = kernel(dims, 3), kernel(dims, 2)
        widths = [width * 2**level for level in range(5)]
        self.stride = (two[0] ** 4, 16, 16)
        self.pool = nn.MaxPool3d(two)
        self.encoders = nn.ModuleList(
            _twice(a, b, three) for a, b in zip((channels, *widths), widths, strict=False)
        )
        self.narrows = nn.ModuleList(_once(2 * w, w, three) for w in widths[-2::-1])
        self.decoders = nn.ModuleList(_twice(2 * w, w, three) for w in widths[-2::-1])
        self.head = nn.Conv3d(width, classes, three, padding=same(three))

    def decode(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """The maps (B,F,d,h,w) of the way up, beside those given."""
        maps, x = dict(maps), maps["bottleneck"]
        for name, skip, narrow, decode in zip(WAY_UP, WAY_DOWN[3::-1], self.narrows, self.decoders, strict=True):
            wide = F.interpolate(x, size=maps[skip].shape[2:], mode="trilinear", align_corners=False)
            x = maps[name] = decode(torch.cat([maps[skip], narrow(wide)], 1))
        maps["logits"] = self.head(x)
        return maps


def _once(inside: int, outside: int, size: tuple[int, int, int]) -> nn.Sequential:
    convolution = nn.Conv3d(inside, outside, size, padding=same(size))
    return nn.Sequential(convolution, InstanceNorm(outside, affine=True), nn.ReLU(inplace=True))


def _twice(inside: int, outside: int, size: tuple[int, int, int]) -> nn.Sequential:
    return nn.Sequential(_once(inside, outside, size), _once(outside, outside, size))
