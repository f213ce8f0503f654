"""An index of small real packages, and a Python that makes environments of them fast."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.support.wheels import make_wheel, no_network, quick_python


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that stands for the index."""
    make_wheel(tmp_path / "shelf", "leaf", "2.0")
    make_wheel(tmp_path / "shelf", "tree", needs=["leaf"])
    no_network(monkeypatch, PIP_FIND_LINKS=str(tmp_path / "shelf"))
    return tmp_path / "shelf"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A Python whose environments take no time."""
    return quick_python(tmp_path / "base" / "python")
