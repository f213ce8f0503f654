"""What is advised of a suggestion that is not good: what can be done about it, the most useful first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from SemiSegLogic.geometry import SliceIndex
from SemiSegLogic.study import CaseRow
from Testing.support.clinician import open_first, settle, suggestion_for

HERE = CaseRow("c1", "c1", "suggested", (12, 32, 36), 0, 0, True, "", flag="look")


def drawn(name: str, slices: int, empty: int = 0) -> CaseRow:
    done = frozenset(SliceIndex(0, index) for index in range(slices + empty))
    return replace(HERE, id=name, name=name, drawn=slices, empty=empty, done=done)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([HERE, drawn("c2", 3)], ["of this case", "Five or more"]),
        ([drawn("c1", 6), *(replace(HERE, id=f"c{n}") for n in range(2, 6))], ["1 of 5", "'Nothing here'"]),
        ([drawn("c1", 2), drawn("c2", 2), drawn("c3", 2), HERE], ["'Nothing here'"]),
        ([drawn("c1", 2, 1), drawn("c2", 2), drawn("c3", 2)], ["Correct another slice"]),
        ([replace(HERE, flag="good"), drawn("c2", 3)], []),
        ([replace(HERE, status="accepted"), drawn("c2", 3)], []),
        ([replace(HERE, suggestion=False), drawn("c2", 3)], []),
        ([replace(drawn("c1", 1), flag="good", agreement=0.4), drawn("c2", 3)], ["Five or more", "'Nothing here'"]),
        ([replace(drawn("c1", 1), agreement=0.9), drawn("c2", 3)], []),
    ],
)
def test_advice_is_about_what_is_missing(rows: list[CaseRow], words: list[str], slicer: Any) -> None:
    from SemiSegLib.cases.advice import advice

    found = advice(rows, "c1")
    assert len(found) == len(words), found
    assert all(word in line for word, line in zip(words, found, strict=True)), found


def test_advice_stands_beside_a_suggestion_and_goes_with_it(panel: Any, study: Any) -> None:
    case = open_first(panel, study)
    suggestion_for(case)
    panel.controller.results.reload_suggestion()
    panel.controller.refresh()
    settle(panel)
    assert "Correct a slice or two of this case" in panel.review.advice.text
    panel.review.on_accept()
    settle(panel)
    assert panel.review.advice.text == ""
    assert panel.review.advice.real.isHidden()
