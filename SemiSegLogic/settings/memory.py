"""What a step of training takes in memory, by its method, network and data: the plan of a training and the check before
it go by this page.

    bytes of a step = voxels of a patch * patches * (passes * N + own + each_class * (classes - 2))

``patches`` a step learns from (a property of the settings of each method); N bytes per voxel that a network keeps of
one of them, forward and backward. From Testing/benchmarks/results/method_memory.md and voxel_costs.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .methods import METHOD_SETTINGS, MethodSettings
from .recipes import PAPER
from .recommended import BASELINE, RECOMMENDED, TEACHER, Recommended

CPU_VOXELS = 110_000
"""A patch of as many costs 0.03 core-seconds forward and backward with the fast network on the processor that all was
tried out on (AMX, bfloat16).
"""
NETWORK_BYTES = {
    "fast": (257, 329), "plain": (213, 328), "vnet": (638, 1126), "unet": (863, 1449), "resvnet": (888, 1255),
    "resunet": (844, 1688),
}
"""N of volumes with two classes, in bfloat16 and in float32; where only bfloat16 was measured, twice that."""
OTHER_BYTES = (2246, 4492)  # the hungriest of them all, with InstanceNorm
OF_SLICES = 2.2
"""Times N for slices, of which two axes get coarser on the way down, not three: 2.1 with the fast network, 1.6 with the
U-Net.
"""
Methods = Mapping[str, MethodSettings]
"""Settings by the name of their method."""
PATCHES = 4  # two labelled, two unlabelled


@dataclass(frozen=True)
class Held:
    """What a method holds at the peak of a step, for every voxel of every patch: ``passes`` through a network, ``own``
    bytes of its losses and views, and ``each_class`` more for every class beyond two.
    """

    passes: float
    own: float
    each_class: float = 26  # logits, shares, truth and their gradients


HELD = {
    "supervised": Held(1, 15),
    "mean_teacher": Held(1, 45),
    "bcp": Held(1, 70, 34),
    "c3s3": Held(2.8, 400, 210),
    "medl": Held(2.2, 615, 154),
    "ersr": Held(1, 110),
    "m3hl": Held(1.1, 70, 45),
    "mn": Held(1.7, 40),
    "spcl": Held(0.6, 0, 7),
    "transmedseg": Held(1, 90, 45),
    "cad": Held(2.6, 360, 72),
}


def step_bytes(methods: Methods, network: str, half: bool, classes: int, dims: int) -> float:
    """Per voxel of a patch, the most that a step of any of ``methods`` takes; of volumes (``dims`` 3) or slices (2),
    ``half``: in bfloat16.

    At least what PATCHES of volumes take, also for supervised, which takes half: methods go on from its model, and it
    competes with them.
    """
    of_volumes, further = NETWORK_BYTES.get(network, OTHER_BYTES)[0 if half else 1], max(classes - 2, 0)
    each = of_volumes if dims == 3 else OF_SLICES * of_volumes
    steps = [
        settings.patches * (held.passes * each + held.own + held.each_class * further)
        for settings, held in ((settings, HELD[name]) for name, settings in methods.items() if dims in PAPER[name])
    ]
    return max([PATCHES * (of_volumes + Held.each_class * further), *steps])


def trained(method: str, values: Mapping[str, object]) -> Methods:
    """Every method that a training by ``method``, with the settings ``values``, may come to, with its own settings.
    Raises SettingsError.
    """
    baseline = {BASELINE: METHOD_SETTINGS[BASELINE]()}
    if method == RECOMMENDED:
        wanted = Recommended.from_dict(dict(values)).candidate
        names: tuple[str, ...] = {"auto": (TEACHER, "ersr"), "none": ()}.get(wanted, (wanted,))
        return baseline | {name: METHOD_SETTINGS[name]() for name in names}
    if method not in METHOD_SETTINGS:
        return baseline  # who builds it says that there is none
    return baseline | {method: METHOD_SETTINGS[method].from_dict(dict(values))}
