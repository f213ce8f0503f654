"""A partner for the first-mask network: as small and as fast, built as differently as possible.

Methods with two networks live from their disagreement. Where :class:`FastUNet` is residual, shrinks by strided
convolution, adds its skips and grows by transposed convolution, this one is plain, pools, concatenates
and interpolates.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .base import HalvingNetwork, conv_block, kernel, same


class PlainUNet(HalvingNetwork):
    """Stem of stride 2, widths (w, 2w, 4w), concatenated skips; taps stem, down1, bottleneck, up1, last, logits."""

    def __init__(self, channels: int, classes: int, dims: int = 3, width: int = 32, flat_stem: bool = False):
        super().__init__()
        three, two = kernel(dims, 3), kernel(dims, 2)
        self.step = (1, two[1], two[2]) if flat_stem else two
        self.stride = (self.step[0] * two[0] ** 2, self.step[1] * 4, self.step[2] * 4)
        self.stem = conv_block(channels, width, three, self.step)
        self.level1 = conv_block(width, width, three)
        self.pool = nn.MaxPool3d(two)
        self.level2 = nn.Sequential(conv_block(width, 2 * width, three), conv_block(2 * width, 2 * width, three))
        self.level3 = nn.Sequential(conv_block(2 * width, 4 * width, three), conv_block(4 * width, 4 * width, three))
        self.narrow2 = nn.Conv3d(4 * width, 2 * width, 1)
        self.join2 = conv_block(4 * width, 2 * width, three)
        self.narrow1 = nn.Conv3d(2 * width, width, 1)
        self.join1 = conv_block(2 * width, width, three)
        self.head = nn.Conv3d(width, classes, three, padding=same(three))

    def encode(self, image: Tensor) -> dict[str, Tensor]:
        """Taps stem, level1, down1, bottleneck (B,F,d,h,w) of an image (B,C,D,H,W)."""
        stem = self.stem(image)
        one = self.level1(stem)
        two = self.level2(self.pool(one))
        return {"stem": stem, "level1": one, "down1": two, "bottleneck": self.level3(self.pool(two))}

    def decode(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """The maps (B,F,d,h,w) of the way up, beside those given."""
        one, two = maps["level1"], maps["down1"]
        up = self.join2(torch.cat([two, grow(self.narrow2(maps["bottleneck"]), two.shape[2:])], 1))
        last = self.join1(torch.cat([one, grow(self.narrow1(up), one.shape[2:])], 1))
        size = [n * s for n, s in zip(last.shape[2:], self.step, strict=True)]
        return {**maps, "up1": up, "last": last, "logits": grow(self.head(last), torch.Size(size))}


def grow(maps: Tensor, size: torch.Size) -> Tensor:
    """``maps`` (B,F,d,h,w), interpolated linearly to ``size`` (d', h', w')."""
    return F.interpolate(maps, size=size, mode="trilinear", align_corners=False)
