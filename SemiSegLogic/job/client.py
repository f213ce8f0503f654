"""The client's side of a job: giving the order, handing labels to a job that runs, asking it to stop."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from numpy.typing import NDArray

from ..files import FileError, disk_errors, read_json, write_json
from ..geometry import Planes, Shape
from ..patience import remove
from . import inputs, labels
from .errors import JobError
from .reading import JobReader
from .specification import JobSpec


class ClientSide(JobReader):
    """What a client writes."""

    @classmethod
    def create(cls, root: Path) -> Self:
        """A new, empty job. Raises JobError when ``root`` holds a job already or cannot be made."""
        job = cls(root)
        if job.submitted:
            raise JobError(f"{job.spec_path} exists already.", "Choose another folder: a job is never overwritten.")
        try:
            job.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            job.inputs.mkdir(exist_ok=True)
            job.outputs.mkdir(exist_ok=True)
        except OSError as error:
            raise JobError(f"{root} cannot be made: {error.strerror}.", "Choose a folder you may write to.") from error
        return job

    def put_image(self, array: NDArray[Any]) -> str:
        """Store an image (k, j, i); returns its digest. Raises JobError, FileError."""
        return inputs.put_image(self.inputs, array)

    def link_image(self, earlier: Path) -> bool:
        """Use the image file ``earlier`` of another job here too, if it is whole; says whether it is."""
        return inputs.link_image(self.inputs, earlier)

    def put_label(self, planes: Planes, shape: Shape) -> str:
        """Store the judged slices of a volume of ``shape``; returns their digest. Raises JobError, FileError."""
        return labels.put_label(self.inputs, planes, shape)

    def put_model(self, source: Path) -> str:
        """Copy weights to start from; returns their digest. Raises FileError."""
        return inputs.put_model(self.inputs, source)

    def submit(self, spec: JobSpec) -> None:
        """Write job.json, the last thing a client writes; the job is complete with it, and never changes.

        Raises JobError when an input is missing or another order is there already, FileError.
        """
        if self.submitted:
            if self.spec() != spec:
                raise JobError(f"{self.spec_path} holds another order.", "Make a new job: an order never changes.")
            return
        inputs.check(self.inputs, spec)
        write_json(self.spec_path, spec.to_dict())

    def add_labels(self, case_id: str, planes: Planes) -> int:
        """Hand all slices of a case that are judged now to a job that may be running; returns their number. Raises
        JobError.
        """
        return labels.add_labels(self.inputs, self.spec(), case_id, planes)

    def damaged_labels(self) -> list[int]:
        """The numbers of those labels that the runner could not read, and that cannot be read here either."""
        with contextlib.suppress(JobError):  # a status that cannot be read just now can the next time
            unread = self.reported().labels_unread
            return [n for n in unread if self.is_damaged(n)]
        return []

    def is_damaged(self, n: int) -> bool:
        """Whether the labels of that number cannot be read."""
        return labels.is_damaged(self.inputs, self.spec(), n)

    def replace_labels(self, n: int, by: int) -> None:
        """Put labels that were handed in later, as number ``by``, in the place of damaged ones. Raises FileError."""
        labels.replace_labels(self.inputs, n, by)

    @property
    def told(self) -> dict[str, str]:
        """Case -> the client's name of the version of its labels that was handed in; empty where that is not known."""
        with contextlib.suppress(FileError):  # what is handed in once more does no harm
            found = read_json(self.told_path)
            return {str(case): str(version) for case, version in found.items()} if isinstance(found, dict) else {}
        return {}

    def note_told(self, versions: Mapping[str, str]) -> None:
        """Say which version of the labels of these cases was handed in. Raises FileError."""
        write_json(self.told_path, {**self.told, **versions})

    def receive_labels(self, content: bytes) -> int:
        """Add a file in/labels-<n>.npz of another computer's copy of the job; returns its number. Raises JobError."""
        return labels.receive_labels(self.inputs, self.spec(), content)

    def receive_again(self, n: int, content: bytes) -> None:
        """Put such a file in the place of the labels of that number, which are damaged. Raises JobError, FileError."""
        labels.receive_again(self.inputs, self.spec(), n, content)

    def set_open(self, case_id: str | None) -> None:
        """Say which case is on the person's screen now (None: no case). Raises JobError when the job lacks it."""
        if case_id is not None:
            self.spec().case(case_id)
        write_json(self.open_path, {"case": case_id})

    def request_stop(self, patience_s: float | None = None) -> None:
        """Ask the runner to save and stop; a backend ends it by force ``patience_s`` seconds later (None: never).
        Raises FileError where the disk takes not even an empty file.
        """
        asked: dict[str, float | None] = {"requested": time.time(), "patience": patience_s}
        with contextlib.suppress(JobError):  # a status that cannot be read: those who wait go by their own clock
            asked["elapsed"] = self.reported().elapsed
        try:
            write_json(self.stop_path, asked)
        except FileError:
            with disk_errors(self.stop_path):
                self.stop_path.touch()  # fits on a full disk; that it is there says enough

    def withdraw_stop(self) -> None:
        """Take the request back, before a job is resumed. Raises FileError."""
        with disk_errors(self.stop_path):
            remove(self.stop_path)
