"""What people drew on a case: the labels of judged slices, every version of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import move_file
from ..geometry import AXIS_NAMES, IGNORE, Planes, SliceIndex, copy_slices, plane, planes_of, sparse_label
from ..naming import counted
from .annotations import AnnotatedSlice, check_slices
from .checking import grid_in, slices_in
from .errors import DamagedLabelsError, LabelError
from .formats import LayeredMask, Mask
from .history import VERSION, History, Version, header_entries, read_saved
from .record import CaseRecord, Status
from .structures import Structures, check_name

LABELS, EDITED = "labels.seg.nrrd", "labels.edited.seg.nrrd"
IN_TERMINAL = "(In a terminal: semiseg study restore)"


class DrawnCase(CaseRecord):
    """The case in ``folder`` with what people drew.

    Methods that write hold the case's lock meanwhile and raise LockedError when somebody else does; they raise
    FileError where the disk refuses. In both cases nothing has changed.
    """

    def __init__(self, folder: Path, structures: Callable[[], Structures]) -> None:
        super().__init__(folder, structures)
        self.history = History(folder / "history")

    def labels(self) -> NDArray[np.uint8]:
        """What people drew, uint8 (k, j, i): on judged slices 0 is background, elsewhere 0 means nothing.

        Raises LabelError naming a damaged or foreign file and the newest good version.
        """
        return self.drawn()[0]

    def drawn(self) -> tuple[NDArray[np.uint8], list[AnnotatedSlice]]:
        """The same and the judged slices, both of one moment: who asks for one after the other may get a slice that
        somebody judged in between, and nothing on it.
        """
        record = self._record()
        grid, slices, version = grid_in(record), slices_in(record), str(record["version"])
        places = [item.place for item in slices]
        if not version:
            return np.zeros(grid.shape, np.uint8), slices
        path = self._current_file(version)
        try:
            label = self._read_steadily(path, version).on(grid)
        except LabelError as error:
            raise DamagedLabelsError(f"{error} {self.history.offer()}", IN_TERMINAL) from error
        judged = np.zeros(grid.shape, np.uint8)
        copy_slices(label, judged, places)
        check_slices(judged, places, self.structures, str(self.folder / LABELS))
        return judged, slices

    def planes(self) -> Planes:
        """The judged slices, in order, and what was drawn on each: what training needs."""
        label, slices = self.drawn()
        return planes_of(label, sorted(item.place for item in slices))

    def sparse_labels(self) -> NDArray[np.uint8]:
        """The same as :meth:`labels` with IGNORE wherever nobody judged."""
        label, slices = self.drawn()
        return sparse_label(label, [item.place for item in slices])

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
            note = f"{counted(len(places), 'slice')} done"
            self._commit(merged, self._judged(merged, places, author), author, note)

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
            self._commit(label, kept, author, f"{counted(len(gone), 'slice')} no longer done")

    def import_mask(self, drawn: LayeredMask, slices: Callable[[NDArray[np.uint8]], Iterable[SliceIndex]], author: str,
                    names: Mapping[str, int] | None = None) -> list[SliceIndex]:
        """Take judged slices from a mask that was ``drawn`` elsewhere. ``slices`` chooses them from the mask on the
        image's grid, e.g. :func:`annotations.drawn_slices`; ``names`` as in :func:`formats.read_mask`, the study's own
        by default.

        Returns the slices. Raises LabelError when the mask does not fit, names something unknown, or leaves part of a
        slice open.
        """
        label = drawn.mask(self.structures.names if names is None else names).on(self.grid)
        chosen = list(slices(label))
        if not chosen:
            raise LabelError(f"Nothing is drawn in {drawn.source}, so it says nothing about any slice. If some of its "
                             "slices show none of the structures, give their numbers.")
        places = _in_order(chosen)
        _must_cover(label, places, drawn.source)
        self.set_slices(label, places, author)
        return places

    def versions(self, most: int | None = None) -> list[Version]:
        """All versions of the labels, or the newest ``most`` of them, newest first."""
        return self.history.versions(most)

    @property
    def version(self) -> str:
        """The name of the version that counts now; "" before there is any."""
        return str(self._record()["version"])

    def keep_aside(self, label: NDArray[np.uint8], slices: Iterable[SliceIndex], author: str, note: str) -> Version:
        """Make a version that can be restored, with these slices of ``label`` (k, j, i) judged too; what counts now
        stays. Raises as :meth:`set_slices`.
        """
        places = _in_order(slices)
        self._check_new(label, places)
        with self.writing():
            merged = self.labels()
            copy_slices(label, merged, places)
            return self.history.add(merged, self.grid, self.structures, self._judged(merged, places, author), author,
                                    note)

    def restore(self, name: str, author: str) -> None:
        """Make an earlier version the newest. Raises LabelError when that one is missing or damaged."""
        with self.writing():
            version = self.history.version(name)
            label = self.history.read(version, self.grid)
            check_slices(label, [item.place for item in version.slices], self.structures, str(version.path))
            self._keep_changed()
            self._commit(label, list(version.slices), author, f"restored {name}")

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

    def _read_steadily(self, path: Path, version: str) -> Mask:
        """The recorded ``version`` in ``path``. Where somebody saves a newer one meanwhile, as the panel does while a
        training begins: from the version itself, which stays.
        """
        found = None
        try:
            found = read_saved(path)
        except LabelError:
            if self._current_file(version) == path:
                raise
        if found is None or header_entries(path).get(VERSION, version) != version:
            found = read_saved(self.history.version(version).path)
        return found

    def _current_file(self, version: str) -> Path:
        """``labels.seg.nrrd`` when it is the recorded version, else that version itself: a save was cut off."""
        path = self.folder / LABELS
        if self._foreign():
            raise DamagedLabelsError(f"{path} was changed by another program. Restore a version; the changed file is "
                                     f"then kept as {EDITED} and can be imported as a mask. {self.history.offer()}",
                                     IN_TERMINAL)
        if path.exists() and header_entries(path).get(VERSION, version) != version:
            return self.history.version(version).path
        return path

    def _foreign(self) -> bool:
        """Whether ``labels.seg.nrrd`` can be read but is none of ours."""
        entries = header_entries(self.folder / LABELS)
        return bool(entries) and VERSION not in entries

    def _keep_foreign_edit(self) -> None:
        if self._foreign():
            self._put_aside()

    def _keep_changed(self) -> None:
        """Keep a ``labels.seg.nrrd`` aside that is not what was saved: somebody may have worked on it."""
        try:
            read_saved(self.folder / LABELS)
        except LabelError:
            if (self.folder / LABELS).exists():
                self._put_aside()

    def _put_aside(self) -> None:
        """Give ``labels.seg.nrrd`` the name EDITED, with a number where there is one already."""
        target, number = self.folder / EDITED, 1
        while target.exists():
            number += 1
            target = self.folder / EDITED.replace(".", f"-{number}.", 1)
        move_file(self.folder / LABELS, target)

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

    def _agreement(self, label: NDArray[np.uint8], slices: list[AnnotatedSlice]) -> float | None:
        """How well what a model proposed agrees with what is judged now; here nobody proposes anything."""
        return None


def _in_order(slices: Iterable[SliceIndex]) -> list[SliceIndex]:
    """Each slice once, by axis and index. Raises LabelError when there is none, or an axis that does not exist."""
    places = sorted({SliceIndex(int(place.axis), int(place.index)) for place in slices})
    if not places:
        raise LabelError("No slice was given, or nothing is drawn in the mask. Give at least one slice.")
    if any(place.axis not in (0, 1, 2) for place in places):
        raise LabelError(f"There is no axis {places[-1].axis}; axes are 0, 1, 2 (k, j, i).")
    return places


def _must_cover(label: NDArray[np.uint8], places: list[SliceIndex], source: str) -> None:
    """Raises LabelError when the mask leaves part of a slice open: only a whole slice can be judged."""
    for place in places:
        if not 0 <= place.index < label.shape[place.axis]:
            continue  # told as that, later
        left = int(np.count_nonzero(plane(label, place) == IGNORE))
        if left:
            raise LabelError(f"{source} does not say what the voxels of slice {AXIS_NAMES[place.axis]} = {place.index} "
                             f"are (number: {left}): it ends inside the image, or contains {IGNORE} there, which means "
                             "'not judged'. A slice counts only as a whole. Choose slices that the mask covers, save "
                             f"the mask on the image's grid, or say which structure {IGNORE} is.")
