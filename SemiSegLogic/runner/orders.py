"""Doing what a job orders: train, learn while the person draws, or only suggest."""

from __future__ import annotations

from ..backends import processes
from ..backends.local.neighbours import Neighbours
from ..job import JobFolder
from . import data
from .cards import STOPPED, as_ordered, note_failure, publish
from .contest.beside import RUNNERS, second_at
from .course.course import Course
from .course.standing import Saved
from .data import Data
from .live import LiveCourse, Stay
from .model import Model
from .reporting import Reporter
from .suggest import Suggester
from .workplace import Workplace, workplace_of


def carry_out(job: JobFolder, reporter: Reporter, runners: int) -> None:
    """The whole work of a job on the device that this computer has; so many ``runners`` may work on it here at the same
    time, 0: one for each equal graphics card. Raises what a training raises.
    """
    spec = job.spec()
    with workplace_of(job, reporter) as workplace:
        reporter.say("Reading the volumes.", device=workplace.device.name, method=spec.method, phase="reading")
        if spec.kind == "predict":
            predict(workplace)
        elif spec.kind == "live":
            learn_live(workplace)
        else:
            train(workplace, runners)


def predict(workplace: Workplace) -> None:
    """Suggest with the model that the job starts from, without training."""
    job, reporter = workplace.job, workplace.reporter
    model = _start_model(job)
    assert model is not None  # the order was checked
    volumes = data.load(job, workplace.device, reporter.reading, model.plan)
    _remark(volumes, reporter)
    reporter.say("Suggesting.", phase="suggesting", method=model.method, labels_used=volumes.labels_used)
    suggester = Suggester(workplace, volumes)
    suggester.follow(model)
    complete = suggester.all_cases(model.network(volumes.classes.values[1:], workplace.device.torch))
    state, message = ("done", "Done.") if complete else ("stopped", "Stopped; the suggestions made so far are kept.")
    reporter.say(message, state=state, fraction=1.0, seconds_left=0.0)


def train(workplace: Workplace, runners: int) -> None:
    """A course of training to its end or to a stop, going on from the checkpoint of a killed one."""
    job, reporter = workplace.job, workplace.reporter
    saved, second = Saved.load(job.checkpoint), second_at(workplace, runners)
    workplace = workplace.with_device(workplace.device.shared(RUNNERS)) if second is not None else workplace
    workplace = workplace.with_device(saved.on(workplace.device)) if saved else workplace
    volumes = data.load(job, workplace.device, reporter.reading, saved.plan if saved else None)
    reporter.update(labels_used=volumes.labels_used, device=workplace.device.name)
    _remark(volumes, reporter)
    volumes.check_usable()
    course = Course(workplace, volumes, saved, _start_model(job), second)
    try:
        model = course.run()
    except Exception:
        note_failure(job)
        raise
    publish(job, model, reporter.status, as_ordered(workplace.training) if course.complete else STOPPED)
    stopped = job.stop_requested()
    message = "Stopped; the best model is kept." if stopped else "Done."
    if model.held_out is None:
        message += " No slices were kept aside to measure, so check the suggestions carefully."
    reporter.say(message, state="stopped" if stopped else "done", fraction=1.0, seconds_left=0.0)


def learn_live(workplace: Workplace) -> None:
    """Learn while the person draws on the same computer."""
    job = workplace.job
    processes.yield_to_others()
    earlier = Model.load(job.weights) if job.weights.exists() else _start_model(job)
    neighbours = Neighbours(job)
    stay = Stay(workplace, others_wait=lambda: neighbours.behind() > 0)
    model = LiveCourse(workplace, stay).run(earlier)
    state = "stopped" if job.stop_requested() else "done"
    remedy = "" if model else " Nothing was drawn, so there is no model."
    workplace.reporter.say(stay.farewell + remedy, state=state, fraction=1.0, seconds_left=0.0)


def _remark(volumes: Data, reporter: Reporter) -> None:
    """What the person should know of what was read and how it is kept, once."""
    reporter.unread(volumes.unread)
    if volumes.remark:
        reporter.say(volumes.remark)


def _start_model(job: JobFolder) -> Model | None:
    path = job.start_model()
    return Model.load(path) if path else None
