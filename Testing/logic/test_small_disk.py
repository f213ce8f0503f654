"""What a test that was killed left mounted goes with the next one; what another that runs has mounted stays."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from Testing.support import small_disk

ROOT = Path(__file__).resolve().parents[2]
OTHER = """
import sys
from pathlib import Path
from Testing.support import small_disk
print(small_disk.mount(Path(sys.argv[1]), "256k"), flush=True)
sys.stdin.read()
"""


def other_test(folder: Path) -> subprocess.Popen[str]:
    """One that has a disk at ``folder``."""
    folder.mkdir()
    started = subprocess.Popen([sys.executable, "-c", OTHER, str(folder)], cwd=ROOT, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    assert started.stdout is not None
    assert started.stdout.readline() == "True\n"
    return started


def test_the_disk_of_a_test_that_was_killed_is_taken_away_and_no_other(tiny_disk: Path, tmp_path: Path) -> None:
    killed, runs = other_test(tmp_path / "left behind, with blanks: \u00fc"), other_test(tmp_path / "runs")
    try:
        killed.kill()
        killed.communicate()
        left, there = (tmp_path / name for name in ("left behind, with blanks: \u00fc", "runs"))
        assert left.is_mount()
        small_disk.sweep()
        assert (left.is_mount(), there.is_mount(), tiny_disk.is_mount()) == (False, True, True)
    finally:
        runs.communicate()
        for folder in tmp_path.iterdir():
            if folder.is_mount() and folder != tiny_disk:
                small_disk.unmount(folder)


def test_what_is_no_disk_of_ours_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(small_disk, "_said_yes", lambda *command: asked.append(command[-1]) or True)
    mounts = tmp_path / "mounts"
    mounts.write_text("none /a tmpfs rw 0 0\ntmpfs /b tmpfs rw 0 0\nsemiseg-test-1-2 /c ext4 rw 0 0\n"
                      "semiseg-test-x-2 /d tmpfs rw 0 0\nsemiseg-test-4000000-2 /e\\040f tmpfs rw 0 0\n")
    monkeypatch.setattr(small_disk, "MOUNTS", mounts)
    small_disk.sweep()
    assert asked == ["/e f"]
