"""What all tests share: where the real data lie, one thread each, garbage looked for only in what tests made."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):  # before torch is imported anywhere
    os.environ.setdefault(variable, "1")


def pytest_collection_finish() -> None:
    """What all test files imported stays to the end: garbage is not looked for in it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder with real data: ``SEMISEG_DATA`` or ``../shared/data`` beside the project. Skips without."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SEMISEG_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set SEMISEG_DATA)")
    return folder
