"""``semiseg study next``: from images, from a run's ranking, from the suggestions in the study."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from SemiSegLogic.cli import run
from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import Study, all_slices
from Testing.support.blobs import BlobStudy, make_study
from Testing.support.rounds import begin


@pytest.fixture
def blobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BlobStudy:
    monkeypatch.setenv("SEMISEG_JOBS", str(tmp_path / "jobs"))
    return make_study(tmp_path)


def ask(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The slices that are named, and the remarks."""
    capsys.readouterr()
    assert run(["study", "next", str(folder), *words, "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [item for item in events if item["event"] == "next"], [
        item["text"] for item in events if item["event"] == "remark"
    ]


def _suggest(study: Study) -> None:
    """A suggestion for every case: a block of structure 1 with a doubtful slice 9."""
    for case in study.cases:
        label, unsure = np.zeros(case.grid.shape, np.uint8), np.zeros(case.grid.shape, np.uint8)
        label[3:12, 4:10, 4:10] = 1
        unsure[9, 4:10, 4:10] = 200
        case.put_suggestion(label, unsure, {"run": "r", "method": "supervised"})


def test_before_any_model_the_images_say_where_to_begin(
    blobs: BlobStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    found, remarks = ask(capsys, blobs.study.folder, "--count", "3")
    assert found
    assert remarks == []
    assert "looks least like" in found[0]["reason"]
    judged = {(case.id, place.axis, place.index) for case in blobs.study.cases for place in case.places}
    assert not judged & {(item["case"], item["axis"], item["index"]) for item in found}


def test_a_strategy_before_any_suggestion_is_said_to_choose_nothing(
    blobs: BlobStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    found, remarks = ask(capsys, blobs.study.folder, "--count", "3", "--strategy", "entropy")
    assert found == ask(capsys, blobs.study.folder, "--count", "3")[0]
    assert remarks == [
        "entropy: before the first training there are no suggestions to choose by; these slices are chosen from the "
        "images alone."
    ]


def test_with_suggestions_in_the_study_the_doubtful_slice_is_named(
    blobs: BlobStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    _suggest(blobs.study)
    found, _remarks = ask(capsys, blobs.study.folder, "--strategy", "entropy", "--count", "1")
    assert (found[0]["axis"], found[0]["index"]) == (0, 9)  # the axis the slices of the study were drawn along
    assert "unsure about the border of core" in found[0]["reason"]
    assert ask(capsys, blobs.study.folder, "--strategy", "clasp_pe") == ask(
        capsys, blobs.study.folder, "--strategy", "clasp_pe"
    )


def test_what_the_newest_run_named_comes_first(blobs: BlobStudy, capsys: pytest.CaptureFixture[str]) -> None:
    this = begin(blobs.study, Path(blobs.study.folder).parent / "jobs")
    _suggest(blobs.study)
    item = {"case": "c003", "axis": 0, "index": 5, "score": 2.0, "reason": "Middle part of core: unsure."}
    this.job.put_ranking([item])
    found, _ = ask(capsys, blobs.study.folder)
    assert [(one["index"], one["reason"]) for one in found] == [(5, item["reason"])]


def test_where_everything_is_judged_a_sentence_says_so(blobs: BlobStudy, capsys: pytest.CaptureFixture[str]) -> None:
    _suggest(blobs.study)
    for case in blobs.study.cases:
        case.set_slices(np.zeros(case.grid.shape, np.uint8), all_slices(case.grid.shape), "Ann")
    found, remarks = ask(capsys, blobs.study.folder)
    assert found == []
    assert any("Nothing is left to draw" in text for text in remarks)


def test_a_study_without_cases_is_told_to_get_some(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Study.create(tmp_path / "empty", structures=["core"])
    assert ask(capsys, tmp_path / "empty") == ([], [f"{tmp_path / 'empty'} has no cases yet. Add volumes first."])


def test_a_person_reads_numbered_lines(blobs: BlobStudy, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    _suggest(blobs.study)
    assert run(["study", "next", str(blobs.study.folder), "--count", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:2] for line in lines] == ["1.", "2."]
    assert all(" = " in line and ": " in line for line in lines)


def test_people_who_contradict_each_other_are_told_before_anything_else(
    blobs: BlobStudy, capsys: pytest.CaptureFixture[str]
) -> None:
    case = blobs.cases[0]
    middle = case.grid.shape[0] // 2
    drawn, gone = [SliceIndex(0, middle - 1), SliceIndex(0, middle + 1)], SliceIndex(0, middle)
    case.set_slices(blobs.truth[case.id], drawn, "Ann")
    case.set_slices(np.zeros(case.grid.shape, np.uint8), [gone], "Bob")
    _found, remarks = ask(capsys, blobs.study.folder)
    assert remarks[0].startswith(f"Slices of {case.name} that Bob marked 'nothing here'")
    assert f"on both sides: k = {middle}." in remarks[0]
