"""A runner without torch that keeps the job protocol and can misbehave.

    python -m Testing.support.stand_ins.fake_runner JOB

``method_settings`` of the job say how: steps, sleep (s per step), crash_at (step), ignore_stop, grandchild,
silent_exit (before it comes to the queue).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from SemiSegLogic.backends import NoTurn, turn
from SemiSegLogic.files import write_json
from SemiSegLogic.job import JobError, JobFolder, Status


def main(job: JobFolder) -> None:
    how = how_of(job)
    if how["silent_exit"]:
        print("ModuleNotFoundError: No module named 'torch'")
        sys.exit(3)
    with turn(job, look_every_s=0.05):
        work(job, how)


def how_of(job: JobFolder) -> dict[str, Any]:
    return {"steps": 20, "sleep": 0.02, "crash_at": -1, "ignore_stop": False, "grandchild": False, "silent_exit": False,
            **job.spec().method_settings}


def work(job: JobFolder, how: dict[str, Any]) -> None:
    step, labels_used, results = read_checkpoint(job), 0, {c: n for c, (n, _) in job.results().items()}
    unread: dict[int, JobError] = {}
    first, scores = step, {"resumed_at": step, **({"grandchild": start_grandchild()} if how["grandchild"] else {})}
    verify_inputs(job)
    state = "running"
    while state == "running":
        step += 1
        labels_used = max([labels_used, *(added.n for added in job.newest_labels(labels_used, unread))])
        if step == how["crash_at"] and first < step - 1:
            raise RuntimeError("the fake runner crashes as told")
        job.append_curve({"step": step, "loss": 1 / step})
        if step % 3 == 1:
            results["c001"] = put_result(job, step)
        write_json(job.checkpoint, {"step": step})
        if job.stop_requested() and not how["ignore_stop"]:
            state = "stopped"
        elif step >= how["steps"]:
            state = "done"
            job.put_ranking([{"case": "c002", "axis": 0, "index": 2, "score": 0.5, "reason": "As told."}])
        fraction = min(step / how["steps"], 1.0)
        job.write_status(Status(state, phase="train", step=step, fraction=fraction, labels_used=labels_used,
                                results=results, scores=scores, labels_unread=sorted(unread), method="fake"))
        time.sleep(how["sleep"])


def read_checkpoint(job: JobFolder) -> int:
    return json.loads(job.checkpoint.read_text())["step"] if job.checkpoint.exists() else 0


def verify_inputs(job: JobFolder) -> None:
    for case in job.spec().cases:
        job.image(case.image)
        if case.label is not None:
            job.label(case.label)


def put_result(job: JobFolder, step: int) -> int:
    shape = job.spec().case("c001").grid.shape
    last = job.spec().structures[-1].value
    return job.put_result("c001", np.full(shape, last, np.uint8), np.full(shape, step % 256, np.uint8))


def start_grandchild() -> int:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"]).pid


if __name__ == "__main__":
    try:
        main(JobFolder(Path(sys.argv[1])))
    except NoTurn as reason:
        print(reason)
