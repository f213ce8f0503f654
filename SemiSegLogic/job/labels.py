"""Labels of a job: those it starts with (``in/<digest>.npz``) and those that arrive while it runs.

``in/labels-<n>.npz`` (n = 1, 2, ...) holds the whole present label of one case: it takes the place of the case's
earlier label. Beside the judged slices (see drawn.py) it says the ``case``, text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import copy_file, replace_file
from ..geometry import IGNORE, Planes, Shape, SliceIndex
from . import arrays, drawn
from .arrays import Form
from .drawn import Drawn
from .errors import JobError
from .numbered import add_numbered, numbers
from .specification import JobCase, JobSpec

STEM = "labels"


@dataclass(frozen=True)
class AddedLabels:
    """Labels that arrived as number ``n``: the judged ``planes`` of ``case``, which has ``shape`` (k, j, i)."""

    n: int
    case: str
    shape: Shape
    planes: Planes

    @property
    def slices(self) -> tuple[SliceIndex, ...]:
        """The judged slices."""
        return tuple(self.planes)


def put_label(folder: Path, planes: Planes, shape: Shape) -> str:
    """Store the label a case of ``shape`` starts with; returns its digest. Raises JobError when ``planes`` do not fit
    the volume or each other, FileError where the disk refuses.
    """
    content = drawn.to_arrays(planes, shape)
    digest = drawn.digest_of(content)
    path = folder / f"{digest}.npz"
    if not path.exists():
        arrays.write_npz(path, content)
    return digest


def read_label(folder: Path, case: JobCase, spec: JobSpec) -> Planes:
    """The judged slices ``case`` starts with, their digest verified. Raises JobError naming a wrong file."""
    path = folder / f"{case.label}.npz"
    content = arrays.read_npz(path, drawn.forms_of(path, {}), drawn.most_bytes(case.grid.shape))
    arrays.require_digest(path, drawn.digest_of(content), str(case.label))
    try:
        found = drawn.from_arrays(content, case.id)
        if tuple(found.planes) != case.slices:
            raise JobError(f"Drawn on {tuple(found.planes)}, but job.json says {case.slices}.", arrays.START_AGAIN)
        _check_fit(found, case, spec)
    except JobError as error:
        raise error.within(str(path)) from error
    return found.planes


def add_labels(folder: Path, spec: JobSpec, case_id: str, planes: Planes) -> int:
    """Add the new label of a case to a job that runs; returns its number n. It is never overwritten. No planes at all
    means that every mark was taken back. Raises JobError on a label that does not fit, FileError.
    """
    case = spec.case(case_id)
    content = {"case": np.array(case_id), **drawn.to_arrays(planes, case.grid.shape)}
    _check_values(case_id, planes, spec)
    return add_numbered(folder, STEM, lambda path: arrays.pack_npz(path, content))


def receive_labels(folder: Path, spec: JobSpec, content: bytes) -> int:
    """Add the file that :func:`add_labels` made on another computer, once it was looked at; returns its number n here.
    Raises JobError when it is damaged, too large or does not fit the order, FileError.
    """

    return add_numbered(folder, STEM, lambda path: _write_looked_at(path, content, spec))


def receive_again(folder: Path, spec: JobSpec, n: int, content: bytes) -> None:
    """Put such a file in the place of labels that are damaged here. Raises as :func:`receive_labels`."""
    replace_file(_path(folder, n), lambda path: _write_looked_at(path, content, spec))


def newest_labels(
    folder: Path, spec: JobSpec, after: int, unread: dict[int, JobError] | None = None
) -> list[AddedLabels]:
    """Of every case the newest label numbered above ``after``, in order of number. Raises JobError on a bad file; where
    ``unread`` is given, that is noted there instead, and those in it are tried again: a disk may refuse for a moment.
    """
    newest: dict[str, AddedLabels] = {}
    for n in numbers(folder, STEM):
        if n <= after and not (unread and n in unread):
            continue
        try:
            added = _read_added(_path(folder, n), n, spec)
        except JobError as error:
            if unread is None:
                raise
            unread[n] = error
        else:
            newest[added.case] = added
            if unread:
                unread.pop(n, None)
    return sorted(newest.values(), key=lambda added: added.n)


def is_damaged(folder: Path, spec: JobSpec, n: int) -> bool:
    """Whether the labels of that number cannot be used."""
    try:
        _read_added(_path(folder, n), n, spec)
    except JobError:
        return True
    return False


def replace_labels(folder: Path, n: int, by: int) -> None:
    """Put the labels numbered ``by``, which are newer, in the place of damaged ones. Raises FileError."""
    copy_file(_path(folder, by), _path(folder, n))


def check_values(owner: str, label: NDArray[np.uint8], spec: JobSpec, ignore: bool = True) -> None:
    """Raises JobError where ``label`` (any axes) is neither 0, a structure's value, nor (if allowed) IGNORE."""
    known = bytes([*spec.values, IGNORE] if ignore else spec.values)
    strange = label.tobytes().translate(None, known)  # what is left; in a quarter of the time that indexing takes
    if strange:
        raise JobError(f"'{owner}' holds the label values {sorted(set(strange))[:20]}; the job knows "
                       f"{list(spec.values)}.", "Add the structure to the study and start a new run, or erase it.")


def _write_looked_at(path: Path, content: bytes, spec: JobSpec) -> None:
    path.write_bytes(content)
    _read_added(path, 0, spec)


def _path(folder: Path, n: int) -> Path:
    return folder / f"{STEM}-{n}.npz"


def _read_added(path: Path, n: int, spec: JobSpec) -> AddedLabels:
    most = max(drawn.most_bytes(case.grid.shape) for case in spec.cases)
    content = arrays.read_npz(path, drawn.forms_of(path, {"case": Form("U", ())}), most)
    try:
        case = spec.case(str(content["case"]))
        found = drawn.from_arrays(content, case.id)
        _check_fit(found, case, spec)
    except JobError as error:
        raise error.within(str(path)) from error
    return AddedLabels(n, case.id, found.shape, found.planes)


def _check_fit(found: Drawn, case: JobCase, spec: JobSpec) -> None:
    if found.shape != case.grid.shape:
        raise JobError(f"'{case.id}': the label has shape {found.shape}, the image {case.grid.shape}.",
                       "Draw on the image's own grid.")
    _check_values(case.id, found.planes, spec)


def _check_values(owner: str, planes: Planes, spec: JobSpec) -> None:
    for plane in planes.values():
        check_values(owner, plane, spec)
