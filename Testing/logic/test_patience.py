"""What another program has open for a moment is waited for where the system refuses to touch it, as Windows does."""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from SemiSegLogic import patience
from SemiSegLogic.backends.fetching import fetch
from SemiSegLogic.backends.ray.cluster import Cluster
from SemiSegLogic.environment.folder import EnvironmentFolder
from SemiSegLogic.files import FileError, read_json, write_json
from SemiSegLogic.geometry import Grid
from SemiSegLogic.job import JobFolder
from SemiSegLogic.job.numbered import add_numbered
from SemiSegLogic.patience import patiently
from SemiSegLogic.study import Study, write_image
from Testing.support.jobs import SHAPE, make_job
from Testing.support.stand_ins.pretended_windows import needs_proc, pretend
from Testing.support.volumes import two_blobs


def refusing(times: int, error: OSError) -> Callable[[], str]:
    """What is refused so many times and then done."""
    left = [error] * times

    def act() -> str:
        if left:
            raise left.pop()
        return "done"

    return act


@contextmanager
def held_for(seconds: float, path: Path) -> Iterator[None]:
    """A reader, as a virus scanner is one, that has ``path`` open for a while."""
    stream = path.open("rb")
    letting_go = threading.Timer(seconds, stream.close)
    letting_go.start()
    try:
        yield
    finally:
        letting_go.join()


@pytest.mark.parametrize("error", [PermissionError(errno.EACCES, "in use"), OSError(errno.ENOTEMPTY, "not empty")])
def test_what_windows_refuses_for_a_moment_is_tried_again(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    monkeypatch.setattr(patience, "REFUSES_WHAT_IS_OPEN", True)
    assert patiently(refusing(3, error)) == "done"


def test_what_stays_refused_is_told_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REFUSES_WHAT_IS_OPEN", True)
    begun = time.monotonic()
    with pytest.raises(PermissionError):
        patiently(refusing(10_000, PermissionError(errno.EACCES, "in use")), 0.2)
    assert 0.2 <= time.monotonic() - begun < 2


def test_elsewhere_and_for_other_errors_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PermissionError):
        patiently(refusing(1, PermissionError(errno.EACCES, "not yours")))
    monkeypatch.setattr(patience, "REFUSES_WHAT_IS_OPEN", True)
    with pytest.raises(OSError, match="full"):
        patiently(refusing(1, OSError(errno.ENOSPC, "full")))


@needs_proc
class TestOnAPretendedWindows:
    """Each of these failed before anybody waited."""

    @pytest.fixture(autouse=True)
    def windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pretend(monkeypatch)

    def test_the_pretended_disk_refuses_what_is_open(self, tmp_path: Path) -> None:
        path = tmp_path / "a"
        path.write_bytes(b"1")
        with path.open("rb"):
            for act in (path.unlink, lambda: os.replace(path, tmp_path / "b"), lambda: os.rename(path, tmp_path / "b")):
                with pytest.raises(PermissionError):
                    act()
        path.unlink()

    def test_a_record_is_replaced_when_its_reader_has_let_go(self, tmp_path: Path) -> None:
        write_json(tmp_path / "a.json", 1)
        with held_for(0.2, tmp_path / "a.json"):
            write_json(tmp_path / "a.json", 2)
        assert read_json(tmp_path / "a.json") == 2
        assert os.listdir(tmp_path) == ["a.json"]

    def test_a_record_that_stays_open_is_told_and_stays(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(patience, "PATIENCE_S", 0.1)
        write_json(tmp_path / "a.json", 1)
        with (tmp_path / "a.json").open("rb"), pytest.raises(FileError, match=r"a\.json was not written"):
            write_json(tmp_path / "a.json", 2)
        assert read_json(tmp_path / "a.json") == 1

    def test_a_new_case_takes_its_name_when_the_scanner_has_looked_at_its_image(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_image(tmp_path / "scan.nrrd", two_blobs().astype(np.int16), _grid())
        study = Study.create(tmp_path / "study", structures=["one"])
        rename, waits = os.rename, []

        def scanned(source: Path, target: Path) -> None:
            if not waits:
                waits.append(held_for(0.2, Path(source) / "image.nrrd"))
                waits[0].__enter__()
            rename(source, target)

        monkeypatch.setattr(os, "rename", scanned)
        assert study.add_case(tmp_path / "scan.nrrd").id == "scan"
        waits[0].__exit__(None, None, None)
        assert os.listdir(tmp_path / "study" / "cases") == ["scan"]

    def test_a_lock_is_given_back_though_another_window_is_just_reading_it(self, tmp_path: Path) -> None:
        study = Study.create(tmp_path / "study", structures=["one"])
        study.lock.acquire()
        with held_for(0.2, study.lock.path):
            study.lock.release()
        assert not study.lock.path.exists()

    def test_a_numbered_file_appears_once_the_scanner_has_looked_at_its_draft(self, tmp_path: Path) -> None:
        def write(path: Path) -> None:
            path.write_bytes(b"1")
            threads.append(held_for(0.2, path))
            threads[0].__enter__()

        threads: list[object] = []
        assert add_numbered(tmp_path, "labels", write) == 1
        threads[0].__exit__(None, None, None)  # type: ignore[attr-defined]
        assert [name for name in os.listdir(tmp_path) if not name.startswith(".number")] == ["labels-1.npz"]

    def test_an_environment_is_removed_though_a_scanner_looks_at_a_file_in_it(self, tmp_path: Path) -> None:
        environment = EnvironmentFolder(tmp_path / "environment")
        environment.root.mkdir()
        environment.marks.begin()
        (environment.root / "package.py").write_bytes(b"")
        with held_for(0.2, environment.root / "package.py"):
            environment.remove()
        assert not environment.root.exists()

    def test_an_environment_is_begun_anew_though_a_scanner_looks_at_its_sign(self, tmp_path: Path) -> None:
        environment = EnvironmentFolder(tmp_path / "environment")
        environment.root.mkdir()
        environment.marks.begin()
        (environment.root / "pyvenv.cfg").write_bytes(b"")
        with held_for(0.2, environment.root / "pyvenv.cfg"):
            environment.begin_anew()
        assert not (environment.root / "pyvenv.cfg").exists()

    def test_a_wish_to_stop_is_taken_back_though_another_window_is_just_reading_it(self, tmp_path: Path) -> None:
        job = JobFolder.create(tmp_path / "job")
        job.request_stop(60.0)
        with held_for(0.2, job.stop_path):
            job.withdraw_stop()
        assert not job.stop_requested()

    def test_a_folder_for_jobs_takes_files_though_a_scanner_looks_at_the_first(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(secrets, "token_hex", lambda _: "known")
        probe = tmp_path / ".probe-known"
        probe.touch()
        with held_for(0.2, probe):
            Cluster(jobs=str(tmp_path)).require_folder()
        assert os.listdir(tmp_path) == []

    def test_results_are_fetched_though_a_scanner_looks_at_an_older_copy(self, tmp_path: Path) -> None:
        job, into = make_job(tmp_path / "job"), tmp_path / "got"
        empty = np.zeros(SHAPE, np.uint8)
        for _ in range(2):
            job.put_result("c001", empty, empty)
            fetch(job, into)
            if not (into / "out" / "c001.2.npz").exists():
                holding = held_for(0.2, into / "out" / "c001.1.npz")
                holding.__enter__()
        holding.__exit__(None, None, None)
        assert [path.name for path in (into / "out").iterdir()] == ["c001.2.npz"]


def _grid() -> Grid:
    return Grid(two_blobs().shape)
