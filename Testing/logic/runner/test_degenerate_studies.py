"""Studies out of the ordinary, learned for real: a sensible next slice, or none and a sentence that says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from SemiSegLogic.cli import run
from SemiSegLogic.study import Study, all_slices
from Testing.support.blobs import make_study, tiny
from Testing.support.rounds import finished


@pytest.fixture
def remarks(jobs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """What ``semiseg study next`` prints of a study with its suggestions."""
    monkeypatch.setenv("SEMISEG_JOBS", str(jobs))

    def ask(study: Study) -> str:
        capsys.readouterr()
        assert run(["study", "next", str(study.folder), "--strategy", "clasp_pe"]) == 0
        return capsys.readouterr().out

    return ask


def test_with_one_case_its_own_slices_are_named_and_more_cases_are_asked_for(
    tmp_path: Path, jobs: Path, remarks: Any
) -> None:
    blobs = make_study(tmp_path, count=1, annotated=1)
    this = finished(blobs.study, jobs, tiny(20, 20))
    named = this.next_slices()
    assert named
    assert not {item.place for item in named} & set(blobs.cases[0].places)
    assert "only one case" in remarks(blobs.study)


def test_a_structure_nobody_drew_does_not_stop_the_others_and_is_told_of(
    tmp_path: Path, jobs: Path, remarks: Any
) -> None:
    blobs = make_study(tmp_path, count=2, annotated=1)
    blobs.study.add_structure("rim")
    this = finished(blobs.study, jobs, tiny(20, 20))
    assert this.next_slices()
    assert "rim has not been drawn or found in any case" in remarks(blobs.study)


def test_with_all_slices_done_nothing_is_named_and_a_sentence_says_so(
    tmp_path: Path, jobs: Path, remarks: Any
) -> None:
    blobs = make_study(tmp_path, count=2, annotated=2)
    for case in blobs.cases:
        case.set_slices(blobs.truth[case.id], all_slices(case.grid.shape), "ann")
    this = finished(blobs.study, jobs, tiny(20, 20))
    assert this.next_slices() == []
    assert remarks(blobs.study).startswith("Every slice of every case is done.")


def test_where_annotators_contradict_each_other_slices_are_still_named(tmp_path: Path, jobs: Path) -> None:
    """Ann calls core what Bob calls cap."""
    blobs = make_study(tmp_path, count=4, annotated=0)
    for number, case in enumerate(blobs.cases):
        truth = blobs.truth[case.id] if number % 2 else _swapped(blobs.truth[case.id])
        case.set_slices(truth, [all_slices(case.grid.shape)[n] for n in (6, 7)], ("Ann", "Bob")[number % 2])
    named = finished(blobs.study, jobs, tiny(30, 30)).next_slices()
    assert {item.case for item in named} == {case.id for case in blobs.cases}
    assert all(item.reason.endswith(".") for item in named)


def _swapped(label: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.array([0, 2, 1], np.uint8)[label]
