"""Labels of a job: those it starts with (``in/<digest>.npz``) and those that arrive while it runs.

``in/labels-<n>.npz`` (n = 1, 2, ...) holds the whole present label of one case: it takes the place of the case's
earlier label. Arrays: ``label`` uint8 (k, j, i), IGNORE outside the slices; ``slices`` int64 (N, 2) of axis, index;
``case`` text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import digest_array
from ..geometry import IGNORE, SliceIndex, slice_mask
from . import arrays
from .arrays import Form
from .errors import JobError
from .numbered import add_numbered, numbers
from .specification import JobCase, JobSpec, check_slices

STEM = "labels"


@dataclass(frozen=True)
class AddedLabels:
    """Labels that arrived as number ``n``: ``label`` uint8 (k, j, i) of ``case``, IGNORE outside ``slices``."""

    n: int
    case: str
    label: NDArray[np.uint8]
    slices: tuple[SliceIndex, ...]


def put_label(folder: Path, label: NDArray[np.uint8], slices: Iterable[SliceIndex]) -> str:
    """Store the label a case starts with; returns its digest. Raises JobError when it has values outside ``slices``,
    FileError where the disk refuses.
    """
    planes = tuple(slices)
    _check(label, planes, "label")
    digest = _digest(label, _table(planes))
    path = folder / f"{digest}.npz"
    if not path.exists():
        arrays.write_npz(path, {"label": label, "slices": _table(planes)})
    return digest


def read_label(folder: Path, case: JobCase, spec: JobSpec) -> NDArray[np.uint8]:
    """The label ``case`` starts with, uint8 (k, j, i), its digest verified. Raises JobError naming a wrong file."""
    path = folder / f"{case.label}.npz"
    found = arrays.read_npz(path, label_forms(case))
    label: NDArray[np.uint8] = found["label"]
    arrays.require_digest(path, _digest(label, found["slices"]), str(case.label))
    try:
        planes = _planes(found["slices"])
        if planes != case.slices:
            raise JobError(f"Drawn on {planes}, but job.json says {case.slices}.", arrays.START_AGAIN)
        _check(label, planes, case.id)
        check_values(case.id, label, spec)
    except JobError as error:
        raise error.within(str(path)) from error
    return label


def add_labels(
    folder: Path, spec: JobSpec, case_id: str, label: NDArray[np.uint8], slices: Iterable[SliceIndex]
) -> int:
    """Add the new label of a case to a job that runs; returns its number n. It is never overwritten. No slices at all
    means that every mark was taken back. Raises JobError on a label that does not fit, FileError.
    """
    planes = tuple(slices)
    _check_fit(label, planes, spec.case(case_id), spec)
    content = {"case": np.array(case_id), "label": label, "slices": _table(planes)}
    return add_numbered(folder, STEM, lambda path: arrays.pack_npz(path, content))


def newest_labels(folder: Path, spec: JobSpec, after: int) -> list[AddedLabels]:
    """Of every case the newest label numbered above ``after``, in order of number. Raises JobError on a bad file."""
    newest: dict[str, AddedLabels] = {}
    for n in numbers(folder, STEM):
        if n > after:
            added = _read_added(folder / f"{STEM}-{n}.npz", n, spec)
            newest[added.case] = added
    return sorted(newest.values(), key=lambda added: added.n)


def label_forms(case: JobCase) -> dict[str, Form]:
    """What the file of the label that ``case`` starts with must hold."""
    return {"label": Form("uint8", case.grid.shape), "slices": Form("int64", (len(case.slices), 2))}


def check_values(owner: str, label: NDArray[np.uint8], spec: JobSpec, ignore: bool = True) -> None:
    """Raises JobError when ``label`` holds a value that is neither 0, a structure's, nor (if allowed) IGNORE."""
    known = bytes([*spec.values, IGNORE] if ignore else spec.values)
    strange = label.tobytes().translate(None, known)  # what is left; in a quarter of the time that indexing takes
    if strange:
        raise JobError(f"'{owner}' holds the label values {sorted(set(strange))[:20]}; the job knows "
                       f"{list(spec.values)}.", "Add the structure to the study and start a new run, or erase it.")


def _read_added(path: Path, n: int, spec: JobSpec) -> AddedLabels:
    forms = {"case": Form("U", ()), "label": Form("uint8", (None, None, None)), "slices": Form("int64", (None, 2))}
    found = arrays.read_npz(path, forms)
    try:
        case = spec.case(str(found["case"]))
        planes = _planes(found["slices"])
        _check_fit(found["label"], planes, case, spec)
    except JobError as error:
        raise error.within(str(path)) from error
    return AddedLabels(n, case.id, found["label"], planes)


def _check(label: NDArray[Any], planes: tuple[SliceIndex, ...], owner: str) -> None:
    """Raises JobError unless ``label`` is uint8 (k, j, i) and IGNORE outside of ``planes``."""
    if label.ndim != 3 or label.dtype != np.uint8:
        raise JobError(f"'{owner}' is {label.dtype} of shape {label.shape}; a label is uint8 of shape (k, j, i).",
                       "Convert it to the values of the study's structures.")
    shape = (label.shape[0], label.shape[1], label.shape[2])
    check_slices(owner, planes, shape)
    if ((label != IGNORE) & ~slice_mask(shape, planes)).any():
        raise JobError(f"'{owner}' has label values outside of its annotated slices.",
                       f"Outside of them every voxel must be {IGNORE}: nobody judged it (geometry.sparse_label).")


def _check_fit(label: NDArray[Any], planes: tuple[SliceIndex, ...], case: JobCase, spec: JobSpec) -> None:
    _check(label, planes, case.id)
    if label.shape != case.grid.shape:
        raise JobError(f"'{case.id}': the label has shape {label.shape}, the image {case.grid.shape}.",
                       "Draw on the image's own grid.")
    check_values(case.id, label, spec)


def _table(planes: tuple[SliceIndex, ...]) -> NDArray[np.int64]:
    return np.array([(place.axis, place.index) for place in planes], np.int64).reshape(-1, 2)


def _planes(table: NDArray[np.int64]) -> tuple[SliceIndex, ...]:
    return tuple(SliceIndex(int(axis), int(index)) for axis, index in table)


def _digest(label: NDArray[np.uint8], table: NDArray[np.int64]) -> str:
    return hashlib.sha256((digest_array(label) + digest_array(table)).encode()).hexdigest()
