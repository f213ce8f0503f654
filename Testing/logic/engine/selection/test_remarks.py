"""A clear sentence for a study that is out of the ordinary, and none for others."""

from __future__ import annotations

import numpy as np
import pytest

from SemiSegLogic.engine.selection import Profile, next_slices, remarks
from SemiSegLogic.geometry import Grid

NAMES = {1: "liver", 2: "tumour"}


def _case(name: str = "a", doubts: tuple[float, float] = (10, 10), background: float = 30, tumour: float = 40,
          judged: tuple[int, ...] = (), count: int = 30) -> Profile:
    area = np.stack([np.full(count, 100.0), np.full(count, tumour)])
    shares = np.tile(np.array(doubts)[:, None], count)
    return Profile(name, 0, Grid((count, 9, 9)), (1, 2), area, shares.sum(0) + background, shares, np.zeros(count),
                   judged)


def test_an_ordinary_study_needs_no_remark() -> None:
    assert remarks([_case("a"), _case("b")], NAMES) == []


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        ([_case()], "only one case"),
        ([_case("a", tumour=0), _case("b", tumour=0)], "tumour has not been drawn or found in any case"),
        ([_case("a", judged=tuple(range(30))), _case("b", judged=tuple(range(30)))], "Every slice of every case"),
        ([_case(name, (0, 0), 0, judged=tuple(range(30))) for name in "ab"], "Every slice of every case"),
        ([_case(name, judged=tuple(range(0, 30, 4))) for name in "ab"], "lies close to one that is done"),
        ([_case("a", (0, 0), 0.1), _case("b", (0, 0), 0.1)], "does not prove that it is right"),
        ([_case("a", (50, 45), 5), _case("b", (50, 45), 5), _case("c")], "cannot tell liver from tumour in 2 of 3"),
        ([], "No case has a suggestion yet"),
    ],
    ids=["one case", "structure absent", "all judged", "all judged and sure", "no room left", "certain",
         "contradiction", "nothing"],
)  # fmt: skip
def test_what_is_out_of_the_ordinary_is_said_in_one_sentence(cases: list[Profile], words: str) -> None:
    found = remarks(cases, NAMES)
    assert len(found) == 1
    assert words in found[0]


def test_forty_structures_that_are_nowhere_are_told_of_in_one_sentence() -> None:
    names, seen = {value: f"structure {value}" for value in range(1, 41)}, np.zeros((40, 30))
    seen[0] = 100
    shares = seen / 10
    cases = [Profile(name, 0, Grid((30, 9, 9)), tuple(names), seen, shares.sum(0), shares, np.zeros(30), ())
             for name in "ab"]
    found = remarks(cases, names)
    assert len(found) == 1
    assert found[0].startswith("structure 2, structure 3, structure 4, structure 5, structure 6 and 34 others")


def test_a_remark_does_not_stop_the_suggestions() -> None:
    for cases in ([_case()], [_case(tumour=0)], [_case(doubts=(0, 0), background=0)], [_case(doubts=(50, 45))]):
        assert next_slices(cases, NAMES)
