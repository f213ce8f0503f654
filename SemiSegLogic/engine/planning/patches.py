"""How many voxels a patch may have, by the device's measured speed and its memory, and which sides."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...geometry import Shape
from ...settings.memory import CPU_VOXELS, PATCHES, Methods, step_bytes
from ..hardware.device import Device
from .plan import STRIDE, multiple, shape_of

GPU_VOXELS = 112 * 112 * 80  # what 3D papers train at
LEAST_SHARE, MOST_TIMES = 0.35, 4.0
"""Of these, however slow or fast the device: smaller patches see too little to learn from. Larger ones only for the
fast network, since others are taken for the sake of a paper's recipe.
"""
STEP_SECONDS = (0.02, 0.3)
"""How long a step of PATCHES may take by the device's measured speed. A quicker one is mostly its launches, so patches
may be larger and see finer; with slower ones a first suggestion would have seen too few steps.

The time goes into the patches alone. Their number per step stays what the method's settings say, also on a large GPU:
the published learning rates belong to it, and more patches per step are fewer steps in the same minutes.
"""
SHARE_OF_MEMORY = 0.4  # for a step; networks, optimisers, volumes and workspaces take their part


def budget_of(device: Device, network: str, classes: int, methods: Methods | None = None, dims: int = 3) -> float:
    """Voxels of a patch: what time allows, or where that is less, memory for a step of any of ``methods``."""
    each = step_bytes(methods or {}, network, device.half, classes, dims)
    return min(_timely(device, network), device.memory * SHARE_OF_MEMORY / each)


def _timely(device: Device, network: str) -> float:
    """The usual number of voxels; fewer where a step of them would take too long, more where it would take no time. In
    steps of 1.4, so that two measurements of a device give the same plan.
    """
    usual = GPU_VOXELS if device.torch.type == "cuda" else CPU_VOXELS
    if not device.voxel_seconds:
        return usual
    least, most = (seconds / (PATCHES * device.voxel_seconds * usual) for seconds in STEP_SECONDS)
    times = min(max(1.0, least), most, MOST_TIMES if network == "fast" else 1.0)
    return usual * 2.0 ** (round(2 * math.log2(max(times, LEAST_SHARE))) / 2)


def patch_of(wanted: NDArray[np.floating], size: NDArray[np.floating], dims: int, budget: float) -> Shape:
    """(D, H, W) multiples of the stride: the ``wanted`` voxels (d, h, w), at most the ``size`` of the volumes, and cut
    at the longest side until they are within ``budget``.
    """
    sides = np.array([multiple(side) for side in wanted], float)
    limit = np.array([multiple(side) for side in size], float)
    if dims == 2:
        sides[0] = limit[0] = 1
        sides[1:] = np.maximum(sides[1:], np.minimum(limit[1:], 64))
    while np.prod(sides) > budget and sides.max() > 16:
        longest = int(np.argmax(sides))
        sides[longest] = multiple(sides[longest] - STRIDE)
    return shape_of([1 if dims == 2 else sides[0], sides[1], sides[2]])
