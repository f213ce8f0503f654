"""Whether the plan of a live run still suits what is drawn: it was made from the very first slices."""

from __future__ import annotations

from ...engine.hardware.device import Device
from ...engine.planning.plan import Plan
from ...engine.planning.planner import make_plan
from ..data import Data

MUCH = 1.5  # a side of the patch has to change by this factor before the volumes are loaded anew


def outgrown(data: Data, device: Device) -> bool:
    """True when the plan made from what is drawn by now would see slices along another axis, at another spacing, or
    through clearly larger or smaller patches.
    """
    now = make_plan(list(data.facts.values()), list(data.names.values()), device, data.plan.network, data.methods)
    return differs(data.plan, now)


def differs(plan: Plan, other: Plan) -> bool:
    """Whether two plans are so different that going on with the first would cost more than changing."""
    kinds = [(one.dims, one.depth_axis, one.frame is None) for one in (plan, other)]
    if kinds[0] != kinds[1]:
        return True
    pairs = [*zip(plan.patch, other.patch, strict=True), *zip(plan.spacing, other.spacing, strict=True)]
    return any(max(a, b) > MUCH * min(a, b) for a, b in pairs)
