"""One writer per case, and nobody locked out by a program that died."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.files import FileError
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Case, LockedError, Study, lock
from SemiSegLogic.study.lock import WriteLock, Writer, process_alive
from Testing.support.volumes import two_blobs

ROOT = Path(__file__).resolve().parents[3]


def other_program(study: Study, then: str) -> subprocess.Popen[str]:
    """Another process that holds the lock of case 'ann', says so, and then does something."""
    program = ("import os, sys, signal, time; from pathlib import Path; from SemiSegLogic.study import Study\n"
               f"with Study.open(Path({str(study.folder)!r})).case('ann').writing():\n"
               f"  print('held', flush=True); {then}")
    process = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE,
                               stdin=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_writer_is_told_who_writes_and_changes_nothing(study: Study, case: Case) -> None:
    process = other_program(study, "sys.stdin.read()")
    try:
        with pytest.raises(LockedError, match=rf"process {process.pid}\) since .*Wait until they have finished"):
            case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
        assert case.writer is not None
        assert case.writer.pid == process.pid
        assert study.status()[0].writer
        assert not case.labels().any()  # reading is free
    finally:
        process.communicate("")
    case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    assert case.writer is None


def test_the_lock_of_a_killed_program_is_taken_over_with_a_note(study: Study, case: Case,
                                                                caplog: pytest.LogCaptureFixture) -> None:
    process = other_program(study, "os.kill(os.getpid(), signal.SIGKILL)")
    assert process.wait() == -signal.SIGKILL
    with caplog.at_level(logging.WARNING):
        case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    assert "runs no more; it was taken over" in caplog.text
    assert case.writer is None


@pytest.mark.parametrize("pid", [os.getpid(), os.getppid()], ids=["this program's", "another program's"])
def test_after_a_restart_the_number_of_the_program_that_died_may_be_given_out_again(case: Case, pid: int) -> None:
    """A computer that went off while Slicer saved: its lock must not lock everybody out as long as that number is used.
    """
    before = replace(Writer.here(), pid=pid, born="00000000-of-the-last-boot:4711")
    case.lock.path.write_text(json.dumps(asdict(before)))
    case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    assert case.writer is None


def test_a_lock_that_does_not_say_when_its_program_began_counts_as_long_as_the_program_may_run(case: Case) -> None:
    told = asdict(replace(Writer.here(), pid=os.getppid()))
    del told["born"]
    case.lock.path.write_text(json.dumps(told))
    with pytest.raises(LockedError, match=rf"process {os.getppid()}\)"):
        case.rename("new")


def test_a_writer_on_another_computer_is_never_taken_for_dead(case: Case) -> None:
    elsewhere = replace(Writer.here(), host="far-away", pid=999_999_999)
    case.lock.path.write_text(json.dumps(asdict(elsewhere)))
    with pytest.raises(LockedError, match=r"far-away.*crashed \(on another computer.*remove lock.json"):
        case.rename("new")
    case.lock.path.unlink()
    case.rename("new")


def test_two_studies_open_in_one_program_are_two_writers(study: Study, case: Case) -> None:
    other = Study.open(study.folder).case(case.id)
    with case.writing(), pytest.raises(LockedError):
        other.rename("new")
    other.rename("new")


def test_a_person_who_holds_a_case_can_go_on_saving(study: Study, case: Case) -> None:
    with case.writing():
        case.mark([SliceIndex(0, 0)], "ann")
        study.case(case.id).mark([SliceIndex(0, 1)], "ann")
        assert case.writer is not None
    assert case.writer is None
    assert len(case.places) == 2


def test_the_lock_is_given_back_when_a_change_fails(case: Case) -> None:
    with pytest.raises(ZeroDivisionError), case.writing():
        _ = 1 // 0
    assert case.writer is None


def test_a_lock_that_was_removed_by_hand_meanwhile_is_not_removed_from_its_new_holder(tmp_path: Path) -> None:
    first, second = WriteLock(tmp_path / "lock.json"), WriteLock(tmp_path / "lock.json")
    first.acquire()
    second.path.unlink()
    second.acquire()
    first.release()
    assert second.writer() is not None
    second.release()
    assert not list(tmp_path.iterdir())


def test_of_many_that_try_at_once_only_one_takes_a_dead_writers_lock(tmp_path: Path) -> None:
    dead = replace(Writer.here(), pid=999_999_999)
    (tmp_path / "lock.json").write_text(json.dumps(asdict(dead)))
    program = ("import sys, time; from pathlib import Path; from SemiSegLogic.study.lock import WriteLock\n"
               "from SemiSegLogic.study import LockedError\n"
               f"lock = WriteLock(Path({str(tmp_path / 'lock.json')!r})); sys.stdin.readline()\n"
               "try:\n lock.acquire(); print('mine', flush=True); sys.stdin.readline()\n"
               "except LockedError:\n print('locked', flush=True)")
    tries = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.PIPE) for _ in range(4)]
    for one in tries:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    answers = [one.stdout.readline().strip() for one in tries if one.stdout is not None]
    for one in tries:
        one.communicate("done\n")
    assert sorted(answers) == ["locked", "locked", "locked", "mine"]


def test_a_disk_that_was_away_for_a_moment_locks_nobody_out(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network share that drops out in the middle of a save, and comes back."""
    def away(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(lock, "remove", away)
        patch.setattr(os, "replace", away)
        with pytest.raises(FileError, match="was not written"):
            case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    assert case.writer is not None, "the lock could not be removed either"
    case.set_slices(two_blobs(), [SliceIndex(0, 2)], "ann")
    assert case.writer is None


def test_a_full_disk_without_links_keeps_no_empty_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    class FullDisk(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    opened = Path.open

    def with_little_room(path: Path, mode: str = "r", *rest: Any, **more: Any) -> Any:
        stream = opened(path, mode, *rest, **more)
        if mode != "xb":
            return stream
        stream.close()
        return FullDisk()

    one = WriteLock(tmp_path / "lock.json")
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", no_links)
        patch.setattr(Path, "open", with_little_room)
        with pytest.raises(FileError, match="the disk is full"):
            one.acquire()
    with one.hold():
        assert one.writer() is not None


def test_an_unreadable_lock_file_is_somebodys(case: Case) -> None:
    case.lock.path.write_text("{")
    with pytest.raises(LockedError, match="an unknown user"):
        case.rename("new")


def test_living_and_dead_processes_are_told_apart() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    assert process_alive(os.getpid())
    assert process_alive(1)
    assert not process_alive(process.pid)


def test_a_lock_held_across_many_saves_loses_no_slice(case: Case) -> None:
    label = np.ones(case.grid.shape, np.uint8)
    with case.writing():
        for index in range(5):
            case.set_slices(label, [SliceIndex(0, index)], "ann")
    assert [place.index for place in case.places] == [0, 1, 2, 3, 4]
