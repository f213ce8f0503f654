"""What old jobs lose, so that a computer does not fill up.

The rule: of the jobs that are over and whose results are in their study, the newest three stay whole. Older ones lose
what they were given and what they gave back (images, labels, masks, the checkpoint), and keep what is small: order,
status, log, curve, ranking, model and its card. A job that stopped, failed or was lost could still be resumed, so it
counts as over after thirty days only. A job that runs, waits, or holds a result nobody has taken is never touched.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..files import FileError, read_json, write_json
from .errors import JobError
from .folder import JobFolder
from .locks import FileLock

KEPT_WHOLE = 3
RESUMABLE_S = 30 * 86400.0
COLLECTED = "collected.json"


def note_collected(job: JobFolder, taken: Mapping[str, int]) -> None:
    """Remember in the job which result (case -> n) of every case its study has. Raises FileError."""
    write_json(job.root / COLLECTED, dict(taken))


def is_collected(job: JobFolder) -> bool:
    """True when its study has the newest result of every case of the job."""
    try:
        taken = read_json(job.root / COLLECTED)
        return all(taken.get(case, 0) >= n for case, (n, _) in job.results().items())
    except (FileError, JobError, AttributeError, TypeError):
        return False  # never collected, or the note or the results cannot be read: nothing is taken away then


def clean(root: Path, keep: int = KEPT_WHOLE) -> dict[str, int]:
    """Take from old jobs in ``root`` what the rule above says; returns the bytes freed by job. What cannot be removed
    stays for the next time.
    """
    over = sorted(_over(root), reverse=True)
    freed = {}
    for _, path in over[keep:]:
        size = _empty(JobFolder(path))
        if size:
            freed[path.name] = size
    return freed


def _over(root: Path) -> Iterator[tuple[float, Path]]:
    """Jobs that are over and collected, with the time of their last sign of life."""
    for order in root.glob("*/job.json"):
        job = JobFolder(order.parent)
        try:
            status = job.status()
        except JobError:
            continue
        rested = time.time() - status.heartbeat > RESUMABLE_S
        if (status.state == "done" or (status.ended and rested)) and is_collected(job):
            yield status.heartbeat, job.root


def _empty(job: JobFolder) -> int:
    """Remove the large files of a job that nobody works on; returns their bytes."""
    freed = 0
    try:
        with FileLock(job.root / "process.lock") as held:
            if not held.try_acquire():
                return 0
            downloads = job.root.rglob(".*.part")  # which broke off
            for path in (*job.inputs.glob("*"), *job.outputs.glob("*.npz"), *job.beside.glob("*"), job.checkpoint,
                         *downloads):
                if path.is_file():
                    # a file that other jobs link too takes no room of its own
                    freed += path.stat().st_size if path.stat().st_nlink == 1 else 0
                    path.unlink()
    except OSError as error:
        logging.warning("%s could not be cleaned: %s", job.root, error)
    return freed
