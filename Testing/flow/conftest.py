"""A local backend with real runners, none of which outlives its test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from SemiSegLogic.backends import LocalBackend
from Testing.support.blobs import BlobStudy, make_study
from Testing.support.jobs import leader_of, session_members, wait_until


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    backend = LocalBackend(tmp_path / "jobs")
    yield backend
    for job_id in backend.jobs():
        if not backend.poll(job_id).ended:
            backend.stop(job_id, patience_s=0)
        leader = leader_of(backend.folder(job_id))
        wait_until(lambda leader=leader: session_members(leader) == [], what=f"{job_id} to go home")


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStudy:
    return make_study(tmp_path)
