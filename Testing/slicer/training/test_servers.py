"""Training on a server that a file describes: a real one on 127.0.0.1, asked on a thread, found again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.geometry import SliceIndex
from Testing.support.clinician import ball, draw, open_first, settle
from Testing.support.jobs import wait_until
from Testing.support.servers import RunningServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    made = RunningServer(tmp_path / "server")
    yield made
    made.close()


def test_a_server_that_answers_is_said_to_with_what_is_sent_there(
    panel: Any, study: Any, slicer: Any, server: RunningServer, tmp_path: Path
) -> None:
    panel.installer.kind = "absent"
    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    place = panel.train.choices.place
    place.where.currentIndex = 1
    described = server.describe(tmp_path / "ada")
    slicer.harness.answers["files"] = [str(described)]
    place.on_browse()
    settle(panel)
    assert place.told.text == (f"✔ The server at {server.address} answers and accepts jobs. Images, your drawings and "
                               "the names of structures are sent there; no names of patients or files.")
    assert panel.train.train.enabled, "no set-up is needed here"
    server.users.remove("ada")
    place.on_browse()
    settle(panel)
    assert place.told.text.startswith("✖ ")
    assert "does not accept the token" in place.told.text


def test_a_run_on_a_server_brings_its_suggestions_into_the_study_and_is_found_again(
    study: Any, server: RunningServer, tmp_path: Path, monkeypatch: Any
) -> None:
    from SemiSegLib.training.connection import BackendConnection, Order

    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    case = study.cases[0]
    case.set_slices(ball(case.grid.shape), [SliceIndex(0, 6)], "ada")
    described = str(server.describe(tmp_path / "ada"))
    connection = BackendConnection(study, lambda: [], dict)
    run = connection.start(Order("supervised", 60.0, far=described))
    assert not (tmp_path / "jobs" / run).exists()
    again = BackendConnection(study, lambda: [], dict, described)  # Slicer was closed and opened again
    assert again.newest() == run
    assert again.look(run).far == server.address
    changed = set[str]()

    def done() -> bool:
        look = again.look(run)
        changed.update(look.changed)
        return look.status.state == "done"

    wait_until(done, 60, "the run to be done")
    suggestion = study.case(case.id).suggestion()
    assert case.id in changed
    assert (suggestion == study.structures.items[-1].value).mean() > 0.9  # as the fake runner suggests
    sent = b"".join(path.read_bytes() for path in server.folder.rglob("*.json"))
    assert not any(word.encode() in sent for word in (case.name, study.name, "scan0", run))


def test_a_server_that_takes_no_jobs_leaves_no_run_behind(study: Any, server: RunningServer, tmp_path: Path) -> None:
    from SemiSegLib.training.connection import BackendConnection, Order
    from SemiSegLogic.errors import SemiSegError

    case = study.cases[0]
    case.set_slices(ball(case.grid.shape), [SliceIndex(0, 6)], "ada")
    described = str(server.describe(tmp_path / "ada"))
    server.stop()
    connection = BackendConnection(study, lambda: [], dict)
    with pytest.raises(SemiSegError, match="cannot be reached"):
        connection.start(Order("supervised", 60.0, far=described))
    assert study.runs == []
    server.start()
