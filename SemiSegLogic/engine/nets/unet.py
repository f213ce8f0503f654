"""U-Net 16-32-64-128-256, the 2D network of the semi-supervised literature (Ronneberger et al. 2015)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...methods.base import Task
from .base import Network, kernel, same

WIDTHS = (16, 32, 64, 128, 256)
DROPOUTS = (0.05, 0.1, 0.2, 0.3, 0.5)
WAY_DOWN = ("stem", "down1", "down2", "down3", "bottleneck")


class UNet(Network):
    """Taps stem, down1..down3, bottleneck, up1..up3, last, logits; concatenated skips, max-pooling."""

    def __init__(self, channels: int, classes: int, dims: int = 2):
        super().__init__()
        three, two = kernel(dims, 3), kernel(dims, 2)
        self.stride = (two[0] ** 4, 16, 16)
        self.pool = nn.MaxPool3d(two)
        self.encoders = nn.ModuleList(
            _double(a, b, three, drop) for a, b, drop in zip((channels, *WIDTHS), WIDTHS, DROPOUTS, strict=False)
        )
        self.grows = nn.ModuleList(nn.ConvTranspose3d(2 * w, w, two, stride=two) for w in WIDTHS[-2::-1])
        self.decoders = nn.ModuleList(_double(2 * w, w, three, 0.0) for w in WIDTHS[-2::-1])
        self.head = nn.Conv3d(WIDTHS[0], classes, three, padding=same(three))

    @classmethod
    def for_task(cls, task: Task) -> UNet:
        """Planar kernels for slices."""
        return cls(task.channels, task.classes, task.dims)

    def taps(self, image: Tensor) -> dict[str, Tensor]:
        """See the class."""
        return self.decode(self.encode(image))

    def encode(self, image: Tensor) -> dict[str, Tensor]:
        """The five maps of the way down."""
        maps: dict[str, Tensor] = {}
        x = image
        for name, encode in zip(WAY_DOWN, self.encoders, strict=True):
            x = maps[name] = encode(x if name == "stem" else self.pool(x))
        return maps

    def decode(self, maps: dict[str, Tensor]) -> dict[str, Tensor]:
        """The maps of the way up, beside those given."""
        maps, x = dict(maps), maps["bottleneck"]
        for level, (skip, grow, decode) in enumerate(zip(WAY_DOWN[3::-1], self.grows, self.decoders, strict=True), 1):
            x = maps[f"up{level}" if level < 4 else "last"] = decode(torch.cat([maps[skip], grow(x)], 1))
        maps["logits"] = self.head(x)
        return maps


def _double(inside: int, outside: int, size: tuple[int, int, int], dropout: float) -> nn.Sequential:
    def half(a: int) -> list[nn.Module]:
        return [nn.Conv3d(a, outside, size, padding=same(size)), nn.BatchNorm3d(outside), nn.LeakyReLU(inplace=True)]

    return nn.Sequential(*half(inside), nn.Dropout(dropout), *half(outside))
