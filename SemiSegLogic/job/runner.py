"""The runner's side of a job: what it learns from, how it stands, what it gives back."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import getpid
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..files import FileError, read_json, write_json
from ..geometry import Planes
from . import checks, inputs, labels, outputs
from .errors import JobError
from .labels import AddedLabels
from .reading import JobReader
from .specification import JobCase
from .status import Status

DRAFT_AGE_S = 3600.0
_RUNNER_FILES = ("status.json", "process.json", "ranking.json", "model.ckpt", "model.pt", "model.json")


class RunnerSide(JobReader):
    """What a runner reads of its inputs, and what it writes."""

    def image(self, digest: str) -> NDArray[Any]:
        """An image of the job (k, j, i), memory-mapped, verified. Raises JobError naming a wrong file."""
        return inputs.image(self.inputs, self._owner(digest, "image"))

    def prove_image(self, digest: str) -> None:
        """Raises JobError unless the job has that image, whole and with the content that its name says."""
        inputs.prove_image(self.inputs, self._owner(digest, "image"))

    def label(self, digest: str) -> Planes:
        """The judged slices of a label of the job, verified. Raises JobError."""
        return labels.read_label(self.inputs, self._owner(digest, "label"), self.spec())

    def start_model(self) -> Path | None:
        """The file of weights to start from, verified; None when the job starts anew. Raises JobError."""
        start_from = self.spec().start_from
        return None if start_from is None else inputs.model(self.inputs, start_from)

    def newest_labels(self, after: int = 0, unread: dict[int, JobError] | None = None) -> list[AddedLabels]:
        """Labels numbered above ``after``, the newest of every case, in order of number. Raises JobError; where
        ``unread`` is given, that is noted there by number instead, and tried again the next time.
        """
        return labels.newest_labels(self.inputs, self.spec(), after, unread)

    def opened(self) -> str | None:
        """The case on the person's screen: what the client said last, else what the order said; None: no case."""
        try:
            said = checks.mapping("open", read_json(self.open_path))["case"]
            return None if said is None else self.spec().case(said).id
        except (FileError, JobError, KeyError):
            return self.spec().open_case  # nothing was said, or it cannot be read just now

    def write_status(self, status: Status) -> None:
        """Replace status.json, stamped with this process's pid and the time. Raises FileError."""
        write_json(self.status_path, replace(status, pid=getpid(), heartbeat=time.time()).to_dict())

    def append_curve(self, point: Mapping[str, Any]) -> None:
        """Add one point to the learning curve. Raises JobError where the disk refuses."""
        outputs.append_curve(self.curve_path, point)

    def put_result(self, case_id: str, label: NDArray[np.uint8], uncertainty: NDArray[np.uint8]) -> int:
        """Write the next result of a case, both uint8 (k, j, i) on its native grid; returns its number. JobError."""
        return outputs.put_result(self.outputs, self.spec(), case_id, label, uncertainty)

    def put_ranking(self, ranking: Sequence[Mapping[str, Any]]) -> None:
        """Replace the ranking, best slice first. Raises FileError."""
        outputs.put_ranking(self.outputs, ranking)

    def sweep(self) -> None:
        """Remove drafts that killed writers left: the runner's own, and a client's once they are an hour old. Only for
        the process that holds the job.
        """
        for folder in (self.root, self.inputs, self.outputs, self.beside):
            for draft in folder.glob(".*.tmp.*"):
                mine = folder == self.outputs or draft.name.split(".tmp.", 1)[1] in _RUNNER_FILES
                with contextlib.suppress(OSError):  # a client has just finished with it, or a scanner looks at it
                    if mine or time.time() - draft.stat().st_mtime > DRAFT_AGE_S:
                        draft.unlink()

    def _owner(self, digest: str, kind: str) -> JobCase:
        for case in self.spec().cases:
            if getattr(case, kind) == digest:
                return case
        raise JobError(f"No case of {self.spec_path} has the {kind} {digest!r:.80}.", "Take the digest from the case.")
