"""The report: what it must name, and that machines read the same numbers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from SemiSegLogic.files import FileError
from SemiSegLogic.report import (
    DataSource,
    Picture,
    Report,
    Score,
    Section,
    case_table,
    spread_over_ranks,
    summary_table,
    write_report,
)
from SemiSegLogic.sample import ATTRIBUTION, STRUCTURES

SCORES = {
    "b": {1: Score(0.9, 1.0, 0.25), 2: Score(0.7, 2.0, 0.5)},
    "a": {1: Score(0.8, 3.0, 0.75), 2: Score(0.0, None, None)},
}


def written(folder: Path, phantom: bool = False) -> tuple[str, dict]:
    """The report as text and as data."""
    text, data = write_report(folder, Report(
        title="The demo", data=DataSource("MSD Task04", ATTRIBUTION, phantom, ("downloaded",)), structures=STRUCTURES,
        sections=[Section("First", "early", SCORES), Section("At the end", "late", SCORES)],
        pictures=[Picture("contact_sheet.png", "Contact sheet")], facts={"device": "CPU, 2 cores"},
        times={"training": 61.25}, exported=["a.nrrd: verified"],
    ))
    return text.read_text(), json.loads(data.read_text())


def test_the_report_names_data_licence_device_times_and_versions(tmp_path: Path) -> None:
    text, _ = written(tmp_path)
    wanted = ["CC BY-SA 4.0", "Simpson", "Antonelli", "CPU, 2 cores", "training: 61.2 s", "torch:", "a.nrrd: verified",
              "![Contact sheet](contact_sheet.png)", "0.850 ± 0.071", "One empty: Dice 0"]
    assert [words for words in wanted if words not in text] == []


def test_a_report_that_cannot_be_written_is_told_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("in the way")
    with pytest.raises(FileError, match="report was not written"):
        written(tmp_path / "report")


def test_phantoms_are_told_in_the_first_line(tmp_path: Path) -> None:
    text, data = written(tmp_path, phantom=True)
    assert "Phantoms, not patients" in text.splitlines()[0]
    assert data["phantom"] is True
    assert written(tmp_path)[0].startswith("# The demo")


def test_machines_read_the_same_numbers(tmp_path: Path) -> None:
    _, data = written(tmp_path)
    result = data["results"]["At the end"]
    assert result["summary"][STRUCTURES[0].name]["dice"]["mean"] == 0.8500000000000001
    assert result["summary"]["mean"]["hd95"] == {"mean": 1.5, "sd": None, "count": 1, "total": 2}
    assert result["cases"]["a"]["2"] == {"dice": 0.0, "hd95": None, "asd": None}


def test_no_name_of_a_computer_or_user_is_told(tmp_path: Path) -> None:
    _, data = written(tmp_path)
    packages = {"semiseg", "torch", "monai", "numpy", "SimpleITK", "scipy", "scikit-image"}
    assert data["made_with"].keys() == {"system", "cores", "Python", *packages}


def test_means_of_distances_say_how_many_cases_have_one() -> None:
    assert "2.00 (1 of 2)" in summary_table(SCORES, STRUCTURES)


def test_cases_are_listed_worst_first() -> None:
    rows = case_table(SCORES, STRUCTURES).splitlines()[2:]
    assert [row.split("|")[1].strip() for row in rows] == ["a", "b"]
    assert "none" in rows[0]


def test_pictured_cases_run_from_the_best_to_the_worst() -> None:
    scores = {f"c{n}": {1: Score(n / 10, 0.0, 0.0)} for n in range(10)}
    assert spread_over_ranks(scores, 4) == ["c9", "c6", "c3", "c0"]
    assert spread_over_ranks(scores, 20) == [f"c{n}" for n in range(9, -1, -1)]
    assert spread_over_ranks({}, 4) == []
