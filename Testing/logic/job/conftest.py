"""A complete job of two small cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from SemiSegLogic.job import JobFolder
from Testing.support.jobs import make_job


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return make_job(tmp_path / "job")
