"""Whether the plan of a live run still suits what is drawn: it was made from the very first slices."""

from __future__ import annotations

import numpy as np
import torch

from ...engine.device import Device
from ...engine.plan import CaseFacts, Plan, make_plan
from ...engine.volumes import Volume
from ..data import Data

MUCH = 1.5  # a side of the patch has to change by this factor before the volumes are loaded anew


def outgrown(data: Data, device: Device) -> bool:
    """True when the plan made from what is drawn by now would see slices along another axis, at another spacing, or
    through clearly larger or smaller patches.
    """
    facts = [facts_of(volume) for volume in data.volumes.values()]
    return differs(data.plan, make_plan(facts, list(data.names.values()), device, data.plan.network))


def differs(plan: Plan, other: Plan) -> bool:
    """Whether two plans are so different that going on with the first would cost more than changing."""
    if (plan.dims, plan.depth_axis) != (other.dims, other.depth_axis):
        return True
    pairs = [*zip(plan.patch, other.patch, strict=True), *zip(plan.spacing, other.spacing, strict=True)]
    return any(max(a, b) > MUCH * min(a, b) for a, b in pairs)


def facts_of(volume: Volume) -> CaseFacts:
    """What planning needs to know of a volume as it is judged now."""
    places = tuple(volume.turn.slice_to_array(place, volume.grid.shape) for place in volume.slices)
    corners = [
        torch.stack([spots.amin(0), spots.amax(0)]).cpu().numpy().astype(float)
        for place in volume.slices for spots in volume.foreground[place].values()
    ]
    if not corners:
        return CaseFacts(volume.grid, places)
    axes = [place for place in volume.slices for _ in volume.foreground[place]]
    boxes = [np.insert(box, place.axis, place.index, axis=1) for box, place in zip(corners, axes, strict=True)]
    points = np.concatenate(boxes)
    sides = (points.max(0) - points.min(0) + 1).astype(int).tolist()  # engine order
    extent = [0, 0, 0]
    for side, source in zip(sides, volume.turn.sources, strict=True):
        extent[source] = side
    k, j, i = extent
    return CaseFacts(volume.grid, places, (k, j, i))
