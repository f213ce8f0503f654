"""Who trains the candidate: exactly one, whoever comes, dies or is silent."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from SemiSegLogic.backends import AlreadyRunning
from SemiSegLogic.backends.claims import RUNNER, SECOND, Claim, Claims, Pulse, called_upon, holder_lives
from SemiSegLogic.backends.local.queue import placed
from SemiSegLogic.backends.processes import Process
from SemiSegLogic.files import write_json
from SemiSegLogic.job import JobFolder, Status
from Testing.support.jobs import make_job

ELSEWHERE = Process(7, "some day", "another computer")
DEAD = Process(2**22 + 7, "long ago", Process.of(1).host)
MAKE = """
import sys, time
from pathlib import Path
from SemiSegLogic.backends.claims import SECOND, Claims
from SemiSegLogic.job import JobFolder
claims = Claims(JobFolder(Path(sys.argv[1])))
time.sleep(max(float(sys.argv[2]) - time.time(), 0))
print(claims.make(SECOND, None) is not None)
"""


class Hands:
    """A clock that is set by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return make_job(tmp_path / "one")


def claim_of(job: JobFolder, process: Process | None, heartbeat: float | None = None, n: int = 1,
             role: str = SECOND, state: str = "running") -> Claim:
    """A claim that ``process`` made, with the status it wrote last."""
    folder = Claims(job).folder
    folder.mkdir(exist_ok=True)
    path = folder / f"{n}.claim"
    path.write_text(json.dumps({"role": role, **process.to_dict()}) if process else "")
    found = Claims(job).newest()
    assert found is not None
    if heartbeat is not None:
        write_json(found.status_path, Status(state, heartbeat=heartbeat).to_dict())
    return found


def test_of_many_that_come_at_the_same_moment_one_gets_the_claim(job: JobFolder) -> None:
    start = str(time.time() + 3.0)
    ones = [subprocess.Popen([sys.executable, "-c", MAKE, str(job.root), start], stdout=subprocess.PIPE, text=True)
            for _ in range(6)]
    assert sorted(one.communicate()[0].strip() for one in ones) == ["False"] * 5 + ["True"]


def test_a_claim_is_taken_over_by_the_next_number_and_the_earlier_holder_notices(job: JobFolder) -> None:
    claims = Claims(job)
    first = claims.make(SECOND, None)
    assert first is not None
    assert claims.make(RUNNER, None) is None
    assert claims.holds(first)
    second = claims.make(RUNNER, first)
    assert second is not None
    assert (second.n, claims.holds(first), claims.holds(second)) == (2, False, True)
    newest = claims.newest()
    assert newest == second
    assert newest is not None
    assert newest.process == Process.of(newest.process.pid)  # type: ignore[union-attr]


def test_a_holder_elsewhere_lives_as_long_as_its_file_changes_whatever_its_clock_says(job: JobFolder) -> None:
    clock = Hands()
    pulse = Pulse(60.0, clock)
    for heartbeat in (5e9, 5e9 + 1, 12.0):  # far ahead, then far behind
        assert holder_lives(claim_of(job, ELSEWHERE, heartbeat), pulse)
        clock.now += 50
    assert pulse.proven("claim 1", ELSEWHERE)
    clock.now += 11
    assert not holder_lives(claim_of(job, ELSEWHERE, 12.0), pulse)


def test_a_file_that_cannot_be_read_now_and_then_is_no_sign_of_life(job: JobFolder) -> None:
    clock = Hands()
    pulse = Pulse(60.0, clock)
    for heartbeat in (12.0, None, 12.0, None, 12.0):
        alive = pulse.alive("it", ELSEWHERE, heartbeat)
        clock.now += 20
    assert not alive
    assert not pulse.proven("it", ELSEWHERE)


def test_files_that_were_left_prove_no_life(job: JobFolder) -> None:
    pulse = Pulse(60.0, Hands())
    assert holder_lives(claim_of(job, ELSEWHERE, 12.0), pulse)  # it may
    assert not pulse.proven("claim 1", ELSEWHERE)


@pytest.mark.parametrize("process", [ELSEWHERE, None], ids=["elsewhere", "died over its claim"])
def test_one_that_never_said_a_word_is_dead_in_the_end(job: JobFolder, process: Process | None) -> None:
    clock = Hands()
    pulse, claim = Pulse(60.0, clock), claim_of(job, process)
    assert holder_lives(claim, pulse)
    clock.now += 61
    assert not holder_lives(claim, pulse)


def test_on_this_computer_the_process_itself_is_asked(job: JobFolder) -> None:
    assert not holder_lives(claim_of(job, DEAD, time.time()), Pulse())
    mine = Claims(job).make(SECOND, Claims(job).newest())
    assert mine is not None
    assert holder_lives(mine, Pulse())


def test_one_that_went_home_does_not_live(job: JobFolder) -> None:
    assert not holder_lives(claim_of(job, ELSEWHERE, time.time(), state="done"), Pulse())


def test_a_second_runner_is_called_upon_where_nobody_is(job: JobFolder) -> None:
    claim = called_upon(job)
    assert claim is not None
    assert (claim.n, claim.role) == (1, SECOND)
    assert called_upon(job, look_every_s=0.01) is None  # this process is alive


@pytest.mark.parametrize("case", ["runner", "finished", "not wanted", "stop", "done"])
def test_a_second_runner_that_is_not_needed_goes_home(job: JobFolder, case: str) -> None:
    claims = Claims(job)
    if case in ("runner", "finished"):
        claim = claim_of(job, DEAD, time.time(), role=RUNNER if case == "runner" else SECOND)
        claim.outcome_path.write_bytes(b"" if case == "runner" else b"outcome")
        if case == "runner":
            claim.outcome_path.unlink()
    elif case == "not wanted":
        claims.offer(False)
    elif case == "stop":
        job.request_stop()
    else:
        job.write_status(Status("done"))
    assert called_upon(job) is None


def test_the_place_of_a_dead_one_is_taken_after_it_was_watched(job: JobFolder) -> None:
    claim_of(job, ELSEWHERE, 12.0)
    begun = time.monotonic()
    claim = called_upon(job, Pulse(silent_s=0.3), look_every_s=0.05)
    assert claim is not None
    assert claim.n == 2
    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"role": "second"}', '{"role": 3, "pid": "x"}'])
def test_a_damaged_claim_is_nobodys(job: JobFolder, damage: str) -> None:
    claim = claim_of(job, DEAD)
    (claim.folder / "1.claim").write_text(damage)
    found = Claims(job).newest()
    assert found == Claim(claim.folder, 1)
    for name in ("offer.json", "1.json"):
        (claim.folder / name).write_text(damage)
    assert Claims(job).offered() is None
    assert claim.status() is None


def test_a_placed_runner_waits_for_no_turn(tmp_path: Path) -> None:
    one, two = make_job(tmp_path / "one"), make_job(tmp_path / "two")
    with placed(one), placed(two):
        assert {path.name for path in tmp_path.glob("*/process.json")} == {"process.json"}
        assert not (tmp_path / "running.lock").exists()


def test_a_placed_runner_leaves_a_job_to_one_that_works_on_another_computer(job: JobFolder) -> None:
    write_json(job.root / "process.json", {"order": 1.0, **ELSEWHERE.to_dict()})
    beats = iter(range(1, 1000))

    class Beating(JobFolder):
        def reported(self) -> Status:
            return Status("running", heartbeat=float(next(beats)))

    with pytest.raises(AlreadyRunning), placed(Beating(job.root), look_every_s=0.01):
        pass
    job.write_status(Status("running"))  # of one that is silent from now on
    with placed(job, Pulse(silent_s=0.2), look_every_s=0.01):
        pass
