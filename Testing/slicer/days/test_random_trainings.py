"""A random user while real workers train, learn along, are killed and found again: nothing drawn is lost, what they are
given is what was drawn, and what they suggest comes to the right case.

For more of it: ``SEMISEG_CHAOS_SEEDS=100:200 SEMISEG_CHAOS_STEPS=80 python -m pytest
Testing/slicer/days/test_random_trainings.py``.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

USUAL = (0, 2)
FIRST, LAST = (int(number) for number in os.environ.get("SEMISEG_CHAOS_SEEDS", "{}:{}".format(*USUAL)).split(":"))
STEPS = [int(number) for number in os.environ.get("SEMISEG_CHAOS_ONLY", "").split(",") if number] or range(
    int(os.environ.get("SEMISEG_CHAOS_STEPS", "40"))
)
"""A step is the same whatever was done before: a failure is shrunk by leaving steps out."""
QUIET = ("was deleted from the scene", "was left behind by", "is not used again")
"""What may be in the log."""


@pytest.fixture
def open_panel(slicer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A panel as Slicer makes it, again and again; jobs and temporary files in folders of their own."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs torch for the training process")
    from SemiSegLib.panel import choices
    from Testing.support.random_user.panels import panels
    from Testing.support.random_user.real_runs import SECONDS

    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(choices, "TIMES", (SECONDS,) * 4)
    with panels(slicer, tmp_path, monkeypatch) as opened:
        yield opened


@pytest.fixture
def raised(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What observers of the scene and threads raised, which nobody else hears."""
    heard: list[str] = []
    monkeypatch.setattr(sys, "excepthook", lambda _kind, error, _trace: heard.append(repr(error)))
    monkeypatch.setattr(threading, "excepthook", lambda told: heard.append(repr(told.exc_value)))
    return heard


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Any]:
    """For the studies alone."""
    from Testing.support.random_user.disks import Disk

    made = Disk(tmp_path / "disk")
    yield made
    made.take_away()


@pytest.mark.parametrize("seed", range(FIRST, LAST))
def test_real_runs_beside_whatever_is_done(
    open_panel: Any, raised: list[str], disk: Any, caplog: pytest.LogCaptureFixture, seed: int
) -> None:
    from Testing.support.random_user import made_up_studies
    from Testing.support.random_user.wild import WildUser

    done: list[str] = []
    studies = made_up_studies(disk.folder, np.random.default_rng(seed))
    user = WildUser(open_panel, studies, disk, seed)
    try:
        with caplog.at_level(logging.WARNING), user.watching():
            for number in STEPS:
                done.append("?")
                done[-1] = user.do_something(number)
                told = [record.getMessage() for record in caplog.records]
                assert [text for text in told if not any(part in text for part in QUIET)] == []
                assert raised == []
            user.finish()
        print(f"seed {seed}: {user.account()}")
        assert user.audit.orders or (FIRST, LAST) != USUAL, "nothing was trained"  # other seeds may never come to it
    except BaseException as error:
        user.release()
        error.add_note(f"seed {seed}, after {', '.join(done)}\n{user.said[-6:]}")
        raise
    finally:
        user.end_all()
