"""Training on a cluster that a file describes: chosen in the panel, asked on a thread, found again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.job import JobFolder
from Testing.support.clinician import ball, draw, open_first, settle
from Testing.support.stand_ins.fake_ray import TOKEN, FakeRay, cluster_of


@pytest.fixture
def ray() -> Iterator[FakeRay]:
    made = FakeRay(places=0)
    yield made
    made.close()


@pytest.fixture
def described(ray: FakeRay, tmp_path: Path) -> Path:
    """The file that describes ``ray``."""
    token = tmp_path / "shared" / "token"
    token.parent.mkdir()
    token.write_text(TOKEN + "\n")
    token.chmod(0o600)
    path = tmp_path / "cluster.json"
    path.write_text(json.dumps(asdict(cluster_of(ray, token))))
    return path


def choose(panel: Any, slicer: Any, path: Path) -> str:
    """Choose the cluster; what is said of it then."""
    place = panel.train.choices.place
    place.where.currentIndex = 1
    slicer.harness.answers["files"] = [str(path)]
    place.on_browse()
    assert place.told.text == "Connecting …"
    settle(panel)
    return str(place.told.text)


def test_a_cluster_that_answers_is_said_to_and_gets_the_order_without_any_set_up_here(
    panel: Any, study: Any, slicer: Any, described: Path
) -> None:
    panel.installer.kind = "absent"
    open_first(panel, study)
    draw(panel, 6)
    panel.label.on_done()
    settle(panel)
    assert not panel.train.train.enabled
    assert choose(panel, slicer, described).startswith("✔ The cluster at http://127.0.0.1")
    assert panel.train.train.enabled
    panel.train.on_train()
    settle(panel)
    assert panel.connection.calls[-1].far == str(described)
    assert not any("memory" in line for line in panel.train.findings.text.split("<br>")), "this computer does not train"
    panel.train.choices.place.where.currentIndex = 0
    assert not panel.train.train.enabled
    assert panel.preferences.get("where") == ""


def test_what_is_wrong_with_a_cluster_is_said_with_the_remedy_and_the_panel_goes_on(
    panel: Any, study: Any, slicer: Any, described: Path, ray: FakeRay
) -> None:
    open_first(panel, study)
    told = choose(panel, slicer, described.with_name("nowhere.json"))
    assert told.startswith("✖ ")
    assert "nowhere.json is missing" in told
    described.write_text('{"ray": "http://far.example:8265", "token": "t", "jobs": "j"}')
    assert "plain http to another computer" in choose(panel, slicer, described)


def test_a_cluster_that_gives_no_answer_never_holds_the_panel_up(
    panel: Any, study: Any, slicer: Any, monkeypatch: Any
) -> None:
    from SemiSegLib.training import far_places
    from SemiSegLib.training.far_places import PlaceFile

    def silent(path: str) -> PlaceFile:
        time.sleep(1.0)
        return PlaceFile(path, "no answer")

    monkeypatch.setattr(far_places, "look_at", silent)
    open_first(panel, study)
    began = time.monotonic()
    panel.train.choices.place.file.text = "/a/cluster.json"
    panel.train.choices.place.where.currentIndex = 1
    panel.refresh_training()
    assert time.monotonic() - began < 0.9
    settle(panel)
    assert panel.train.choices.place.told.text == "✖ no answer"


def test_a_run_on_a_cluster_is_begun_there_seen_stopped_and_found_again(
    study: Any, described: Path, ray: FakeRay, tmp_path: Path, monkeypatch: Any
) -> None:
    from SemiSegLib.training.connection import BackendConnection, Manner, Order

    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    case = study.cases[0]
    case.set_slices(ball(case.grid.shape), [SliceIndex(0, 6)], "ada")
    connection = BackendConnection(study, lambda: [], dict)
    run = connection.start(Order("supervised", 60.0, far=str(described),
                                 manner=Manner(leave_out_fragments=False, carry_outlines=False)))
    ordered = JobFolder(tmp_path / "shared" / "jobs" / run).spec()
    told = (ordered.training[name] for name in ("seconds", "leave_out_fragments", "carry_outlines"))
    assert tuple(told) == (60.0, False, False)
    assert not (tmp_path / "jobs" / run).exists()
    seen = connection.look(run)
    assert (seen.status.state, seen.far) == ("queued", ray.address)
    assert connection.at_work(case.id) == "train"
    again = BackendConnection(study, lambda: [], dict, str(described))
    assert again.newest() == run
    again.stop(run)
    assert again.look(run).status.ended
    unaware = BackendConnection(study, lambda: [], dict)
    assert unaware.newest() == "", "it lies on a cluster that this person never named"


def test_a_cluster_that_takes_no_jobs_leaves_no_run_behind(study: Any, described: Path, ray: FakeRay) -> None:
    from SemiSegLib.training.connection import BackendConnection, Order
    from SemiSegLogic.errors import SemiSegError

    case = study.cases[0]
    case.set_slices(ball(case.grid.shape), [SliceIndex(0, 6)], "ada")
    ray.down()
    connection = BackendConnection(study, lambda: [], dict)
    with pytest.raises(SemiSegError, match="cannot be reached"):
        connection.start(Order("supervised", 60.0, far=str(described)))
    assert study.runs == []
