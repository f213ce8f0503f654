"""The first-mask network: a residual U-Net that works at half resolution.

A stride-2 stem costs a quarter of the same net at full resolution and loses little: a stem kernel of two voxels loses
no input, and the transposed head puts the full grid back.
"""

from __future__ import annotations

from torch import Tensor, nn

from .base import BatchNorm, HalvingNetwork, conv_block, kernel, norm_act, same


class Residual(nn.Module):
    """Two convolutions around a shortcut."""

    def __init__(self, inside: int, outside: int, size: tuple[int, int, int], stride: tuple[int, int, int] = (1, 1, 1)):
        super().__init__()
        self.first = conv_block(inside, outside, size, stride)
        self.second = nn.Sequential(
            nn.Conv3d(outside, outside, size, padding=same(size), bias=False), BatchNorm(outside)
        )
        change = inside != outside or stride != (1, 1, 1)
        self.shortcut = nn.Conv3d(inside, outside, stride, stride=stride, bias=False) if change else nn.Identity()
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(B,F,d,h,w) -> (B,F',d/s,h/s,w/s)."""
        return self.act(self.second(self.first(x)) + self.shortcut(x))


class FastUNet(HalvingNetwork):
    """Stem of stride 2, widths (w, 2w, 4w), additive skips; taps stem, down1, bottleneck, up1, last, logits."""

    def __init__(self, channels: int, classes: int, dims: int = 3, width: int = 32, flat_stem: bool = False):
        super().__init__()
        three, two = kernel(dims, 3), kernel(dims, 2)
        stem = (1, two[1], two[2]) if flat_stem else two
        self.stride = (stem[0] * two[0] ** 2, stem[1] * 4, stem[2] * 4)
        self.stem = nn.Sequential(nn.Conv3d(channels, width, stem, stride=stem, bias=False), norm_act(width))
        self.level1 = Residual(width, width, three)
        self.level2 = Residual(width, 2 * width, three, two)
        self.level3 = Residual(2 * width, 4 * width, three, two)
        self.up2 = nn.ConvTranspose3d(4 * width, 2 * width, two, stride=two)
        self.join2 = Residual(2 * width, 2 * width, three)
        self.up1 = nn.ConvTranspose3d(2 * width, width, two, stride=two)
        self.join1 = Residual(width, width, three)
        self.head = nn.ConvTranspose3d(width, classes, stem, stride=stem)

    def encode(self, image: Tensor) -> dict[str, Tensor]:
        """Taps stem, level1, down1, bottleneck (B,F,d,h,w) of an image (B,C,D,H,W)."""
        stem = self.stem(image)
        one = self.level1(stem)
        two = self.level2(one)
        return {"stem": stem, "level1": one, "down1": two, "bottleneck": self.level3(two)}

    def decode(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """The taps (B,F,d,h,w) of the way up, beside those given."""
        up = self.join2(self.up2(maps["bottleneck"]) + maps["down1"])
        last = self.join1(self.up1(up) + maps["level1"])
        return {**maps, "up1": up, "last": last, "logits": self.head(last)}
