"""A small study and a place for its jobs."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.support.blobs import BlobStudy, make_study


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStudy:
    return make_study(tmp_path)


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    return tmp_path / "jobs"
