"""Processes are told apart by the moment they began, and die with all their children."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from SemiSegLogic.backends import processes
from SemiSegLogic.backends.processes import Process, child_environment, kill_tree, start_detached
from SemiSegLogic.job import JobError
from SemiSegLogic.lives import birth, birth_by_ps
from Testing.support.jobs import session_members, wait_until

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
FAMILY = [sys.executable, "-c", "import subprocess, sys, time\n"
          "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); time.sleep(60)"]


@pytest.fixture
def sleeper(tmp_path: Path):
    child = start_detached(SLEEPER, tmp_path, tmp_path / "log.txt", dict(os.environ))
    yield child
    child.kill()
    child.wait()


def test_a_process_is_known_while_it_lives(sleeper: subprocess.Popen[bytes]) -> None:
    process = Process.of(sleeper.pid)
    assert process.alive
    assert Process.from_dict(process.to_dict()) == process
    sleeper.kill()
    wait_until(lambda: not process.alive, what="a zombie counts as dead")
    sleeper.wait()
    assert not process.alive


def test_an_id_that_was_given_to_another_process_is_not_ours(sleeper: subprocess.Popen[bytes]) -> None:
    stranger = replace(Process.of(sleeper.pid), started="another moment")
    assert not stranger.alive
    assert kill_tree(stranger)
    assert sleeper.poll() is None


def test_a_process_of_another_computer_is_never_touched(sleeper: subprocess.Popen[bytes]) -> None:
    far = replace(Process.of(sleeper.pid), host="some-other-computer")
    assert not far.alive
    kill_tree(far)
    assert sleeper.poll() is None


def test_a_process_of_before_the_last_boot_is_not_ours(sleeper: subprocess.Popen[bytes]) -> None:
    process = Process.of(sleeper.pid)
    old = replace(process, started="00000000-old:" + process.started.rpartition(":")[2])
    assert not old.alive
    kill_tree(old)
    assert sleeper.poll() is None


def test_no_process_has_no_birth() -> None:
    assert birth(2**22 + 1) is None
    assert not Process.of(2**22 + 1).alive


def test_the_way_of_macos_tells_processes_apart_too(sleeper: subprocess.Popen[bytes]) -> None:
    assert birth_by_ps(sleeper.pid) == birth_by_ps(sleeper.pid)
    assert birth_by_ps(sleeper.pid) not in (None, birth_by_ps(1))
    sleeper.kill()
    wait_until(lambda: birth_by_ps(sleeper.pid) is None, what="a zombie counts as dead")
    assert birth_by_ps(2**22 + 1) is None


def test_the_way_of_macos_knows_a_process_again_after_a_change_of_time_zone(
    sleeper: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    before = birth_by_ps(sleeper.pid)
    monkeypatch.setenv("TZ", "America/New_York")
    assert birth_by_ps(sleeper.pid) == before


def test_the_whole_tree_dies(tmp_path: Path) -> None:
    parent = start_detached(FAMILY, tmp_path, tmp_path / "log.txt", dict(os.environ))
    wait_until(lambda: len(session_members(parent.pid)) == 2)
    assert kill_tree(Process.of(parent.pid))
    parent.wait()
    assert session_members(parent.pid) == []


def test_children_that_outlived_their_parent_die_too(tmp_path: Path) -> None:
    parent = start_detached(FAMILY, tmp_path, tmp_path / "log.txt", dict(os.environ))
    process = Process.of(parent.pid)
    wait_until(lambda: len(session_members(parent.pid)) == 2)
    parent.kill()
    parent.wait()
    assert len(session_members(parent.pid)) == 1
    kill_tree(process)
    wait_until(lambda: session_members(parent.pid) == [])


def test_what_is_printed_goes_to_the_log(tmp_path: Path) -> None:
    script = "import sys; print('out ü'); print('err', file=sys.stderr)"
    environment = child_environment(os.environ, tmp_path, own_python=True)
    child = start_detached([sys.executable, "-c", script], tmp_path, tmp_path / "log.txt", environment)
    child.wait()
    assert set((tmp_path / "log.txt").read_text("utf-8").split("\n")) >= {"out ü", "err"}


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"no-such-python.*Choose a Python"):
        start_detached([str(tmp_path / "no-such-python")], tmp_path, tmp_path / "log.txt", {})


def test_another_python_is_not_led_astray(tmp_path: Path) -> None:
    base = {"PYTHONHOME": "/slicer", "PYTHONPATH": "/slicer/lib", "PATH": "/bin", "HOME": "/home/me"}
    kept = dict(base)
    foreign = child_environment(base, tmp_path, own_python=False)
    assert "PYTHONHOME" not in foreign
    assert foreign["PYTHONPATH"] == str(tmp_path)
    assert (foreign["PATH"], foreign["HOME"]) == ("/bin", "/home/me")
    own = child_environment(base, tmp_path, own_python=True)
    assert own["PYTHONHOME"] == "/slicer"
    assert own["PYTHONPATH"] == os.pathsep.join([str(tmp_path), "/slicer/lib"])
    assert base == kept


@pytest.mark.parametrize("tool", [None, "#!/bin/sh\nexit 1\n"], ids=["missing", "forbidden"])
def test_where_windows_tool_does_not_help_the_process_itself_is_ended(
    tool: str | None, sleeper: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if tool is not None:
        (tmp_path / "taskkill").write_text(tool)
        (tmp_path / "taskkill").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    processes._taskkill(sleeper.pid)
    assert sleeper.wait(5) == -signal.SIGTERM


def test_a_process_that_windows_tool_does_not_find_is_left_alone(
    sleeper: subprocess.Popen[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taskkill").write_text("#!/bin/sh\nexit 128\n")
    (tmp_path / "taskkill").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    processes._taskkill(sleeper.pid)
    assert sleeper.poll() is None
