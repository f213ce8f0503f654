"""Several networks that predict as one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class MeanOf(nn.Module):
    """Logits whose softmax is the mean of the members' softmax maps."""

    def __init__(self, *members: nn.Module):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, image: Tensor) -> Tensor:
        """(B,C,D,H,W) -> (B,K,D,H,W) float32: the logarithm of the mean probabilities."""
        probabilities = [torch.softmax(member(image).float(), 1) for member in self.members]
        return torch.stack(probabilities).mean(0).clamp_min(1e-12).log()


def networks_in(state: Mapping[str, Tensor]) -> list[dict[str, Tensor]]:
    """The states of the networks in a predictor's ``state``: those of its members, or its own."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, value in state.items():
        kind, _, rest = name.partition(".")
        number, _, own = rest.partition(".")
        if kind != "members" or not number.isdigit():
            return [dict(state)]
        found.setdefault(number, {})[own] = value
    return [found[number] for number in sorted(found, key=int)]
