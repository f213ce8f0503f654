"""A cluster as one small file describes it; the same file serves every study and every person of a site.

    {"ray": "http://127.0.0.1:8265", "token": "~/.ray/auth_token", "jobs": "/mnt/semiseg/jobs"}
"""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...home import expanded
from ...patience import remove
from ...settings.fields import number, text
from ..description import Description, PlaceError


@dataclass(frozen=True)
class Cluster(Description):
    """Where a Ray cluster answers and what each job gets there. Raises SettingsError on a value out of place."""

    ray: str = text("", "Address of Ray's dashboard")
    jobs: str = text("", "Folder for jobs on the disk that the computers share")
    jobs_there: str = text("", "The same folder as the cluster's computers see it")
    python: str = text("python3", "Command of the Python with SemiSeg's packages on the cluster's computers")
    package: str = text("", "Folder there that holds SemiSegLogic, if that Python does not have it installed")
    gpus: int = number(1, "Graphics cards for a runner", low=0, high=8)
    cpus: int = number(1, "Processor cores for a runner", low=1, high=256)

    KIND, NEEDED = "cluster", ("ray", "token", "jobs")
    EXAMPLE = 'It holds at least {"ray": "http://127.0.0.1:8265", "token": "TOKEN_FILE", "jobs": "SHARED_FOLDER"}.'

    @property
    def folder(self) -> Path:
        """Of the jobs, as this computer sees it."""
        return expanded(Path(self.jobs))

    def require_folder(self) -> None:
        """Raises PlaceError unless the shared folder is there and takes files. It is never made: an empty folder of
        this computer would stand where the disk is to be.
        """
        if not self.folder.is_dir():
            raise PlaceError(f"The folder for jobs, {self.folder}, is not there.",
                             "Connect the disk that the computers share, or make the folder on it.")
        probe = self.folder / f".probe-{secrets.token_hex(4)}"
        try:
            probe.write_bytes(b"")
            remove(probe)
        except OSError as error:
            raise PlaceError(f"The folder for jobs, {self.folder}, does not accept files: {error.strerror or error}.",
                             "Ask for permission to write there, or name another folder.") from error

    def entrypoint(self, job_id: str, second: bool) -> str:
        """The shell's words by which a computer of the cluster works on a job; what it prints goes to the job's log."""
        folder = self.there(job_id)
        log = folder / "beside" / "log.txt" if second else folder / "log.txt"
        how = "--second" if second else "--placed"
        # a folder that is not there is told by ls, in Ray's own words: nothing is made in its place
        return (f"ls -d {_quoted(folder)} && mkdir -p {_quoted(log.parent)} && exec {self._python()} "
                f"-m SemiSegLogic.run {_quoted(folder)} {how} >> {_quoted(log)} 2>&1")

    def errand(self, name: str, program: str) -> str:
        """The shell's words by which a computer of the cluster runs the Python ``program`` of one line in the shared
        folder ``name``: what it prints goes to answer.txt there, what it complains of to error.txt.
        """
        folder = self.there(name)
        return (f"ls -d {_quoted(folder)} && exec {self._python()} -c {shlex.quote(program)} "
                f"> {_quoted(folder / 'answer.txt')} 2> {_quoted(folder / 'error.txt')}")

    def there(self, name: str) -> PurePosixPath:
        """What the cluster's computers call the shared folder ``name``."""
        return PurePosixPath(self.jobs_there or self.folder.resolve().as_posix()) / name

    def _python(self) -> str:
        package = {"PYTHONPATH": self.package} if self.package else {}
        values = {"OMP_NUM_THREADS": str(self.cpus), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1",
                  **package}
        variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())
        return f"env {variables} {self.python}"

    def places(self, computers: list[dict[str, float]]) -> int:
        """How many runners have room at the same time on ``computers``: what each has by name, as Ray tells it."""
        return sum(self._places(has) for has in computers)

    def _places(self, has: dict[str, float]) -> int:
        by_cores = int(has.get("CPU", 0.0) // self.cpus)
        return min(by_cores, int(has.get("GPU", 0.0) // self.gpus)) if self.gpus else by_cores


def _quoted(path: PurePosixPath) -> str:
    return shlex.quote(str(path))
