"""Volumes in which nobody drew, taught to a fresh network by those that were trained before it.

    (1)  p_i = mean over the teachers of their shares of scan i
    (2)  q_i = what the scans agree on (see consensus.py), p_i without a weight for it
    (3)  y_i = argmax q_i where max q_i >= SURE, of each structure that comes in one piece the largest; else unknown

Related: a network that learns from nothing what its teacher says of unlabelled images (Q. Xie et al.: Self-training
with Noisy Student, CVPR 2020).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from SemiSegLogic.engine.data.volumes import Volume, set_label
from SemiSegLogic.engine.prediction.predict import Predictor
from SemiSegLogic.geometry import IGNORE, SliceIndex
from SemiSegLogic.methods.base import Method

from ..data.training_set import TrainingSet
from ..evaluation.postprocessing import largest_piece
from .consensus import Shares, agreed

SURE = 0.8


def teach(taught: TrainingSet, teachers: Sequence[Method], weight: float, one_piece: bool) -> None:
    """Give every volume in which nobody drew the label that the ``teachers`` agree on; drawn ones stay as drawn."""
    volumes = [volume for volume in taught.volumes if volume.name not in taught.drawn]
    predictors = [Predictor(teacher.predictor().eval(), taught.plan, taught.device) for teacher in teachers]
    found: list[Shares] = [_shares(predictors, volume) for volume in volumes]
    if weight:
        found = agreed(found, weight)
    for volume, shares in zip(volumes, found, strict=True):
        label = known(shares, one_piece)
        values = taught.classes.to_value(np.where(label == IGNORE, 0, label))
        values[label == IGNORE] = IGNORE
        own = np.ascontiguousarray(volume.turn.invert(values))
        set_label(volume, own, [SliceIndex(0, index) for index in range(len(own))], taught.classes)


def known(shares: Shares, one_piece: bool) -> NDArray[np.uint8]:
    """Equation (3): (D,H,W) class index or IGNORE."""
    best = shares.argmax(0).astype(np.uint8)
    best[shares.max(0) < SURE] = IGNORE
    if not one_piece:
        return best
    structures = range(1, len(shares))
    whole = largest_piece(np.where(best == IGNORE, 0, best).astype(np.uint8), structures)
    return np.where((best > 0) & (whole == 0), IGNORE, best).astype(np.uint8)


@torch.no_grad()
def _shares(predictors: Sequence[Predictor], volume: Volume) -> Shares:
    """Equation (1): (K,D,H,W) float16, as eighty scans of an atrium are kept at once."""
    return torch.stack([each.probabilities(volume) for each in predictors]).mean(0).to(torch.float16).numpy()
