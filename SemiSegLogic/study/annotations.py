"""Annotated slices: the planes that a person has judged, whole. Nothing else in a volume is labelled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from ..geometry import AXIS_NAMES, IGNORE, Shape, SliceIndex, covered_axis, plane
from ..naming import counted
from .errors import LabelError
from .structures import Structures
from .values import values_of

State = Literal["drawn", "empty"]


@dataclass(frozen=True)
class AnnotatedSlice:
    """A judged slice. ``axis`` 0, 1, 2 (k, j, i), ``index`` in voxels; ``state`` says whether anything is drawn there;
    ``author`` and ``time`` (ISO, UTC) of the last change. Raises LabelError on impossible values.
    """

    axis: int
    index: int
    state: State
    author: str
    time: str

    def __post_init__(self) -> None:
        if type(self.axis) is not int or self.axis not in (0, 1, 2) or type(self.index) is not int or self.index < 0:
            raise LabelError(f"There is no slice {self.index!r} along axis {self.axis!r}; axes are 0, 1, 2 (k, j, i).")
        if self.state not in get_args(State):
            raise LabelError(f"Slice {self.index} has state {self.state!r}; it must be 'drawn' or 'empty'.")
        if not isinstance(self.author, str) or not isinstance(self.time, str):
            raise LabelError(f"Slice {self.index} was judged by {self.author!r} at {self.time!r}, which are no words.")

    @property
    def place(self) -> SliceIndex:
        """Where it lies."""
        return SliceIndex(self.axis, self.index)

    @classmethod
    def of(cls, place: SliceIndex, label: NDArray[np.uint8], author: str) -> Self:
        """A slice judged now, as it stands in ``label`` (k, j, i)."""
        return cls(int(place.axis), int(place.index), _state(label, place), author, utc_now())

    def as_in(self, label: NDArray[np.uint8]) -> Self:
        """The same with the state that it has in ``label``: a crossing slice may have changed it."""
        return replace(self, state=_state(label, self.place))

    def to_dict(self) -> dict[str, Any]:
        """Plain data; ``AnnotatedSlice(**data)`` takes it back."""
        return asdict(self)


def utc_now() -> str:
    """This moment as ISO text in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _state(label: NDArray[np.uint8], place: SliceIndex) -> State:
    return "drawn" if plane(label, place).any() else "empty"


def drawn_slices(label: NDArray[np.generic], axis: int = 0) -> list[SliceIndex]:
    """The slices of ``label`` (k, j, i) along ``axis`` on which anything is drawn (neither 0 nor IGNORE)."""
    others = tuple(other for other in range(3) if other != axis)
    drawn = ((label != 0) & (label != IGNORE)).any(axis=others)
    return [SliceIndex(axis, int(index)) for index in np.flatnonzero(drawn)]


def all_slices(shape: Shape, axis: int = 0) -> list[SliceIndex]:
    """Every slice along ``axis``."""
    return [SliceIndex(axis, index) for index in range(shape[axis])]


def check_slices(label: NDArray[np.generic], places: Iterable[SliceIndex], structures: Structures, where: str) -> None:
    """Raises LabelError naming the first slice of ``label`` (k, j, i) that lies outside, or holds a value that is no
    structure; ``where`` begins the message.
    """
    allowed, chosen = sorted(structures.values), list(places)
    enough = covered_axis(label.shape, chosen)  # what those slices hold, the others cannot hold otherwise
    for place in chosen:
        name = f"{where}: slice {AXIS_NAMES[place.axis]} = {place.index}"
        if not 0 <= place.index < label.shape[place.axis]:
            there = counted(label.shape[place.axis], "slice")
            raise LabelError(f"{name} does not exist; the volume has {there} along that axis.")
        if enough not in (None, place.axis):
            continue
        for value in values_of(plane(label, place)):
            if value not in allowed:
                count = int(np.count_nonzero(plane(label, place) == value))
                raise LabelError(f"{name} holds the {_meaning(value)} on {counted(count, 'voxel')}. Structures are: "
                                 f"{structures.in_words()}. It is not treated as background. Draw it with one of these "
                                 "structures, add the structure to the study, or import with a table of names.")


def _meaning(value: int | float) -> str:
    return f"value {IGNORE} (not judged)" if value == IGNORE else f"unknown label value {value:g}"
