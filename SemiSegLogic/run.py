"""The backend process on one page: ``python -m SemiSegLogic.run JOB``.

Wait for the turn, do what the job orders (see runner/orders.py), end in words whatever happens. All of it can be
followed, stopped and resumed through the job folder alone. ``--second``: train the candidate of a contest beside the
process that has the job (see runner/contest/second.py). ``--placed``: a cluster chose this computer, so do not wait for
a turn on it.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .backends.claims import called_upon
from .backends.folders import REPAIR
from .backends.local.queue import NoTurn, placed, turn
from .errors import SemiSegError
from .job import JobError, JobFolder, Status
from .settings import SettingsError

if TYPE_CHECKING:
    from .runner.reporting import Reporter

CORRECT = "Correct this and resume the job."
ANEW = "Train again with another choice: a job keeps the settings that it was started with."
MORE_MEMORY = ("Close other programs and resume the job: it goes on from its last saved state. If memory runs out "
               "again, train on a computer with more of it.")
LIBRARY_MISSING = (126, 127, 1114)  # what Windows calls it
LONGEST_ERROR = 4000  # characters; libraries can be wordy


def main(arguments: list[str]) -> int:
    """Run the job that ``arguments`` name; 0 when it ended as it should."""
    options = _grammar().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout, force=True)
    job = JobFolder(options.job)
    try:
        if options.second:
            return 0 if _second(job, max(options.runners, 1)) else 1
        with placed(job) if options.placed else turn(job):
            if options.placed:
                _when_sent_home(job.request_stop)
            return 0 if work(job, options.runners) else 1
    except NoTurn as reason:
        logging.info(str(reason))
        return 0
    except OSError as error:  # what the work itself raises ends in its status
        raise JobError(f"{error.filename or job.root} cannot be locked: {error.strerror}.",
                       f"{job.root.parent} must lie on a disk of this computer, in a folder that you may write to. "
                       "Another one can be named in the variable SEMISEG_JOBS, before Slicer is started.") from error


def _grammar() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m SemiSegLogic.run", description="Do the work of a job folder.")
    words.add_argument("job", type=Path, metavar="JOB_FOLDER")
    words.add_argument("--second", action="store_true", help="train the candidate beside the process that has the job")
    words.add_argument("--placed", action="store_true", help="a cluster placed this process: wait for no turn here")
    words.add_argument("--places", dest="runners", type=int, default=0, metavar="N", help=(
        "runners that may work on one job here at the same time (default: one for each equal graphics card, else one)"))
    return words


def work(job: JobFolder, runners: int = 0) -> bool:
    """The job itself, now that the computer is ours. Failures end in the status, in words. So many ``runners`` may work
    on it here at the same time, 0: one for each equal graphics card.
    """
    from .runner.reporting import Reporter

    with Reporter(job, _earlier(job)) as reporter:
        return _in_words(reporter, lambda: _carry_out(job, reporter, runners))


def _carry_out(job: JobFolder, reporter: Reporter, runners: int) -> None:
    from .runner.orders import carry_out  # torch is loaded from here on, not while waiting

    carry_out(job, reporter, runners)


def _second(job: JobFolder, runners: int) -> bool:
    """The work of a second runner, if one is needed; ``runners`` share this computer."""
    claim = called_upon(job)
    if claim is None:
        logging.info("No second runner is needed for this job.")
        return True
    from .runner.contest.second import OwnDesk, begin
    from .runner.reporting import Reporter

    sent_home = threading.Event()
    _when_sent_home(sent_home.set)
    with Reporter(OwnDesk(claim), _earlier(job)) as reporter:
        reporter.update(message="Starting.", phase="", results={}, flags={}, scores={}, fraction=0.0, step=0)
        return _in_words(reporter, lambda: begin(job, claim, reporter, sent_home.is_set, runners))


def _when_sent_home(leave: Callable[[], None]) -> None:
    """Clusters end a process with SIGTERM and leave it some time to save."""
    signal.signal(signal.SIGTERM, lambda number, frame: leave())


def _in_words(reporter: Reporter, act: Callable[[], None]) -> bool:
    """Whether ``act`` succeeded; a failure ends in the status."""
    try:
        act()
    except SemiSegError as error:
        anew = ANEW if isinstance(error, SettingsError) else CORRECT
        return _failed(reporter, str(error), getattr(error, "remedy", "") or anew)
    except Exception as error:
        text = "".join(traceback.format_exception_only(error)).strip()
        if _lacks_memory(error):
            return _failed(reporter, f"Memory ran out. ({text})", MORE_MEMORY)
        if isinstance(error, ImportError) or getattr(error, "winerror", None) in LIBRARY_MISSING:
            return _failed(reporter, f"A package that training needs cannot be loaded. ({text})", REPAIR)
        remedy = "Resume the job. If it fails again, send log.txt from its folder with your report."
        return _failed(reporter, text, remedy)
    return True


def _lacks_memory(error: Exception) -> bool:
    """Whether memory ran out where nothing smaller could be tried, as it does for steps and windows."""
    if "torch" not in sys.modules:
        return isinstance(error, MemoryError)
    from .engine.hardware.device import is_out_of_memory

    return is_out_of_memory(error)


def _earlier(job: JobFolder) -> Status:
    """What an earlier run of the same job achieved, as the status to begin with."""
    try:
        reported = job.reported()
    except JobError:
        reported = Status("running")  # it was damaged, and is written anew
    return replace(reported, state="running", message="Starting.", queue_position=0, seconds_left=None, error=None,
                   suggesting=0, to_suggest=0, labels_unread=[])


def _failed(reporter: Reporter, text: str, remedy: str) -> bool:
    logging.exception("The job failed.")
    error = {"text": text[:LONGEST_ERROR], "remedy": remedy}
    reporter.say(f"Failed: {text}", state="failed", seconds_left=None, error=error)
    return False


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except JobError as problem:
        raise SystemExit(str(problem)) from problem
