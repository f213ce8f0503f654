"""Setting up from the panel: a process of its own, cancelled, repaired, removed; and what the computer check says."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from SemiSegLib.setup import installer as set_up
from SemiSegLib.setup.computer import examine
from SemiSegLib.setup.installer import Installer
from SemiSegLib.setup.process import State, doing
from SemiSegLogic.environment.folder import EnvironmentFolder
from SemiSegLogic.environment.marks import BEGUN, MARKER
from SemiSegLogic.environment.problem import EnvironmentProblem

PROGRAM = "import sys\nfrom pathlib import Path\nfolder = Path(sys.argv[2])\n"
SUCCEED = (
    "python = folder / ('Scripts/python.exe' if sys.platform == 'win32' else 'bin/python')\n"
    "python.parent.mkdir(parents=True)\npython.touch()\n"
    "sys.path.insert(0, sys.argv[1])\n"
    "from SemiSegLogic.environment import Requirements\n"
    "(folder / 'semiseg-ready').write_text(Requirements.of_this_copy().digest)\n"
)


def wait(installer: Installer, seconds: float = 30.0) -> State:
    end = time.monotonic() + seconds
    while (state := installer.look()).kind == "installing" and time.monotonic() < end:
        time.sleep(0.05)
    return state


def wait_for(installer: Installer, word: str) -> None:
    end = time.monotonic() + 20
    while word not in installer.log_text() and time.monotonic() < end:
        time.sleep(0.02)
    assert word in installer.log_text()


def work(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let the set-up process run ``program`` instead of pip."""
    monkeypatch.setattr(set_up, "_WORK", PROGRAM + program)


def test_nothing_there_is_said_and_python_is_refused(tmp_path: Path) -> None:
    installer = Installer(tmp_path / "environment")
    assert installer.look().kind == "absent"
    with pytest.raises(EnvironmentProblem, match="Press Set up"):
        _ = installer.python


def test_a_set_up_that_fails_tells_the_reason_and_is_repaired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = Installer(tmp_path / "environment")
    work(monkeypatch, "sys.exit('PROBLEM: the disk is full\\nFree 6 GB.')")
    installer.start([sys.executable])
    state = wait(installer)
    assert state == State("failed", "the disk is full\nFree 6 GB.")
    work(monkeypatch, SUCCEED)
    installer.start([sys.executable])
    assert wait(installer).kind == "ready"
    assert installer.python[-1].startswith(str(tmp_path))
    installer.remove()
    assert installer.look().kind == "absent"


def test_the_reason_of_an_earlier_failure_is_not_told_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = Installer(tmp_path / "environment")
    work(monkeypatch, "sys.exit('PROBLEM: no network')")
    installer.start([sys.executable])
    wait(installer)
    work(monkeypatch, "import os\nprint('Collecting torch', flush=True)\nos._exit(9)")
    installer.start([sys.executable])
    state = wait(installer)
    assert "no network" not in state.text
    assert "Collecting torch" in state.text


def test_a_set_up_is_cancelled_and_called_unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = Installer(tmp_path / "environment")
    work(monkeypatch, f"folder.mkdir(parents=True)\n(folder / '{BEGUN}').touch()\nimport time\n"
         "print('  Downloading torch-2.13.0-cp312.whl (190.1 MB)\\nProgress 5 of 20', flush=True)\n"
         "time.sleep(60)\n")  # fmt: skip
    installer.start([sys.executable])
    wait_for(installer, "Downloading")
    time.sleep(0.1)
    assert installer.look() == State("installing", "Downloading torch (190.1 MB)", 0.25)
    installer.cancel()
    assert installer.look() == State("failed", "It was cancelled. Press Repair to continue.")
    assert Installer(tmp_path / "environment").look().kind == "unfinished"


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        ([], State("installing", "Starting")),
        (["SemiSeg: checking 37 packages"], State("installing", "checking 37 packages")),
        (
            ["Collecting numpy", "  Downloading numpy-2.4-cp312.whl.metadata (6.6 kB)"],
            State("installing", "Downloading numpy (6.6 kB)"),
        ),
        (
            ["  Downloading https://x/whl/torch-2.13.0%2Bcpu.whl (190 MB)", "Progress 1 of 4", "Progress 3 of 4"],
            State("installing", "Downloading torch (190 MB)", 0.75),
        ),
        (["  Downloading a-1.whl", "Installing collected packages: a, b"],
         State("installing", "Unpacking the packages; this takes a few minutes")),
    ],
)  # fmt: skip
def test_pips_lines_are_told_in_words_with_how_far_it_is(lines: list[str], state: State) -> None:
    assert doing(lines) == state


def test_a_folder_that_is_not_ours_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").touch()
    with pytest.raises(EnvironmentProblem, match="left alone"):
        Installer(tmp_path / "precious").remove()
    assert (tmp_path / "precious" / "thesis.txt").exists()


def test_two_windows_see_one_set_up_and_the_second_neither_doubles_nor_removes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = Installer(tmp_path / "environment"), Installer(tmp_path / "environment")
    locked = "sys.path.insert(0, sys.argv[1])\nfrom SemiSegLogic.environment.lock import alone\nimport time\n"
    work(monkeypatch, locked + "with alone(folder):\n    print('HELD', flush=True)\n    time.sleep(0.6)\n" +
         "".join(f"    {line}\n" for line in SUCCEED.splitlines()))  # fmt: skip
    one.start([sys.executable])
    wait_for(one, "HELD")
    state = two.look()
    assert state.kind == "installing"
    assert "Another Slicer window" in state.text
    folder = EnvironmentFolder(tmp_path / "environment")
    folder.root.mkdir(exist_ok=True)
    (folder.root / BEGUN).touch()
    with pytest.raises(EnvironmentProblem, match="another window"):
        two.remove()
    assert wait(one).kind == "ready"
    assert two.look().kind == "ready"


def test_an_environment_of_an_older_version_is_renewed_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "environment" / "bin").mkdir(parents=True)
    (tmp_path / "environment" / "bin" / "python").touch()
    (tmp_path / "environment" / MARKER).write_text("0123 test")
    state = Installer(tmp_path / "environment").look()
    assert state.kind == "outdated"
    findings = examine(Installer(tmp_path / "environment"), None)
    assert any("another version of SemiSeg: press Repair" in finding.text for finding in findings)


def test_what_a_removal_left_is_no_environment_and_goes_with_the_next_one(tmp_path: Path) -> None:
    left = tmp_path / "environment.removing-a1b2c3"
    (left / "bin").mkdir(parents=True)
    (left / MARKER).touch()
    installer = Installer(tmp_path / "environment")
    assert installer.look().kind == "absent"
    installer.remove()
    assert not left.exists()


def test_a_log_that_cannot_be_written_is_an_error_in_the_window_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Installer(tmp_path / "file" / "environment").start([sys.executable])


def test_what_slicers_launcher_set_does_not_reach_another_python(tmp_path: Path) -> None:
    surroundings = {"PATH": "/usr/bin", "PYTHONHOME": "/opt/Slicer/lib/Python", "PYTHONPATH": "/opt/Slicer"}
    assert Installer(tmp_path / "e", surroundings).environment() == {"PATH": "/usr/bin"}


def test_the_computer_check_names_what_is_missing_and_the_button(tmp_path: Path) -> None:
    findings = examine(Installer(tmp_path / "environment"), tmp_path)
    assert any(finding.level == "stop" and "press Set up" in finding.text for finding in findings)
    assert findings[0].level == "stop"
    assert any("memory" in finding.text for finding in findings)
