"""A tiny engine room: grids, plans, volumes and a method of one convolution."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from SemiSegLogic.engine.blocks.losses import partial_cross_entropy
from SemiSegLogic.engine.blocks.optimisers import SGD
from SemiSegLogic.engine.data.framing import View
from SemiSegLogic.engine.data.volumes import Classes, Volume, load_volume, set_label
from SemiSegLogic.engine.hardware.device import Device
from SemiSegLogic.engine.planning.plan import Plan
from SemiSegLogic.geometry import Grid, Shape, SliceIndex, Triple, sparse_label
from SemiSegLogic.methods.base import Method, Need, Optimiser, Patches, Phase, Step

CPU = Device(torch.device("cpu"), half=False, memory=8 << 30)
MIRRORED_TURN = (0.0, 0.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 0.0)  # i runs front, j runs up, k runs right


def plan_of(patch: Shape, spacing: Triple = (1.0, 1.0, 1.0), dims: int = 3, depth_axis: int = 0) -> Plan:
    """A plan with these values."""
    return Plan(dims, depth_axis, spacing, patch)


def volume_of(
    image: NDArray[np.generic],
    label: NDArray[np.uint8] | None = None,
    slices: tuple[SliceIndex, ...] = (),
    plan: Plan | None = None,
    grid: Grid | None = None,
    values: tuple[int, ...] = (1, 2),
) -> Volume:
    """``image`` (k, j, i) judged by ``label`` on ``slices``; a grid of 1 mm unless told otherwise."""
    grid = grid or Grid(image.shape)
    volume = load_volume("c001", image, grid, plan or plan_of((8, 8, 8)), CPU.torch)
    if label is not None:
        set_label(volume, sparse_label(label, slices), slices, Classes(values))
    return volume


def coordinates_of(view: View, shape: Shape) -> Tensor:
    """(D,H,W,3) float32: the volume coordinates (voxels, order d, h, w) that a patch of ``shape`` samples."""
    steps = np.stack(np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in shape], indexing="ij"), -1)
    return torch.from_numpy(steps @ view.matrix.T + view.centre).float()


class OneConv(Method):
    """One convolution, one optimiser; ``bad`` says at which calls of ``losses`` the loss is NaN."""

    def __init__(self, shape: Shape = (4, 4, 4), phases: tuple[Phase, ...] = (Phase("train"),), bad: range = range(0)):
        super().__init__()
        self.settings, self.task = None, None  # type: ignore[assignment]
        self.net, self.other = nn.Conv3d(1, 2, 1), nn.Conv3d(1, 2, 1)
        self.shape, self.stretches, self.bad = shape, phases, bad
        self.calls = 0
        self.seen: list[Step] = []
        self.rates: list[float] = []

    def phases(self) -> list[Phase]:
        """As built."""
        return list(self.stretches)

    def optimisers(self, phase: str) -> list[Optimiser]:
        """Plain descent; ``other`` learns in no phase."""
        self.optimiser = SGD(self.net.parameters(), lr=0.1)
        return [self.optimiser]

    def need(self, step: Step) -> Need:
        """One patch of each kind."""
        return Need(1, 1, self.shape)

    def losses(self, labelled: Patches, unlabelled: Patches, step: Step) -> dict[str, Tensor]:
        """Cross-entropy of both convolutions together."""
        self.seen.append(step)
        self.rates.append(self.optimiser.param_groups[0]["lr"])
        loss = partial_cross_entropy(self.net(labelled.image) + self.other(labelled.image), labelled.label)
        self.calls += 1
        return {"loss": loss * (float("nan") if self.calls - 1 in self.bad else 1.0)}

    def predictor(self) -> nn.Module:
        """The convolution."""
        return self.net
