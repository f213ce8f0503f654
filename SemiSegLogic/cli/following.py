"""Following a round in a terminal: bar, messages, suggestions into the study as they come, Ctrl+C stops and keeps."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from ..backends import Backend, LocalBackend
from ..errors import SemiSegError
from ..job import Status
from ..naming import counted
from ..rounds import Round, jobs_folder
from ..study import Study
from .interrupts import Interrupts
from .output import Output

LOOK_EVERY_S = 0.5


def hand_over(this: Round, backend: Backend) -> bool:
    """Submit the job, whole whatever is pressed meanwhile; whether that was Ctrl+C, for :func:`follow`."""
    with Interrupts() as interrupts:
        backend.submit(this.job)
    return interrupts.heard


def follow(
    this: Round, backend: Backend, out: Output, seen: Callable[[Status], None] = lambda status: None,
    heard: bool = False,
) -> Status:
    """Watch until the job ends; collects suggestions whenever there are new ones. Returns the last status.

    ``seen`` hears of every status. Ctrl+C (or one ``heard`` before) asks the job to stop, with its best model kept; a
    second one no longer waits for that.
    """
    try:
        with Interrupts(heard) as interrupts, out.progress() as tell:
            status = _watch(this, backend, out, seen, tell, interrupts)
            if this.job.submitted:  # else somebody deleted its folder: the status says so
                _collect(this)
    except KeyboardInterrupt:
        if this.job.submitted and not this.job.stop_requested():  # pressed twice before it was asked once
            backend.stop(this.id, wait=False)
        out.event("left", f"The job {this.id} is stopping. {_later(this)}", id=this.id)
        raise
    _tell_end(this, status, out)
    return status


def take_up(study: Study, out: Output) -> None:
    """Take in what the newest round of this computer has made since its terminal was closed; say that it still runs."""
    this = Round.latest(study)
    if this is None or not this.job.submitted:
        return
    status = LocalBackend(jobs_folder()).poll(this.id)
    if not status.ended:
        out.event("remark", f"A training is in progress ({status.fraction:.0%}): semiseg follow {study.folder}",
                  text="A training is in progress.", id=this.id)
    try:
        with out.working("Reading the results of the last training"):
            taken = this.collect()
    except SemiSegError as error:  # the rest of the command may do without
        out.event("remark", error.whole, text=error.whole)
        return
    if taken:
        text = f"Suggestions from the training {this.id} are now in the study: {counted(len(taken), 'case')}."
        out.event("collected", text, id=this.id, cases=sorted(taken))


def _watch(
    this: Round, backend: Backend, out: Output, seen: Callable[[Status], None],
    tell: Callable[[str, float, float | None], None], interrupts: Interrupts,
) -> Status:
    said, results, stopping = "", dict[str, int](), False
    while True:
        status = backend.poll(this.id)
        seen(status)
        tell(status.message, status.fraction, status.seconds_left)
        if status.phase != said:
            said = status.phase
            out.event("phase", f"{said} on {status.device}", phase=said, device=status.device)
        if status.ended:
            return status
        if interrupts.heard and not stopping:
            stopping = True
            _stop(this, backend, out)
        if status.first_mask and status.results != results:
            results = status.results
            with contextlib.suppress(SemiSegError):  # the study was moved, its disk is full: told at the end
                this.collect()
        time.sleep(LOOK_EVERY_S)


def _stop(this: Round, backend: Backend, out: Output) -> None:
    if this.job.stop_requested():  # already, from another window: this one need not wait
        raise KeyboardInterrupt
    out.event("stopping", "Stopping; the best model is kept. (Press Ctrl+C again to leave without waiting.)")
    backend.stop(this.id, wait=False)


def _collect(this: Round) -> None:
    try:
        this.collect()
    except SemiSegError as error:
        raise SemiSegError(
            f"{error.whole} The results of the training are kept in {this.job.root}. {_later(this)}"
        ) from error


def _later(this: Round) -> str:
    return (f"'semiseg follow {this.study.folder}' takes its results into the study (if the study was moved, give its "
            "new folder).")


def _tell_end(this: Round, status: Status, out: Output) -> None:
    there = [case.id for case in this.study.cases]
    made = [case for name, case in this.cases.items() if name in status.results and case in there]
    taken = [case for case in made if _comes_from(this, case)]
    words = [] if status.error else [status.message]
    if taken or not status.error:
        words.append(f"Suggestions for {counted(len(taken), 'case')} are in the study.")
    if len(taken) < len(made):
        left = ", ".join(sorted(set(made) - set(taken)))
        words.append(f"Those for {left} could not be taken into the study (somebody is writing the case, the disk is "
                     f"full, or a file is damaged: semiseg study status). {_later(this)}")
    out.event("ended", " ".join(words), state=status.state, scores=status.scores, cases=sorted(taken))
    if status.error:
        again = f" (To resume: semiseg jobs resume {this.id})" if this.job.submitted else ""
        out.event("error", f"{status.error['text']} {status.error['remedy']}{again}", **status.error)


def _comes_from(this: Round, case_id: str) -> bool:
    case = this.study.case(case_id)
    with contextlib.suppress(SemiSegError):  # damaged: then it has not been taken in
        return case.has_suggestion and case.provenance().get("run") == this.id
    return False
