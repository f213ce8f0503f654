"""What a job is to do: ``job.json``, written once by the client, and checked again by whoever reads it.

Every class checks itself when it is made and raises JobError naming key, value and remedy. Cases are called c001,
c002, ...: no file name, patient name or DICOM tag ever enters a job.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..geometry import (
    COARSEST_MM,
    FARTHEST_MM,
    FINEST_MM,
    IGNORE,
    LONGEST_SIDE,
    MOST_VOXELS,
    Grid,
    Shape,
    SliceIndex,
    has_inverse,
)
from . import checks
from .errors import JobError

FIRST, FORMAT = 1, 2
"""The oldest format that is read, and the one that is written; labels differ (see drawn.py)."""

KINDS = ("train", "live", "predict")


@dataclass(frozen=True)
class JobStructure:
    """A structure to segment: ``value`` 1..254 in every label array, ``name`` as the person calls it."""

    value: int
    name: str

    def __post_init__(self) -> None:
        checks.integer("structures.value", self.value, 1, IGNORE - 1)
        checks.text("structures.name", self.name, r"[^\x00-\x1f\x7f]+")


@dataclass(frozen=True)
class JobCase:
    """One volume. ``image`` digest of in/<digest>.npy (k, j, i); ``label`` digest of in/<digest>.npz or None;
    ``slices`` the planes that a person judged (none without a label).
    """

    id: str
    image: str
    grid: Grid
    label: str | None = None
    slices: tuple[SliceIndex, ...] = ()

    def __post_init__(self) -> None:
        check_case_id(self.id)
        checks.digest(f"{self.id}.image", self.image)
        check_grid(self.id, self.grid)
        check_slices(self.id, self.slices, self.grid.shape)
        if self.label is not None:
            checks.digest(f"{self.id}.label", self.label)
        if (self.label is None) is not (not self.slices):
            raise JobError(f"'{self.id}' has {len(self.slices)} slices and label {self.label!r}.",
                           "A label needs its annotated slices, and slices need their label.")


@dataclass(frozen=True)
class JobSpec:
    """The whole order. ``kind`` "train", "live" (learning while the person draws) or "predict"; ``method`` and
    ``method_settings``, ``training`` as the settings classes hold them; ``open_case`` the case on the person's
    screen, predicted first; ``start_from`` digest of in/<digest>.pt, the weights to start from; ``created`` ISO 8601,
    UTC.
    """

    kind: str
    structures: tuple[JobStructure, ...]
    cases: tuple[JobCase, ...]
    method: str
    method_settings: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    open_case: str | None = None
    start_from: str | None = None
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    format: int = FORMAT

    def __post_init__(self) -> None:
        checks.integer("format", self.format, FIRST, FORMAT)
        checks.one_of("kind", self.kind, KINDS)
        checks.text("method", self.method, r"[a-z][a-z0-9_]*", 64)
        checks.flat("method_settings", self.method_settings)
        checks.flat("training", self.training)
        checks.moment("created", self.created)
        _check_members(self)
        _check_purpose(self)

    def case(self, case_id: str) -> JobCase:
        """The case of that id. Raises JobError when the job has none."""
        for case in self.cases:
            if case.id == case_id:
                return case
        raise JobError(f"The job has no case {case_id!r:.60}; it has {_some(self.cases)}.", "Name one of these.")

    @property
    def values(self) -> tuple[int, ...]:
        """Every label value that may occur in a result: 0 for background and the structures'."""
        return (0, *(structure.value for structure in self.structures))

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` takes back."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Any) -> JobSpec:
        """The order in plain data. Raises JobError on unknown or missing keys and on every value out of place."""
        _refuse_newer(values)
        found = dict(checks.exact_keys("job", values, cls))
        structures = checks.sequence("structures", found.pop("structures"), 1, IGNORE - 1)
        cases = checks.sequence("cases", found.pop("cases"), 1, 10_000)
        return cls(
            structures=tuple(_structure(item) for item in structures),
            cases=tuple(_case(item) for item in cases),
            **found,
        )


def check_case_id(name: Any) -> None:
    """Raises JobError unless ``name`` is a running number such as c001."""
    try:
        checks.text("case id", name, checks.CASE_ID, 10)
    except JobError as error:
        remedy = "Give cases running numbers: names of patients or files must not leave the study."
        raise JobError(f"The case id {name!r:.60} is not of the form c001.", remedy) from error


def check_grid(owner: str, grid: Grid) -> None:
    """Raises JobError when ``grid`` is not a volume in space: sides, positive mm, a direction that has an inverse."""
    check_shape(f"{owner}.grid.shape", grid.shape)
    for length in checks.sequence(f"{owner}.grid.spacing", grid.spacing, 3, 3):
        checks.number(f"{owner}.grid.spacing", length, FINEST_MM, COARSEST_MM)
    for place in checks.sequence(f"{owner}.grid.origin", grid.origin, 3, 3):
        checks.number(f"{owner}.grid.origin", place, -FARTHEST_MM, FARTHEST_MM)
    for cosine in checks.sequence(f"{owner}.grid.direction", grid.direction, 9, 9):
        checks.number(f"{owner}.grid.direction", cosine, -1.001, 1.001)
    if not has_inverse(grid.direction):
        raise JobError(f"'{owner}.grid.direction' is {grid.direction}: its axes fall together.",
                       "Export the image again.")


def check_shape(key: str, shape: Any) -> None:
    """Raises JobError unless ``shape`` is three sides of a volume that a computer can hold."""
    for side in checks.sequence(key, shape, 3, 3):
        checks.integer(key, side, 1, LONGEST_SIDE)
    if math.prod(shape) > MOST_VOXELS:
        raise JobError(f"'{key}' is {shape}: more than {MOST_VOXELS} voxels.", "Crop the volume.")


def check_slices(owner: str, slices: Sequence[SliceIndex], shape: Shape) -> None:
    """Raises JobError when one of ``slices`` is not a plane of ``shape`` or comes twice."""
    checks.sequence(f"{owner}.slices", slices, 0, sum(shape))
    for place in slices:
        if not isinstance(place, SliceIndex):
            raise JobError(f"'{owner}.slices' holds {place!r:.80}; it must hold SliceIndex.", checks.WRITE_AGAIN)
        checks.integer(f"{owner}.slices axis", place.axis, 0, 2)
        checks.integer(f"{owner}.slices index along axis {place.axis}", place.index, 0, shape[place.axis] - 1)
    checks.distinct(f"{owner}.slices", slices)


def _structure(values: Any) -> JobStructure:
    return JobStructure(**checks.exact_keys("structures", values, JobStructure))


def _case(values: Any) -> JobCase:
    found = checks.exact_keys("cases", values, JobCase)
    owner = found["id"] if isinstance(found["id"], str) else "case"
    grid = {key: _triple(item) for key, item in checks.exact_keys(f"{owner}.grid", found["grid"], Grid).items()}
    planes = checks.sequence(f"{owner}.slices", found["slices"], 0, 3 * LONGEST_SIDE)
    slices = tuple(SliceIndex(**checks.exact_keys(f"{owner}.slices", place, SliceIndex)) for place in planes)
    return JobCase(**{**found, "grid": Grid(**grid), "slices": slices})


def _triple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _refuse_newer(values: Any) -> None:
    version = values.get("format") if isinstance(values, dict) else None
    if isinstance(version, int) and not isinstance(version, bool) and version > FORMAT:
        raise JobError(f"'format' is {version}; this SemiSeg reads {FORMAT}.", "Update SemiSeg on this computer.")


def _check_members(spec: JobSpec) -> None:
    for key, items, kind in (("structures", spec.structures, JobStructure), ("cases", spec.cases, JobCase)):
        if not isinstance(items, tuple) or not items or not all(isinstance(item, kind) for item in items):
            raise JobError(f"'{key}' is {items!r:.120}; it must be a tuple of at least one {kind.__name__}.",
                           checks.WRITE_AGAIN)
    checks.distinct("structures.value", (structure.value for structure in spec.structures))
    checks.distinct("cases.id", (case.id for case in spec.cases))
    if spec.open_case is not None:
        spec.case(spec.open_case)
    if spec.start_from is not None:
        checks.digest("start_from", spec.start_from)


def _check_purpose(spec: JobSpec) -> None:
    if spec.kind == "train" and not any(case.slices for case in spec.cases):
        raise JobError("No case of this training job has an annotated slice.", "Draw on a slice and mark it as done.")
    if spec.kind == "predict" and spec.start_from is None:
        raise JobError("'start_from' is missing: a job that predicts needs a model.", "Train first, or choose a model.")


def _some(cases: tuple[JobCase, ...]) -> str:
    return ", ".join(case.id for case in cases[:5]) + (", ..." if len(cases) > 5 else "")
