"""Nobody knows of a home folder, as of a user without a name in a container: said in words, or not needed at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from SemiSegLogic.engine.hardware import tuning
from SemiSegLogic.environment import default_folder, preparing
from SemiSegLogic.home import NoHomeError, expanded
from SemiSegLogic.rounds import jobs_folder
from SemiSegLogic.server.discretion import Discretion

ROOT = Path(__file__).resolve().parents[2]
NOBODY = """
import pwd, sys
def unknown(uid): raise KeyError(uid)
pwd.getpwuid = unknown
from SemiSegLogic.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
needs_posix = pytest.mark.skipif(os.name != "posix", reason="users of POSIX")


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(path: Path) -> Path:
        if str(path).startswith("~"):
            raise RuntimeError("Could not determine home directory.")
        return path

    monkeypatch.setattr(Path, "expanduser", unknown)
    monkeypatch.delenv("SEMISEG_JOBS", raising=False)


@needs_posix
@pytest.mark.parametrize("command", [("jobs",), ("--environment", "~/mine", "jobs")], ids=len)
def test_a_command_says_what_to_set(command: tuple[str, ...]) -> None:
    """It ended with a traceback."""
    bare = {name: value for name, value in os.environ.items() if name not in ("HOME", "SEMISEG_JOBS")}
    done = subprocess.run([sys.executable, "-c", NOBODY, *command], env=bare, cwd=ROOT, check=False, text=True,
                          capture_output=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Set the variable HOME to a folder that you may write to" in done.stderr


def test_what_lies_in_a_home_is_refused_and_all_else_is_found(
    homeless: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NoHomeError, match="Set the variable HOME"):
        jobs_folder()
    monkeypatch.setattr(preparing, "can_write", lambda folder: False)
    monkeypatch.setattr(preparing, "ROOT", tmp_path)
    with pytest.raises(NoHomeError):
        default_folder()
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path))
    assert jobs_folder() == expanded(tmp_path) == tmp_path


def test_a_training_and_a_server_do_without(homeless: None, tmp_path: Path) -> None:
    layouts = {"contiguous": 1.0, "channels_last": 2.0}
    timings = {"float32": layouts, "bfloat16": layouts}
    assert tuning.tuned(torch.device("cpu"), measure=lambda device: (timings, True)) == timings
    assert Discretion([tmp_path]).words(f"{tmp_path}/secret") == "secret"
