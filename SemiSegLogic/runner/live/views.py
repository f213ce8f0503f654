"""From how many views a live suggestion is predicted: from all that fit into a moment."""

from __future__ import annotations

import math

from torch import nn

from ...engine.data.volumes import Volume
from ...engine.hardware.device import Device
from ...engine.prediction.averaging import ViewAveraged
from ...settings.recommended import VIEW_VOXELS_PER_SECOND, ZOOMS
from ..course.facts import mirror_axis
from ..data import Data

MOMENT_S = 0.5  # that the views beside the first may take of the time for learning
GPU_SPEED = 50  # times a CPU core's: assumed, no GPU was measured


class Views:
    """The views of one session: every volume has the same mirror axis."""

    def __init__(self, data: Data, device: Device):
        self._plan, self._mirror = data.plan, mirror_axis(data)
        self._pace = VIEW_VOXELS_PER_SECOND * (GPU_SPEED if device.torch.type == "cuda" else 1)

    def of(self, volume: Volume) -> tuple[int | None, tuple[float, ...]]:
        """The mirror axis (None: not mirrored) and the zooms to predict ``volume`` from; one view may be all there is
        time for.
        """
        voxels = math.prod(volume.shape) / math.prod(self._plan.scale(volume.spacing))
        more = int(MOMENT_S * self._pace / voxels)
        if more >= (1 + len(ZOOMS)) * (1 if self._mirror is None else 2) - 1:
            return self._mirror, ZOOMS
        return (self._mirror, ()) if more else (None, ())

    def averaged(self, network: nn.Module, volume: Volume) -> nn.Module:
        """``network`` (B,1,D,H,W) -> logits, as ``volume`` is to be seen by it."""
        mirror, zooms = self.of(volume)
        if mirror is None and not zooms:
            return network
        return ViewAveraged(network, mirror, zooms, self._plan.dims == 2).eval()
