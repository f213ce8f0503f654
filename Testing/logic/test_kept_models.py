"""The models a study keeps: listed whatever became of their cards, exported whole or not at all, deleted when free."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from SemiSegLogic.backends import LocalBackend
from SemiSegLogic.backends.ray.backend import RayBackend
from SemiSegLogic.files import FileError, write_json
from SemiSegLogic.job import JobFolder
from SemiSegLogic.kept_models import delete_model, export_model, kept_model, kept_models, last_trained
from SemiSegLogic.rounds.run_folder import MODEL, RunFolder
from SemiSegLogic.study import Study, StudyError
from Testing.support.jobs import specification
from Testing.support.running import FOREVER, RUNNER
from Testing.support.stand_ins.fake_ray import FakeRay, cluster_of

CARD = {
    "method": "supervised", "annotated_slices": 24, "annotated_cases": 8, "cases": 60,
    "quality": {"words": "Expected Dice on other cases 0.82.", "dice": 0.82, "low": 0.71, "high": 0.9},
}
FIRST, SECOND = "20261120T101500.000000Z-supervised", "20261121T091500.000000Z-recommended"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Two models, of which the second has another card."""
    made = Study.create(tmp_path / "study", structures=["ball"])
    for run in (FIRST, SECOND):
        folder = made.folder / "models" / run
        folder.mkdir()
        (folder / "model.pt").write_bytes(run.encode() * 1000)
        write_json(folder / "model.json", {**CARD, "method": run.partition("-")[2]})
        (folder / "model.md").write_text("# Model for ball\n", encoding="utf-8")
    return made


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Path]:
    """Jobs of the fake runner; none goes on after the test."""
    yield tmp_path / "jobs"
    backend = LocalBackend(tmp_path / "jobs", module=RUNNER)
    for job in backend.jobs():
        backend.stop(job, patience_s=0)


def start(jobs: Path, run: str, model: Path | None) -> LocalBackend:
    """A job that goes on until it is stopped, from ``model``."""
    job = JobFolder.create(jobs / run)
    digest = job.put_model(model) if model else None
    job.submit(specification(job, method_settings=FOREVER, start_from=digest))
    backend = LocalBackend(jobs, module=RUNNER)
    backend.submit(job)
    return backend


def test_a_model_tells_its_day_method_slices_and_expected_dice(study: Study) -> None:
    first, second = kept_models(study)
    assert (first.run, second.run) == (FIRST, SECOND), "the oldest first"
    assert first.made == datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
    assert (first.method, first.count("annotated_slices"), first.expected) == ("supervised", 24, (0.82, 0.71, 0.9))
    assert first.problem == ""


@pytest.mark.parametrize("content", [
    b"", b"{half", b"[1, 2]", b'"text"', b"\xff\xfe", b'{"quality": "good", "method": 7, "annotated_slices": "many"}',
    b'{"quality": {"dice": NaN, "low": null, "high": 1}}',
])  # fmt: skip
def test_a_damaged_card_hides_no_model_and_nothing_is_made_up(study: Study, content: bytes) -> None:
    folder = study.folder / "models" / SECOND
    (folder / "model.json").write_bytes(content)
    (folder / "model.md").write_bytes(b"# \xff\xfe")
    found = kept_model(study, SECOND)
    assert (found.method, found.expected, found.count("annotated_slices")) == ("recommended", None, None)
    assert found.quality == "Nothing is known of its quality."
    assert found.text.startswith("# ")
    assert content.startswith(b'{"quality"') or str(folder / "model.json") in found.problem


def test_a_model_that_another_window_deletes_while_it_is_listed_is_left_out(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = study.runs
    (folders[0] / "model.pt").unlink()
    monkeypatch.setattr(Study, "runs", property(lambda _self: [*folders, study.folder / "models" / "gone"]))
    assert [model.run for model in kept_models(study)] == [SECOND]


def test_an_export_that_the_disk_refuses_leaves_nothing_and_can_be_repeated(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, target = kept_model(study, FIRST), tmp_path / "out"

    def full(_source: Any, written: Any) -> None:
        Path(written).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(shutil, "copyfile", full)
        with pytest.raises(FileError, match="disk is full"):
            export_model(model, target)
    assert list(target.iterdir()) == []
    assert (export_model(model, target) / "model.pt").read_bytes() == model.weights.read_bytes()
    with pytest.raises(StudyError, match="exists already"):
        export_model(model, target)


def test_an_export_into_a_folder_that_may_not_be_written_to_says_so(study: Study, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(FileError, match="was not written"):
        export_model(kept_model(study, FIRST), tmp_path / "file")


def test_a_copy_that_differs_is_told_and_not_kept(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = shutil.copyfile

    def bad(source: Any, written: Any) -> None:
        plain(source, written)
        Path(written).write_bytes(b"another")

    monkeypatch.setattr(shutil, "copyfile", bad)
    with pytest.raises(StudyError, match="differs"):
        export_model(kept_model(study, FIRST), tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_a_model_deleted_meanwhile_is_not_exported_as_an_empty_folder(study: Study, tmp_path: Path) -> None:
    model = kept_model(study, FIRST)
    delete_model(model, tmp_path / "jobs")
    with pytest.raises(StudyError, match="was deleted meanwhile"):
        export_model(model, tmp_path / "out")
    assert os.listdir(tmp_path / "out") == []


def test_the_model_that_a_running_job_goes_on_from_is_not_deleted_and_the_other_is(study: Study, jobs: Path) -> None:
    first, second = kept_models(study)
    third = study.new_run("supervised").name
    backend = start(jobs, third, first.weights)
    with pytest.raises(StudyError, match=f"{third} is in progress and continues from the model {FIRST}"):
        delete_model(first, jobs)
    delete_model(second, jobs)
    assert [model.run for model in kept_models(study)] == [FIRST]
    backend.stop(third, patience_s=5)
    delete_model(first, jobs)
    assert kept_models(study) == []


def test_the_model_of_a_run_on_its_way_is_not_deleted(study: Study, jobs: Path) -> None:
    start(jobs, SECOND, None)
    with pytest.raises(StudyError, match="still in progress"):
        delete_model(kept_model(study, SECOND), jobs)
    assert kept_model(study, SECOND).weights.exists()


@pytest.mark.parametrize(("deleted", "words"), [(SECOND, "is still in progress"), (FIRST, "continues from the model")])
def test_a_model_that_a_run_on_a_cluster_makes_or_needs_is_not_deleted(
    study: Study, tmp_path: Path, ray: FakeRay, token: Path, deleted: str, words: str
) -> None:
    cluster = RayBackend(cluster_of(ray, token))
    job = JobFolder.create(cluster.root / SECOND)
    digest = job.put_model(kept_model(study, FIRST).weights)
    job.submit(specification(job, method_settings=FOREVER, start_from=digest))
    cluster.submit(job)
    with pytest.raises(StudyError, match=words):
        delete_model(kept_model(study, deleted), tmp_path / "jobs", cluster)
    assert kept_model(study, deleted).weights.exists()
    cluster.stop(SECOND)
    ray.down()  # what has ended needs no word of Ray
    delete_model(kept_model(study, deleted), tmp_path / "jobs", cluster)
    assert deleted not in [model.run for model in kept_models(study)]


def test_a_deleted_model_is_not_fetched_again_from_the_cluster_until_the_run_has_made_a_newer_one(
    study: Study, tmp_path: Path
) -> None:
    run, there = RunFolder(study.folder / "models" / SECOND), JobFolder.create(tmp_path / "cluster" / SECOND)
    for name in (*MODEL, "curves.jsonl"):
        (there.root / name).write_text("best")
    delete_model(kept_model(study, SECOND), tmp_path / "jobs")
    run.keep_model(there)
    assert [model.run for model in kept_models(study)] == [FIRST]
    assert run.model is None
    assert not any((run.path / name).exists() for name in MODEL)
    assert (run.path / "curves.jsonl").read_text() == "best", "how it went is still told"
    later = time.time() + 60
    (there.root / "model.pt").write_text("better")
    os.utime(there.root / "model.pt", (later, later))
    run.keep_model(there)
    assert kept_model(study, SECOND).weights.read_text() == "better"


def test_a_better_model_is_taken_over_though_the_disk_it_lies_on_has_a_slow_clock(study: Study, tmp_path: Path) -> None:
    run, there = RunFolder(study.folder / "models" / SECOND), JobFolder.create(tmp_path / "cluster" / SECOND)
    for name in MODEL:
        (run.path / name).unlink()

    def made(content: str, ago: float) -> None:
        (there.root / "model.pt").write_text(content)
        os.utime(there.root / "model.pt", (time.time() - ago, time.time() - ago))
        run.keep_model(there)

    made("of the first mask", 3600)
    made("better", 3540)
    assert kept_model(study, SECOND).weights.read_text() == "better"
    delete_model(kept_model(study, SECOND), tmp_path / "jobs")
    run.keep_model(there)
    assert run.model is None, "it is the one that was deleted"
    made("best", 3480)
    assert kept_model(study, SECOND).weights.read_text() == "best"
    (run.path / "model.pt").unlink()
    (run.path / "deleted.json").unlink()
    run.keep_model(there)
    assert run.model is not None, "nobody wanted it gone"


def test_the_last_training_is_not_what_learned_while_somebody_drew(study: Study, tmp_path: Path) -> None:
    last = last_trained(study)
    assert last is not None
    live = study.folder / "models" / "20991121T091500.000000Z-live"
    live.mkdir()
    (live / "model.pt").write_bytes(b"weights")
    assert [model.run for model in kept_models(study)][-1] == live.name
    assert last_trained(study) == last
    for model in kept_models(study):
        if model.run != live.name:
            delete_model(model, tmp_path / "jobs")
    assert last_trained(study) is None
