"""The job folder: one protocol for this computer, a server and a cluster.

    job.json                client, once, last            status.json, log.txt, curves.jsonl   runner
    in/<digest>.npy .npz .pt  client, once                model.ckpt, model.pt, model.json     runner
    in/labels-<n>.npz       client, while the job runs    out/<case>.<n>.npz, out/ranking.json runner
    open.json               client: the case on screen    launch.json client, process.json runner (see backends)
    stop                    client: save and stop
    beside/                 a second runner, which trains the candidate of a contest (see backends/claims.py)

Data only, never code; nothing is pickled. Every file but the curve and the log is replaced as a whole.
"""

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
from .outputs import Result
from .specification import JobCase, JobSpec
from .status import Status, judged

LARGEST_JSON = 64 * 2**20
READ_TRIES = 5
DRAFT_AGE_S = 3600.0
_RUNNER_FILES = ("status.json", "process.json", "ranking.json", "model.ckpt", "model.pt", "model.json")


class JobFolder:
    """A job on disk, seen by its client or by its runner. Making one reads nothing."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self._spec: JobSpec | None = None
        self._last_good: Status | None = None

    # --- client -------------------------------------------------------------------------------------------------

    @classmethod
    def create(cls, root: Path) -> JobFolder:
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

    def put_label(self, planes: Planes, shape: tuple[int, int, int]) -> str:
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

    def set_open(self, case_id: str | None) -> None:
        """Say which case is on the person's screen now (None: no case). Raises JobError when the job lacks it."""
        if case_id is not None:
            self.spec().case(case_id)
        write_json(self.root / "open.json", {"case": case_id})

    def request_stop(self, patience_s: float | None = None) -> None:
        """Ask the runner to save and stop; a backend ends it by force ``patience_s`` seconds later (None: never)."""
        write_json(self.root / "stop", {"requested": time.time(), "patience": patience_s})

    def withdraw_stop(self) -> None:
        """Take the request back, before a job is resumed."""
        (self.root / "stop").unlink(missing_ok=True)

    def stop_deadline(self) -> float | None:
        """Unix time after which a runner that was asked to stop may be ended by force; None: never."""
        try:
            asked = read_json(self.root / "stop")
            return float(asked["requested"]) + float(asked["patience"])
        except (FileError, KeyError, TypeError, ValueError):
            return None  # no request, or one made by hand: the file counts, not what it says

    def status(self, alive: bool | None = None) -> Status:
        """How the job stands. ``alive``: whether its process lives, where the caller knows; else the heartbeat decides
        and "lost" is said after 30 silent seconds. Raises JobError when status.json was never once readable.
        """
        return judged(self.reported(), time.time(), alive, self.stop_requested())

    def reported(self) -> Status:
        """What the runner wrote last, as it stands; the last good copy when the file cannot be read just now."""
        path = self.root / "status.json"
        for _ in range(READ_TRIES):
            try:
                self._last_good = self._read_status(path)
                return self._last_good
            except (FileError, JobError) as error:
                if self._last_good is not None:
                    return self._last_good
                problem = error
            time.sleep(0.01)  # on Windows the writer may hold it for a moment
        raise JobError(f"{path} cannot be read: {problem}", "Resume the job; it writes the file anew.")

    def curves(self) -> list[dict[str, Any]]:
        """All points of the learning curve. Raises JobError naming a damaged file."""
        return outputs.read_curves(self.root / "curves.jsonl")

    def results(self) -> dict[str, tuple[int, Path]]:
        """The newest result of every case that has one: case id -> (n, file)."""
        return outputs.results(self.outputs)

    def result(self, case_id: str) -> Result | None:
        """The newest result of a case, read and checked; None while there is none. Raises JobError."""
        return outputs.read_result(self.outputs, self.spec(), case_id)

    def ranking(self) -> list[dict[str, Any]]:
        """Which slice to look at next, best first. Raises JobError naming a damaged file."""
        return outputs.read_ranking(self.outputs)

    # --- runner -------------------------------------------------------------------------------------------------

    def spec(self) -> JobSpec:
        """The order, checked. Raises JobError naming file, key and value."""
        if self._spec is None:
            self._spec = self._read_spec()
        return self._spec

    def image(self, digest: str) -> NDArray[Any]:
        """An image of the job (k, j, i), memory-mapped, verified. Raises JobError naming a wrong file."""
        return inputs.image(self.inputs, self._owner(digest, "image"))

    def label(self, digest: str) -> Planes:
        """The judged slices of a label of the job, verified. Raises JobError."""
        return labels.read_label(self.inputs, self._owner(digest, "label"), self.spec())

    def start_model(self) -> Path | None:
        """The file of weights to start from, verified; None when the job starts anew. Raises JobError."""
        start_from = self.spec().start_from
        return None if start_from is None else inputs.model(self.inputs, start_from)

    def newest_labels(self, after: int = 0) -> list[AddedLabels]:
        """Labels numbered above ``after``, the newest of every case, in order of number. Raises JobError."""
        return labels.newest_labels(self.inputs, self.spec(), after)

    def opened(self) -> str | None:
        """The case on the person's screen: what the client said last, else what the order said; None: no case."""
        try:
            said = checks.mapping("open", read_json(self.root / "open.json"))["case"]
            return None if said is None else self.spec().case(said).id
        except (FileError, JobError, KeyError):
            return self.spec().open_case  # nothing was said, or it cannot be read just now

    def write_status(self, status: Status) -> None:
        """Replace status.json, stamped with this process's pid and the time. Raises FileError."""
        write_json(self.root / "status.json", replace(status, pid=getpid(), heartbeat=time.time()).to_dict())

    def append_curve(self, point: Mapping[str, Any]) -> None:
        """Add one point to the learning curve. Raises JobError where the disk refuses."""
        outputs.append_curve(self.root / "curves.jsonl", point)

    def put_result(self, case_id: str, label: NDArray[np.uint8], uncertainty: NDArray[np.uint8]) -> int:
        """Write the next result of a case, both uint8 (k, j, i) on its native grid; returns its number. JobError."""
        return outputs.put_result(self.outputs, self.spec(), case_id, label, uncertainty)

    def put_ranking(self, ranking: Sequence[Mapping[str, Any]]) -> None:
        """Replace the ranking, best slice first. Raises FileError."""
        outputs.put_ranking(self.outputs, ranking)

    def stop_requested(self) -> bool:
        """True when the client wants the job to save and stop."""
        return (self.root / "stop").exists()

    def sweep(self) -> None:
        """Remove drafts that killed writers left: the runner's own, and a client's once they are an hour old. Only for
        the process that holds the job.
        """
        for folder in (self.root, self.inputs, self.outputs, self.beside):
            for draft in folder.glob(".*.tmp.*"):
                mine = folder == self.outputs or draft.name.split(".tmp.", 1)[1] in _RUNNER_FILES
                with contextlib.suppress(FileNotFoundError):  # a client has just finished with it
                    if mine or time.time() - draft.stat().st_mtime > DRAFT_AGE_S:
                        draft.unlink()

    # --- places -------------------------------------------------------------------------------------------------

    @property
    def inputs(self) -> Path:
        """Folder of what the client gives."""
        return self.root / "in"

    @property
    def outputs(self) -> Path:
        """Folder of what the runner gives back."""
        return self.root / "out"

    @property
    def spec_path(self) -> Path:
        """job.json."""
        return self.root / "job.json"

    @property
    def submitted(self) -> bool:
        """True when the client has finished writing the job."""
        return self.spec_path.exists()

    @property
    def checkpoint(self) -> Path:
        """All that resuming needs."""
        return self.root / "model.ckpt"

    @property
    def beside(self) -> Path:
        """Folder of a second runner."""
        return self.root / "beside"

    @property
    def weights(self) -> Path:
        """The final weights."""
        return self.root / "model.pt"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.root / "model.json"

    @property
    def log(self) -> Path:
        """Everything the process printed."""
        return self.root / "log.txt"

    def _read_status(self, path: Path) -> Status:
        if not path.exists():
            return Status("queued", message="Waiting to be started.")
        return Status.from_dict(read_json(path))

    def _read_spec(self) -> JobSpec:
        path = self.spec_path
        try:
            if path.stat().st_size > LARGEST_JSON:
                raise JobError(f"It is larger than {LARGEST_JSON} bytes.", checks.WRITE_AGAIN)
            return JobSpec.from_dict(read_json(path))
        except OSError as error:
            raise JobError(f"{path} cannot be read: {error.strerror}.", "Submit the job again.") from error
        except FileError as error:
            raise JobError(str(error), checks.WRITE_AGAIN) from error
        except JobError as error:
            raise error.within(str(path)) from error

    def _owner(self, digest: str, kind: str) -> JobCase:
        for case in self.spec().cases:
            if getattr(case, kind) == digest:
                return case
        raise JobError(f"No case of {self.spec_path} has the {kind} {digest!r:.80}.", "Take the digest from the case.")
