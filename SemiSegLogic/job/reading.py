"""What either side may read of a job."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from ..files import FileError, read_json
from . import checks, outputs
from .errors import JobError
from .labels import STEM
from .numbered import numbers
from .outputs import Result
from .paths import JobPaths
from .specification import JobSpec
from .status import Status, judged

READ_TRIES = 5


class JobReader(JobPaths):
    """The order, how the job stands, what came out of it so far. Making one reads nothing."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._spec: JobSpec | None = None
        self._last_good: Status | None = None
        self._stop_seen: tuple[float, float] | None = None  # which request, and when by the clock that is never set

    def spec(self) -> JobSpec:
        """The order, checked. Raises JobError naming file, key and value."""
        if self._spec is None:
            self._spec = self._read_spec()
        return self._spec

    def status(self, alive: bool | None = None) -> Status:
        """How the job stands. ``alive``: whether its process lives, where the caller knows; else the heartbeat decides
        and "lost" is said after 30 silent seconds. Raises JobError when status.json was never once readable.
        """
        return judged(self.reported(), time.time(), alive, self.stop_requested())

    def reported(self) -> Status:
        """What the runner wrote last, as it stands; the last good copy when the file cannot be read just now."""
        path = self.status_path
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

    def last_heartbeat(self) -> float:
        """Of what the runner wrote last; 0 when it wrote nothing, or that cannot be read. By it a new run is told from
        the one before: not by the time, for clocks differ between computers, and may be set back on one.
        """
        try:
            return self.reported().heartbeat
        except JobError:
            return 0.0

    def stop_requested(self) -> bool:
        """True when the client wants the job to save and stop."""
        return self.stop_path.exists()

    def stop_overdue(self, margin_s: float = 0.0) -> bool:
        """Whether a runner that was asked to stop has had its time, but for ``margin_s`` seconds, and may be ended by
        force. The time is that for which it went on, by its own account, or for which this reader has known of the
        request: a clock may be set, and differs between computers.
        """
        try:
            asked = read_json(self.stop_path)
            request, patience = float(asked["requested"]), float(asked["patience"])
            went_on = self.reported().elapsed - float(asked.get("elapsed", math.inf))
        except (FileError, JobError, KeyError, TypeError, ValueError):
            return False  # no request, or one made by hand: the file counts, not what it says
        if self._stop_seen is None or self._stop_seen[0] != request:
            self._stop_seen = request, time.monotonic()
        return max(went_on, time.monotonic() - self._stop_seen[1]) >= patience - margin_s

    def added_labels(self) -> list[int]:
        """The numbers n of all in/labels-<n>.npz, in order."""
        return numbers(self.inputs, STEM) if self.inputs.is_dir() else []

    def curves(self) -> list[dict[str, Any]]:
        """All points of the learning curve. Raises JobError naming a damaged file."""
        return outputs.read_curves(self.curve_path)

    def results(self) -> dict[str, tuple[int, Path]]:
        """The newest result of every case that has one: case id -> (n, file)."""
        return outputs.results(self.outputs)

    def result(self, case_id: str) -> Result | None:
        """The newest result of a case, read and checked; None while there is none. Raises JobError."""
        return outputs.read_result(self.outputs, self.spec(), case_id)

    def ranking(self) -> list[dict[str, Any]]:
        """Which slice to look at next, best first. Raises JobError naming a damaged file."""
        return outputs.read_ranking(self.outputs)

    def _read_status(self, path: Path) -> Status:
        if not path.exists():
            return Status("queued", message="Waiting to be started.")
        return Status.from_dict(read_json(path))

    def _read_spec(self) -> JobSpec:
        path = self.spec_path
        try:
            return JobSpec.from_dict(read_json(path))
        except FileError as error:
            raise JobError(str(error), checks.WRITE_AGAIN) from error
        except JobError as error:
            raise error.within(str(path)) from error
