"""The backend process on one page: ``python -m SemiSegLogic.run JOB``.

Wait for the turn, read the order, bring the volumes to the device, train and suggest (or only suggest), leave a model.
Everything it does can be followed, stopped and resumed through the job folder alone.
"""

from __future__ import annotations

import logging
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from .backends.queue import NoTurn, turn
from .files import SemiSegError, write_json
from .job import JobError, JobFolder, Status

if TYPE_CHECKING:
    from .engine.device import Device
    from .runner.model import Model
    from .runner.reporting import Reporter


def main(arguments: list[str]) -> int:
    """Run the job in the folder ``arguments[0]``; 0 when it ended as it should."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout, force=True)
    job = JobFolder(Path(arguments[0]))
    try:
        with turn(job):
            return 0 if work(job) else 1
    except NoTurn as reason:
        logging.info(str(reason))
        return 0


def work(job: JobFolder) -> bool:
    """The job itself, now that the computer is ours. Failures end in the status, in words."""
    from .runner.reporting import Reporter  # torch is loaded from here on, not while waiting

    with Reporter(job, Status("running", message="Starting.")) as reporter:
        try:
            _run(job, reporter)
        except SemiSegError as error:
            logging.exception("The job failed.")
            remedy = getattr(error, "remedy", "") or "Correct this and start the job again."
            reporter.say(f"Failed: {error}", state="failed", error={"text": str(error), "remedy": remedy})
            return False
        except Exception as error:
            logging.exception("The job failed.")
            text = "".join(traceback.format_exception_only(error)).strip()
            remedy = "Resume the job. If it fails again, send log.txt from its folder with your report."
            reporter.say(f"Failed: {text}", state="failed", error={"text": text, "remedy": remedy})
            return False
    return True


def _run(job: JobFolder, reporter: Reporter) -> None:
    import torch

    from .engine import checkpoint
    from .engine.device import choose
    from .runner import data
    from .runner.course import Course
    from .runner.model import Model
    from .runner.suggest import Suggester
    from .settings import Training

    spec, training = job.spec(), Training.from_dict(job.spec().training)
    torch.manual_seed(training.seed)
    device = choose(training.device, training.precision)
    reporter.say("Reading the volumes.", device=device.name, method=spec.method, phase="reading")
    start_file = job.start_model()
    start = Model.load(start_file) if start_file else None
    only_predict = spec.kind == "predict"
    volumes = data.load(
        job, device, lambda done, of: reporter.update(message=f"Reading: {done} of {of} volumes."),
        start.plan if start and only_predict else None,
    )
    reporter.update(labels_used=volumes.labels_used)
    if only_predict:
        assert start is not None
        Suggester(job, volumes, device, reporter).all_cases(start.build(device.torch))
        reporter.say("Done.", state="done", fraction=1.0, seconds_left=0.0)
        return
    saved = checkpoint.load(job.checkpoint, device.torch) if job.checkpoint.exists() else None
    volumes.hold_out(training.held_out, saved["held_out"] if saved else None)
    model = Course(job, volumes, device, training, reporter).run(saved, start)
    _finish(job, model, device, reporter)


def _finish(job: JobFolder, model: Model, device: Device, reporter: Reporter) -> None:
    """Leave the model and its card; say how it ended."""
    model.save(job.weights)
    status, spec = reporter.status, job.spec()
    write_json(job.card, {
        "method": model.method, "settings": model.settings, "asked_for": spec.method, "training": spec.training,
        "structures": [{"value": item.value, "name": item.name} for item in spec.structures],
        "cases": len(spec.cases), "annotated_slices": sum(len(case.slices) for case in spec.cases),
        "patch": list(model.plan.patch), "spacing_mm": list(model.plan.spacing), "dimensions": model.plan.dims,
        "network": model.plan.network, "scores": status.scores, "device": device.name,
        "seconds": round(status.elapsed, 1), "created": spec.created,
    })
    stopped = job.stop_requested()
    message = "Stopped; the best model is kept." if stopped else "Done."
    reporter.say(message, state="stopped" if stopped else "done", fraction=1.0, seconds_left=0.0)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python -m SemiSegLogic.run JOB_FOLDER")
    try:
        sys.exit(main(sys.argv[1:]))
    except JobError as problem:
        raise SystemExit(str(problem)) from problem
