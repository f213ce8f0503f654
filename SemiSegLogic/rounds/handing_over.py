"""From the study to a job: what is ordered is written into a job folder, under names that tell nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..job import JobCase, JobFolder, JobSpec, JobStructure
from ..study import Case, Study
from .order import Order

OnProgress = Callable[[int, int], None]
"""Called with how many cases have been handed over, and of how many."""


def hand_over(study: Study, order: Order, job: JobFolder, on_progress: OnProgress) -> dict[str, str]:
    """Write ``order`` as a new ``job``, ready to be submitted to a backend; returns job case -> study case id.

    Images are read one at a time, and not at all when an earlier job of this computer holds them. Raises ImageError
    naming an image that is gone or changed, JobError, FileError.
    """
    JobFolder.create(job.root)
    names = {f"c{number:03d}": case.id for number, case in enumerate(order.cases, 1)}
    entries, versions = [], {}
    for number, (name, case) in enumerate(zip(names, order.cases, strict=True), 1):
        versions[name] = case.version  # before its labels are read: what is saved in between is told the next time
        entries.append(_entry(job, name, case))
        on_progress(number, len(order.cases))
    job.note_told(versions)
    job.submit(JobSpec(
        kind=order.kind, structures=tuple(JobStructure(item.value, item.name) for item in study.structures),
        cases=tuple(entries), method=order.method,
        method_settings=order.settings.to_dict() if order.settings else {}, training=order.training.to_dict(),
        open_case=next((name for name, case in names.items() if case == order.open_case), None),
        start_from=job.put_model(order.start_from) if order.start_from else None,
    ))
    return names


def _entry(job: JobFolder, name: str, case: Case) -> JobCase:
    image = _image(job, case)
    planes = case.planes()  # asked for once: the person goes on marking slices as done
    label = job.put_label(planes, case.grid.shape) if planes else None
    return JobCase(name, image, case.grid, label, tuple(planes))


def _image(job: JobFolder, case: Case) -> str:
    """The digest of the case's image, which is in the job then."""
    name = f"{case.digest}.npy"
    if (job.inputs / name).exists() or _is_linked(job, name, case.image_path):  # two cases may have the same content
        return case.digest
    return job.put_image(case.image())


def _is_linked(job: JobFolder, name: str, source: Path) -> bool:
    """Whether the image could be linked from an earlier job of this computer, which has it whole."""
    earlier = job.root.parent.glob(f"*/in/{name}")
    return os.path.exists(source) and any(job.link_image(path) for path in earlier)
