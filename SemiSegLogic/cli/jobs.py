"""``semiseg jobs``: the queue of this computer, a server or a cluster; stop, resume and follow what runs."""

from __future__ import annotations

import argparse
from typing import Any

from rich.markup import escape
from rich.table import Column, Table

from ..job import JobError, clean
from .output import Output, add_json
from .places import Place, add_place, backend_of, ready


def add(commands: Any) -> None:
    """The grammar."""
    jobs = commands.add_parser("jobs", help="the queue of this computer, a server or a cluster: list, stop, resume")
    jobs.add_argument("action", nargs="?", choices=("list", "stop", "resume"), default="list",
                      help="default: list")
    jobs.add_argument("id", nargs="?", help="the job to stop or resume")
    jobs.add_argument("--clean", action="store_true", help=(
        "free disk space: delete images, labels, suggestions and weights of old jobs that have ended and whose results "
        "are in their study; the newest three are kept completely (this also happens whenever a job starts)"
    ))
    add_place(jobs)
    add_json(jobs)
    jobs.set_defaults(do=_jobs)


def _jobs(options: argparse.Namespace) -> int:
    backend, out = backend_of(options) if options.clean else ready(options), Output(options.json)
    if options.clean:
        return _clean(backend, out)
    if options.action != "list":
        _check(backend, options.id)
    if options.action == "stop":
        status = backend.stop(options.id)
        out.event("stopped", status.message, state=status.state)
    elif options.action == "resume":
        text = (f"{backend.resume(options.id)} goes on; 'semiseg follow STUDY' shows it and takes its results into "
                "the study.")
        out.event("resumed", text, id=options.id)
    else:
        _list(backend, out)
    return 0


def _clean(backend: Place, out: Output) -> int:
    freed = clean(backend.root)
    for name, size in freed.items():
        out.event("cleaned", f"{name}: {size / 1e6:.0f} MB freed", id=name, bytes=size)
    if not freed:
        out.event("cleaned", "Nothing to clean: no old job has ended, been taken in and kept its files.", bytes=0)
    return 0


def _check(backend: Place, job_id: str | None) -> None:
    """Raises JobError unless there is such a job."""
    if job_id is None:
        raise JobError("No job was given.", "Give the job, e.g. semiseg jobs stop ID; 'semiseg jobs' lists them.")
    if not backend.folder(job_id).submitted:
        raise JobError(f"There is no job {job_id} in {backend.root}.", "Choose another; 'semiseg jobs' lists them.")


def _list(backend: Place, out: Output) -> None:
    found = backend.jobs()
    if out.machine:
        for name, status in found.items():
            out.event("job", "", id=name, **status.to_dict())
        return
    table = Table(Column("job", no_wrap=True), "state", "done", "message")  # the id is to be copied
    for name, status in found.items():
        table.add_row(name, status.state, f"{status.fraction:.0%}", escape(status.message))
    out.console.print(table)
