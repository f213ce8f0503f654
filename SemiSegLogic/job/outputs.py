"""What the runner gives back: results of cases, the learning curve, the order in which to look at slices.

``out/<case>.<n>.npz`` (n = 1, 2, ... per case; the older one goes once the newer is there), ``out/ranking.json``,
``curves.jsonl``.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..files import FileError, plain_data, read_json, write_json
from . import arrays, checks
from .arrays import Form
from .errors import JobError
from .labels import check_values
from .specification import JobSpec

_RESULT = re.compile(r"(c\d{3,9})\.([1-9]\d{0,8})\.npz", re.ASCII)


@dataclass(frozen=True)
class Result:
    """The ``n``-th result of ``case`` on its native grid: ``label`` uint8 (k, j, i) in {0, structures' values};
    ``uncertainty`` uint8 (k, j, i), 0 sure .. 255 unsure.
    """

    case: str
    n: int
    label: NDArray[np.uint8]
    uncertainty: NDArray[np.uint8]


def put_result(
    folder: Path, spec: JobSpec, case_id: str, label: NDArray[np.uint8], uncertainty: NDArray[np.uint8]
) -> int:
    """Write the next result of a case, both uint8 (k, j, i), and remove the one before; returns its number. Raises
    JobError on a shape, type or value that does not fit the case, FileError where the disk refuses.
    """
    shape = spec.case(case_id).grid.shape
    for name, array in (("label", label), ("uncertainty", uncertainty)):
        if array.dtype != np.uint8 or array.shape != shape:
            raise JobError(f"The {name} of '{case_id}' is {array.dtype} of shape {array.shape}; it must be uint8 of "
                           f"shape {shape}.", "Predict on the case's native grid.")
    check_values(case_id, label, spec, ignore=False)
    older = [n for found, n in _written(folder) if found == case_id]
    n = max(older, default=0) + 1
    arrays.write_npz(folder / f"{case_id}.{n}.npz", {"label": label, "uncertainty": uncertainty})
    for number in older:
        _remove(folder / f"{case_id}.{number}.npz")
    return n


def results(folder: Path) -> dict[str, tuple[int, Path]]:
    """The newest result of every case that has one: case id -> (n, file)."""
    newest: dict[str, tuple[int, Path]] = {}
    for case_id, n in sorted(_written(folder)):
        newest[case_id] = (n, folder / f"{case_id}.{n}.npz")  # the highest n of a case comes last
    return newest


def read_result(folder: Path, spec: JobSpec, case_id: str) -> Result | None:
    """The newest result of a case, checked against the order; None while there is none. Raises JobError naming a file
    that is damaged or does not fit.
    """
    shape = spec.case(case_id).grid.shape
    forms = {"label": Form("uint8", shape), "uncertainty": Form("uint8", shape)}
    while (newest := results(folder).get(case_id)) is not None:
        n, path = newest
        try:
            found = arrays.read_npz(path, forms, 2 * math.prod(shape) + arrays.HEADERS)
            check_values(str(path), found["label"], spec, ignore=False)
            return Result(case_id, n, found["label"], found["uncertainty"])
        except JobError:
            if path.exists():  # otherwise a newer one has just taken its place: look again
                raise
    return None


def put_ranking(folder: Path, ranking: Sequence[Mapping[str, Any]]) -> None:
    """Replace the ranking, best slice first; plain data, NaN becomes None. Raises FileError where the disk refuses."""
    write_json(folder / "ranking.json", checks.finite(list(ranking)))


def read_ranking(folder: Path) -> list[dict[str, Any]]:
    """The newest ranking; empty while there is none. Raises JobError naming a damaged file."""
    path = folder / "ranking.json"
    if not path.exists():
        return []
    try:
        return [checks.mapping("ranking", item) for item in checks.sequence("ranking", read_json(path), 0, 10**6)]
    except FileError as error:
        raise JobError(str(error)) from error
    except JobError as error:
        raise error.within(str(path)) from error


def append_curve(path: Path, point: Mapping[str, Any]) -> None:
    """Add one line to the learning curve; NaN becomes None. Raises JobError where the disk refuses."""
    line = json.dumps(checks.finite(point), allow_nan=False) + "\n"
    try:
        with path.open("a+b") as stream:
            _drop_torn_line(stream)
            stream.write(line.encode())
    except OSError as error:
        raise JobError(f"{path} was not written: {error.strerror}.", "Free some space on the disk.") from error


def read_curves(path: Path) -> list[dict[str, Any]]:
    """All points of the learning curve; a last line that is half written is left out. Raises JobError on others."""
    try:
        *lines, _ = path.read_bytes().split(b"\n")
        return [checks.mapping("point", plain_data(line)) for line in lines]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, JobError) as error:
        raise JobError(f"{path} is damaged: {error}.", "Delete it; only the drawing of the curve is lost.") from error


def _drop_torn_line(stream: IO[bytes]) -> None:
    """Cut off what a killed writer left after the last whole line, so that it cannot spoil the next."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(end - 1, 0))
    if end and stream.read(1) != b"\n":
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)


def _written(folder: Path) -> list[tuple[str, int]]:
    """Case id and number of every result in ``folder``."""
    try:
        found = (_RESULT.fullmatch(name) for name in os.listdir(folder))
        return [(result[1], int(result[2])) for result in found if result]
    except OSError as error:
        raise JobError(f"{folder} cannot be read: {error.strerror}.", "Choose another job.") from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        return  # on Windows a reader holds it: it goes with the next result
