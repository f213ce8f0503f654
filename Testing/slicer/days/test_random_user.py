"""A random user against the panel: whatever is done in whatever order, nothing drawn is lost, shifted or mixed up.

For more of it: ``SEMISEG_SEEDS=100:200 SEMISEG_STEPS=80 python -m pytest Testing/slicer/days/test_random_user.py``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FIRST, LAST = (int(number) for number in os.environ.get("SEMISEG_SEEDS", "0:6").split(":"))
STEPS = int(os.environ.get("SEMISEG_STEPS", "40"))


@pytest.fixture
def open_panel(slicer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A panel as Slicer makes it, again and again."""
    from Testing.support.random_user.panels import panels

    with panels(slicer, tmp_path, monkeypatch) as opened:
        yield opened


@pytest.mark.parametrize("seed", range(FIRST, LAST))
def test_nothing_is_lost_or_mixed_up_whatever_is_done(
    open_panel: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    from Testing.support.random_user import RandomUser, made_up_studies

    done: list[str] = []
    studies = made_up_studies(tmp_path, np.random.default_rng(seed))
    user = RandomUser(open_panel, studies, tmp_path, seed)
    try:
        with caplog.at_level(logging.WARNING):
            for number in range(STEPS):
                done.append("?")
                done[-1] = user.do_something(number)
                assert [record for record in caplog.records if "was deleted from the scene" not in record.message] == []
            user.finish()
    except BaseException as error:
        user.release()
        error.add_note(f"seed {seed}, after {', '.join(done)}\n{user.said[-6:]}")
        raise
