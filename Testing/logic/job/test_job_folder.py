"""What the runner gives is whole or absent, and how a job stands is told truthfully."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.files import FileError
from SemiSegLogic.geometry import IGNORE
from SemiSegLogic.job import JobError, JobFolder, Status
from Testing.support.jobs import SHAPE, drawn, image
from Testing.support.stand_ins.pretended_windows import needs_proc, pretend


def result(value: int = 7) -> tuple[np.ndarray, np.ndarray]:
    return np.full(SHAPE, value, np.uint8), np.zeros(SHAPE, np.uint8)


def test_results_replace_their_elders(job: JobFolder) -> None:
    assert job.result("c001") is None
    assert [job.put_result("c001", *result()) for _ in range(3)] == [1, 2, 3]
    assert job.put_result("c002", *result(1)) == 1
    assert {case: n for case, (n, _) in job.results().items()} == {"c001": 3, "c002": 1}
    assert sorted(os.listdir(job.outputs)) == ["c001.3.npz", "c002.1.npz"]
    newest = job.result("c001")
    assert newest is not None
    assert (newest.n, int(newest.label.min())) == (3, 7)


@pytest.mark.parametrize(
    ("array", "uncertainty", "named"),
    [(np.zeros((1, 2, 3), np.uint8), np.zeros(SHAPE, np.uint8), "label"),
     (np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.float32), "uncertainty"),
     (np.full(SHAPE, IGNORE, np.uint8), np.zeros(SHAPE, np.uint8), "255"),
     (np.full(SHAPE, 2, np.uint8), np.zeros(SHAPE, np.uint8), r"\[2\]")],
)
def test_a_result_that_does_not_fit_its_case_is_refused(
    job: JobFolder, array: np.ndarray, uncertainty: np.ndarray, named: str
) -> None:
    with pytest.raises(JobError, match=named):
        job.put_result("c001", array, uncertainty)
    assert job.results() == {}


def test_a_truncated_result_is_named_and_not_shown(job: JobFolder) -> None:
    job.put_result("c001", *result())
    path = job.results()["c001"][1]
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(JobError, match=r"c001\.1\.npz"):
        job.result("c001")


def test_a_torn_last_line_of_the_curve_is_left_out_and_cut_off_by_the_next(job: JobFolder) -> None:
    job.append_curve({"step": 1, "loss": float("nan"), "parts": {"ce": float("inf")}})
    path = job.root / "curves.jsonl"
    path.write_bytes(path.read_bytes() + b'{"step": 2, "lo')
    assert job.curves() == [{"step": 1, "loss": None, "parts": {"ce": None}}]
    job.append_curve({"step": 2})
    assert [point["step"] for point in job.curves()] == [1, 2]


@pytest.mark.parametrize("torn", [b'{"st', b"\x00"])
def test_a_curve_of_nothing_but_a_torn_line_starts_anew(job: JobFolder, torn: bytes) -> None:
    (job.root / "curves.jsonl").write_bytes(torn)
    assert job.curves() == []
    job.append_curve({"step": 1})
    assert job.curves() == [{"step": 1}]


def test_the_ranking_is_plain_data(job: JobFolder) -> None:
    assert job.ranking() == []
    job.put_ranking([{"case": "c002", "axis": 0, "index": 3, "score": float("nan")}])
    assert job.ranking() == [{"case": "c002", "axis": 0, "index": 3, "score": None}]
    (job.outputs / "ranking.json").write_text("[1]")
    with pytest.raises(JobError, match=r"ranking\.json"):
        job.ranking()


def test_a_reader_keeps_the_last_good_status(job: JobFolder) -> None:
    job.write_status(Status("running", step=5))
    assert job.status().step == 5
    (job.root / "status.json").write_text('{"state": "run')
    assert job.status().step == 5
    with pytest.raises(JobError, match=r"status\.json"):
        JobFolder(job.root).status()


def test_a_silent_runner_is_lost_unless_its_process_is_known_to_live(job: JobFolder) -> None:
    assert job.status().state == "queued"
    job.write_status(Status("running"))
    assert job.status().state == "running"
    values = json.loads((job.root / "status.json").read_text())
    (job.root / "status.json").write_text(json.dumps({**values, "heartbeat": values["heartbeat"] - 60}))
    lost = job.status()
    assert lost.state == "lost"
    assert lost.error is not None
    assert "Resume" in lost.error["remedy"]
    assert job.status(alive=True).state == "running"


def test_a_job_that_ended_is_never_lost(job: JobFolder) -> None:
    job.write_status(Status("done"))
    assert job.status(alive=False).state == "done"


def test_a_stop_can_be_asked_for_and_taken_back(job: JobFolder) -> None:
    assert not job.stop_requested()
    job.request_stop()
    assert job.stop_requested()
    assert not job.stop_overdue()
    job.request_stop(patience_s=5)
    assert not job.stop_overdue()
    assert job.stop_overdue(margin_s=5)
    job.request_stop(patience_s=0)
    assert job.stop_overdue()
    job.withdraw_stop()
    job.withdraw_stop()
    assert not job.stop_requested()


def test_the_case_on_screen_is_the_one_named_last(job: JobFolder) -> None:
    assert job.opened() is None
    job.set_open("c002")
    assert job.opened() == "c002"
    with pytest.raises(JobError, match="no case 'c009'"):
        job.set_open("c009")
    (job.root / "open.json").write_text('{"case": "c00')
    assert job.opened() is None, "what cannot be read is as if nothing was said"
    job.set_open("c001")
    job.set_open(None)
    assert job.opened() is None


def test_a_stop_file_made_by_hand_counts(job: JobFolder) -> None:
    (job.root / "stop").touch()
    assert job.stop_requested()
    assert not job.stop_overdue()


def test_the_time_to_stop_is_what_the_runner_went_on_for_or_what_this_reader_waited(
    job: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    job.write_status(Status("running", elapsed=100.0))
    job.request_stop(patience_s=60)
    job.write_status(Status("running", elapsed=159.0))
    assert not job.stop_overdue()
    job.write_status(Status("running", elapsed=160.5))
    assert job.stop_overdue(), "also for who looks for the first time"
    silent = JobFolder(job.root)
    silent.write_status(Status("running", elapsed=100.0))
    assert not silent.stop_overdue()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert silent.stop_overdue(), "it says nothing any more"
    silent.request_stop(patience_s=60)
    assert not silent.stop_overdue(), "asked again, after it was resumed"


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_every_old_file_as_it_was(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    job.write_status(Status("running", step=1))
    job.put_result("c001", *result())
    job.put_ranking([{"case": "c001"}])
    job.add_labels("c001", drawn())
    before = {path: path.read_bytes() for path in job.root.rglob("*") if path.is_file()}
    monkeypatch.setattr(os, "fsync", full_disk)
    attempts = [
        lambda: job.write_status(Status("running", step=2)), lambda: job.put_result("c001", *result(1)),
        lambda: job.put_ranking([]), lambda: job.add_labels("c001", drawn()), lambda: job.put_image(image(9)),
    ]
    for attempt in attempts:
        with pytest.raises(FileError, match=r"disk is full.*Free some space"):
            attempt()
    assert {path: path.read_bytes() for path in job.root.rglob("*") if path.is_file()} == before
    job.request_stop(60.0)
    assert job.stop_requested(), "an empty file fits"


def test_a_sweep_takes_the_runners_drafts_and_those_long_forgotten(job: JobFolder) -> None:
    drafts = [job.root / ".ab.tmp.status.json", job.outputs / ".ab.tmp.c001.2.npz"]
    others = [job.root / ".ab.tmp.launch.json", job.inputs / ".ab.tmp.labels.npz"]
    for path in drafts + others:
        path.touch()
    job.sweep()
    assert [path.exists() for path in drafts + others] == [False, False, True, True]
    os.utime(others[1], (0, 0))
    job.sweep()
    assert [path.exists() for path in others] == [True, False]


@needs_proc
def test_a_sweep_leaves_what_a_scanner_holds(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    draft = job.root / ".ab.tmp.status.json"
    draft.touch()
    with draft.open("rb"):
        job.sweep()
    assert draft.exists()
    job.sweep()
    assert not draft.exists()


def test_importing_jobs_and_backends_is_light() -> None:
    code = ("import sys, SemiSegLogic.job, SemiSegLogic.backends; "
            "print([name for name in ('torch', 'monai', 'SimpleITK', 'requests', 'scipy') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
