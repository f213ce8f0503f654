"""A small sister of ``Testing/benchmarks/memory/many_volumes.py``: a runner takes not much more than PyTorch itself."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from Testing.support.blobs import tiny
from Testing.support.runner_costs import make_job, run_and_measure


@pytest.mark.skipif(sys.platform == "win32", reason="os.wait4")
def test_a_runner_with_some_volumes_stays_small(tmp_path: Path) -> None:
    job = make_job(tmp_path / "job", 6, (40, 64, 72), tiny(2, 2))
    assert run_and_measure(job).peak_gb < 1.2
