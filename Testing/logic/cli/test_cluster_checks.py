"""The doctor's look at a cluster: each line tells what is wrong where, and a good cluster is good throughout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.backends.ray import errand as ray_errand
from SemiSegLogic.cli import doctor
from SemiSegLogic.cli.cluster_checks import cluster_checks
from SemiSegLogic.cli.finding import Finding
from Testing.support.stand_ins.fake_ray import TOKEN, FakeRay, cluster_of

ALL = ["Cluster file", "Shared folder", "Token file", "Ray and the token", "Places", "Python there"]


@pytest.fixture
def described(tmp_path: Path, ray: FakeRay, token: Path) -> Callable[..., Path]:
    """Writes the file of a cluster of this very Python, with changes."""
    def write(**changes: Any) -> Path:
        path = tmp_path / "cluster.json"
        path.write_text(json.dumps({**asdict(cluster_of(ray, token, python=sys.executable)), **changes}))
        return path

    return write


def _bad(file: Path) -> Finding:
    """The one that is wrong."""
    (found,) = [finding for finding in cluster_checks(file) if not finding.good]
    assert found.remedy
    assert TOKEN not in found.found
    return found


def test_a_good_cluster_is_good_throughout_and_left_as_it_was(described: Callable[..., Path], ray: FakeRay) -> None:
    file = described()
    found = list(cluster_checks(file))
    assert [(finding.what, finding.good) for finding in found] == [(what, True) for what in ALL]
    assert found[-1].found.startswith(f"{sys.version.split()[0]} with all packages")
    assert list((file.parent / "jobs").iterdir()) == []
    assert [one.status for one in ray.submitted.values()] == ["SUCCEEDED"]


@pytest.mark.parametrize(("changes", "what", "words"), [
    ({"jobs": "/not/mounted"}, "Shared folder", "is not there"), ({"gpus": 8}, "Places", "room for 0 runners"),
    ({"token": "/no/token"}, "Token file", "cannot be read"),
    ({"ray": "http://gpu:8265"}, "Ray and the token", "plain"),
    ({"ray": "http://127.0.0.1:9"}, "Ray reached", "cannot be reached"), ({"cpu": 1}, "Cluster file", "'cpu'"),
    ({"python": "/no/python"}, "Python there", "/no/python"),
    ({"python": "env -i PYTHONPATH= " + sys.executable + " -S", "package": ""}, "Python there", "without"),
    ({"jobs_there": "/another/disk"}, "Python there", "/another/disk"),
])
def test_each_fault_is_told_where_it_lies(
    described: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], what: str, words: str
) -> None:
    monkeypatch.setattr(ray_errand, "DISK_LAG_S", 0.2)
    found = _bad(described(**changes))
    assert found.what == what
    assert words in found.found


def test_a_wrong_token_is_told_with_its_file(described: Callable[..., Path], token: Path) -> None:
    token.write_text("another")
    found = _bad(described())
    assert (found.what, str(token) in found.found) == ("Ray and the token", True)


def test_where_every_place_is_taken_nothing_is_said_of_the_python_and_nothing_stays_in_the_line(
    described: Callable[..., Path], ray: FakeRay, monkeypatch: pytest.MonkeyPatch
) -> None:
    ray.places = 1
    monkeypatch.setattr(ray_errand, "PATIENCE_S", 0.1)
    file = described(python="sleep 30 ; " + sys.executable)
    found = list(cluster_checks(file))
    assert found[-1] == Finding("Python there", True, "not looked at: every place is taken at present")
    assert list((file.parent / "jobs").iterdir()) == []


def test_the_doctor_counts_what_is_wrong_with_the_cluster_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, semiseg: Callable[..., list[dict[str, Any]]]
) -> None:
    for check in ("torch_works", "gpu_driver", "processes_start", "packages", "memory", "disk"):
        monkeypatch.setattr(doctor, check, lambda: Finding("one", True, "good"))
    *findings, verdict = semiseg("doctor", "--cluster", tmp_path / "none.json", code=1)
    assert len(findings) == 9
    assert (findings[-1]["what"], findings[-1]["good"]) == ("Cluster file", False)
    assert verdict["failed"] == 1
