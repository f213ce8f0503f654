"""The whole way over a server: drawn here, trained there by the real runner, suggested here; then once more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from SemiSegLogic.backends.server.backend import ServerBackend
from SemiSegLogic.rounds import Round
from SemiSegLogic.settings import Supervised
from Testing.support.blobs import BlobStudy, tiny
from Testing.support.certificates import make_certificate
from Testing.support.jobs import wait_until
from Testing.support.servers import RunningServer


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[ServerBackend]:
    server = RunningServer(tmp_path / "server", make_certificate(tmp_path), runner="SemiSegLogic.run")
    backend = ServerBackend(server.describe(tmp_path / "ada"), tmp_path / "home")
    yield backend
    for job_id in backend.jobs():
        backend.stop(job_id, patience_s=0)
    server.close()


def test_two_rounds_over_https(blobs: BlobStudy, backend: ServerBackend) -> None:
    first = run(blobs, backend, None)
    assert all(blobs.study.case(case.id).has_suggestion for case in blobs.cases)
    assert first.next_slices()
    assert first.card()["method"] == "supervised"
    model = first.folder / "model.pt"
    second = run(blobs, backend, model)
    assert second.job.spec().start_from is not None
    assert {blobs.study.case(case.id).provenance()["run"] for case in blobs.cases} == {second.id}


def run(blobs: BlobStudy, backend: ServerBackend, start_from: Path | None) -> Round:
    """One round, its suggestions taken in."""
    backend.check()
    this = Round.begin(blobs.study, tiny(12, 4), "supervised", Supervised(), jobs=backend.root, start_from=start_from)
    backend.submit(this.job)
    status = wait_until(lambda: (seen := backend.poll(this.id)).ended and seen, 300, "the round to end")
    assert (status.state, status.error) == ("done", None)
    this.collect()
    return this
