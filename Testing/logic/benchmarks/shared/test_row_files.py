"""Rows of a benchmark: there again after an interruption, whatever the interruption left behind."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from Testing.benchmarks.shared.row_files import RowFile, asked


@dataclass(frozen=True)
class Row:
    name: str
    dice: float


def test_rows_are_read_again_in_the_order_in_which_they_were_measured(tmp_path: Path) -> None:
    assert RowFile("made_up", Row, tmp_path).read() == []
    for row in (Row("b", 0.5), Row("a", 0.25)):
        RowFile("made_up", Row, tmp_path).add(row)
    assert RowFile("made_up", Row, tmp_path).read() == [Row("b", 0.5), Row("a", 0.25)]


def test_half_a_row_of_a_process_that_died_is_no_row_and_does_not_spoil_the_next(tmp_path: Path) -> None:
    file = RowFile("made_up", Row, tmp_path)
    file.add(Row("a", 0.5))
    with (tmp_path / "made_up.jsonl").open("a") as half:
        half.write('{"name": "b", "di')
    assert file.read() == [Row("a", 0.5)]
    file.add(Row("c", 0.75))
    assert file.read() == [Row("a", 0.5), Row("c", 0.75)]


MEASURED = {"hc18": "methods.hc18", "methods_on_hippocampus": "methods.on_hippocampus",
            "spacing": "decisions.spacing", "what_each_part_costs": "methods.what_each_part_costs",
            "warm_start": "decisions.warm_start"}


@pytest.mark.parametrize("name", MEASURED)
def test_the_rows_that_are_committed_are_read_by_the_program_that_measured_them(name: str) -> None:
    program = import_module(f"Testing.benchmarks.{MEASURED[name]}")
    found = program.FILE.read()
    assert found
    assert program.table(found).count("\n") >= 2


def test_a_script_shows_its_table_and_measures_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["script", "--table"])
    with pytest.raises(SystemExit) as end:
        asked(argparse.ArgumentParser(), lambda: "| one |")
    assert (end.value.code, capsys.readouterr().out) == (None, "| one |\n")
    monkeypatch.setattr("sys.argv", ["script"])
    assert not asked(argparse.ArgumentParser(), lambda: pytest.fail("the table was asked for")).table
