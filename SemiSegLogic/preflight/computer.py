"""This computer: its disk and its memory."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from ..free_memory import available_memory
from ..seeing import FEWEST
from ..settings.memory import CPU_VOXELS, step_bytes, trained
from ..study import Case, Study
from .finding import Finding

LEAST_GB = 2.0
PROGRAM_GB, COPY_BYTES, SUGGESTING_BYTES, STRUCTURE_GB = 0.6, 2, 8, 0.006
"""Memory of a training beside its steps: PyTorch and a network; per voxel of all images; per voxel of the largest one;
per structure, as volumes are suggested a few rows at a time. Checked against Testing/benchmarks/memory/many_volumes.py:
1.2 GB for 80 volumes of 200 x 140 x 88, where this says 1.2; with 40 structures a step grew by 0.34 GB, and suggesting
by 0.22.
"""
KEPT_SHARE = 0.25
"""Of the free memory, at most, for all images: more are left on the disk (engine/data/keeping.py)."""
MUCH_MORE = 1.2
"""Times what the usual choice takes, from which on another choice is worth naming."""


def of_computer(
    study: Study, cases: Sequence[Case], method: str, settings: Mapping[str, Any], runners: int = 1
) -> Iterator[Finding]:
    """``runners`` train beside each other."""
    free, voxels = shutil.disk_usage(study.folder).free / 1e9, sum(math.prod(case.grid.shape) for case in cases)
    need = LEAST_GB + COPY_BYTES * voxels / 1e9
    if free < need:
        yield Finding("full_disk", {"free": free, "need": need}, "stop")
    yield _memory(study, cases, method, settings, runners)


def _memory(study: Study, cases: Sequence[Case], method: str, settings: Mapping[str, Any], runners: int) -> Finding:
    """Whether there is enough besides what this program and all others hold now."""
    free = available_memory()
    wanted = runners * memory_needed(study, cases, method, settings, free)
    if free is None:
        return Finding("memory", {"wanted": wanted}, "good")
    values = {"wanted": wanted, "free": free / 1e9}
    if wanted <= free / 1e9:
        return Finding("enough_memory", values, "good")
    choosing = wanted > MUCH_MORE * runners * memory_needed(study, cases, free=free)
    return Finding("little_memory_for_choice" if choosing else "little_memory", values)


def memory_needed(
    study: Study, cases: Sequence[Case], method: str = "recommended",
    settings: Mapping[str, Any] = MappingProxyType({}), free: int | None = None,
) -> float:
    """About how many GB a training by ``method`` takes on the processor, where so many bytes are ``free``."""
    sizes = [math.prod(case.grid.shape) for case in cases]
    images = COPY_BYTES * sum(sizes)
    if free is not None:
        images = min(images, round(KEPT_SHARE * free))
    dims = 2 if all(min(case.grid.shape) < FEWEST for case in cases) else 3
    step = CPU_VOXELS * step_bytes(trained(method, settings), "fast", False, 1 + len(study.structures), dims)
    others = PROGRAM_GB + STRUCTURE_GB * len(study.structures)
    return others + (step + images + SUGGESTING_BYTES * max(sizes, default=0)) / 1e9
