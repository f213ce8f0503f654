"""The backend for clusters on a Ray that is one. Needs ray[default] and the right to make namespaces (Linux, root)."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APART = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]


def can_be_apart() -> bool:
    """Whether Ray can have namespaces of its own here."""
    return shutil.which("unshare") is not None and subprocess.run([*APART, "true"], capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="ray[default] is not installed")
def test_both_sides_of_a_contest_run_at_the_same_time_on_a_real_ray(tmp_path: Path) -> None:
    if not can_be_apart():
        pytest.skip("no namespaces of its own for Ray: it would bind to every address of this computer")
    done = subprocess.run([*APART, sys.executable, "-m", "Testing.support.real.ray", str(tmp_path)], cwd=ROOT,
                          capture_output=True, text=True, timeout=580)
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads((tmp_path / "seen.json").read_text())
    print(json.dumps(seen, indent=1))
    contest, stopped = seen["contest"], seen["stopped"]
    assert contest["state"] == "done", contest
    assert contest["both_trained_s"] > 1
    assert any("trained side by side" in words for words in contest["reasons"])
    assert not any("was lost" in words for words in contest["reasons"])
    assert contest["ray"] == {"runner": "SUCCEEDED", "-second": "SUCCEEDED"}
    assert contest["collected"] == 3
    assert contest["beside_points"] > 0
    assert stopped["state"] == "stopped"
    assert set(stopped["ray"].values()) == {"SUCCEEDED"}
    assert stopped["resumed"] == {".2": "RUNNING", ".2-second": "RUNNING"}
