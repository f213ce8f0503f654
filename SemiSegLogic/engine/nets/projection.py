"""Projection heads: from a feature map to a point on the unit sphere, for training only."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from .base import Network


class GlobalProjection(nn.Module):
    """Global average, two linear layers around a LeakyReLU, unit length (Chen et al. 2020; Chaitanya et al. 2020)."""

    def __init__(self, inside: int, hidden: int = 256, outside: int = 256):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(inside, hidden), nn.LeakyReLU(0.01), nn.Linear(hidden, outside))

    def forward(self, maps: Tensor) -> Tensor:
        """(B,F,d,h,w) -> (B,outside) float32 rows of length 1."""
        return F.normalize(self.layers(maps.float().mean((2, 3, 4))).float(), dim=1)


def tap_width(network: Network, channels: int, tap: str) -> int:
    """How many channels the named tap has. Raises KeyError naming the taps there are."""
    taps = network.blank_taps(channels)
    if tap not in taps:
        raise KeyError(f"{type(network).__name__} has no tap '{tap}'; it has {', '.join(taps)}.")
    return taps[tap].shape[1]
