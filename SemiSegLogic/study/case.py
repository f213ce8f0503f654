"""A case: one image, what people drew on it, and what a model proposes. No voxels are kept in memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import disk_errors
from ..geometry import SliceIndex, sparse_label
from .annotations import AnnotatedSlice, all_slices, check_slices, copy_slices
from .comparison import agreement
from .errors import LabelError
from .formats import read_mask
from .history import VERSION, History, Version, header_entries
from .record import CaseRecord, Status
from .structures import Structures, check_name

LABELS, EDITED = "labels.seg.nrrd", "labels.edited.seg.nrrd"


class Case(CaseRecord):
    """The case in ``folder``.

    Methods that write hold the case's lock meanwhile and raise LockedError when somebody else does; they raise
    FileError where the disk refuses. In both cases nothing has changed.
    """

    def __init__(self, folder: Path, structures: Callable[[], Structures]) -> None:
        super().__init__(folder, structures)
        self.history = History(folder / "history")

    # --- what people drew -------------------------------------------------------------------------------------

    def labels(self) -> NDArray[np.uint8]:
        """What people drew, uint8 (k, j, i): on judged slices 0 is background, elsewhere 0 means nothing.

        Raises LabelError naming a damaged or foreign file and the newest good version.
        """
        grid, places, version = self.grid, self.places, str(self._record()["version"])
        if not version:
            return np.zeros(grid.shape, np.uint8)
        try:
            label = read_mask(self._current_file(version)).on(grid)
        except LabelError as error:
            raise LabelError(f"{error} {self.history.offer()}") from error
        judged = np.zeros(grid.shape, np.uint8)
        copy_slices(label, judged, places)
        check_slices(judged, places, self.structures, str(self.folder / LABELS))
        return judged

    def sparse_labels(self) -> NDArray[np.uint8]:
        """The same with IGNORE wherever nobody judged: what training needs."""
        return sparse_label(self.labels(), self.places)

    def set_slices(self, label: NDArray[np.generic], slices: Iterable[SliceIndex], author: str) -> None:
        """Take these slices of ``label`` (k, j, i; any whole-number type) as judged by ``author``; others stay.

        Where nothing is drawn the slice is judged empty. A new version is kept. Raises LabelError naming the slice
        when the shape is another or a value is no structure.
        """
        places = _in_order(slices)
        self._check_new(label, places)
        with self.writing():
            merged = self.labels()
            copy_slices(label, merged, places)
            self._commit(merged, self._judged(merged, places, author), author, f"judged {_slices(places)}")

    def mark(self, slices: Iterable[SliceIndex], author: str) -> None:
        """Call slices judged as they stand; where nothing is drawn they are judged empty."""
        with self.writing():
            self.set_slices(self.labels(), slices, author)

    def unmark(self, slices: Iterable[SliceIndex], author: str) -> None:
        """Take slices back: they count as not judged. What was drawn there stays in the history."""
        gone = _in_order(slices)
        with self.writing():
            kept = [item for item in self.annotated if item.place not in gone]
            label = np.zeros(self.grid.shape, np.uint8)
            copy_slices(self.labels(), label, [item.place for item in kept])
            self._commit(label, kept, author, f"took back {_slices(gone)}")

    def import_mask(self, path: Path, slices: Callable[[NDArray[np.uint8]], Iterable[SliceIndex]], author: str,
                    names: Mapping[str, int] | None = None) -> list[SliceIndex]:
        """Take judged slices from a mask file. ``slices`` chooses them from the mask on the image's grid, e.g.
        :func:`annotations.drawn_slices`; ``names`` as in :func:`formats.read_mask`, the study's own by default.

        Returns the slices. Raises LabelError when the mask does not fit or names something unknown.
        """
        label = read_mask(path, self.structures.names if names is None else names).on(self.grid)
        places = _in_order(slices(label))
        self.set_slices(label, places, author)
        return places

    def versions(self) -> list[Version]:
        """All versions of the labels, newest first."""
        return self.history.versions()

    def restore(self, name: str, author: str) -> None:
        """Make an earlier version the newest. Raises LabelError when that one is missing or damaged."""
        with self.writing():
            version = self.history.version(name)
            label = self.history.read(version, self.grid)
            check_slices(label, [item.place for item in version.slices], self.structures, str(version.path))
            self._commit(label, list(version.slices), author, f"restored {name}")

    # --- what a model proposes --------------------------------------------------------------------------------

    def put_suggestion(self, label: NDArray[np.uint8], uncertainty: NDArray[np.generic],
                       provenance: Mapping[str, Any]) -> None:
        """Replace the suggestion. On judged slices the person's voxels are written instead of the model's.

        ``label`` uint8 (k, j, i); ``uncertainty`` uint8 0..255 or float 0..1; ``provenance`` plain data. An accepted
        case stays accepted. Of the run before, its label is kept (:meth:`earlier_suggestion`), and the provenance gets
        what changed since and how unsure the model is. Raises LabelError when an array does not fit.
        """
        with self.writing():
            status = "accepted" if self.status == "accepted" else "suggested"
            self._suggestion.write(self._drawn_over(label), uncertainty,
                                   {**provenance, "judged": [(p.axis, p.index) for p in self.places]}, self.grid,
                                   self.structures)
            self._save({**self._record(), "status": status, "agreement": None})

    def suggestion(self) -> NDArray[np.uint8]:
        """The proposal with what people have drawn until now on top, uint8 (k, j, i)."""
        return self._drawn_over(self._suggestion.label(self.grid, self.structures))

    def earlier_suggestion(self) -> NDArray[np.uint8] | None:
        """What the run before proposed, uint8 (k, j, i); None when there was none. Raises LabelError if damaged."""
        return self._suggestion.earlier(self.grid, self.structures)

    def uncertainty(self) -> NDArray[np.uint8]:
        """uint8 (k, j, i): 0 sure, 255 most unsure."""
        return self._suggestion.uncertainty(self.grid)

    def provenance(self) -> dict[str, Any]:
        """Where the suggestion came from."""
        return self._suggestion.provenance()

    def discard_suggestion(self) -> None:
        """Throw the suggestion away; what people drew stays."""
        with self.writing():
            accepted = self.status == "accepted"
            self._suggestion.discard()
            if not accepted:
                self._save({**self._record(), "status": self._status_with(bool(self.annotated))})

    @property
    def judged_whole(self) -> bool:
        """Whether people judged every slice along one of the axes, so that no voxel is left open."""
        judged = set(self.places)
        return any(judged.issuperset(all_slices(self.grid.shape, axis)) for axis in range(3))

    def result(self) -> NDArray[np.uint8]:
        """The whole segmentation: the labels when people judged every voxel, else the suggestion.

        Raises StudyError when there is neither: a slice that nobody judged is not background.
        """
        return self.labels() if self.judged_whole else self.suggestion()

    def accept(self, author: str) -> None:
        """Take the result as right in every slice: from now on it is what ``author`` judged, and a new version."""
        with self.writing():
            label = self.result()
            missing = sorted(set(all_slices(self.grid.shape)).difference(self.places))
            self._commit(label, self._judged(label, missing, author), author, "accepted the result", "accepted")

    # --- keeping it -------------------------------------------------------------------------------------------

    def _commit(self, label: NDArray[np.uint8], slices: list[AnnotatedSlice], author: str, note: str,
                status: Status | None = None) -> None:
        """Keep a version, refresh ``labels.seg.nrrd``, then the record, which makes both valid."""
        check_name(author, "Author")
        ordered = sorted(slices, key=lambda item: item.place)
        version = self.history.add(label, self.grid, self.structures, ordered, author, note)
        self._keep_foreign_edit()
        self.history.copy_to(version, self.folder / LABELS)
        self._save({**self._record(), "slices": [item.to_dict() for item in ordered], "version": version.name,
                    "status": status or self._status_with(bool(ordered)),
                    "agreement": self._agreement(label, ordered)})

    def _agreement(self, label: NDArray[np.uint8], slices: list[AnnotatedSlice]) -> float | None:
        """Of the suggestion with ``label`` on the slices judged since it came."""
        if not self.has_suggestion:
            return None
        before = {SliceIndex(axis, index) for axis, index in self.provenance().get("judged", [])}
        since = [item.place for item in slices if item.place not in before]
        if not since:
            return None
        with contextlib.suppress(LabelError):  # a suggestion that another program broke must not stop the saving
            return agreement(self._suggestion.label(self.grid, self.structures), label, since)
        return None

    def _current_file(self, version: str) -> Path:
        """``labels.seg.nrrd`` when it is the recorded version, else that version itself: a save was cut off."""
        path = self.folder / LABELS
        if self._foreign():
            raise LabelError(f"{path} was changed by another program. Restore a version; the changed file is then "
                             f"kept as {EDITED} and can be imported as a mask.")
        if path.exists() and header_entries(path).get(VERSION, version) != version:
            return self.history.version(version).path
        return path

    def _foreign(self) -> bool:
        """Whether ``labels.seg.nrrd`` can be read but is none of ours."""
        entries = header_entries(self.folder / LABELS)
        return bool(entries) and VERSION not in entries

    def _keep_foreign_edit(self) -> None:
        if self._foreign():
            with disk_errors(self.folder / EDITED):
                os.replace(self.folder / LABELS, self.folder / EDITED)

    def _check_new(self, label: NDArray[np.generic], places: list[SliceIndex]) -> None:
        where = f"Case '{self.name}'"
        if label.shape != self.grid.shape:
            raise LabelError(f"{where}: the labels have shape {label.shape}, the image {self.grid.shape} (k, j, i). "
                             "Bring them onto the image's grid first.")
        check_slices(label, places, self.structures, where)

    def _judged(self, label: NDArray[np.uint8], places: list[SliceIndex], author: str) -> list[AnnotatedSlice]:
        """The judged slices after ``places`` were judged now."""
        new = set(places)
        others = [item.as_in(label) for item in self.annotated if item.place not in new]
        return others + [AnnotatedSlice.of(place, label, author) for place in places]

    def _drawn_over(self, label: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``label`` with the person's own voxels on judged slices."""
        places = self.places
        if not places or label.shape != self.grid.shape:
            return label
        whole = label.copy()
        copy_slices(self.labels(), whole, places)
        return whole


def _in_order(slices: Iterable[SliceIndex]) -> list[SliceIndex]:
    """Each slice once, by axis and index. Raises LabelError when there is none, or an axis that does not exist."""
    places = sorted({SliceIndex(int(place.axis), int(place.index)) for place in slices})
    if not places:
        raise LabelError("No slice was given, or nothing is drawn in the mask. Name at least one judged slice.")
    if any(place.axis not in (0, 1, 2) for place in places):
        raise LabelError(f"There is no axis {places[-1].axis}; axes are 0, 1, 2 (k, j, i).")
    return places


def _slices(places: list[SliceIndex]) -> str:
    return "1 slice" if len(places) == 1 else f"{len(places)} slices"
