"""What is written down of who asked for what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from SemiSegLogic.server import audit as module
from SemiSegLogic.server.audit import Audit


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "requests.log"


@pytest.fixture
def audit(log: Path) -> Iterator[Audit]:
    audit = Audit(log)
    yield audit
    for handler in audit._log.handlers:
        handler.close()


def written(log: Path) -> list[str]:
    """The lines, without their times."""
    return [line.split(" ", 2)[2] for line in log.read_text().splitlines()]


def test_neither_couriers_that_look_nor_strangers_push_out_who_did_what(audit: Audit, log: Path) -> None:
    audit("eve.1", "PUT", "/v1/jobs/a", 200)
    for number in range(1000):
        audit("ada.1", "GET", "/v1/jobs/b", 200)
        audit("-", "GET", f"/{number}", 401)
    audit("ada.1", "GET", "/v1/jobs/b", 404)
    audit("eve.1", "POST", "/v1/jobs/a/stop", 200)
    audit("eve.1", "POST", "/v1/jobs/a/stop", 200)
    assert written(log) == ["eve.1 PUT /v1/jobs/a 200", "ada.1 GET /v1/jobs/b 200", "- GET /0 401",
                            "ada.1 GET /v1/jobs/b 404", *["eve.1 POST /v1/jobs/a/stop 200"] * 2]


def test_what_was_left_out_is_counted_at_the_next_time(
    audit: Audit, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        audit("ada.1", "GET", "/v1/jobs/b", 200)
        audit("-", "GET", "/x", 401)
    for name in ("LOOKS_EVERY_S", "STRANGERS_EVERY_S"):
        monkeypatch.setattr(module, name, 0.0)
    audit("ada.1", "GET", "/v1/jobs/b", 200)
    audit("-", "GET", "/y", 401)
    assert written(log)[2:] == ["ada.1 GET /v1/jobs/b 200 and 2 before", "- GET /y 401 and 2 before"]


def test_no_more_is_remembered_than_belongs_into_memory(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_KNOWN", 3)
    for number in range(10):
        audit("eve.1", "GET", f"/{number}", 404)
    assert len(audit._known) == 3
