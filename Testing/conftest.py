"""What all tests share: where the real data lie, and one thread each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # before torch is imported anywhere
    os.environ.setdefault(variable, "1")


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with real data: ``SEMISEG_DATA`` or ``../shared/data`` beside the project. Skips without."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SEMISEG_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set SEMISEG_DATA)")
    return folder
