"""Setting up from the panel: a process of its own, cancelled, repaired, removed; and what the computer check says."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from SemiSegLib import installer as set_up
from SemiSegLib.computer import examine
from SemiSegLib.installer import Installer, State
from SemiSegLogic.environment.folder import BEGUN, EnvironmentProblem


def wait(installer: Installer, seconds: float = 30.0) -> State:
    end = time.monotonic() + seconds
    while (state := installer.look()).kind == "installing" and time.monotonic() < end:
        time.sleep(0.05)
    return state


def work(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Let the set-up process run ``program`` instead of pip."""
    monkeypatch.setattr(set_up, "_WORK", "import sys\nfrom pathlib import Path\nfolder = Path(sys.argv[2])\n" + program)


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
    work(
        monkeypatch,
        "python = folder / ('Scripts/python.exe' if sys.platform == 'win32' else 'bin/python')\n"
        "python.parent.mkdir(parents=True)\npython.touch()\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from SemiSegLogic.environment import Requirements\n"
        "(folder / 'semiseg-ready').write_text(Requirements.of_this_copy().digest)\n",
    )
    installer.start([sys.executable])
    assert wait(installer).kind == "ready"
    assert installer.python[0].startswith(str(tmp_path))
    installer.remove()
    assert installer.look().kind == "absent"


def test_a_set_up_is_cancelled_and_called_unfinished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installer = Installer(tmp_path / "environment")
    work(monkeypatch, f"folder.mkdir(parents=True)\n(folder / '{BEGUN}').touch()\nimport time\n"
         "print('Downloading', flush=True)\ntime.sleep(60)\n")  # fmt: skip
    installer.start([sys.executable])
    end = time.monotonic() + 20
    while "Downloading" not in installer.last_line() and time.monotonic() < end:
        time.sleep(0.05)
    assert installer.look() == State("installing", "Downloading")
    installer.cancel()
    assert installer.look().kind in ("failed", "unfinished")
    assert Installer(tmp_path / "environment").look().kind == "unfinished"


def test_a_folder_that_is_not_ours_is_never_removed(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").touch()
    with pytest.raises(EnvironmentProblem, match="left alone"):
        Installer(tmp_path / "precious").remove()
    assert (tmp_path / "precious" / "thesis.txt").exists()


def test_what_slicers_launcher_set_does_not_reach_another_python(tmp_path: Path) -> None:
    surroundings = {"PATH": "/usr/bin", "PYTHONHOME": "/opt/Slicer/lib/Python", "PYTHONPATH": "/opt/Slicer"}
    assert Installer(tmp_path / "e", surroundings).environment() == {"PATH": "/usr/bin"}


def test_the_computer_check_names_what_is_missing_and_the_button(tmp_path: Path) -> None:
    findings = examine(Installer(tmp_path / "environment"), tmp_path)
    assert any(finding.level == "stop" and "press Set up" in finding.text for finding in findings)
    assert findings[0].level == "stop"
    assert any("memory" in finding.text for finding in findings)
