"""Which judged slices a leg must not see, and which slices a model has learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.data.volumes import Volume
from ...engine.quality.holding_out import Part
from ...geometry import SliceIndex
from ...job import JobSpec
from ..data import Data

SeenSlice = tuple[str, int, int]
"""A slice wherever its image goes: the image's digest, axis and index in the image's own (k, j, i)."""


class Parts:
    """The parts of a run's judged slices that can be held out, by number; ``use`` holds one out."""

    def __init__(self, data: Data, parts: Sequence[Part]):
        self.data, self.parts = data, list(parts)

    def use(self, part: int | None) -> None:
        """Keep one part from training and no other slice; None, or a part that is not there: train on all of them."""
        places = self.parts[part] if part is not None and part < len(self.parts) else {}
        for name, volume in self.data.volumes.items():
            volume.hold_out(places.get(name, ()))

    def to_plain(self) -> list[dict[str, list[list[int]]]]:
        """For a checkpoint."""
        return [{name: [[place.axis, place.index] for place in places] for name, places in part.items()}
                for part in self.parts]

    @classmethod
    def from_plain(cls, data: Data, plain: list[dict[str, list[list[int]]]]) -> Parts:
        """The inverse of :meth:`to_plain`."""
        return cls(data, [{name: [SliceIndex(axis, index) for axis, index in places] for name, places in part.items()}
                          for part in plain])


def seen_by(record: Sequence[SeenSlice], spec: JobSpec, data: Data) -> Part:
    """Slices of ``record`` among the volumes of this job, in engine order."""
    found = Part()
    for case in spec.cases:  # several may have the same image
        volume = data.volumes[case.id]
        places = [SliceIndex(axis, index) for digest, axis, index in record
                  if digest == case.image and index < volume.grid.shape[axis]]
        if places:
            found[case.id] = [volume.turn.slice_to_canonical(place, volume.grid.shape) for place in places]
    return found


def learned_from(spec: JobSpec, data: Data, earlier: Sequence[SeenSlice]) -> tuple[SeenSlice, ...]:
    """``earlier`` and every slice that training may see now."""
    now = {(case.image, place.axis, place.index) for case in spec.cases
           for place in _own_slices(data.volumes[case.id])}
    return tuple(sorted({*earlier, *now}))


def _own_slices(volume: Volume) -> list[SliceIndex]:
    return [volume.turn.slice_to_array(place, volume.grid.shape) for place in volume.training_slices]


def seen_slices(plain: Sequence[Sequence[Any]] | None) -> tuple[SeenSlice, ...] | None:
    """From plain data."""
    return None if plain is None else tuple((str(digest), int(axis), int(index)) for digest, axis, index in plain)


def plain_slices(seen: Sequence[SeenSlice] | None) -> list[list[Any]] | None:
    """The inverse of :func:`seen_slices`."""
    return None if seen is None else [list(one) for one in seen]
