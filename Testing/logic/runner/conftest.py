"""Runs on a narrow network: what a run does with it does not depend on its width, and a quarter takes half the time.

A module whose tests look at what was learned says its ``WIDTH``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from SemiSegLogic.backends import processes
from Testing.support.stand_ins.narrow import NARROW, narrow


@pytest.fixture(scope="module", autouse=True)
def width(request: pytest.FixtureRequest) -> Iterator[int]:
    """Channels of the product's default network, for all runs of a module in this process."""
    chosen = getattr(request.module, "WIDTH", NARROW)
    with pytest.MonkeyPatch.context() as patch:
        narrow(patch, chosen)
        yield chosen


@pytest.fixture(autouse=True)
def no_lower_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """A live worker steps back behind other programs for good; all later tests of this process would."""
    monkeypatch.setattr(processes, "yield_to_others", lambda: None)
