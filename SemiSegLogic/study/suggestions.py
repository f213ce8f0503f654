"""What a model proposed for a case. It can be thrown away at any time and never touches what people drew."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import FileError, copy_file, disk_errors, move_file, read_json, write_json
from ..geometry import Grid
from ..patience import remove
from .annotations import utc_now
from .comparison import change, mean_doubt
from .errors import LabelError, StudyError
from .formats import read_mask, write_image, write_seg_nrrd
from .formats.masks import values_in
from .formats.volumes import read_bytes
from .structures import Structures
from .twins import Remembered


class SuggestionFiles:
    """The three files of a suggestion in a case's folder. It exists when its provenance does, written last.

    Beside it stays the label of the run before, to be compared with; one, whatever the number of runs.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.label_path = folder / "suggestion.seg.nrrd"
        self.uncertainty_path = folder / "uncertainty.nrrd"
        self.provenance_path = folder / "provenance.json"
        self._files = (self.label_path, self.uncertainty_path, self.provenance_path)
        self.damaged_path = folder / "provenance.damaged.json"
        self._earlier = (folder / "suggestion.before.seg.nrrd", folder / "provenance.before.json")
        self._told = Remembered(self.provenance_path, _told_in)

    @property
    def exists(self) -> bool:
        """Whether there is a whole suggestion."""
        return self.provenance_path.exists()

    def write(self, label: NDArray[np.uint8], uncertainty: NDArray[np.generic], provenance: dict[str, Any],
              grid: Grid, structures: Structures) -> None:
        """Replace the suggestion: ``label`` uint8 and ``uncertainty`` uint8 0..255 or float 0..1, both (k, j, i).
        Raises LabelError before anything is written when arrays do not fit, FileError where the disk refuses; the old
        one then stays.
        """
        _check_label(label, grid, structures, self.label_path)
        doubt = _as_bytes(uncertainty, grid, self.uncertainty_path)
        told = {**provenance, "time": utc_now(), "doubt": round(mean_doubt(label, doubt), 4),
                **self._changed(label, str(provenance.get("run", "")), grid, structures)}
        with (disk_errors(self.label_path),
              tempfile.TemporaryDirectory(prefix=".new-", dir=self.folder, ignore_cleanup_errors=True) as new):
            fresh = SuggestionFiles(Path(new))
            write_seg_nrrd(fresh.label_path, label, grid, structures)
            write_image(fresh.uncertainty_path, doubt, grid)
            write_json(fresh.provenance_path, told)
            self._make_room(str(provenance.get("run", "")))
            for source, target in zip(fresh._files, self._files, strict=True):
                move_file(source, target)

    def label(self, grid: Grid, structures: Structures) -> NDArray[np.uint8]:
        """The proposed labels, uint8 (k, j, i). Raises LabelError when a structure has been removed since."""
        self._must_exist()
        try:
            label = read_mask(self.label_path).on(grid)
            _check_label(label, grid, structures, self.label_path)
        except LabelError as error:
            raise LabelError(f"{error} Train again, or reject the suggestion; what people drew is safe.",
                             "(In a terminal: semiseg study reject)") from error
        return label

    def uncertainty(self, grid: Grid) -> NDArray[np.uint8]:
        """uint8 (k, j, i): 0 sure, 255 most unsure."""
        self._must_exist()
        return read_bytes(self.uncertainty_path, grid)

    def provenance(self) -> dict[str, Any]:
        """Run, method, time and whatever the run told of itself. Raises LabelError when it is damaged."""
        self._must_exist()
        try:
            return dict(self._told.get())
        except FileError as error:
            raise LabelError(f"{self.provenance_path} is damaged, so it is not known which model made this suggestion. "
                             "Train again, or reject the suggestion, or repair the study, which starts a new record; "
                             "what people drew is safe.", "(In a terminal: semiseg study reject or semiseg study "
                             "repair)") from error

    def begin_record_anew(self, judged: list[tuple[int, int]]) -> Path | None:
        """Keep a copy of a damaged record and begin a new one, which knows nothing but that the slices ``judged`` were
        judged by now; returns where the copy lies, None where no record is damaged. Raises FileError.
        """
        if not self.record_is_damaged:
            return None
        copy_file(self.provenance_path, self.damaged_path)
        write_json(self.provenance_path, {"run": "", "method": "", "time": utc_now(), "judged": judged,
                                          "damaged": self.damaged_path.name})
        return self.damaged_path

    @property
    def record_is_damaged(self) -> bool:
        """Whether nobody knows where the suggestion came from. A disk that does not answer has damaged nothing."""
        if not self.exists:
            return False
        try:
            self._told.get()
            return False
        except FileError as error:
            return not isinstance(error.__cause__, OSError)

    def of_run(self) -> str:
        """The run of the suggestion; "" where there is none, or nobody knows."""
        with contextlib.suppress(LabelError, StudyError):
            return str(self.provenance().get("run", ""))
        return ""

    def earlier(self, grid: Grid, structures: Structures, run: str | None = None) -> NDArray[np.uint8] | None:
        """The label, uint8 (k, j, i), of the run before the present one, or of the newest before ``run``; None if none.

        Raises LabelError when it is damaged.
        """
        if run is not None and self.exists and self.of_run() != run:
            return self.label(grid, structures)
        if not all(path.exists() for path in self._earlier):
            return None
        return read_mask(self._earlier[0]).on(grid)

    def discard(self) -> None:
        """Throw the suggestion away, and what it was compared with."""
        _remove(*reversed(self._files), *self._earlier)

    def _changed(self, label: NDArray[np.uint8], run: str, grid: Grid, structures: Structures) -> dict[str, Any]:
        """What is new against the run before; nothing when there is none or its file is damaged."""
        with contextlib.suppress(LabelError):
            earlier = self.earlier(grid, structures, run)
            return {} if earlier is None else {"change": change(earlier, label)}
        return {}

    def _make_room(self, run: str) -> None:
        """For a suggestion of ``run``: one of another run becomes the earlier one. Moves only: no disk can be full."""
        if self.exists and self.of_run() != run:
            _remove(*self._earlier)
            move_file(self.provenance_path, self._earlier[1])
            move_file(self.label_path, self._earlier[0])
        _remove(*reversed(self._files))

    def _must_exist(self) -> None:
        if not self.exists:
            raise StudyError(f"{self.label_path.parent} has no suggestion yet. Train on the labels first.")


def _told_in(path: Path) -> dict[str, Any]:
    told = read_json(path)
    if not isinstance(told, dict):
        raise FileError(f"{path} is damaged: it is no list of named values.")
    return told


def _remove(*paths: Path) -> None:
    for path in paths:
        with disk_errors(path):
            remove(path)


def _check_label(label: NDArray[np.uint8], grid: Grid, structures: Structures, path: Path) -> None:
    if label.shape != grid.shape or label.dtype != np.uint8:
        raise LabelError(f"{path} is not usable: the suggestion is {label.dtype} of shape {label.shape}, the image "
                         f"has {grid.shape}; it must be uint8 of that shape.")
    unknown = sorted(set(values_in(label, path)) - structures.values)
    if unknown:
        raise LabelError(f"{path} is not usable: it holds the value {unknown[0]}; structures are: "
                         f"{structures.in_words()}.")


def _as_bytes(uncertainty: NDArray[np.generic], grid: Grid, path: Path) -> NDArray[np.uint8]:
    if uncertainty.shape != grid.shape:
        raise LabelError(f"{path} was not written: its shape is {uncertainty.shape}, the image has {grid.shape}.")
    if uncertainty.dtype == np.uint8:
        return uncertainty.astype(np.uint8, copy=False)
    numbers = uncertainty.astype(np.float32)
    if not (numbers.min() >= 0 and numbers.max() <= 1):  # so written that NaN fails
        raise LabelError(f"{path} was not written: uncertainty lies in {numbers.min()}..{numbers.max()}; it must lie "
                         "in 0..1 or be uint8.")
    return np.rint(numbers * 255).astype(np.uint8)
