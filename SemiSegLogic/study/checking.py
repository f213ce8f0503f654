"""Whether a record says everything that it must, in values that can be. Raises ValueError in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from ..errors import SemiSegError
from ..geometry import MOST_VOXELS, Grid, has_inverse
from .annotations import AnnotatedSlice
from .structures import Structures

Status = Literal["none", "slices drawn", "suggested", "corrected", "accepted"]
CASE = {"name": str, "status": str, "grid": dict, "image": dict, "slices": list, "version": str}
GRID = {"shape": 3, "spacing": 3, "origin": 3, "direction": 9}


def check_study(record: Mapping[str, Any]) -> None:
    """The record of a study."""
    _require("the study", record, {"name": str, "structures": list, "next_value": int})
    try:
        Structures.from_dict(dict(record))
    except (KeyError, TypeError, ValueError, AttributeError, SemiSegError) as error:
        raise ValueError(f"its structures cannot be read ({error})") from error


def check_case(record: Mapping[str, Any]) -> None:
    """The record of a case."""
    _require("the case", record, CASE)
    if not record["name"].isprintable():
        raise ValueError(f"its name {record['name']!r} cannot be shown")
    if record["status"] not in get_args(Status):
        raise ValueError(f"its status is '{record['status']}', not one of {', '.join(get_args(Status))}")
    _require("the image", record["image"], {"path": str, "digest": str})
    shape = grid_in(record).shape
    for item in slices_in(record):
        if item.index >= shape[item.axis]:
            raise ValueError(f"it has a slice {item.index} along axis {item.axis}, where the image has "
                             f"{shape[item.axis]}")


def grid_in(record: Mapping[str, Any]) -> Grid:
    """The grid that a case's record tells."""
    told: Mapping[str, Any] = record["grid"]
    right = set(told) == set(GRID) and all(_numbers(told[name], count) for name, count in GRID.items())
    if not right or not all(isinstance(n, int) and n > 0 for n in told["shape"]) or min(told["spacing"]) <= 0:
        raise ValueError(f"its grid is {dict(told)!r:.300}")
    if math.prod(told["shape"]) > MOST_VOXELS or not has_inverse(told["direction"]):
        raise ValueError(f"its grid is {dict(told)!r:.300}")
    return Grid(tuple(told["shape"]), tuple(told["spacing"]), tuple(told["origin"]), tuple(told["direction"]))


def slices_in(record: Mapping[str, Any]) -> list[AnnotatedSlice]:
    """The judged slices that a case's record tells, by axis and index."""
    try:
        return [AnnotatedSlice(**item) for item in record["slices"]]
    except (TypeError, SemiSegError) as error:
        raise ValueError(f"its list of slices cannot be read ({error})") from error


def _require(what: str, record: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    for name, kind in kinds.items():
        if not isinstance(record.get(name), kind):
            raise ValueError(f"'{name}' of {what} is missing or no {kind.__name__}")


def _numbers(values: Any, count: int) -> bool:
    return (isinstance(values, Sequence) and len(values) == count
            and all(isinstance(n, int | float) and not isinstance(n, bool) and math.isfinite(n) for n in values))
