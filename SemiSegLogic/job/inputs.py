"""Images and start weights of a job, named by the digest of their content: ``in/<digest>.npy``, ``in/<digest>.pt``.

A file that has its name is whole and never changes, so what was sent once need not be sent again.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import copy_file, digest_array, digest_file
from . import arrays, drawn
from .arrays import Form
from .errors import JobError
from .specification import JobCase, JobSpec, check_shape


def put_image(folder: Path, array: NDArray[Any]) -> str:
    """Store an image (k, j, i) of any real type; returns its digest. Raises JobError on shape, type or NaN, FileError
    where the disk refuses.
    """
    if array.ndim != 3 or array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise JobError(f"An image is {array.dtype} of shape {array.shape}; it must be numbers of shape (k, j, i).",
                       "Import it through the study, which splits and converts images.")
    check_shape("image shape", array.shape)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise JobError("An image holds NaN or infinite voxels.", "Repair it: such voxels cannot be learned from.")
    portable = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = digest_array(portable)
    path = folder / f"{digest}.npy"
    if not path.exists():
        arrays.write_npy(path, portable)
        _seal(path)
    return digest


def link_image(folder: Path, earlier: Path) -> bool:
    """Give the image ``earlier`` of another job to this one as well, without copying it; False when it is damaged (the
    log says how) or this disk has no links. Its content is read through unless nobody wrote to it since that was done.
    """
    target = folder / earlier.name
    try:
        arrays.check_npy(earlier, Form("iuf", (None, None, None)))
        if not _is_sealed(earlier):
            arrays.require_digest(earlier, digest_array(np.load(earlier, mmap_mode="r", allow_pickle=False)),
                                  earlier.stem)
        os.link(earlier, target)
        _seal(target)
    except (JobError, OSError, ValueError) as error:
        logging.warning("%s is not used again: %s", earlier, error)
        return False
    return True


def put_model(folder: Path, source: Path) -> str:
    """Copy a file of weights; returns its digest. Raises FileError when it cannot be read or written."""
    digest = digest_file(source)
    path = folder / f"{digest}.pt"
    if not path.exists():
        copy_file(source, path)
    return digest


def image(folder: Path, case: JobCase) -> NDArray[Any]:
    """The image of ``case`` (k, j, i), memory-mapped, its digest verified. Raises JobError naming a wrong file."""
    path = folder / f"{case.image}.npy"
    array = arrays.map_npy(path, Form("iuf", case.grid.shape))
    arrays.require_digest(path, digest_array(array), case.image)
    if not _is_sealed(path):
        _seal(path)
    return array


def prove_image(folder: Path, case: JobCase) -> None:
    """Raises JobError unless the image of ``case`` is here and is what its name says. Its content is read through
    unless nobody wrote to it since that was done.
    """
    path = folder / f"{case.image}.npy"
    arrays.check_npy(path, Form("iuf", case.grid.shape))
    if not _is_sealed(path):
        image(folder, case)


def model(folder: Path, digest: str) -> Path:
    """The file of weights, its digest verified; it is not opened here. Raises JobError when missing or different."""
    path = folder / f"{digest}.pt"
    if not path.is_file():
        raise JobError(f"{path} is missing.", "Start the job again from a model that exists.")
    arrays.require_digest(path, digest_file(path), digest)
    return path


def check(folder: Path, spec: JobSpec) -> None:
    """Raises JobError naming the first input that is missing or does not fit the order. Reads headers only."""
    for case in spec.cases:
        arrays.check_npy(folder / f"{case.image}.npy", Form("iuf", case.grid.shape))
        if case.label is not None:
            drawn.check_file(folder / f"{case.label}.npz", case)
    if spec.start_from is not None and not (folder / f"{spec.start_from}.pt").is_file():
        raise JobError(f"{folder / spec.start_from}.pt is missing.", "Put the model into the job before submitting it.")


def _seal(image: Path) -> None:
    """Note that the image's content is what its name says, as long as nobody writes to it."""
    with contextlib.suppress(OSError):  # then it is read through once more
        image.with_suffix(".seal").write_text(_mark(image))


def _is_sealed(image: Path) -> bool:
    seal = image.with_suffix(".seal")
    return seal.exists() and seal.read_text() == _mark(image)


def _mark(image: Path) -> str:
    found = image.stat()
    return f"{found.st_size} {found.st_mtime_ns}"
