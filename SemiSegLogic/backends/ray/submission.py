"""What of a job was handed to a cluster: ``ray.json`` in its folder, by the client."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from ...files import FileError, read_json, write_json
from ...job import JobFolder, JobSpec, Status
from ...settings import RECOMMENDED

RECORD = "ray.json"


@dataclass(frozen=True)
class Submission:
    """What was handed to Ray: ``order`` unix time in seconds, the ``number``-th time; the names of the ``runner`` and
    of a ``second`` one (empty: none); the heartbeat ``heard`` last of an earlier run (0: none).
    """

    order: float
    number: int
    runner: str
    second: str
    heard: float = 0.0

    @classmethod
    def of(cls, job: JobFolder, number: int, second: bool) -> Submission:
        """The ``number``-th of ``job``."""
        name = job.root.name if number == 1 else f"{job.root.name}.{number}"
        return cls(time.time(), number, name, f"{name}-second" if second else "", job.last_heartbeat())

    @classmethod
    def read(cls, job: JobFolder) -> Submission | None:
        """The last one of ``job``; None when it was never submitted."""
        try:
            said = read_json(job.root / RECORD)
            return cls(float(said["order"]), int(said["number"]), str(said["runner"]), str(said["second"]),
                       float(said.get("heard", 0.0)))
        except (FileError, KeyError, TypeError, ValueError):
            return None

    def write(self, job: JobFolder) -> None:
        """Keep it in the job. Raises FileError."""
        write_json(job.root / RECORD, asdict(self))

    def wrote(self, reported: Status) -> bool:
        """Whether ``reported`` is a word of its runner, and not of an earlier one."""
        return reported.heartbeat != self.heard

    @property
    def names(self) -> list[str]:
        """Of all that Ray knows of it."""
        return [name for name in (self.runner, self.second) if name]


def may_compete(spec: JobSpec) -> bool:
    """Whether an order may come to a contest: the recommended method, a candidate allowed, something unlabelled."""
    wanted = spec.kind == "train" and spec.method == RECOMMENDED and spec.method_settings.get("candidate") != "none"
    return wanted and (spec.method_settings.get("candidate", "auto") != "auto" or any(not c.slices for c in spec.cases))
