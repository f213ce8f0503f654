"""The images: whether they are there, and whether one is unlike the others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..study import Case
from .finding import Finding

OTHER_SIZE = 3.0
"""Voxels this many times larger or smaller than usual make a case an outlier."""


def of_images(cases: list[Case]) -> Iterator[Finding]:
    """No voxel is read."""
    for case in cases:
        if not case.image_path.exists():
            yield Finding("no_image", {"name": case.name, "path": str(case.image_path)}, "stop")
    yield from _spacings(cases)


def _spacings(cases: list[Case]) -> Iterator[Finding]:
    """Compared in the patient's axes: an axial and a sagittal scan of the same voxels are no outliers."""
    spacings = {case.name: np.array(case.grid.orientation().triple(case.grid.spacing)) for case in cases}
    if len(spacings) < 3:
        return
    middle = np.median(list(spacings.values()), axis=0)
    for name, spacing in spacings.items():
        if (np.maximum(spacing / middle, middle / spacing) > OTHER_SIZE).any():
            yield Finding("other_size", {"name": name, "spacing": " x ".join(f"{s:.2g}" for s in spacing)})
