"""The plan for a set of cases: from the volumes, the drawn slices and the device."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...geometry import Shape, Triple
from ...seeing import Seeing, depth_first
from ...settings.memory import Methods
from ..hardware.device import Device
from .facts import CaseFacts
from .frames import common_frame, framed
from .patches import budget_of, patch_of
from .plan import Plan, triple_of
from .spacing import MANY, spacing_of

AROUND = 1.5  # of the drawn box: what lies around an organ tells it from others
SIDES = re.compile(
    r"(?<![^\W_])(?i:left|right|l|r|lh|rh|links|linke[rsn]?|rechts|rechte[rsn]?|gauche|droite?)(?![^\W_])"
    r"|(?<![A-Za-z])([Ll]eft|[Rr]ight)(?=[A-Z])|(?<=[a-z])(Left|Right)(?![a-z])"  # also kidneyLeft, LeftKidney
)


@dataclass(frozen=True)
class _Turned:
    """A case in the engine's order: ``shape`` voxels, ``spacing`` mm, drawn ``extent`` mm or None."""

    shape: Shape
    spacing: Triple
    extent: Triple | None


def make_plan(
    cases: Sequence[CaseFacts], structure_names: Sequence[str], device: Device, network: str = "fast",
    methods: Methods | None = None,
) -> Plan:
    """The plan for ``cases``, to be learned by ``methods`` (None: by the usual ones). Nothing here depends on how many
    unlabelled volumes there are.
    """
    seeing, frame = Seeing.of([(case.grid, case.slices) for case in cases]), common_frame(cases)
    dims, axis = seeing.dims, seeing.depth_axis
    if frame is not None:
        cases = [framed(case, frame) for case in cases]
    turned = [_turn(case, axis) for case in cases]
    native = triple_of(np.median([case.spacing for case in turned], axis=0))
    size = np.median([case.shape for case in turned], axis=0)
    budget = budget_of(device, network, 1 + len(structure_names), methods, dims)
    wanted = _wanted(turned, native, size)
    whole = sum(len(case.slices) for case in cases) < MANY or any(one.pastes for one in (methods or {}).values())
    spacing = spacing_of(native, wanted, _side(cases), whole, budget, dims, network)
    ratio = np.array(native) / np.array(spacing)
    patch = patch_of(wanted * ratio, size * ratio, dims, budget)
    mirror = not any(SIDES.search(name) for name in structure_names)
    return Plan(dims, axis, spacing, patch, network, mirror, frame)


def _turn(case: CaseFacts, axis: int) -> _Turned:
    turn = depth_first(case.grid, axis)
    spacing = turn.triple(case.grid.spacing)
    extent = None if case.extent is None else triple_of(np.array(turn.triple(case.extent)) * np.array(spacing))
    return _Turned(turn.triple(case.grid.shape), spacing, extent)


def _wanted(turned: list[_Turned], native: Triple, size: NDArray[np.floating]) -> NDArray[np.floating]:
    """Voxels (d, h, w) to be seen at once: the largest drawn box and what is around it, or the whole volume."""
    boxes = [case.extent for case in turned if case.extent is not None]
    if not boxes:
        return size
    box = _unflattened(np.max(boxes, axis=0), np.array(native))
    return np.minimum(box / native * AROUND + 8, size)


def _unflattened(box: NDArray[np.floating], voxel: NDArray[np.floating]) -> NDArray[np.floating]:
    """``box`` in mm, taken to be as deep as it is high and wide where nobody drew more than one slice of a volume."""
    flat = box < 1.5 * voxel
    if flat.sum() != 1:
        return box
    return np.where(flat, np.sqrt(np.prod(box[~flat])), box)


def _side(cases: Sequence[CaseFacts]) -> float:
    """mm: the mean (of logarithms) over structures of the largest side drawn of each; infinite when none was."""
    largest: dict[int, float] = {}
    for case in cases:
        for value, side in case.sides.items():
            largest[value] = max(side, largest.get(value, 0.0))
    return float(np.exp(np.mean(np.log(list(largest.values()))))) if largest else float("inf")
