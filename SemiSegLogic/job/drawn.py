"""Judged slices in a file, and nothing else of the volume: an .npz of ``shape`` int64 (3,) voxels of the volume,
``slices`` int64 (N, 2) of axis and index, and for every axis the planes along it in the order of ``slices``:
``along0`` uint8 (n, j, i), ``along1`` (n, k, i), ``along2`` (n, k, j).

Jobs of format 1 held an array of every voxel instead: ``label`` uint8 (k, j, i), IGNORE outside the slices. For a CT of
512x512x1000 that is 262 MB to pack, unpack and look through, whatever was drawn. Such files are still read.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import digest_array
from ..geometry import IGNORE, Planes, Shape, SliceIndex, planes_of, slice_mask
from . import arrays, checks
from .arrays import Form
from .errors import JobError
from .specification import JobCase, check_shape, check_slices

ALONG = ("along0", "along1", "along2")
FORMS = {"shape": Form("int64", (3,)), "slices": Form("int64", (None, 2)),
         **dict.fromkeys(ALONG, Form("uint8", (None, None, None)))}
FIRST_FORMS = {"label": Form("uint8", (None, None, None)), "slices": Form("int64", (None, 2))}
"""Of a file of format 1."""


@dataclass(frozen=True)
class Drawn:
    """What a file holds: ``planes`` of a volume of ``shape``."""

    shape: Shape
    planes: Planes


def to_arrays(planes: Planes, shape: Shape) -> dict[str, NDArray[Any]]:
    """What is written. Raises JobError when a plane does not fit the volume."""
    check("label", planes, shape)
    stacks = {name: [planes[place] for place in planes if place.axis == axis] for axis, name in enumerate(ALONG)}
    return {
        "shape": np.array(shape, np.int64),
        "slices": np.array([(place.axis, place.index) for place in planes], np.int64).reshape(-1, 2),
        **{name: np.array(stack, np.uint8).reshape(-1, *_across(shape, axis))
           for axis, (name, stack) in enumerate(stacks.items())},
    }


def digest_of(found: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 (hex) of all the arrays of a file."""
    names = ("label", "slices") if "label" in found else ("shape", "slices", *ALONG)
    return hashlib.sha256("".join(digest_array(found[name]) for name in names).encode()).hexdigest()


def forms_of(path: Path, more: Mapping[str, Form]) -> dict[str, Form]:
    """What the file must hold, ``more`` included: of the first format or the present one."""
    return {**(FIRST_FORMS if "label" in arrays.names_in(path) else FORMS), **more}


def most_bytes(shape: Shape) -> int:
    """How large a file of a volume of ``shape`` is at most, unpacked: every slice of every axis is judged."""
    return 3 * math.prod(shape) + 16 * sum(shape) + arrays.HEADERS


def check_file(path: Path, case: JobCase) -> None:
    """Raises JobError naming the file unless its headers fit ``case``."""
    forms = forms_of(path, {"slices": Form("int64", (len(case.slices), 2))})
    if "label" in forms:
        forms["label"] = Form("uint8", case.grid.shape)
    else:
        counts = [sum(place.axis == axis for place in case.slices) for axis in range(3)]
        forms |= {name: Form("uint8", (counts[axis], *_across(case.grid.shape, axis)))
                  for axis, name in enumerate(ALONG)}
    arrays.check_npz(path, forms)


def from_arrays(found: Mapping[str, NDArray[Any]], owner: str) -> Drawn:
    """What was drawn, of either format. Raises JobError naming ``owner`` where the arrays do not fit each other."""
    places = tuple(SliceIndex(int(axis), int(index)) for axis, index in found["slices"])
    if "label" in found:
        return Drawn(_sides(found["label"].shape), _of_every_voxel(found["label"], places, owner))
    shape = _sides(found["shape"].tolist())
    check_shape(f"{owner}.shape", shape)
    check_slices(owner, places, shape)
    planes: dict[SliceIndex, NDArray[np.uint8]] = {}
    for axis, name in enumerate(ALONG):
        along = [place for place in places if place.axis == axis]
        if found[name].shape != (len(along), *_across(shape, axis)):
            raise JobError(f"'{owner}': {name} has shape {found[name].shape} for {len(along)} slices of a volume of "
                           f"{shape}.", arrays.START_AGAIN)
        planes |= dict(zip(along, found[name], strict=True))
    check(owner, planes, shape)
    return Drawn(shape, {place: planes[place] for place in places})


def check(owner: str, planes: Planes, shape: Shape) -> None:
    """Raises JobError unless ``planes`` are uint8, lie in a volume of ``shape`` and agree wherever they cross."""
    check_shape(f"{owner}.shape", shape)
    check_slices(owner, tuple(planes), shape)
    for place, plane in planes.items():
        if plane.dtype != np.uint8 or plane.shape != _across(shape, place.axis):
            raise JobError(f"'{owner}': slice {place.index} along axis {place.axis} is {plane.dtype} of shape "
                           f"{plane.shape}; it must be uint8 of {_across(shape, place.axis)}.",
                           "Draw on the image's own grid, with the values of the study's structures.")
    for one, other in combinations(range(3), 2):
        if not _agree(planes, one, other):
            raise JobError(f"'{owner}': slices along axes {one} and {other} differ where they cross.",
                           checks.WRITE_AGAIN)


def _agree(planes: Planes, one: int, other: int) -> bool:
    """Whether the planes along two axes, ``one`` before ``other``, hold the same on the lines where they cross."""
    first, second = ([place for place in planes if place.axis == axis] for axis in (one, other))
    if not first or not second:
        return True
    across = np.stack([planes[place].take([crossing.index for crossing in second], other - 1) for place in first])
    back = np.stack([planes[place].take([crossing.index for crossing in first], one) for place in second])
    return np.array_equal(np.moveaxis(across, other, 1), np.moveaxis(back, 1 + one, 0))


def _of_every_voxel(label: NDArray[np.uint8], places: Sequence[SliceIndex], owner: str) -> Planes:
    """The judged slices of an array of the first format. Raises JobError when it holds values outside of them."""
    shape = _sides(label.shape)
    check_slices(owner, places, shape)
    if ((label != IGNORE) & ~slice_mask(shape, places)).any():
        raise JobError(f"'{owner}' has label values outside of its annotated slices.",
                       f"Outside of them every voxel must be {IGNORE}: nobody judged it (geometry.sparse_label).")
    return planes_of(label, places)


def _across(shape: Shape, axis: int) -> tuple[int, int]:
    """The sides of a plane along ``axis``."""
    first, second = (side for other, side in enumerate(shape) if other != axis)
    return first, second


def _sides(sides: Sequence[int]) -> Shape:
    k, j, i = sides
    return k, j, i
