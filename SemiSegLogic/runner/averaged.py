"""One network from two: the mean of their weights.

M. Wortsman et al.: Model soups: averaging weights of multiple fine-tuned models improves accuracy without increasing
inference time, ICML 2022. Both contestants of the recommended method went on from the same first mask, so a straight
line between their weights stays low in loss; its middle is steadier than either end, and predicts at the price of one.
"""

from __future__ import annotations

import torch

from ..methods.base import Method
from .model import Model


def averaged(one: Model, other: Model, device: torch.device) -> Method | None:
    """The method of ``one``, predicting with the mean of both models' predicting networks (BatchNorm's averages
    included, integer counters those of ``one``); None where these are not of one make. Draws no chance.
    """
    method = one.build(device)
    mine, theirs = method.predictor().state_dict(), other.build(device).predictor().state_dict()
    if {name: value.shape for name, value in mine.items()} != {name: value.shape for name, value in theirs.items()}:
        return None
    mean = {name: (value + theirs[name]) / 2 if value.is_floating_point() else value for name, value in mine.items()}
    method.predictor().load_state_dict(mean)
    return method
