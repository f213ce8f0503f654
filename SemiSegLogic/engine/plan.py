"""What to train at: dimensions, spacing, patch and network, from the volumes, the drawn slices and the device.

Sizes are in voxels of the engine's axis order: canonical (superior, posterior, left) with the depth axis first.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..geometry import Grid, Orientation, SliceIndex
from .data.greys import thinned_shape
from .hardware.device import Device

Triple = tuple[float, float, float]
Shape = tuple[int, int, int]

NATIVE = 1.2  # spacings this close (as a ratio) are taken as they are: resampling would cost more than it gives
STRIDE = 8  # total stride of the fast network: patch sides are multiples of it

# A patch of CPU_VOXELS costs 0.03 core-seconds forward and backward with the fast network on the processor that all was
# tried out on (AMX, bfloat16); GPU_VOXELS is what 3D papers train at.
CPU_VOXELS = 110_000
GPU_VOXELS = 112 * 112 * 80
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
TRAINING_BYTES = {
    "fast": (257, 329), "plain": (213, 328), "vnet": (638, 1126), "unet": (863, 1449), "resvnet": (888, 1255),
    "resunet": (844, 1688),
}
"""Per voxel of a patch with two classes, forward and backward, in bfloat16 and in float32, as measured on a CPU (see
Testing/benchmarks/results/voxel_costs.md); where only bfloat16 was measured, twice that.
"""
OTHER_BYTES = (2246, 4492)  # the hungriest of them all, with InstanceNorm
CLASS_BYTES = 26  # more for every further class: logits, shares, truth and their gradients
PATCHES = 4  # in memory at once: two labelled, two unlabelled
SHARE_OF_MEMORY = 0.4  # teachers, optimisers, volumes and workspaces take their part
SIDES = re.compile(
    r"(?<![^\W_])(?i:left|right|l|r|lh|rh|links|linke[rsn]?|rechts|rechte[rsn]?|gauche|droite?)(?![^\W_])"
    r"|(?<![A-Za-z])([Ll]eft|[Rr]ight)(?=[A-Z])|(?<=[a-z])(Left|Right)(?![a-z])"  # also kidneyLeft, LeftKidney
)


@dataclass(frozen=True)
class CaseFacts:
    """What planning needs of one case: its grid, its judged slices (in ``(k, j, i)``), and the size in voxels of the
    box around the drawn structures along (k, j, i), or None when nothing is drawn.
    """

    grid: Grid
    slices: tuple[SliceIndex, ...] = ()
    extent: Shape | None = None


@dataclass(frozen=True)
class Plan:
    """``dims`` 2 or 3. ``depth_axis`` canonical axis (0, 1, 2) that becomes D. ``spacing`` (d, h, w) mm of the patches.
    ``patch`` (D, H, W) voxels. ``network`` a key of NETWORKS. ``mirror`` whether left and right may be swapped.
    """

    dims: int
    depth_axis: int
    spacing: Triple
    patch: Shape
    network: str = "fast"
    mirror: bool = True

    def orientation(self, grid: Grid) -> Orientation:
        """The exact turn from a case's ``(k, j, i)`` array to the engine's order."""
        return depth_first(grid, self.depth_axis)

    def shape(self, grid: Grid) -> Shape:
        """(D, H, W) voxels of a case in the engine's order."""
        return _shape(self.orientation(grid).triple(grid.shape))

    def kept_shape(self, grid: Grid) -> Shape:
        """(d, h, w) voxels of its image as it is kept, see :meth:`thin`."""
        return thinned_shape(self.shape(grid), self.thin(grid))

    def scale(self, spacing: Triple) -> Triple:
        """Voxels of a volume with ``spacing`` (d, h, w) mm per voxel of a patch; 1 where they are close enough, and
        along depth where slices are seen one by one.
        """
        ratios = [wanted / own for wanted, own in zip(self.spacing, spacing, strict=True)]
        d, h, w = (1.0 if 1 / NATIVE <= ratio <= NATIVE else ratio for ratio in ratios)
        return (1.0 if self.dims == 2 else d), h, w

    def thin(self, grid: Grid) -> Shape:
        """How many voxels (d, h, w) of a case on ``grid`` are kept as one, their mean: as many as fit into a voxel of a
        patch. A CT of 512x512x1000 seen at three times its spacing takes 20 MB instead of 520, and its noise is
        averaged instead of being picked from every third voxel.
        """
        scale = self.scale(self.orientation(grid).triple(grid.spacing))
        d, h, w = (max(1, int(step + 1e-6)) for step in scale)
        return d, h, w

    def smaller(self) -> Plan | None:
        """The next plan to try when memory ran out: the longest side halved; None when that is too small to learn."""
        longest = int(np.argmax(self.patch))
        half = _multiple(self.patch[longest] / 2)
        if half < 16 or half == self.patch[longest]:
            return None
        sides = list(self.patch)
        sides[longest] = half
        return Plan(self.dims, self.depth_axis, self.spacing, _shape(sides), self.network, self.mirror)


def make_plan(cases: list[CaseFacts], structure_names: list[str], device: Device, network: str = "fast") -> Plan:
    """The plan for ``cases``. Nothing here depends on how many unlabelled volumes there are."""
    axis = _depth_axis(cases)
    turned = [_turn(case, axis) for case in cases]
    native = _shape_like(np.median([spacing for _, spacing, _ in turned], axis=0))
    size = np.median([shape for shape, _, _ in turned], axis=0)
    dims = 2 if _is_planar(turned, native) else 3
    budget = _budget(device, network, 1 + len(structure_names))
    wanted = _wanted_extent(turned, native, size)
    spacing = native if dims == 2 else _coarsened(native, wanted, budget)
    ratio = np.array(native) / np.array(spacing)
    patch = _patch(np.minimum(wanted, size) * ratio, size * ratio, dims, budget)
    mirror = not any(SIDES.search(name) for name in structure_names)
    return Plan(dims, axis, spacing, patch, network, mirror)


def depth_first(grid: Grid, depth_axis: int) -> Orientation:
    """Canonical orientation of ``grid`` with canonical axis ``depth_axis`` moved first; a volume of one slice is always
    seen with that slice's plane as height and width.
    """
    canonical = grid.orientation()
    if grid.shape.count(1) == 1:
        depth_axis = canonical.sources.index(grid.shape.index(1))
    order = [depth_axis, *(axis for axis in range(3) if axis != depth_axis)]
    a, b, c = order
    sources, flips = canonical.sources, canonical.flips
    return Orientation((sources[a], sources[b], sources[c]), (flips[a], flips[b], flips[c]))


def _depth_axis(cases: list[CaseFacts]) -> int:
    """The axis of thick slices if there is one, else the axis along which most slices were drawn."""
    spacings = np.median([case.grid.orientation().triple(case.grid.spacing) for case in cases], axis=0)
    if spacings.max() > 1.8 * np.median(spacings):
        return int(np.argmax(spacings))
    drawn = Counter(case.grid.orientation().sources.index(place.axis) for case in cases for place in case.slices)
    return drawn.most_common(1)[0][0] if drawn else 0


def _turn(case: CaseFacts, axis: int) -> tuple[Shape, Triple, Triple | None]:
    turn = depth_first(case.grid, axis)
    extent = turn.triple(case.extent) if case.extent else None
    return _shape(turn.triple(case.grid.shape)), turn.triple(case.grid.spacing), extent


def _is_planar(turned: list[tuple[Shape, Triple, Triple | None]], spacing: Triple) -> bool:
    """Slices one by one when volumes are single images or so thick that neighbours hardly resemble each other."""
    depth = float(np.median([shape[0] for shape, _, _ in turned]))
    return depth < 5 or spacing[0] > 6 * min(spacing[1:])


def _wanted_extent(
    turned: list[tuple[Shape, Triple, Triple | None]], native: Triple, size: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Voxels (d, h, w) that a patch should see: the largest drawn box and half of it again, or the whole volume."""
    boxes = [
        np.array(extent) * np.array(spacing) / np.array(native) for _, spacing, extent in turned if extent is not None
    ]
    return np.minimum(np.max(boxes, axis=0) * 1.5 + 8, size) if boxes else size


def _coarsened(native: Triple, wanted: NDArray[np.floating], budget: float) -> Triple:
    """``native`` or coarser, up to 3 times, until ``wanted`` voxels come within four patches of ``budget`` voxels."""
    factor = float(np.clip((np.prod(wanted) / (4 * budget)) ** (1 / 3), 1.0, 3.0))
    if factor <= NATIVE:
        return native
    # axes that are already coarse stay: only what is finer than the common spacing is thinned out
    return _shape_like(np.maximum(native, min(native) * factor))


def _patch(wanted: NDArray[np.floating], size: NDArray[np.floating], dims: int, budget: float) -> Shape:
    sides = np.array([_multiple(side) for side in wanted], float)
    limit = np.array([_multiple(side) for side in size], float)
    if dims == 2:
        sides[0] = limit[0] = 1
        sides[1:] = np.maximum(sides[1:], np.minimum(limit[1:], 64))
    while np.prod(sides) > budget and sides.max() > 16:
        longest = int(np.argmax(sides))
        sides[longest] = _multiple(sides[longest] - STRIDE)
    return _shape([1 if dims == 2 else sides[0], sides[1], sides[2]])


def _budget(device: Device, network: str, classes: int) -> float:
    """Voxels of a patch: what time allows, or memory where that is less."""
    bytes_each = TRAINING_BYTES.get(network, OTHER_BYTES)[0 if device.half else 1] + CLASS_BYTES * max(classes - 2, 0)
    return min(_timely(device, network), device.memory * SHARE_OF_MEMORY / (PATCHES * bytes_each))


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


def _multiple(side: float) -> int:
    return max(STRIDE, round(np.ceil(side / STRIDE)) * STRIDE)


def _shape(values: object) -> Shape:
    d, h, w = (int(value) for value in values)  # type: ignore[attr-defined]
    return d, h, w


def _shape_like(values: NDArray[np.floating]) -> Triple:
    d, h, w = (float(value) for value in values)
    return d, h, w
