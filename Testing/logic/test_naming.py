"""Names as people read them, alone and in a row."""

from __future__ import annotations

import pytest

from SemiSegLogic.naming import as_name, counted, enumerated, listed
from SemiSegLogic.study.structures import check_name


@pytest.mark.parametrize(("names", "most", "words"), [
    ("", None, ""), ("a", None, "a"), ("ab", None, "a and b"), ("abc", None, "a, b and c"), ("ab", 2, "a and b"),
    ("abc", 2, "a, b and 1 other"), ("abcde", 2, "a, b and 3 others"),
])  # fmt: skip
def test_names_are_listed_as_people_do(names: str, most: int | None, words: str) -> None:
    assert listed([*names], most) == words


def test_of_many_words_the_first_are_told_and_the_others_counted() -> None:
    assert enumerated([]) == ""
    assert enumerated(["a", "b", "c"], 3) == "a, b, c"
    assert enumerated(["a", "b", "c", "d"], 3) == "a, b, c and 1 other"


def test_one_thing_is_no_plural() -> None:
    assert [counted(number, "whole volume") for number in (0, 1, 2)] == [
        "0 whole volumes", "1 whole volume", "2 whole volumes",
    ]


@pytest.mark.parametrize(("text", "name"), [
    ("Ann", "Ann"), (" René ", "René"), ("Ren\udce9", "Ren_"), ("a\nb\0", "a_b_"), ("", "unknown"), (" ", "unknown"),
    ("n" * 99 + " nn", "n" * 99),
])  # fmt: skip
def test_any_text_makes_a_name_that_a_study_takes(text: str, name: str) -> None:
    assert as_name(text) == name
    check_name(as_name(text), "Author")
