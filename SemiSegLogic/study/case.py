"""A case: one image, what people drew on it, and what a model proposes. No voxels are kept in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import SliceIndex, copy_slices, covered_axis
from .annotations import AnnotatedSlice, all_slices
from .comparison import agreement
from .drawn import DrawnCase
from .errors import LabelError


class Case(DrawnCase):
    """The case in ``folder``. Writing raises as in :class:`DrawnCase`."""

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

    def mend_provenance(self) -> Path | None:
        """Where the record of the suggestion is damaged: keep a copy of it and begin a new one, for the mask is worth
        more than its record. Returns where the copy lies, None where nothing had to be mended.
        """
        if not self._suggestion.record_is_damaged:
            return None
        with self.writing():
            return self._suggestion.begin_record_anew([(place.axis, place.index) for place in self.places])

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
        return covered_axis(self.grid.shape, self.places) is not None

    def result(self) -> NDArray[np.uint8]:
        """The whole segmentation, uint8 (k, j, i): the labels when people judged every voxel, else the suggestion.

        Raises StudyError when there is neither: a slice that nobody judged is not background.
        """
        label, slices = self.drawn()
        whole = covered_axis(self.grid.shape, [item.place for item in slices]) is not None
        return label if whole else self.suggestion()

    def accept(self, author: str, seen: NDArray[np.uint8] | None = None) -> None:
        """Take the result as right in every slice: from now on it is what ``author`` judged, and a new version. Where a
        run may put in another suggestion meanwhile, ``seen`` is the one that ``author`` looked at.
        """
        with self.writing():
            label = self.result() if seen is None else self._drawn_over(seen)
            missing = sorted(set(all_slices(self.grid.shape)).difference(self.places))
            self._commit(label, self._judged(label, missing, author), author, "accepted the result", "accepted")

    def _agreement(self, label: NDArray[np.uint8], slices: list[AnnotatedSlice]) -> float | None:
        """Of the suggestion with ``label`` on the slices judged since it came."""
        if not self.has_suggestion:
            return None
        with contextlib.suppress(LabelError):  # a suggestion that another program broke must not stop the saving
            before = {SliceIndex(axis, index) for axis, index in self.provenance().get("judged", [])}
            since = [item.place for item in slices if item.place not in before]
            return agreement(self._suggestion.label(self.grid, self.structures), label, since) if since else None
        return None

    def _drawn_over(self, label: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``label`` with the person's own voxels on judged slices."""
        if not self.places or label.shape != self.grid.shape:
            return label
        (drawn, slices), whole = self.drawn(), label.copy()
        copy_slices(drawn, whole, [item.place for item in slices])
        return whole
