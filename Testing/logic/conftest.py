"""A small study and a place for its jobs; a Ray that is none, and its token; a disk that is soon full."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from Testing.support import small_disk
from Testing.support.blobs import BlobStudy, make_study
from Testing.support.stand_ins.fake_ray import TOKEN, FakeRay


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


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real disk of 256 KB; skips where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("needs root on Linux to mount a small disk")
    if not small_disk.mount(folder, "256k"):
        pytest.skip("no small disk can be mounted here")
    yield folder
    small_disk.unmount(folder)
