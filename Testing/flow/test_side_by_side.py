"""Two real runners on one job: on this computer and placed by a cluster; stopped, killed, and on they go."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.backends.claims import SECOND, Claims
from SemiSegLogic.backends.ray.backend import RayBackend
from SemiSegLogic.backends.ray.cluster import Cluster
from SemiSegLogic.job import JobFolder, Status
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.jobs import leader_of, session_members, wait_until
from Testing.support.processes import check_every_file, kill
from Testing.support.rounds import run_here
from Testing.support.stand_ins.fake_ray import TOKEN, FakeRay
from Testing.support.stand_ins.seconds import contest, dies_at, same, with_second

PATIENCE_S = 120.0
ROOT = Path(__file__).resolve().parents[2]
LONG, SHORT = tiny(4000, 8, checkpoint_seconds=0.5), tiny(32, 8, checkpoint_seconds=0.5)


@pytest.fixture
def two_places(tmp_path: Path) -> Iterator[LocalBackend]:
    backend = LocalBackend(tmp_path / "jobs", runners=2)
    yield backend
    for job_id in backend.jobs():
        backend.stop(job_id, patience_s=0)
        wait_until(lambda job_id=job_id: session_members(leader_of(backend.folder(job_id))) == [], PATIENCE_S)


def both_at_work(job: JobFolder) -> bool:
    """Whether the two train at this moment."""
    claim = Claims(job).newest()
    second = claim.status() if claim is not None else None
    return (second is not None and second.phase == "mean_teacher, the candidate" and second.step > 1
            and job.reported().phase == "supervised")


def second_pid(job: JobFolder) -> int:
    """The process of the second runner."""
    claim = Claims(job).newest()
    assert claim is not None
    assert claim.role == SECOND
    assert claim.process is not None
    return claim.process.pid


def test_a_stop_ends_both_and_a_kill_of_either_loses_nothing(blobs: BlobStudy, two_places: LocalBackend) -> None:
    this = contest(blobs.study, two_places.root, LONG)
    two_places.submit(this.job)
    wait_until(lambda: both_at_work(this.job), PATIENCE_S, "both to train")
    leader, other = leader_of(this.job), second_pid(this.job)
    assert {leader, other} == set(session_members(leader))
    assert two_places.stop(this.id).state == "stopped"
    assert session_members(leader) == []
    reached = Claims(this.job).newest().status().step  # type: ignore[union-attr]
    two_places.resume(this.id)
    wait_until(lambda: both_at_work(this.job) and second_pid(this.job) != other, PATIENCE_S, "both to train again")
    assert Claims(this.job).newest().status().step > reached  # type: ignore[union-attr]
    kill(this.job)  # the second one goes on
    wait_until(lambda: two_places.poll(this.id).state == "lost", PATIENCE_S)
    os.kill(second_pid(this.job), signal.SIGKILL)
    check_every_file(this.job)


def test_a_contest_of_two_processes_ends_as_one_in_turn_bit_for_bit(blobs: BlobStudy, two_places: LocalBackend) -> None:
    this = contest(blobs.study, two_places.root, SHORT)
    two_places.submit(this.job)
    status = wait_until(lambda: (s := two_places.poll(this.id)).ended and s, PATIENCE_S)
    was_held_side_by_side(status, this.job)
    assert len(this.collect()) == 3
    in_turn = contest(blobs.study, two_places.root / "in turn", SHORT)
    with pytest.MonkeyPatch.context() as patch:
        with_second(patch, dies_at(1))
        assert run_here(in_turn).state == "done"
    assert any("was lost" in words for words in in_turn.job.status().scores["reasons"])
    assert same(this, in_turn)


def test_a_contest_on_two_places_of_a_cluster(blobs: BlobStudy, tmp_path: Path) -> None:
    token, ray = tmp_path / "token", FakeRay(places=2)
    token.write_text(TOKEN)
    token.chmod(0o600)
    (tmp_path / "jobs").mkdir()
    (tmp_path / "there").symlink_to(tmp_path / "jobs")
    backend = RayBackend(Cluster(
        ray=ray.address, token=str(token), jobs=str(tmp_path / "jobs"), jobs_there=str(tmp_path / "there"),
        python=sys.executable, package=str(ROOT), gpus=0))
    try:
        this = contest(blobs.study, backend.root, SHORT)
        backend.submit(this.job)
        status = wait_until(lambda: (s := backend.poll(this.id)).ended and s, PATIENCE_S)
        was_held_side_by_side(status, this.job)
        assert len(this.collect()) == 3
        wait_until(lambda: {one.status for one in ray.submitted.values()} == {"SUCCEEDED"}, PATIENCE_S)
        assert list(ray.submitted) == [this.id, f"{this.id}-second"]
    finally:
        ray.close()


def was_held_side_by_side(status: Status, job: JobFolder) -> None:
    """Asserts that it was, to its end."""
    claims = Claims(job)
    assert status.state == "done", status
    assert any("trained side by side" in words for words in status.scores["reasons"])
    assert not any("was lost" in words for words in status.scores["reasons"])
    assert {"supervised", "supervised, longer", "mean_teacher"} == set(status.scores["held_out"])
    newest = claims.newest()
    assert newest is not None
    assert (newest.n, newest.role, newest.outcome_path.exists()) == (1, SECOND, True)
    assert [point for point in job.curves() if point.get("beside")]
