"""A local backend whose runner is fake and which leaves no process behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from SemiSegLogic.backends import LocalBackend
from Testing.support.jobs import leader_of, session_members
from Testing.support.running import RUNNER


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[LocalBackend]:
    (tmp_path / "jobs").mkdir()
    backend = LocalBackend(tmp_path / "jobs", module=RUNNER)
    yield backend
    leaders = [leader_of(backend.folder(job_id)) for job_id in backend.jobs()
               if (backend.root / job_id / "launch.json").exists()]
    for job_id in backend.jobs():
        backend.stop(job_id, patience_s=0)
    assert [session_members(leader) for leader in leaders] == [[] for _ in leaders]
