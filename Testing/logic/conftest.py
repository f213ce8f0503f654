"""A small study and a place for its jobs; a Ray that is none, and its token."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from Testing.support.blobs import BlobStudy, make_study
from Testing.support.fake_ray import TOKEN, FakeRay


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStudy:
    return make_study(tmp_path)


@pytest.fixture
def jobs(tmp_path: Path) -> Path:
    return tmp_path / "jobs"


@pytest.fixture
def ray() -> Iterator[FakeRay]:
    ray = FakeRay()
    yield ray
    ray.close()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o600)
    return path
