"""The backend process on one page: ``python -m SemiSegLogic.run JOB``.

Wait for the turn, read the order, bring the volumes to the device, train and suggest (or only suggest), leave a model.
Everything it does can be followed, stopped and resumed through the job folder alone. ``--second``: train the candidate
of a contest beside the process that has the job (see runner/second.py). ``--placed``: a cluster chose this computer,
so do not wait for a turn on it.
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
from .backends.queue import NoTurn, placed, turn
from .errors import SemiSegError
from .job import JobError, JobFolder, Status

if TYPE_CHECKING:
    from .engine.device import Device
    from .runner.data import Data
    from .runner.model import Model
    from .runner.reporting import Reporter
    from .settings import Training

LONGEST_ERROR = 4000  # characters; libraries can be wordy


def main(arguments: list[str]) -> int:
    """Run the job that ``arguments`` name; 0 when it ended as it should."""
    options = _grammar().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout, force=True)
    job = JobFolder(options.job)
    try:
        if options.second:
            return 0 if _second(job) else 1
        with placed(job) if options.placed else turn(job):
            if options.placed:
                _when_sent_home(job.request_stop)
            return 0 if work(job, options.places) else 1
    except NoTurn as reason:
        logging.info(str(reason))
        return 0


def _grammar() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m SemiSegLogic.run", description="Do the work of a job folder.")
    words.add_argument("job", type=Path, metavar="JOB_FOLDER")
    words.add_argument("--second", action="store_true", help="train the candidate beside the process that has the job")
    words.add_argument("--placed", action="store_true", help="a cluster placed this process: wait for no turn here")
    words.add_argument("--places", type=int, default=0, metavar="N", help=(
        "runners that may work on one job here at the same time (default: one for each graphics card, else one)"))
    return words


def work(job: JobFolder, places: int = 0) -> bool:
    """The job itself, now that the computer is ours. Failures end in the status, in words. ``places`` how many runners
    may work on it here at the same time, 0: one for each graphics card.
    """
    from .runner.reporting import Reporter  # torch is loaded from here on, not while waiting

    with Reporter(job, _earlier(job)) as reporter:
        return _in_words(reporter, lambda: _run(job, reporter, places))


def _second(job: JobFolder) -> bool:
    """The work of a second runner, if one is needed."""
    claim = called_upon(job)
    if claim is None:
        logging.info("No second runner is needed for this job.")
        return True
    from .runner.reporting import Reporter
    from .runner.second import OwnDesk, begin

    sent_home = threading.Event()
    _when_sent_home(sent_home.set)
    with Reporter(OwnDesk(claim), _earlier(job)) as reporter:
        reporter.update(message="Starting.", phase="", results={}, flags={}, scores={}, fraction=0.0, step=0)
        return _in_words(reporter, lambda: begin(job, claim, reporter, sent_home.is_set))


def _when_sent_home(leave: Callable[[], None]) -> None:
    """Clusters end a process with SIGTERM and leave it some time to save."""
    signal.signal(signal.SIGTERM, lambda number, frame: leave())


def _in_words(reporter: Reporter, act: Callable[[], None]) -> bool:
    """Whether ``act`` succeeded; a failure ends in the status."""
    try:
        act()
    except SemiSegError as error:
        return _failed(reporter, str(error), getattr(error, "remedy", "") or "Correct this and resume the job.")
    except Exception as error:
        text = "".join(traceback.format_exception_only(error)).strip()
        remedy = "Resume the job. If it fails again, send log.txt from its folder with your report."
        return _failed(reporter, text, remedy)
    return True


def _earlier(job: JobFolder) -> Status:
    """What an earlier run of the same job achieved, as the status to begin with."""
    try:
        reported = job.reported()
    except JobError:
        reported = Status("running")  # it was damaged, and is written anew
    return replace(reported, state="running", message="Starting.", queue_position=0, seconds_left=None, error=None)


def _failed(reporter: Reporter, text: str, remedy: str) -> bool:
    logging.exception("The job failed.")
    error = {"text": text[:LONGEST_ERROR], "remedy": remedy}
    reporter.say(f"Failed: {text}", state="failed", seconds_left=None, error=error)
    return False


def _run(job: JobFolder, reporter: Reporter, places: int) -> None:
    import torch

    from .engine.device import choose
    from .engine.memory import keep_freed_memory
    from .settings import Training

    keep_freed_memory()
    spec, training = job.spec(), Training.from_dict(job.spec().training)
    torch.manual_seed(training.seed)
    device = choose(training.device, training.precision)
    reporter.say("Reading the volumes.", device=device.name, method=spec.method, phase="reading")
    with device.at_work():
        if spec.kind == "predict":
            _predict(job, device, reporter)
        elif spec.kind == "live":
            _live(job, device, training, reporter)
        else:
            _train(job, device, training, reporter, places)


def _predict(job: JobFolder, device: Device, reporter: Reporter) -> None:
    from .runner import data
    from .runner.suggest import Suggester

    model = _start_model(job)
    assert model is not None  # the order was checked
    volumes = data.load(job, device, reporter.reading, model.plan)
    _remark(volumes, reporter)
    reporter.say("Suggesting.", phase="suggesting", method=model.method, labels_used=volumes.labels_used)
    network = model.network(volumes.classes.values[1:], device.torch)
    suggester = Suggester(job, volumes, device, reporter)
    suggester.judge = model.judge
    complete = suggester.all_cases(network)
    state, message = ("done", "Done.") if complete else ("stopped", "Stopped; the suggestions made so far are kept.")
    reporter.say(message, state=state, fraction=1.0, seconds_left=0.0)


def _train(job: JobFolder, device: Device, training: Training, reporter: Reporter, places: int) -> None:
    from .runner import data
    from .runner.beside import environment_for
    from .runner.course import Course
    from .runner.model import publish
    from .runner.standing import Saved

    saved = Saved.load(job.checkpoint, device.torch)
    device = saved.on(device) if saved else device
    volumes = data.load(job, device, reporter.reading, saved.plan if saved else None)
    reporter.update(labels_used=volumes.labels_used, device=device.name)
    _remark(volumes, reporter)
    volumes.check_usable()
    second = environment_for(places, device)
    model = Course(job, volumes, device, training, reporter, saved, _start_model(job), second).run()
    publish(job, model, reporter.status)
    stopped = job.stop_requested()
    message = "Stopped; the best model is kept." if stopped else "Done."
    if model.held_out is None:
        message += " No slices were held out, so look the suggestions over."
    reporter.say(message, state="stopped" if stopped else "done", fraction=1.0, seconds_left=0.0)


def _live(job: JobFolder, device: Device, training: Training, reporter: Reporter) -> None:
    from .backends.processes import yield_to_others
    from .backends.queue import jobs_behind
    from .runner.live import LiveCourse
    from .runner.model import Model

    yield_to_others()  # the person draws on the same computer
    earlier = Model.load(job.weights) if job.weights.exists() else _start_model(job)
    course = LiveCourse(job, device, training, reporter, others_wait=lambda: jobs_behind(job) > 0)
    model = course.run(earlier)
    state = "stopped" if job.stop_requested() else "done"
    remedy = "" if model else " Nothing was drawn, so there is no model."
    reporter.say(course.farewell + remedy, state=state, fraction=1.0, seconds_left=0.0)


def _remark(volumes: Data, reporter: Reporter) -> None:
    """What the person should know of how the volumes are kept, once."""
    if volumes.remark:
        reporter.say(volumes.remark)


def _start_model(job: JobFolder) -> Model | None:
    from .runner.model import Model

    path = job.start_model()
    return Model.load(path) if path else None


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except JobError as problem:
        raise SystemExit(str(problem)) from problem
