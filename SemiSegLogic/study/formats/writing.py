"""Writing volumes: each file is read back and compared, voxel for voxel and grid, before it takes its place."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ...files import FileError, disk_is_full, full_disk, move_file, replace_file
from ...geometry import Grid
from ...patience import remove
from ..errors import ImageError
from ..structures import Structure
from . import segnrrd
from .names import itk_name
from .nifti import is_nifti
from .volumes import grid_of, itk_reason, load

Check: TypeAlias = Callable[[Path], None]
EXACT, SINGLE_PRECISION = 1e-6, 1e-2
"""How far a voxel may move, in voxels: NRRD keeps 17 digits of the grid, NIfTI 7."""


def _content(written: Path) -> None:
    """A file that reads back equal is good enough."""


def write_image(path: Path, array: NDArray[np.generic], grid: Grid) -> None:
    """Write ``array`` (k, j, i) on ``grid``; the suffix chooses the format. No other tag is written.

    Raises FileError when the disk refuses or the format cannot keep these values or this grid, ImageError where ITK
    cannot take the name; the file that lay there before stays.
    """
    _write(path, array, grid, {}, _content)


def write_labelmap(path: Path, array: NDArray[np.uint8], grid: Grid, structures: Iterable[Structure], *,
                   check: Check = _content) -> None:
    """Write ``array`` (k, j, i) as a plain label map; NRRD also says in its header which value is what. ``check`` may
    refuse the whole file by an error before it takes its place. Raises as :func:`write_image`.
    """
    names = {} if is_nifti(path) else segnrrd.label_map_entries(structures)
    _write(path, array, grid, names, check)


def write_seg_nrrd(path: Path, array: NDArray[np.uint8], grid: Grid, structures: Iterable[Structure],
                   notes: Mapping[str, str] | None = None, *, check: Check = _content) -> None:
    """Write ``array`` (k, j, i) as a segmentation for Slicer: one layer with our label values; ``notes`` are further
    header entries; ``check`` as in :func:`write_labelmap`. Raises as :func:`write_image`.
    """
    _write(path, array, grid, {**segnrrd.compose(grid, structures), **(notes or {})}, check)


def tolerance_of(path: Path) -> float:
    """How far a voxel may lie from where it was, in voxels, after writing to this format."""
    return SINGLE_PRECISION if is_nifti(path) else EXACT


def _write(path: Path, array: NDArray[np.generic], grid: Grid, entries: Mapping[str, str], check: Check) -> None:
    if array.shape != grid.shape:
        raise ValueError(f"An array of shape {array.shape} does not lie on a grid of shape {grid.shape}.")
    itk_name(path)  # one that ITK cannot take is refused here, before anything is written
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(grid.spacing[::-1])
    image.SetOrigin(grid.origin)
    image.SetDirection(grid.direction)
    for key, value in entries.items():
        image.SetMetaData(key, value)

    def write(temporary: Path) -> None:
        _write_named(temporary, image, path)
        check(temporary)

    replace_file(path, write)


def _write_named(temporary: Path, image: sitk.Image, path: Path) -> None:
    """ITK takes ``.img`` or ``.hdr`` anywhere in the name of a NIfTI file for the old pair of two files."""
    if not is_nifti(path):
        _write_verified(temporary, image, path)
        return
    plain = temporary.with_name(f".{secrets.token_hex(4)}.tmp{'.nii.gz' if path.suffix.lower() == '.gz' else '.nii'}")
    try:
        _write_verified(plain, image, path)
        move_file(plain, temporary)
    finally:
        remove(plain)


def _write_verified(temporary: Path, image: sitk.Image, path: Path) -> None:
    name = itk_name(temporary)
    try:
        sitk.WriteImage(image, name, useCompression=True, compressionLevel=1)
        written = load(temporary)
    except (RuntimeError, ImageError) as error:
        if disk_is_full(temporary.parent):  # ITK says anything but that
            raise FileError(full_disk(path)) from error
        raise FileError(f"{path} was not written: {itk_reason(error)}. Check the free space of the disk and whether "
                        "the format can hold this volume; nothing was changed.") from error
    if not grid_of(written).agrees(grid_of(image), tolerance_of(path)):
        raise FileError(f"{path} was not written: its format does not keep the place of the voxels (spacing, origin, "
                        "direction). Write NRRD instead; nothing was changed.")
    if not np.array_equal(_bytes_of(written), _bytes_of(image)):
        raise FileError(f"{path} was not written: reading it back gave other values, as on a full or failing disk. "
                        "Free some space or choose another disk; nothing was changed.")


def _bytes_of(image: sitk.Image) -> NDArray[np.uint8]:
    """A view of all bytes of the voxels: NaN equals itself there, and 0 differs from -0."""
    return np.asarray(sitk.GetArrayViewFromImage(image)).ravel().view(np.uint8)
