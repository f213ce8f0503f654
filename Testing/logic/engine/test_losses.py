"""Losses on partly judged labels, against loops."""

from __future__ import annotations

import pytest
import torch

from SemiSegLogic.engine.losses import soft_dice
from SemiSegLogic.geometry import IGNORE


def test_a_soft_weight_counts_once_in_dice() -> None:
    torch.manual_seed(0)
    logits, label, weight = torch.randn(2, 3, 1, 3, 4), torch.randint(0, 3, (2, 1, 3, 4)), torch.rand(2, 1, 3, 4)
    label[0, 0, 0] = IGNORE
    share, scores = torch.softmax(logits, 1), []
    for c in (1, 2):
        overlap = mass = 0.0
        for b, d, h, w in (label != IGNORE).nonzero().tolist():
            p, t, v = float(share[b, c, d, h, w]), float(label[b, d, h, w] == c), float(weight[b, d, h, w])
            overlap, mass = overlap + v * p * t, mass + v * p + v * t
        scores.append((2 * overlap + 1) / (mass + 1))
    assert soft_dice(logits, label, weight).item() == pytest.approx(1 - sum(scores) / 2, abs=1e-5)
