"""Prediction of whole volumes on their own grid, with uncertainty.

One fully convolutional pass where it fits, MONAI's sliding windows with Gaussian blending where it does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ..geometry import IGNORE
from ..methods.base import entropy
from .device import Device
from .plan import Plan
from .volumes import Classes, Volume

BYTES_PER_VOXEL = 600  # a full pass on a CPU took 64 to 122 with the fast network, 329 with V-Net: to be safe


@dataclass(frozen=True)
class Prediction:
    """On the case's own ``(k, j, i)`` grid: ``label`` uint8 structure values, ``uncertainty`` uint8, 255 undecided."""

    label: NDArray[np.uint8]
    uncertainty: NDArray[np.uint8]


class Predictor:
    """Runs ``network`` (B,1,D,H,W) -> logits (B,K,D,H,W) over volumes."""

    def __init__(self, network: nn.Module, plan: Plan, device: Device):
        self.network, self.plan, self.device = network, plan, device

    @torch.no_grad()
    def probabilities(self, volume: Volume) -> Tensor:
        """(K,D,H,W) float32 on the volume's own voxels, in engine order."""
        was_training = self.network.training
        self.network.eval()
        try:
            seen = self._seen(volume)
            logits = self._slide(seen) if self._is_large(seen) else self._run(seen)
        finally:
            self.network.train(was_training)
        shares = torch.softmax(logits, 1)
        if shares.shape[2:] != volume.shape:
            shares = F.interpolate(shares, size=volume.shape, mode="trilinear", align_corners=False)
        return shares[0]

    def predict(self, volume: Volume, classes: Classes) -> Prediction:
        """Label and uncertainty. On judged slices the label is the person's own and the uncertainty 0."""
        shares = self.probabilities(volume)
        label, unsure = shares.argmax(0).to(torch.uint8), entropy(shares[None])[0, 0]
        if volume.judged is not None:
            known = volume.judged != IGNORE
            label = torch.where(known, volume.judged, label)
            unsure = unsure.masked_fill(known, 0)
        scaled = (unsure * 255).round().to(torch.uint8)
        return Prediction(
            classes.to_value(volume.to_array(label)), volume.to_array(scaled).astype(np.uint8, copy=False)
        )

    def _seen(self, volume: Volume) -> Tensor:
        """(1,1,D,H,W) float32 at the plan's spacing."""
        image = volume.image[None].float()
        scale = self.plan.scale(volume.spacing)
        if scale == (1.0, 1.0, 1.0):
            return image
        size = [max(1, round(side / step)) for side, step in zip(volume.shape, scale, strict=True)]
        return F.interpolate(image, size=size, mode="trilinear", align_corners=False)

    def _run(self, image: Tensor) -> Tensor:
        with self.device.arithmetic():
            return self.network(image).float()

    def _is_large(self, image: Tensor) -> bool:
        return image.numel() * BYTES_PER_VOXEL > min(self.device.memory / 2, 4 << 30)

    def _slide(self, image: Tensor) -> Tensor:
        from monai.inferers import sliding_window_inference  # an import that small volumes never need

        # never wider than the image: the network continues it at its border as in training, MONAI would with zeros
        window = [min(2 * side, n) for side, n in zip(self.plan.patch, image.shape[2:], strict=True)]
        if self.plan.dims == 2:
            window[0] = 1
        out = sliding_window_inference(image, window, 2, self._run, overlap=0.25, mode="gaussian")
        assert isinstance(out, Tensor)
        return out
