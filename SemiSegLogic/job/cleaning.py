"""What old jobs lose, so that a computer does not fill up.

The rule: of the jobs that are over and whose results are in their study, the newest three stay whole. Older ones lose
what they were given and what they gave back (images, labels, masks, the checkpoint, and the model, which their study
keeps), and keep what is small: order, status, log, curve, ranking and the model's card. A job that stopped, failed or
was lost could still be resumed, so it counts as over after thirty days only; but one that learned while somebody drew
is never resumed, for the next one goes on from its model. A job that runs, waits, or holds a result nobody has taken
is never touched; results of a run behind which another one was begun count as taken (see rounds).
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


def is_whole(job: JobFolder) -> bool:
    """Whether something large is left of it, as far as a glance tells: what it was given goes last."""
    return job.inputs.is_dir() and any(job.inputs.iterdir())


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
    """Jobs that are whole, over and collected, with the time of their last sign of life."""
    for order in root.glob("*/job.json"):
        job = JobFolder(order.parent)
        try:
            if is_whole(job) and _has_ended(job) and is_collected(job):
                yield job.last_heartbeat(), job.root
        except (JobError, OSError):
            continue


def _has_ended(job: JobFolder) -> bool:
    """Whether nobody will go on with it."""
    status = job.status()
    if status.state == "done":
        return True
    rested = time.time() - (status.heartbeat or job.spec_path.stat().st_mtime) > RESUMABLE_S
    if not status.ended:
        return rested and not status.heartbeat  # it died before its first word
    return rested or job.spec().kind == "live"


def _empty(job: JobFolder) -> int:
    """Remove the large files of a job that nobody works on; returns their bytes."""
    freed = 0
    try:
        with FileLock(job.root / "process.lock") as held:
            if not held.try_acquire() or held.here_only:  # another computer may be at it
                return 0
            for path in _large(job):
                if path.is_file():
                    # a file that other jobs link too takes no room of its own
                    freed += path.stat().st_size if path.stat().st_nlink == 1 else 0
                    path.unlink()
    except OSError as error:
        logging.warning("%s could not be cleaned: %s", job.root, error)
    return freed


def _large(job: JobFolder) -> list[Path]:
    """What goes, in this order."""
    unfinished = [*job.root.rglob(".*.part"), *job.root.glob(".*.tmp.*")]  # downloads that broke off, killed writers'
    weights = [job.weights] if _is_taken(job.weights, job.root / COLLECTED) else []
    return [*unfinished, *weights, job.checkpoint, *job.outputs.glob("*.npz"), *job.beside.glob("*"),
            *job.inputs.glob("*")]


def _is_taken(weights: Path, note: Path) -> bool:
    """Whether the study has these weights: it takes them over before it notes what it has."""
    return weights.exists() and weights.stat().st_mtime_ns <= note.stat().st_mtime_ns
