"""Trials: what was measured is not measured again."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from Testing.benchmarks.few_slices import two_rounds as rounds
from Testing.benchmarks.shared import trials
from Testing.benchmarks.shared.row_files import RowFile


def test_a_row_that_is_there_is_not_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, done = RowFile("rows", rounds.Row, tmp_path), []
    file.add(rounds.Row("atrium", False, 0, [0.5, 0.6], [9, 9]))

    def run(name: str, carried: Any, seed: int, cases: Any) -> rounds.Row:
        done.append((carried, seed))
        return rounds.Row(name, carried, seed, [0.7, 0.8], [9, 9])

    monkeypatch.setattr(trials, "options", lambda *_: Namespace(table=False))
    monkeypatch.setattr(trials, "selected", lambda *_: [("atrium", 0, None), ("atrium", 1, None)])
    both = trials.Comparison(file, rounds.TRIALS, lambda _: (False, True), lambda row: row.carried, run, rounds.table)
    both.command("")
    both.command("")
    assert done == [(True, 0), (False, 1), (True, 1)]
    assert len(file.read()) == 4
