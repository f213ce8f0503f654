"""A disk that knows no locks, as some network disks: those of this computer keep its own processes apart."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from SemiSegLogic.job import FileLock

if sys.platform == "win32":
    pytest.skip("locks of POSIX", allow_module_level=True)

from SemiSegLogic.job import cleaning, locks
from Testing.support.jobs import make_job

ROOT = Path(__file__).resolve().parents[3]
UNLOCKABLE = """
import errno, fcntl, os, sys
real = fcntl.lockf
def lockf(handle, how):
    if os.readlink(f"/proc/self/fd/{handle}").startswith(sys.argv[1]):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
    real(handle, how)
fcntl.lockf = lockf
from pathlib import Path
from SemiSegLogic.job import FileLock
"""
HOLD = UNLOCKABLE + "print(FileLock(Path(sys.argv[1]) / 'x.lock').try_acquire(), flush=True); sys.stdin.read()"
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="/proc")


def holding(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], cwd=ROOT, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


@needs_proc
def test_processes_of_this_computer_keep_each_other_out_and_let_go_when_they_die(tmp_path: Path) -> None:
    """A job in such a folder ended at its start, with the words to set a variable."""
    said = []
    with holding(tmp_path) as first:
        assert first.stdout is not None
        said.append(first.stdout.readline().strip())
        with holding(tmp_path) as second:
            said.append(second.communicate()[0].strip())
        first.kill()
    with holding(tmp_path) as third:
        said.append(third.communicate()[0].strip())
    assert said == ["True", "False", "True"]


@pytest.fixture
def no_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A disk without locks; the returned folder is the one for temporary files."""
    place, plain = tmp_path / "temporary", locks.fcntl.lockf
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    refused: list[int] = []

    def lockf(handle: int, how: int) -> None:
        if not refused:
            refused.append(handle)
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))
        plain(handle, how)

    monkeypatch.setattr(locks.fcntl, "lockf", lockf)
    return place


def test_what_locks_in_place_of_the_file_is_closed_to_others_and_says_that_it_reaches_no_further(
    no_locks: Path, tmp_path: Path
) -> None:
    with FileLock(tmp_path / "x.lock") as lock:
        assert (lock.try_acquire(), lock.here_only) == (True, True)
        (folder,) = no_locks.iterdir()
        assert folder.stat().st_mode & 0o077 == 0
    with FileLock(tmp_path / "y.lock") as lock:
        assert (lock.try_acquire(), lock.here_only) == (True, False)


def test_where_another_computer_may_be_at_a_job_nothing_of_it_is_cleared_away(no_locks: Path, tmp_path: Path) -> None:
    job = make_job(tmp_path / "jobs" / "one")
    assert cleaning._empty(job) == 0
    assert job.label(str(job.spec().cases[0].label))
    assert cleaning._empty(job) > 0, "this disk knows locks"


def test_a_folder_that_somebody_else_put_there_is_not_trusted(no_locks: Path, tmp_path: Path) -> None:
    locks._stand_in(tmp_path / "x.lock").parent.rmdir()
    (no_locks / f"semiseg-locks-{os.getuid()}").symlink_to(tmp_path)
    with FileLock(tmp_path / "x.lock") as lock, pytest.raises(OSError, match="No locks available"):
        lock.try_acquire()
