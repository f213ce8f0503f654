"""V-Net with 16 filters, the 3D network of the semi-supervised literature (Milletari et al. 2016; Yu et al. 2019).

9.45 M parameters for one channel and two classes: plain convolution stages (1, 2, 3, 3, 3 convolutions), strided
convolutions down, transposed ones up, additive skips.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from .base import WAY_DOWN, WAY_UP, Network, conv_block, kernel, norm_act


class VNet(Network):
    """Taps stem, down1..down3, bottleneck, up1..up3, last, logits; dropout after the bottleneck and the last stage."""

    def __init__(self, channels: int, classes: int, dims: int = 3, width: int = 16, dropout: float = 0.5):
        super().__init__()
        three, two = kernel(dims, 3), kernel(dims, 2)
        widths = [width * 2**level for level in range(5)]
        self.stride = (two[0] ** 4, 16, 16)
        self.stem = conv_block(channels, width, three)
        self.shrinks = nn.ModuleList(
            nn.Sequential(nn.Conv3d(a, b, two, stride=two), norm_act(b)) for a, b in pairwise(widths)
        )
        self.encoders = nn.ModuleList(_stage(w, n, three) for w, n in zip(widths[1:], (2, 3, 3, 3), strict=True))
        self.decoder = VNetDecoder(width, dims)
        self.dropout = nn.Dropout3d(dropout)
        self.head = nn.Conv3d(width, classes, 1)

    def encode(self, image: Tensor) -> dict[str, Tensor]:
        """The five maps (B,F,d,h,w) of the way down of an image (B,C,D,H,W)."""
        maps = {"stem": self.stem(image)}
        x = maps["stem"]
        for name, shrink, encode in zip(WAY_DOWN[1:], self.shrinks, self.encoders, strict=True):
            x = maps[name] = encode(shrink(x))
        return maps

    def decode(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """The maps (B,F,d,h,w) of the way up, beside those given."""
        below = self.dropout(maps["bottleneck"])
        maps = {**self.decoder({**maps, "bottleneck": below}), "bottleneck": maps["bottleneck"]}
        maps["logits"] = self.head(self.dropout(maps["last"]))
        return maps


class VNetDecoder(nn.Module):
    """From the five maps of the way down (``width`` channels, doubled as the sides halve) to ``last``."""

    def __init__(self, width: int, dims: int):
        super().__init__()
        three, two = kernel(dims, 3), kernel(dims, 2)
        widths = [width * 2**level for level in range(3, -1, -1)]
        self.grows = nn.ModuleList(
            nn.Sequential(nn.ConvTranspose3d(2 * w, w, two, stride=two), norm_act(w)) for w in widths
        )
        self.stages = nn.ModuleList(_stage(w, n, three) for w, n in zip(widths, (3, 3, 2, 1), strict=True))

    def forward(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """The maps given and those of the way up; skips are added. ``merged`` is what the last stage gets."""
        maps, x = dict(maps), maps["bottleneck"]
        for name, skip, grow, stage in zip(WAY_UP, WAY_DOWN[3::-1], self.grows, self.stages, strict=True):
            maps["merged"] = grow(x) + maps[skip]
            x = maps[name] = stage(maps["merged"])
        return maps


def _stage(width: int, convolutions: int, size: tuple[int, int, int]) -> nn.Sequential:
    return nn.Sequential(*(conv_block(width, width, size) for _ in range(convolutions)))
