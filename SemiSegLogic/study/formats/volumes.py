"""Reading volumes with SimpleITK: any file it knows, or a folder with one DICOM series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from ...geometry import Grid
from ..errors import ImageError, unreadable
from . import dicom, nifti, nrrd
from .names import itk_name

ROUNDED = 1e-3
"""How far the length of an axis may be from 1 in a header of few digits."""


def read_image(path: Path) -> tuple[NDArray[np.generic], Grid]:
    """The voxels ``(k, j, i)`` of an image file or DICOM folder, in the file's own type, and their grid.

    A 2D image becomes one slice, shape ``(1, j, i)``; a colour image that is grey is taken as one value per voxel.
    Raises ImageError when the file is missing or damaged, has more than three axes or several values per voxel, holds
    NaN or infinity, or the same value everywhere.
    """
    return voxels_of(load(path), path)


def read_series(files: Sequence[Path]) -> tuple[NDArray[np.generic], Grid]:
    """The files of one DICOM series, wherever they lie, as :func:`read_image` gives them. Raises ImageError."""
    named = [str(file) for file in files]
    return voxels_of(dicom.load_files(dicom.in_order(named, files[0]), files[0]), files[0])


def voxels_of(image: sitk.Image, path: Path) -> tuple[NDArray[np.generic], Grid]:
    """Voxels and grid of a scalar image. Raises ImageError as :func:`read_image`."""
    grid = grid_of(image)
    array = sitk.GetArrayFromImage(image).reshape(*grid.shape, image.GetNumberOfComponentsPerPixel())
    return one_value(array, path), grid


def one_value(array: NDArray[np.generic], what: object) -> NDArray[np.generic]:
    """The voxels (k, j, i) of an image (k, j, i, values per voxel), of which ``what`` is what people call it. Raises
    ImageError as :func:`read_image`.
    """
    grey = _grey(array, what)
    _check_values(grey, what)
    return grey


def read_voxels(path: Path) -> tuple[NDArray[np.generic], Grid]:
    """Voxels (k, j, i) and grid as they lie in a file, whatever the values. Raises ImageError."""
    image = load(path)
    grid = grid_of(image)
    return sitk.GetArrayFromImage(image).reshape(grid.shape), grid


def read_bytes(path: Path, grid: Grid) -> NDArray[np.uint8]:
    """A map of bytes (k, j, i) that must lie on ``grid``, whatever its values. Raises ImageError otherwise."""
    array, own = read_voxels(path)
    if array.dtype != np.uint8 or not own.agrees(grid):
        raise ImageError(f"{path} does not fit its image: another program changed it. Train again to make a new one.")
    return array.astype(np.uint8, copy=False)


def load(path: Path) -> sitk.Image:
    """The file as SimpleITK sees it, of 2 or 3 axes, whole. Raises ImageError otherwise."""
    if not is_there(path):
        raise ImageError(f"{path} does not exist. Check the path, or whether the disk it lies on is connected.")
    name = itk_name(path)
    if path.is_dir() or dicom.is_dicom_file(path):
        return dicom.load_series(path)
    nifti.check_whole(path)
    nrrd.check_claims(path)
    try:
        return _of_three_axes(sitk.ReadImage(name), path)
    except RuntimeError as error:
        raise _refusal(path, error) from error


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder. Raises ImageError where nobody may look."""
    try:
        path.stat()
        return True
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise unreadable(path, error) from error


def grid_of(image: sitk.Image) -> Grid:
    """The grid of a 2D or 3D image; a 2D image lies in the plane z = 0 with 1 mm thickness."""
    if image.GetDimension() == 2:
        (i, j), (x, y), (ox, oy) = image.GetSize(), image.GetSpacing(), image.GetOrigin()
        a, b, c, d = image.GetDirection()
        return _with_unit_axes(Grid((1, j, i), (1.0, y, x), (ox, oy, 0.0), (a, b, 0.0, c, d, 0.0, 0.0, 0.0, 1.0)))
    i, j, k = image.GetSize()
    x, y, z = image.GetSpacing()
    return _with_unit_axes(Grid((k, j, i), (z, y, x), image.GetOrigin(), image.GetDirection()))


def _with_unit_axes(grid: Grid) -> Grid:
    """The same places with axes of length 1. A MetaImage may keep part of its spacing in its matrix, as ITK leaves it
    there: slices 3 mm apart would be taken for slices of 1 mm. Axes that are only rounded stay as they are.
    """
    axes = np.array(grid.direction).reshape(3, 3)
    lengths = np.linalg.norm(axes, axis=0)
    if not (lengths > 0).all() or np.abs(lengths - 1).max() < ROUNDED:  # what is no number is told as it is
        return grid
    k, j, i = (np.array(grid.spacing) * lengths[::-1]).tolist()
    return Grid(grid.shape, (k, j, i), grid.origin, tuple((axes / lengths).ravel().tolist()))


def itk_reason(error: Exception) -> str:
    """The last line of ITK's long messages, which tells the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else "unknown reason"


def _refusal(path: Path, error: RuntimeError) -> ImageError:
    """What ITK means, for the person who has the file."""
    if "Unable to determine ImageIO" in str(error) and nifti.is_nifti(path):  # it is whole and has a header of NIfTI
        return ImageError(f"{path} is a NIfTI of version 2, which cannot be read. Save it as NRRD or NIfTI-1.")
    if "Unable to determine ImageIO" in str(error):
        return ImageError(f"{path} is not an image in a format that SemiSeg can read. Save it as NRRD or NIfTI.")
    if "orthonormal" in str(error):
        return ImageError(f"{path} has axes that are not at right angles to each other (a sheared scan). Load it in "
                          "Slicer, resample it (module Resample Scalar/Vector/DWI Volume) and add the result.")
    return ImageError(f"{path} cannot be read: {itk_reason(error)}. It may be incomplete, or in a format that is not "
                      "supported. Copy it again from where it came, or save it as NRRD.")


def _of_three_axes(image: sitk.Image, path: Path) -> sitk.Image:
    """Without trailing axes of length 1."""
    while image.GetDimension() > 3 and image.GetSize()[-1] == 1:
        image = image[..., 0]
    if image.GetDimension() not in (2, 3):
        sizes = " x ".join(map(str, image.GetSize()))
        raise ImageError(f"{path} has {image.GetDimension()} axes ({sizes}); two or three are needed. Save one volume "
                         "of it (one time step) and add that; or load it in Slicer as a sequence and choose Add from "
                         "scene, which takes the time step on screen.")
    return image


def _grey(array: NDArray[np.generic], what: object) -> NDArray[np.generic]:
    """The voxels (k, j, i) of an image with one value each, or of a colour image that is grey: red, green and blue are
    the same everywhere, as many ultrasound machines save it, and opacity says nothing.
    """
    count = array.shape[-1]
    grey = count in (3, 4) and all(np.array_equal(array[..., 0], array[..., n]) for n in (1, 2))
    if count == 1 or (grey and (count == 3 or array[..., 3].min() == array[..., 3].max())):
        return np.ascontiguousarray(array[..., 0])
    raise ImageError(f"{what} has {count} values per voxel (colour, vectors or time steps). Save it as a grey-value "
                     "image (in Slicer: module Vector to Scalar Volume), or one scalar volume of it, and add that.")


def _check_values(array: NDArray[np.generic], what: object) -> None:
    if array.dtype.kind not in "iuf":
        raise ImageError(f"{what} contains values of type {array.dtype}; save it with plain numbers.")
    if array.dtype.kind == "f":
        bad = sum(int(np.count_nonzero(~np.isfinite(slab))) for slab in array)  # by slab: no second copy in memory
        if bad:
            raise ImageError(f"{what} contains NaN or infinity ({bad} of {array.size} voxels). Replace these values "
                             "(for example by 0) in the program that made the image, and add it again.")
    low, high = array.min(), array.max()
    if low == high:
        raise ImageError(f"{what} holds the value {low} on all of its {array.size} voxels: there is nothing to "
                         "segment. Check that it is the right image.")
