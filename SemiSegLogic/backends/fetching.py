"""What a job gave back so far, copied elsewhere: each file as a whole, while the runner goes on."""

from __future__ import annotations

from pathlib import Path

from ..files import FileError, copy_file, disk_errors
from ..job import JobError, JobFolder
from ..patience import remove

_FETCHED = ("status.json", "curves.jsonl", "log.txt", "model.pt", "model.json", "out/ranking.json")


def fetch(job: JobFolder, into: Path) -> None:
    """Copy the newest results, ranking, curve, weights, card, status and log to ``into``. Raises JobError when there
    is no such job, FileError where the disk refuses.
    """
    if not job.submitted:
        raise JobError(f"There is no job in {job.root}.", "Choose another job.")
    if job.root.resolve() == into.resolve():
        return
    (into / "out").mkdir(parents=True, exist_ok=True)
    for name in _FETCHED:
        _copy(job.root / name, into / name)
    for case_id in job.results():
        _copy_newest(job, case_id, into / "out")


def _copy_newest(job: JobFolder, case_id: str, into: Path) -> None:
    """Copy the newest result of a case and remove older copies; the runner may replace it while we read."""
    while True:
        _, source = job.results()[case_id]
        try:
            _copy(source, into / source.name)
            break
        except FileError:
            if source.exists():
                raise
    for older in into.glob(f"{case_id}.*.npz"):
        if older.name != source.name:
            with disk_errors(older):
                remove(older)


def _copy(source: Path, target: Path) -> None:
    if source.exists():
        copy_file(source, target)
