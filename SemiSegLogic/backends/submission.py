"""What of a job was handed to a cluster: ``ray.json`` in its folder, by the client."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from ..files import FileError, read_json, write_json
from ..job import JobFolder, JobSpec
from ..settings import RECOMMENDED
from .base import JobId

RECORD = "ray.json"


@dataclass(frozen=True)
class Submission:
    """What was handed to Ray: ``order`` unix time in seconds, the ``number``-th time; the names of the ``runner`` and
    of a ``second`` one (empty: none).
    """

    order: float
    number: int
    runner: str
    second: str

    @classmethod
    def of(cls, job_id: JobId, number: int, second: bool) -> Submission:
        """The ``number``-th of a job."""
        name = job_id if number == 1 else f"{job_id}.{number}"
        return cls(time.time(), number, name, f"{name}-second" if second else "")

    @classmethod
    def read(cls, job: JobFolder) -> Submission | None:
        """The last one of ``job``; None when it was never submitted."""
        try:
            said = read_json(job.root / RECORD)
            return cls(float(said["order"]), int(said["number"]), str(said["runner"]), str(said["second"]))
        except (FileError, KeyError, TypeError, ValueError):
            return None

    def write(self, job: JobFolder) -> None:
        """Keep it in the job. Raises FileError."""
        write_json(job.root / RECORD, asdict(self))

    @property
    def names(self) -> list[str]:
        """Of all that Ray knows of it."""
        return [name for name in (self.runner, self.second) if name]


def may_compete(spec: JobSpec) -> bool:
    """Whether an order may come to a contest: the recommended method, a candidate allowed, something unlabelled."""
    wanted = spec.kind == "train" and spec.method == RECOMMENDED and spec.method_settings.get("candidate") != "none"
    return wanted and (spec.method_settings.get("candidate", "auto") != "auto" or any(not c.slices for c in spec.cases))
