"""The made-up data set, once for all tests that do not change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.support.made_up_set import MadeUp, make


@pytest.fixture
def blobs(tmp_path: Path) -> MadeUp:
    return make(tmp_path)
