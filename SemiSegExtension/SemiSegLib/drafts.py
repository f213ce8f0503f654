"""Drawings that nobody has called done yet: kept beside the case's labels, so that nothing drawn is ever lost."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from SemiSegLogic.files import replace_file
from SemiSegLogic.geometry import SliceIndex

NAME = "draft.npz"


def save(folder: Path, labels: NDArray[np.uint8], touched: set[SliceIndex]) -> None:
    """Keep ``labels`` (k, j, i) and the slices drawn on. Raises FileError where the disk refuses."""
    places = np.array([(place.axis, place.index) for place in sorted(touched)], np.int64).reshape(-1, 2)

    def write(path: Path) -> None:
        with path.open("wb") as stream:
            np.savez_compressed(stream, labels=labels, touched=places)

    replace_file(folder / NAME, write)


def load(folder: Path, shape: tuple[int, int, int]) -> tuple[NDArray[np.uint8], set[SliceIndex]] | None:
    """What :func:`save` kept; None when there is nothing, or nothing that fits."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            labels, touched = kept["labels"], kept["touched"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        path.replace(path.with_suffix(".damaged"))
        return None
    if labels.shape != shape or labels.dtype != np.uint8:
        return None
    return labels, {SliceIndex(int(axis), int(index)) for axis, index in touched}


def discard(folder: Path) -> None:
    """Forget the draft: everything in it is in the labels."""
    (folder / NAME).unlink(missing_ok=True)
