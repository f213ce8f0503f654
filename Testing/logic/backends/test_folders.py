"""The folders that a backend remembers: those it was asked for lately, however long it lives."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from SemiSegLogic.backends.folders import MOST_KNOWN, Folders
from SemiSegLogic.job import JobError


def test_a_folder_is_made_once_while_it_is_asked_for(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    first = folders["run-0"]
    for number in range(3 * MOST_KNOWN):
        assert folders[f"other-{number}"].root == tmp_path / f"other-{number}"
        assert folders["run-0"] is first


def test_those_that_nobody_asks_for_any_more_are_let_go(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    seen = [weakref.ref(folders[f"run-{number}"]) for number in range(3 * MOST_KNOWN)]
    gc.collect()
    assert [one() is not None for one in seen] == [False] * 2 * MOST_KNOWN + [True] * MOST_KNOWN


def test_an_id_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="not a plain name"):
        Folders(tmp_path)["../elsewhere"]
