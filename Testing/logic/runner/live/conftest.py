"""Live runs within the process of the tests."""

from __future__ import annotations

import pytest

from SemiSegLogic.backends import processes


@pytest.fixture(autouse=True)
def no_lower_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live worker steps back behind other programs for good; all later tests of this process would."""
    monkeypatch.setattr(processes, "yield_to_others", lambda: None)
